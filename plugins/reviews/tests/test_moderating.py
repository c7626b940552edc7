"""The admin's screens: a queue by age, reasons, history, answers, and who is asked."""

from __future__ import annotations

from review_making import add, delivered, rating, request_of, sell, write
from sqlalchemy import select, text

from opticworks_reviews import admin_menu
from opticworks_reviews.models import Review
from opticworks_reviews.writing import REASONS

PATH = "/admin/reviews"


def said(page, selector):
    return [" ".join(each.get_text(" ").split()) for each in page.html.select(selector)]


def row_of(counter, number):
    with counter.shop.unit() as db:
        return db.get(Review, number)


def test_a_review_is_published_rejected_with_a_reason_and_answered(counter, staff):
    number = write(counter, sell(counter), 2, publish=False, headline="Dim", body="Too dim.")
    queue = staff.get(PATH)
    assert "A low rating is no reason" in said(queue, ".notice")[0]
    assert said(queue, "tbody .key") == ["Dim"]
    page = staff.get(f"{PATH}/{number}")
    assert "Verified purchase" in page
    here = f"{PATH}/{number}/decide"
    token = page.html.select_one("[name=csrf_token]")["value"]
    done = staff.post(here, {"csrf_token": token, "do": "published"}, status=303).follow()
    assert "The review is published." in said(done, ".notice")[0]
    assert rating(counter.shop, "LAMP-B")["LAMP-B"].count == 1
    for given, words in (
        ({"reason": ""}, "Choose why it is rejected"),
        ({"reason": "low_stars"}, "Choose why it is rejected"),
        ({"reason": "other"}, "Say why it is rejected"),
    ):
        post = {"csrf_token": token, "do": "rejected", **given}
        assert words in said(staff.post(here, post, status=303).follow(), ".notice")[0]
        assert row_of(counter, number).status == "published"
    post = {"csrf_token": token, "do": "rejected", "reason": "spam", "note": "Ten times"}
    staff.post(here, post, status=303)
    assert row_of(counter, number).status == "rejected"
    assert rating(counter.shop, "LAMP-B") == {}
    answer = f"{PATH}/{number}/answer"
    staff.post(answer, {"csrf_token": token, "answer": " Sorry. "}, status=303)
    staff.post(answer, {"csrf_token": token, "answer": "x" * 2001}, status=303)
    assert row_of(counter, number).answer == "Sorry."
    staff.post(here, {"csrf_token": token, "do": "waiting"}, status=303)
    history = said(staff.get(f"{PATH}/{number}"), ".timeline-entry")
    titles = ["Put back to wait", "Answered", "Rejected", "Published", "Written"]
    assert [entry.split(" ")[0] for entry in history] == [title.split(" ")[0] for title in titles]
    assert "Advertising, or sent many times: Ten times" in history[2]
    assert "clerk@example.org" in history[2]
    with counter.shop.unit() as db:
        done = db.scalars(
            text("SELECT action FROM audit_entry WHERE subject LIKE 'review %' ORDER BY id")
        ).all()
    assert done == ["review.published", "review.rejected", "review.answered", "review.waiting"]


def test_no_reason_to_reject_is_the_rating():
    assert not [words for words in REASONS.values() if "star" in words or "rating" in words]


def test_many_are_decided_at_once_and_the_queue_goes_by_age(counter, staff):
    add(counter.shop, 3, stars=5, status="waiting", published_at=None)
    add(counter.shop, 1, stars=1, status="waiting", published_at=None)
    page = staff.get(PATH)
    ids = [box["value"] for box in page.html.select("input[name=id]")]
    assert ids == sorted(ids, key=int)
    token = page.html.select_one("[name=csrf_token]")["value"]
    bulk = f"{PATH}/bulk"
    none = staff.post(bulk, {"csrf_token": token, "do": "published"}, status=303).follow()
    assert "Choose reviews first" in said(none, ".notice")[0]
    first = [("csrf_token", token), ("do", "published"), *(("id", each) for each in ids[:2])]
    assert (
        "2 reviews are published."
        in said(staff.post(bulk, first, status=303).follow(), ".notice")[0]
    )
    rest = [("csrf_token", token), ("do", "rejected"), *(("id", each) for each in ids[2:])]
    assert "why" in said(staff.post(bulk, rest, status=303).follow(), ".notice")[0]
    staff.post(bulk, [*rest, ("reason", "spam")], status=303)
    with counter.shop.unit() as db:
        states = db.scalars(select(Review.status).order_by(Review.id)).all()
    assert states == ["published", "published", "rejected", "rejected"]
    for tab, expected in (("waiting", 0), ("published", 2), ("rejected", 2), ("all", 4)):
        assert len(staff.get(f"{PATH}?tab={tab}").html.select("tbody tr")) == expected
    assert len(staff.get(f"{PATH}?tab=all&stars=1").html.select("tbody tr")) == 1
    assert len(staff.get(f"{PATH}?tab=all&q=words 2").html.select("tbody tr")) == 1


def test_staff_see_who_is_asked_and_spare_who_complained(counter, staff):
    number = delivered(counter)
    page = staff.get(f"{PATH}/requests")
    assert said(page, "tbody tr")[0].startswith(f"{number} Planned")
    form = next(each for each in page.forms.values() if each.action.endswith("/stop"))
    done = form.submit(status=303).follow()
    assert "The customer complained" in said(done, "tbody tr")[0]
    assert request_of(counter, number).state == "stopped"
    token = form["csrf_token"].value
    staff.post(f"{PATH}/requests/NONE/stop", {"csrf_token": token}, status=404)
    for path in ("/999", "/99999999999999999999"):
        staff.get(PATH + path, status=404)
    for page in ("0", "x", "%D9%A3", "0000100000000000000000", "99999"):
        staff.get(f"{PATH}?page={page}")
        staff.get(f"{PATH}/requests?page={page}")


def test_hook_admin_menu_counts_what_waits(counter):
    add(counter.shop, 2, status="waiting")
    with counter.shop.unit() as db:
        (entry,) = admin_menu(ctx=counter.shop.ctx(db))
    assert (entry.path, entry.permission, entry.count) == (PATH, "reviews.read", 2)
