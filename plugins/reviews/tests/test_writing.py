"""The page that the link in the mail leads to, and what may be written there."""

from __future__ import annotations

import uuid
from dataclasses import replace
from datetime import timedelta

import pytest
from review_making import CLERK, at, delivered, path_of, rating, sell, write
from sqlalchemy import func, select

from opticworks import migrations
from opticworks.checkout import refund as refunding
from opticworks.checkout import returns
from opticworks.checkout.refund_plan import Portion, Wish
from opticworks.checkout.returns import Asked
from opticworks.jobs.testing import drain
from opticworks.orders import service as orders
from opticworks.testing.contracts.common import at_once
from opticworks.testing.counter import open_counter
from opticworks.testing.shops import Browser, spoilt
from opticworks_reviews import writing
from opticworks_reviews.models import Base, Decision, Review
from opticworks_reviews.settings import ReviewsSettings


def all_of(counter):
    with counter.shop.unit() as db:
        return list(db.scalars(select(Review).order_by(Review.id)))


def send_form(page, index=0, status=303, **values):
    form = page.forms[index]
    for name, value in values.items():
        form[name] = value
    return form.submit(status=status)


def lines_of(counter, number):
    with counter.shop.unit() as db:
        return [line.id for line in orders.lines_of(db, orders.by_number(db, number).id)]


def said(page, selector):
    return [" ".join(each.get_text(" ").split()) for each in page.html.select(selector)]


def test_hook_migrations(counter):
    assert migrations.pending(counter.shop) == []
    assert migrations.drift(counter.shop, "reviews") == []
    assert all(name.startswith("reviews_") for name in Base.metadata.tables)


def test_the_link_needs_no_account_and_each_product_gets_one_review(counter, browser):
    number = sell(counter, ("LAMP-B", 1), ("LAMP-W", 2), ("BULB", 1))
    page = browser.get(path_of(counter, number))
    assert page.headers["Cache-Control"] == "no-store"
    assert page.headers["X-Robots-Tag"] == "noindex"
    assert said(page, ".review-write h2") == ["Lamp", "Bulb"]
    assert page.forms[0]["name"].value == "Ada L."
    done = send_form(page, stars="4", headline=" Bright ", body="It\r\n\r\n\r\n\r\nglows.")
    thanks = done.follow()
    assert "will be shown after a look at it" in said(thanks, "[role=status]")[0]
    (row,) = all_of(counter)
    assert (row.product, row.sku, row.stars) == ("/products/lamp", "LAMP-B", 4)
    assert (row.headline, row.body, row.name) == ("Bright", "It\n\nglows.", "Ada L.")
    assert (row.verified, row.status, row.order_number) == (True, "waiting", number)
    assert rating(counter.shop, "LAMP-B") == {}
    send_form(browser.get(path_of(counter, number)), 1, stars="1")
    send_form(browser.get(path_of(counter, number)), 0, stars="2", body="It glowed.")
    rows = all_of(counter)
    assert [(each.sku, each.stars) for each in rows] == [("LAMP-B", 2), ("BULB", 1)]
    again = sell(counter, ("LAMP-W", 1))
    assert browser.get(path_of(counter, again)).forms[0]["body"].value == "It glowed."
    with counter.shop.unit() as db:
        actions = db.scalars(select(Decision.action).order_by(Decision.id)).all()
    assert actions == ["written", "written", "changed"]


def test_a_link_is_the_key_and_nothing_else_is(counter, browser):
    number, other = sell(counter), sell(counter, email="eve@example.com")
    good = path_of(counter, number)
    text, _, signature = good.rpartition("/")[2].rpartition(".")
    for token in (
        text,
        f"{other}.{signature}",
        f"{text}.{spoilt(signature, -2)}",
        "sample",
        "%C3%A9.x",
        ".",
    ):
        assert browser.get(f"/reviews/write/{token}", status=404)
    page = browser.get(good)
    page.forms[0]["product"].force_value("BULB")
    page.forms[0]["stars"] = "5"
    page.forms[0].submit(status=404)
    assert browser.post(good, {"product": "LAMP-B", "stars": "5"}, status=400)
    assert all_of(counter) == []


def test_a_link_outlives_a_change_of_the_root_secret_while_the_old_one_is_known(counter):
    path, config = path_of(counter, sell(counter)), counter.shop.config
    for old, status in (((config.secret,), 200), ((), 404)):
        counter.shop.config = replace(config, secret="n" * 40, old_secrets=old)
        Browser(counter.shop).get(path, status=status)


