"""Mark paid, ship, cancel, send again, run again: shown first, then done, once, by somebody."""

from __future__ import annotations

import pytest
from sqlalchemy import select, text

from opticworks.audit.models import AuditEntry
from opticworks.checkout import staff as verbs
from opticworks.checkout.settle import settle
from opticworks.jobs.testing import drain
from opticworks.notifications.models import Message


@pytest.fixture
def owner(sign_in):
    return sign_in()


def form_of(page):
    """The page's own form (the first one signs out)."""
    return page.forms[1]


def mails(counter):
    """Every mail that left, oldest first."""
    return list(counter.mailer.vendor.sent.values())


def audited(counter, subject):
    with counter.shop.unit() as db:
        rows = db.scalars(select(AuditEntry).where(AuditEntry.subject == subject))
        return [(row.actor, row.action) for row in rows]


def test_marking_paid_shows_its_effects_then_does_it(counter, owner):
    number = counter.buy(("LAMP", 1)).number
    page = owner.get(f"/admin/orders/{number}").click("Mark paid")
    text_ = page.html.get_text(" ")
    assert "count as received" in text_
    assert "ada@example.com gets a mail" in text_
    assert counter.order(number).payment_status == "pending", "looking changes nothing"
    form = form_of(page)
    form["reference"] = "ACH 4711"
    answer = form.submit(status=303).follow()
    assert f"Order {number} is marked paid." in answer.text
    assert "ACH 4711" in answer.text
    assert counter.order(number).payment_status == "paid"
    assert ("owner@example.org", "order.paid") in audited(counter, f"order {number}")
    # Sent twice (a back button): nothing more happens, nothing breaks.
    form.submit(status=303)
    assert len(audited(counter, f"order {number}")) == 1


def test_what_is_odd_about_payments_is_listed_until_somebody_ticks_it_off(counter, owner):
    number = counter.buy(("LAMP", 1), payment="fake_card").number
    assert "Payments to check" not in owner.get("/admin").text
    (payment,) = counter.card.vendor.payments.values()
    counter.card.vendor.pay(payment.ref)
    payment.captured -= 1  # the vendor reports another amount
    settle(counter.shop, number)
    assert "Payments to check" in owner.get("/admin").text
    page = owner.get("/admin/orders?tab=check_payment").click(number, index=0)
    assert "Not marked paid" in page.text
    (form,) = (form for form in page.forms.values() if "checked" in form.action)
    page = form.submit(status=303).follow()
    assert "are ticked off" in page.text
    assert "Payments to check" not in owner.get("/admin").text
    assert ("owner@example.org", "order.payments_checked") in audited(counter, f"order {number}")


def test_shipping_a_part_then_the_rest(counter, owner):
    number = counter.buy(("LAMP", 2), ("BULB", 1)).number
    verbs.mark_paid(counter.shop, number, actor="t")
    form = form_of(owner.get(f"/admin/orders/{number}").click(href="/fulfil$", index=0))
    form["quantity:LAMP"], form["quantity:BULB"] = "1", "0"
    form["carrier"], form["tracking_number"] = "UPS", " 1Z 999 "
    form.submit(status=303)
    order = counter.order(number)
    assert order.fulfilment_status == "part_shipped"
    assert order.shipments[0].tracking_number == "1Z 999"
    drain(counter.shop)
    assert any("1Z 999" in message.html for message in mails(counter))
    form = form_of(owner.get(f"/admin/orders/{number}/fulfil"))
    assert form["quantity:LAMP"].value == "1", "what is left"
    form["carrier"], form["tracking_number"] = "UPS", "1Z1000"
    form.submit(status=303)
    assert counter.order(number).fulfilment_status == "shipped"
    assert "has left" in owner.get(f"/admin/orders/{number}/fulfil").text


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({"quantity:LAMP": "3"}, "2 of Item LAMP are left to send, not 3."),
        ({"quantity:LAMP": "-1"}, "must be a whole number"),
        ({"quantity:LAMP": "abc"}, "must be a whole number"),
        ({"quantity:LAMP": "1e9"}, "must be a whole number"),
        ({"quantity:LAMP": "0"}, "at least one item"),
        ({"carrier": " "}, "Say who carries the parcel"),
        ({"tracking_number": ""}, "Enter the tracking number"),
    ],
)
def test_a_parcel_that_can_not_be_is_refused_with_everything_kept(counter, owner, fields, sentence):
    number = counter.buy(("LAMP", 2)).number
    verbs.mark_paid(counter.shop, number, actor="t")
    form = form_of(owner.get(f"/admin/orders/{number}/fulfil"))
    form["carrier"], form["tracking_number"] = "Courier <b>", "T-1"
    for name, value in fields.items():
        form[name].force_value(value)
    answer = form.submit(status=422)
    assert sentence in " ".join(answer.html.find(role="alert").text.split())
    again = form_of(answer)
    kept = {"carrier": "Courier <b>", "tracking_number": "T-1", **fields}
    for name in ("carrier", "tracking_number"):
        assert again[name].value.strip() == kept[name].strip()
    assert counter.order(number).shipments == ()


