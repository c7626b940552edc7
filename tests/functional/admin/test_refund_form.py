"""The refund screen: it says what it comes to, pays back what was shown, once, and by whom."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime, timedelta
from urllib.parse import urlsplit

import pytest
from sqlalchemy import select

from opticworks.audit.models import AuditEntry
from opticworks.checkout import settle as settling
from opticworks.checkout import staff as verbs
from opticworks.contracts import Component, RefundLine
from opticworks.jobs.testing import drain
from opticworks.money import Money
from opticworks.stock import service as stock


@pytest.fixture
def owner(sign_in):
    return sign_in()


@pytest.fixture
def paid(counter):
    counter.card.first_state = "captured"
    return counter.buy(("LAMP", 2), ("BULB", 1), payment="fake_card").number


def form_of(page):
    return page.forms[1]


def text_of(page):
    return " ".join(page.html.find(id="main").get_text(" ").split())


def test_a_refund_without_script_is_counted_up_then_paid_back(counter, owner, paid):
    page = owner.get(f"/admin/orders/{paid}").click("Refund", href="/refund$")
    form = form_of(page)
    form["unsent:LAMP"] = "1"
    form["reason"] = "damaged"
    # Nothing was counted up yet: the person has not seen what it comes to.
    seen = form.submit(status=422)
    assert "The refund comes to $10.00. Check the amount" in text_of(seen)
    assert counter.order(paid).refunds == ()
    counted = form_of(seen).submit("do", value="count")
    assert "To be paid back $10.00" in text_of(counted)
    form = form_of(counted)
    assert (form["unsent:LAMP"].value, form["reason"].value) == ("1", "damaged")
    answer = form.submit(status=303).follow()
    form.submit(status=303)  # a second click
    said = text_of(answer)
    assert "$10.00 is paid back." in said
    assert "Kept" in said
    assert "1 × Item LAMP · Arrived damaged or faulty · owner@example.org" in said
    order = counter.order(paid)
    assert [each.amount.minor for each in order.refunds] == [1000]
    assert order.payment_status == "part_refunded"
    with counter.shop.unit() as db:
        rows = db.scalars(select(AuditEntry).where(AuditEntry.subject == f"order {paid}"))
        assert [(row.actor, row.action) for row in rows] == [
            ("owner@example.org", "order.refunded")
        ]
    drain(counter.shop)
    assert any("refund of $10.00" in mail.subject for mail in counter.mailer.vendor.sent.values())
    customer = owner.get(order.url.removeprefix("http://localhost"))
    assert "Paid back $10.00" in " ".join(customer.html.get_text(" ").split())


@pytest.mark.parametrize(
    ("field", "typed", "sentence"),
    [
        ("unsent:LAMP", "3", "2 of Item LAMP are not sent yet"),
        ("unsent:LAMP", "x", "must be a whole number"),
        ("unsent:LAMP", "٣", "must be a whole number"),
        ("shipping", "1e999", "can't be"),
        ("shipping", "99999", "Of what delivery cost"),
        ("amount", "nonsense", "can't be read"),
        ("amount", "-1", "can't be"),
        ("amount", "1.00", "Say why"),
        ("request", "nonsense", "Reload the page"),
    ],
)
def test_what_can_not_be_paid_back_is_a_sentence(counter, owner, paid, field, typed, sentence):
    form = form_of(owner.get(f"/admin/orders/{paid}/refund"))
    form[field].force_value(typed) if field == "request" else form.set(field, typed)
    said = text_of(form.submit(status=422))
    assert sentence in said
    assert counter.order(paid).refunds == ()


def test_failed_refunds_and_disputes_are_shown_until_somebody_dealt_with_them(counter, owner, paid):
    vendor = counter.card.vendor
    ((ref, payment),) = vendor.payments.items()
    vendor.refunds_begin = "pending"
    drain(counter.shop)
    page = owner.get(f"/admin/orders/{paid}/refund")
    assert "A credit note for INV-00001 is issued." in text_of(page)
    form = form_of(page)
    form["amount"], form["note"] = "5.00", "goodwill"
    answer = form_of(form.submit("do", value="count")).submit(status=303).follow()
    assert "Being refunded $5.00" in text_of(answer)
    vendor.end_refund(payment.refunds[0].ref, failed="The card was canceled.")
    settle(counter, paid)
    page = owner.get(f"/admin/orders/{paid}")
    assert "The card was canceled. The money is still the shop's." in text_of(page)
    assert paid in owner.get("/admin/orders?tab=check_payment").text
    vendor.refunds_begin = "done"
    again = next(form for form in page.forms.values() if form.action.endswith("/again"))
    assert "$5.00 is paid back." in text_of(again.submit(status=303).follow())
    again.submit(status=303)
    assert [each.status for each in counter.order(paid).refunds] == ["failed", "done"]
    # The one that failed has its credit note, and what reversed it; so has the list of documents.
    links = owner.get(f"/admin/orders/{paid}").html.select(".paper-list a[href*='/documents/']")
    notes = ["Credit note CN-00001", "Reversal of a credit note CN-00002", "Credit note CN-00003"]
    said = [" ".join(link.get_text().split()) for link in links]
    assert said == [*notes, "Invoice INV-00001", *notes]
    assert owner.get(links[1]["href"]).content_type == "application/pdf"
    assert paid not in owner.get("/admin/orders?tab=check_payment").text

    # In the middle of a month: it is the same month in the shop's zone.
    due = (datetime.now(UTC) + timedelta(days=40)).replace(day=15)
    vendor.dispute(ref, due=due)
    settle(counter, paid)
    page = text_of(owner.get(f"/admin/orders/{paid}"))
    assert f"Answer by {due:%B}" in page
    assert "Send nothing before it is settled" in page
    assert "Needs an answer" in page
    assert "disputes this payment" in owner.get(f"/admin/orders/{paid}/fulfil").text
    assert "holds its money" in text_of(owner.get(f"/admin/orders/{paid}/refund"))
    assert paid in owner.get("/admin/orders?tab=check_payment").text
    vendor.dispute(ref, "lost", due=due)
    settle(counter, paid)
    page = text_of(owner.get(f"/admin/orders/{paid}"))
    assert "Lost to disputes" in page
    assert f"{due:%b} {due.day}," not in page, "over is over: its last day to answer says nothing"


def test_what_was_paid_back_at_the_provider_is_told_newest_first(counter, owner, paid):
    ((ref, _),) = counter.card.vendor.payments.items()
    counter.card.vendor.pay_back(ref, 200)
    settle(counter, paid)
    page = text_of(owner.get(f"/admin/orders/{paid}"))
    timeline = page[page.index("Timeline") :]
    assert timeline.index("Refunded") < timeline.index("Refund begun")


def settle(counter, number):
    (payment,) = counter.card.vendor.payments.values()
    settling.settle(counter.shop, number, payment.attempt)


def test_paying_back_is_a_permission_of_its_own(counter, sign_in, paid):
    clerk = sign_in("clerk")
    assert "/refund" not in clerk.get(f"/admin/orders/{paid}").text
    clerk.get(f"/admin/orders/{paid}/refund", status=403)
    clerk.post(f"/admin/orders/{paid}/refunds/{uuid.uuid4()}/again", status=(400, 403))


def test_a_transfer_goes_back_by_hand(counter, owner):
    number = counter.buy(("LAMP", 1)).number
    assert "Nothing of this order's money" in text_of(owner.get(f"/admin/orders/{number}/refund"))
    verbs.mark_paid(counter.shop, number, actor="t")
    form = form_of(owner.get(f"/admin/orders/{number}/refund"))
    form["unsent:LAMP"] = "1"
    form_of(form.submit("do", value="count")).submit(status=303)
    assert counter.order(number).status == "canceled"


def test_one_part_of_a_bundle_comes_back_for_its_share(counter, owner):
    counter.card.first_state = "captured"
    parts = (
        Component(sku="LAMP", quantity=2, unit_price=Money(1500, "USD"), title="Lamp"),
        Component(sku="BULB", quantity=1, unit_price=Money(1000, "USD"), title="Bulb"),
    )
    counter.goods.put("SET", "32.00", components=parts)
    before = {sku: counter.free(sku) for sku in ("LAMP", "BULB")}
    number = counter.buy(("SET", 1), payment="fake_card").number
    verbs.fulfil(
        counter.shop,
        number,
        lines={"SET": 1},
        carrier="UPS",
        tracking_number="1Z9",
        actor="clerk",
    )
    form = form_of(owner.get(f"/admin/orders/{number}/refund"))
    form["part:0.1"], form["restock-part:0.1"] = "1", True
    counted = form.submit("do", value="count")
    assert "1 × Bulb, part of Item SET $8.00" in text_of(counted)
    form = form_of(counted)
    form.submit(status=303)
    form.submit(status=303)  # a second click
    (refund,) = counter.order(number).refunds
    assert refund.lines == (RefundLine("Bulb", 1, Money(800, "USD"), part_of="Item SET"),)
    assert counter.free("BULB") == before["BULB"]
    assert counter.free("LAMP") == before["LAMP"] - 2
    # The bulb can't come back again, and the bundle is worth what is left of it.
    form = form_of(owner.get(f"/admin/orders/{number}/refund"))
    assert "part:0.1" not in form.fields
    form["sent:SET"], form["restock-sent:SET"] = "1", True
    page = form.submit("do", value="count")
    assert "1 × Item SET, without 1 × Bulb $24.00" in text_of(page)
    form_of(page).submit(status=303)
    assert {sku: counter.free(sku) for sku in before} == before
    with counter.shop.unit() as db:
        assert stock.verify(db) == []


def test_a_part_is_taken_out_of_a_bundle_that_was_not_sent(counter, owner):
    counter.card.first_state = "captured"
    parts = (
        Component(sku="LAMP", quantity=2, unit_price=Money(1500, "USD"), title="Lamp"),
        Component(sku="BULB", quantity=1, unit_price=Money(1000, "USD"), title="Bulb"),
    )
    counter.goods.put("SET", "32.00", components=parts, weight=700)
    number = counter.buy(("SET", 2), payment="fake_card").number
    form = form_of(owner.get(f"/admin/orders/{number}/refund"))
    form["unsent-part:0.0"] = "5"
    counted = form.submit("do", value="count")
    assert "To be paid back $0.00" in text_of(counted)
    refused = form_of(counted).submit(status=422)
    assert "4 of Lamp can be taken out by themselves, not 5." in text_of(refused)
    form = form_of(refused)
    form["unsent-part:0.0"] = "1"
    counted = form.submit("do", value="count")
    assert "1 × Lamp, part of Item SET $12.00" in text_of(counted)
    form_of(counted).submit(status=303)
    page = text_of(owner.get(f"/admin/orders/{number}"))
    assert "Taken out and paid back: 1 × Lamp" in page
    bench = text_of(owner.get(f"/admin/orders/{number}/parcels"))
    assert "Leave out: 1 × Lamp (paid back, from the last of them)" in bench
    by_hand = text_of(owner.get(f"/admin/orders/{number}/fulfil"))
    assert "Leave out: 1 × Lamp (paid back, from the last of them)" in by_hand
    verbs.fulfil(
        counter.shop, number, lines={"SET": 2}, carrier="UPS", tracking_number="1", actor="t"
    )
    assert "2 × Item SET (SET) · without 1 × Lamp" in text_of(owner.get(f"/admin/orders/{number}"))
    customer = text_of(owner.get(urlsplit(counter.order(number).url).path))
    assert "Taken out and paid back: 1 × Lamp" in customer
    assert "1 × Lamp from Item SET ($12.00)" in customer
    assert "contains 2 × Lamp, 1 × Bulb, without 1 × Lamp" in customer