def test_what_is_wrong_is_said_at_the_field_and_nothing_is_lost(counter, browser):
    number = sell(counter, ("LAMP-B", 1), ("BULB", 1))
    page = browser.get(path_of(counter, number))
    form = page.forms[0]
    form["name"], form["body"], form["headline"] = " ", "Kept words", "x" * 101
    wrong = form.submit(status=422)
    assert said(wrong, ".field-error") == [
        "Choose one to five stars.",
        "This is 101 characters long; 100 are the most.",
        "Enter the name to be shown with your review.",
    ]
    assert wrong.forms[0]["body"].value == "Kept words"
    assert wrong.forms[1]["body"].value == ""
    ids = {each["id"] for each in wrong.html.select("[id]")}
    named = {each["aria-describedby"] for each in wrong.html.select("[aria-describedby]")}
    assert named <= ids
    assert all_of(counter) == []


def test_it_may_be_changed_for_30_days(counter, browser):
    number = sell(counter)
    write(counter, number, 5)
    path = path_of(counter, number)
    start = all_of(counter)[0].created_at
    page = browser.get(path)
    with at(counter.shop, start + timedelta(days=30)):
        late = send_form(page, status=422, stars="1")
        assert "can be changed for 30 days" in late
        assert browser.get(path).forms == {}
    with at(counter.shop, start + timedelta(days=29)):
        send_form(browser.get(path), stars="1")
    (row,) = all_of(counter)
    assert (row.stars, row.status, row.published_at) == (1, "waiting", None)
    assert row.changed_at is not None


def test_two_clicks_are_one_review(counter):
    number = sell(counter)
    at_once(lambda: write(counter, number, 3, publish=False), 4)
    with counter.shop.unit() as db:
        assert db.scalar(select(func.count()).select_from(Review)) == 1


@pytest.mark.parametrize("limit", range(6))
def test_a_low_rating_never_waits_longer_than_a_high_one(limit):
    settings = ReviewsSettings(publish_up_to=limit)

    def shown(stars, body="Fine."):
        row = Review(stars=stars, headline="", body=body, name="Ada L.")
        return writing.at_once(row, settings)

    assert [shown(stars) for stars in range(1, 6)] == [stars <= limit for stars in range(1, 6)]
    for body in ("Buy at www.example.com", "https://x.example", "write to me@example.org"):
        assert not shown(1, body)


def test_the_badge_goes_with_the_goods(counter):
    number = delivered(counter, ("LAMP-B", 1), ("BULB", 1))
    write(counter, number, sku="LAMP-B")
    write(counter, number, sku="BULB")
    wish = Wish(request=uuid.uuid4(), portions={"BULB": Portion(sent=1)})
    refunding.refund(counter.shop, number, wish, actor=CLERK)
    drain(counter.shop)
    assert {row.sku: row.verified for row in all_of(counter)} == {"LAMP-B": True, "BULB": False}
    (lamp, _), back = lines_of(counter, number), uuid.uuid4()
    asked = Asked(id=back, lines={lamp: (1, "unwanted")}, note="")
    with counter.shop.unit() as db:
        case = returns.request(counter.shop, db, number, asked).number
    drain(counter.shop)
    assert all_of(counter)[0].verified  # it was only asked for
    with counter.shop.unit() as db:
        returns.approve(db, case, actor=CLERK)
    drain(counter.shop)
    assert [row.verified for row in all_of(counter)] == [False, False]
    unpaid = counter.buy(("LAMP-W", 1)).number
    with counter.shop.unit() as db:
        db.query(Review).delete()
    write(counter, unpaid)
    assert [row.verified for row in all_of(counter)] == [False]


def test_what_was_given_is_said_with_a_review_which_may_be_shown_at_once(make_shop):
    words = "The writer got a $5 coupon for an honest review."
    settings = {"reviews": {"incentive": words, "publish_up_to": "5"}}
    counter = open_counter(make_shop, plugins=("reviews",), settings=settings)
    counter.stock("BULB", 5)
    number = sell(counter, ("BULB", 1))
    browser = Browser(counter.shop)
    assert said(browser.get(path_of(counter, number)), ".review-incentive") == [words]
    write(counter, number, publish=False)
    assert [(row.incentive, row.status) for row in all_of(counter)] == [(words, "published")]