def test_an_unpaid_order_can_not_be_shipped(counter, owner):
    number = counter.buy(("LAMP", 1)).number
    page = owner.get(f"/admin/orders/{number}/fulfil")
    assert "not paid yet" in page.text
    fields = {
        "csrf_token": page.forms[0]["csrf_token"].value,
        "quantity:LAMP": "1",
        "carrier": "UPS",
        "tracking_number": "1Z",
    }
    owner.post(f"/admin/orders/{number}/fulfil", fields, status=422)
    assert counter.order(number).shipments == ()


@pytest.mark.parametrize("restock", [True, False])
def test_canceling_gives_money_and_goods_back(counter, owner, restock):
    number = counter.buy(("LAMP", 2)).number
    verbs.mark_paid(counter.shop, number, actor="t")
    page = owner.get(f"/admin/orders/{number}").click("Cancel order")
    text_ = page.html.get_text(" ")
    assert "is paid back to the customer" in text_
    assert "2 units can be sold again" in text_
    form = form_of(page)
    form["reason"] = "customer"
    form["restock"] = restock
    answer = form.submit(status=303).follow()
    assert "The customer asked for it" in answer.text
    order = counter.order(number)
    assert (order.status, order.payment_status) == ("canceled", "refunded")
    assert counter.free("LAMP") == (5 if restock else 3)
    drain(counter.shop)
    assert any("cancel" in message.subject.lower() for message in mails(counter))


def test_canceling_needs_a_reason_and_a_shipped_order_stays(counter, owner):
    number = counter.buy(("LAMP", 1)).number
    form = form_of(owner.get(f"/admin/orders/{number}/cancel"))
    answer = form.submit(status=422)
    assert "Choose why" in answer.text
    verbs.mark_paid(counter.shop, number, actor="t")
    verbs.fulfil(
        counter.shop, number, lines={"LAMP": 1}, carrier="UPS", tracking_number="1Z", actor="t"
    )
    assert "can't be canceled" in owner.get(f"/admin/orders/{number}/cancel").text
    form["reason"] = "customer"
    assert "sent already" in form.submit(status=422).text
    assert counter.order(number).status == "confirmed"


def test_late_money_for_goods_that_are_gone_is_refused_with_what_is_missing(counter, owner):
    number = counter.buy(("LAMP", 4)).number
    verbs.cancel(counter.shop, number, actor="t", reason="unpaid")
    counter.buy(("LAMP", 3))
    page = owner.get(f"/admin/orders/{number}/pay")
    assert "taken again, if they are still there" in page.text
    answer = form_of(page).submit(status=422)
    assert "LAMP (2 of 4 left)" in answer.text
    assert counter.order(number).status == "canceled"


def test_no_action_happens_without_the_forms_token(counter, owner):
    number = counter.buy(("LAMP", 1)).number
    for action in ("pay", "fulfil", "cancel"):
        owner.post(f"/admin/orders/{number}/{action}", {"reason": "customer"}, status=400)
    order = counter.order(number)
    assert (order.status, order.payment_status) == ("confirmed", "pending")


def test_the_confirmation_is_sent_again_as_a_mail_of_its_own(counter, owner):
    number = counter.buy(("LAMP", 1)).number
    drain(counter.shop)
    before = len(mails(counter))
    page = owner.get(f"/admin/orders/{number}")
    form = next(form for form in page.forms.values() if form.action.endswith("/send"))
    answer = form.submit(status=303)
    assert answer.location.endswith(f"/admin/orders/{number}")
    assert "is on its way to ada@example.com again" in answer.follow().text
    drain(counter.shop)
    sent = mails(counter)[before:]
    assert [message.to for message in sent] == ["ada@example.com"]
    assert len({message.message_id for message in mails(counter)}) == before + 1
    assert ("owner@example.org", "message.sent_again") in audited(counter, f"order {number}")


def test_a_failed_mail_is_listed_read_and_tried_again(counter, owner):
    number = counter.buy(("LAMP", 1)).number
    drain(counter.shop)
    with counter.shop.unit() as db:
        message = db.scalars(select(Message)).first()
        message.status, message.error = "failed", "550 no such user"
        public_id = message.public_id
    task = owner.get("/admin").html.select_one('.task[href="/admin/messages?status=failed"]')
    assert "1" in task.text
    page = owner.get("/admin/messages?status=failed")
    assert number in page.text
    page = owner.get(f"/admin/messages/{public_id}")
    assert "550 no such user" in page.text
    form_of(page).submit(status=303)
    drain(counter.shop)
    with counter.shop.unit() as db:
        assert db.scalars(select(Message.status)).one() == "sent"
    assert len(mails(counter)) == 1, "the mailer knows the key: it had left already"
    assert owner.get("/admin/messages?status=failed").html.select("tbody tr") == []


def test_a_mail_is_shown_where_nothing_of_it_can_run(counter, owner):
    counter.buy(("LAMP", 1))
    drain(counter.shop)
    with counter.shop.unit() as db:
        public_id = db.scalars(select(Message.public_id)).first()
    policy = owner.get(f"/admin/messages/{public_id}/html").headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "sandbox" in policy
    assert owner.get(f"/admin/messages/{public_id}").html.iframe["sandbox"] == []
    owner.get("/admin/messages/nothing", status=404)


def test_the_record_can_not_be_changed(counter, owner):
    from sqlalchemy.exc import IntegrityError

    for statement in ("UPDATE audit_entry SET actor = 'x'", "DELETE FROM audit_entry"):
        with pytest.raises(IntegrityError), counter.shop.unit() as db:
            db.execute(text(statement))
