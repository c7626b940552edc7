"""Staff see what vendors reported, and have it worked through again."""

from __future__ import annotations

import pytest
from sqlalchemy import select

from opticworks.webhooks import service
from opticworks.webhooks.models import Webhook


@pytest.fixture
def stuck(counter):
    """Two events that fit nothing any more; the ids of both."""
    vendor, shop = counter.card.vendor, counter.shop
    for kind in ("payment.captured", "payment.failed"):
        event = vendor.announce(kind, ref="pay_elsewhere")
        service.receive(shop, "fake_card", *vendor.webhook(event))
    with shop.unit() as db:
        rows = list(db.scalars(select(Webhook).order_by(Webhook.id)))
        for row in rows:
            row.status, row.error = "unmatched", "No payment of this shop has this attempt."
    return [row.id for row in rows]


def states(counter):
    with counter.shop.unit() as db:
        return list(db.scalars(select(Webhook.status).order_by(Webhook.id)))


def test_the_page_says_where_vendors_report_to_and_what_fits_nothing(counter, sign_in, stuck):
    page = sign_in().get("/admin/webhooks?status=unmatched")
    assert "http://localhost/webhooks/fake_card" in page.text
    assert page.text.count("No payment of this shop has this attempt.") == 2
    link = page.html.select_one('nav a[href="/admin/webhooks"]')
    assert "2" in link.text, "the menu counts what waits for somebody"


def test_a_receiver_without_a_secret_is_named(counter, sign_in):
    counter.card.vendor.secret = ""
    assert "signing secret is not set" in sign_in().get("/admin/webhooks").text


def test_one_event_or_all_of_a_state_are_replayed(counter, sign_in, stuck):
    owner = sign_in()
    page = owner.get("/admin/webhooks?status=unmatched")
    one = next(f for f in page.forms.values() if "id" in f.fields)
    one.submit(status=303)
    assert sorted(states(counter)) == ["unmatched", "waiting"]
    page = owner.get("/admin/webhooks?status=unmatched")
    every = next(f for f in page.forms.values() if f.method == "post" and "status" in f.fields)
    assert "worked through again" in every.submit(status=303).follow().text
    assert states(counter) == ["waiting", "waiting"]


def test_the_filter_says_how_many_fit_and_replays_just_those(counter, sign_in, stuck):
    owner = sign_in()
    page = owner.get("/admin/webhooks?provider=fake_card&kind=payment.failed&since=2020-01-01")
    assert [cell.strong.text for cell in page.html.select("td.words")] == ["payment.failed"]
    some = next(f for f in page.forms.values() if f.method == "post" and "kind" in f.fields)
    assert "Work through this one again" in some.text
    back = some.submit(status=303)
    assert "kind=payment.failed" in back.location
    assert states(counter) == ["unmatched", "waiting"]
    assert "No webhooks here" in owner.get("/admin/webhooks?since=2999-01-01").text


@pytest.mark.parametrize("post", [{}, {"id": "x"}, {"id": "9" * 30}, {"status": "gone"}])
def test_nonsense_replays_nothing(counter, sign_in, stuck, post):
    owner = sign_in()
    token = owner.get("/admin/webhooks").forms[0]["csrf_token"].value
    owner.post("/admin/webhooks/replay", {"csrf_token": token, **post}, status=404)
    assert states(counter) == ["unmatched", "unmatched"]
