"""Who is asked for a review, when, and what stops it."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime, timedelta

import pytest
from review_making import (
    CLERK,
    ask,
    delivered,
    mails,
    path_of,
    request_of,
    scan,
    sell,
    send,
    write,
)
from sqlalchemy import text

from opticworks import events, kernel
from opticworks.checkout import refund as refunding
from opticworks.checkout.refund_plan import Wish
from opticworks.events import Event
from opticworks.jobs.testing import drain
from opticworks.notifications.models import Message
from opticworks.testing.counter import open_counter
from opticworks_reviews import message_kinds, messages, quiet
from opticworks_reviews.asking import REQUEST_DUE

DAY = timedelta(days=1)
ADA = "ada@example.com"


def noon(moment):
    """Noon in California on that day or the next: no quiet hour."""
    at = moment.astimezone(UTC).replace(hour=20, minute=0, second=0, microsecond=0)
    return at if at >= moment else at + DAY


def delivery(counter, number):
    return max(parcel.delivered_at for parcel in counter.order(number).shipments)


def test_the_mail_goes_seven_days_after_the_delivery_and_its_reminder_seven_later(counter):
    number = delivered(counter)
    arrived = delivery(counter, number)
    assert request_of(counter, number).due_at == arrived + 7 * DAY
    ask(counter, arrived + 7 * DAY - timedelta(minutes=1))
    assert mails(counter) == []
    asked = noon(arrived + 7 * DAY)
    for _ in range(2):
        ask(counter, asked)
    assert mails(counter) == [("reviews_request", ADA, "sent")]
    ask(counter, asked + 7 * DAY - timedelta(minutes=1))
    for days in (7, 14, 40):
        ask(counter, noon(asked + days * DAY))
    assert [kind for kind, *_ in mails(counter)] == ["reviews_request", "reviews_reminder"]
    assert request_of(counter, number).state == "reminded"


def test_without_a_scan_of_the_delivery_it_is_21_days_after_shipping(counter):
    number = sell(counter)
    send(counter, number)
    (parcel,) = counter.order(number).shipments
    ask(counter, parcel.shipped_at + 21 * DAY - timedelta(minutes=1))
    assert mails(counter) == []
    ask(counter, noon(parcel.shipped_at + 21 * DAY))
    assert len(mails(counter)) == 1


def test_it_waits_for_the_last_parcel(counter):
    number = sell(counter, ("LAMP-B", 2), ("BULB", 1))
    first = send(counter, number, LAMP_B=1)
    scan(counter, first)
    assert request_of(counter, number).due_at is None
    ask(counter, noon(counter.shop.now() + 30 * DAY))
    assert mails(counter) == []
    second = send(counter, number)
    shipped = max(parcel.shipped_at for parcel in counter.order(number).shipments)
    assert request_of(counter, number).due_at == shipped + 21 * DAY
    scan(counter, second)
    assert request_of(counter, number).due_at == delivery(counter, number) + 7 * DAY


def test_a_parcel_that_came_back_asks_nobody(counter):
    number = sell(counter)
    scan(counter, send(counter, number), "return_to_sender")
    ask(counter, noon(counter.shop.now() + 22 * DAY))
    assert mails(counter) == []


def refund(counter, number):
    order = counter.order(number)
    wish = Wish(request=uuid.uuid4(), amount=order.total.minor // 2, note="goodwill")
    refunding.refund(counter.shop, number, wish, actor=CLERK)


def told(kind, **data):
    def tell(counter, number):
        with counter.shop.unit() as db:
            kernel.emit(db, kind, number, data)

    return tell


STOPS = {
    "refund": refund,
    "dispute": told(events.DISPUTE_OPENED),
    "return": told("return.requested"),
    "withdrawal": told("withdrawal.declared"),
    "complaint": told(events.MESSAGE_BOUNCED, state="complained"),
    "review": lambda counter, number: write(counter, number),
}


def test_what_stops_both_mails(counter):
    sold = {
        (name, before): delivered(counter, email=f"{name}.{before}@example.com")
        for name in STOPS
        for before in ("request", "reminder")
    }
    asked = noon(max(delivery(counter, number) for number in sold.values()) + 7 * DAY)
    for (name, before), number in sold.items():
        if before == "request":
            STOPS[name](counter, number)
    drain(counter.shop)
    ask(counter, asked)
    for (name, before), number in sold.items():
        if before == "reminder":
            STOPS[name](counter, number)
    drain(counter.shop)
    for days in (7, 14):
        ask(counter, noon(asked + days * DAY))
    got = {recipient: kind for kind, recipient, _ in mails(counter)}
    assert got == {f"{name}.reminder@example.com": "reviews_request" for name in STOPS}
    assert len(mails(counter)) == len(got)


def test_what_happens_between_the_decision_and_the_mail_stops_it_too(counter):
    number = delivered(counter)
    with counter.shop.unit() as db:
        kernel.emit(db, REQUEST_DUE, number, {"token": "t"})
    refund(counter, number)
    drain(counter.shop)
    assert mails(counter) == []


def test_a_bounce_that_is_no_complaint_and_an_old_plan(counter):
    number = delivered(counter)
    told(events.MESSAGE_BOUNCED, state="bounced")(counter, number)
    drain(counter.shop)
    assert request_of(counter, number).state == "planned"
    ask(counter, noon(delivery(counter, number) + 90 * DAY))
    assert mails(counter) == []
    assert request_of(counter, number).reason == "late"


def test_unsubscribing_holds_at_once_and_for_the_next_order_and_not_for_order_mails(
    counter, browser
):
    number = delivered(counter)
    ask(counter, noon(delivery(counter, number) + 7 * DAY))
    sent = next(each for each in counter.mailer.outbox if "review" in each.html)
    link = sent.headers["List-Unsubscribe"].strip("<>")
    assert sent.headers["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert link in sent.html
    browser.post(link.removeprefix("http://localhost"), {"List-Unsubscribe": "One-Click"})
    again = delivered(counter, ("BULB", 1))
    ask(counter, noon(delivery(counter, again) + 7 * DAY))
    assert mails(counter)[1:] == [("reviews_request", ADA, "suppressed")]
    assert ("order_paid", ADA, "sent") in mails(counter, "order_%")
    assert {status for *_, status in mails(counter, "shipment_%")} == {"sent"}


def test_who_has_reviewed_everything_is_not_asked_again(counter):
    write(counter, delivered(counter))
    again = delivered(counter, ("LAMP-W", 1))
    ask(counter, noon(delivery(counter, again) + 7 * DAY))
    assert mails(counter) == []
    assert request_of(counter, again).reason == "nothing"


def test_settings_decide(make_shop):
    settings = {"reviews": {"days_after_delivery": "3", "reminder_days": "0"}}
    counter = open_counter(make_shop, plugins=("reviews",), settings=settings)
    counter.stock("LAMP-B", 10, "10.00")
    number = delivered(counter)
    asked = noon(delivery(counter, number) + 3 * DAY)
    ask(counter, asked)
    ask(counter, noon(asked + 30 * DAY))
    assert [kind for kind, *_ in mails(counter)] == ["reviews_request"]
    off = open_counter(make_shop, plugins=("reviews",), settings={"reviews": {"ask": "false"}})
    off.stock("LAMP-B", 10, "10.00")
    number = delivered(off)
    ask(off, noon(delivery(off, number) + 7 * DAY))
    assert mails(off) == []


def test_a_worker_that_dies_asks_nobody_twice(counter, monkeypatch):
    """The fact, its job and the mark are one transaction."""
    number = delivered(counter)
    asked = noon(delivery(counter, number) + 7 * DAY)

    def die(*args):
        raise RuntimeError("killed")

    with monkeypatch.context() as patch:
        patch.setattr("opticworks.shop.fault", lambda name: die() if "before" in name else None)
        with pytest.raises(RuntimeError):
            ask(counter, asked)
    assert request_of(counter, number).state == "planned"
    with monkeypatch.context() as patch:
        patch.setattr("opticworks.shop.fault", lambda name: die() if "ask.after" in name else None)
        with pytest.raises(RuntimeError):
            ask(counter, asked)
    ask(counter, asked)
    assert len(mails(counter)) == 1


# --- the mail -----------------------------------------------------------------------------------


def test_hook_messages_the_mail_is_the_same_for_everybody_and_a_star_in_it_begins_the_review(
    counter, browser
):
    number = delivered(counter, ("LAMP-B", 1), ("LAMP-W", 1), ("BULB", 1))
    ask(counter, noon(delivery(counter, number) + 7 * DAY))
    with counter.shop.unit() as db:
        mail = db.query(Message).filter(Message.kind == "reviews_request").one()
    assert mail.subject == "How do you like your Lamp and 1 more?"
    assert mail.marketing
    path = path_of(counter, number)
    for stars in range(1, 6):
        assert f"http://localhost{path}?product=LAMP-B&amp;stars={stars}" in mail.html
    assert "LAMP-W" not in mail.html
    page = browser.get(f"{path}?product=LAMP-B&stars=2")
    assert [box["value"] for box in page.html.select("#write-0 [name=stars][checked]")] == ["2"]
    assert page.html.select("#write-1 [name=stars][checked]") == []
    assert "Mails about your orders still come" in mail.text
    event = Event(id=1, kind=events.ORDER_PLACED, subject=number, at=counter.shop.now())
    with counter.shop.unit() as db:
        assert list(messages(event=event, ctx=counter.shop.ctx(db))) == []


def test_hook_message_kinds_can_be_reworded_and_looked_at(counter, staff):
    assert [kind.code for kind in message_kinds()] == ["reviews_request", "reviews_reminder"]
    sell(counter)
    page = staff.get("/admin/messages/kinds/reviews_request")
    assert "what is good about it" in page
    form = next(form for form in page.forms.values() if "intro" in form.fields)
    form["subject"], form["intro"] = "And, {name}?", "How is {products}?"
    form.submit("do", value="save", status="3*")
    with counter.shop.unit() as db:
        assert db.scalar(text("SELECT subject FROM message_wording")) == "And, {name}?"


# --- quiet hours --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("country", "state", "clocks"),
    [
        ("US", "ca", ("America/Los_Angeles",)),
        ("US", "HI", ("Pacific/Honolulu",)),
        ("US", "", ("America/New_York", "America/Los_Angeles")),
        ("CA", "BC", ("America/Vancouver",)),
        ("AU", "WA", ("Australia/Perth",)),
        ("DE", "", ("Europe/Berlin", "Europe/Busingen")),
        ("", "", ("Europe/Rome",)),
    ],
)
def test_the_clock_is_the_one_where_the_parcel_went(country, state, clocks):
    assert quiet.zones(country, state, "Europe/Rome") == clocks


@pytest.mark.parametrize(
    ("moment", "clocks", "expected"),
    [
        ("2026-12-01T17:00", ("America/Los_Angeles",), "2026-12-01T17:00"),
        ("2026-12-01T16:59", ("America/Los_Angeles",), "2026-12-01T17:00"),
        ("2026-12-02T04:00", ("America/Los_Angeles",), "2026-12-02T17:00"),
        ("2026-12-01T14:00", ("America/New_York", "America/Los_Angeles"), "2026-12-01T17:00"),
        ("2026-12-01T00:07", ("Asia/Kathmandu",), "2026-12-01T03:15"),
        # No hour is day on both: the first one decides.
        ("2026-12-01T00:00", ("Pacific/Auckland", "Europe/Berlin"), "2026-12-01T00:00"),
    ],
)
def test_mail_waits_for_the_day(moment, clocks, expected):
    at, then = (datetime.fromisoformat(each).replace(tzinfo=UTC) for each in (moment, expected))
    assert quiet.opens(at, clocks, 9, 20) == then


def test_nobody_is_written_to_at_night(counter):
    number = delivered(counter)
    night = noon(delivery(counter, number) + 7 * DAY).replace(hour=11)  # 3 o'clock in California
    night = night if night > delivery(counter, number) + 7 * DAY else night + DAY
    ask(counter, night)
    assert mails(counter) == []
    assert request_of(counter, number).due_at == night.replace(hour=17)
    ask(counter, night.replace(hour=17))
    assert len(mails(counter)) == 1
