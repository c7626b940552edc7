"""The screens for returns: answered, received, paid back, and what the order says of it."""

from __future__ import annotations

import uuid

import pytest
from sqlalchemy import text

from opticworks.audit.models import AuditEntry
from opticworks.checkout import return_labels, returns, staff, withdrawal
from opticworks.checkout.returns import Asked
from opticworks.checkout.withdrawal import Declared
from opticworks.jobs.testing import drain
from opticworks.orders import service as orders
from opticworks.testing.counter import open_counter


@pytest.fixture
def counter(make_shop):
    settings = {"returns": {"withdrawal_countries": '["US"]'}}
    counter = open_counter(make_shop, settings=settings)
    counter.stock("LAMP", 5, "10.00")
    counter.stock("BULB", 9, "2.50")
    return counter


@pytest.fixture
def sent(counter):
    """An order of two lamps and a bulb, all of which have left."""
    counter.card.first_state = "captured"
    number = counter.buy(("LAMP", 2), ("BULB", 1), payment="fake_card").number
    lines = {"LAMP": 2, "BULB": 1}
    staff.fulfil(
        counter.shop, number, lines=lines, carrier="UPS", tracking_number="1Z9", actor="clerk"
    )
    return number


def line_ids(counter, number):
    with counter.shop.unit() as db:
        order = orders.by_number(db, number)
        return {line.sku: line.id for line in orders.lines_of(db, order.id)}


def ask(counter, number, **units):
    ids = line_ids(counter, number)
    lines = {ids[sku]: (n, "damaged") for sku, n in units.items()}
    with counter.shop.unit() as db:
        asked = Asked(id=uuid.uuid4(), lines=lines, note="<b>Broken</b>")
        return returns.request(counter.shop, db, number, asked).number


def text_of(page):
    return " ".join(page.html.find(id="main").get_text(" ").split())


def form_with(page, button):
    """The form that has this button."""
    for form in page.forms.values():
        for field in form.fields.get("do", []):
            if field._value == button:
                return form
    raise AssertionError(f"No button {button}")


def press(page, button, status=303):
    return form_with(page, button).submit("do", value=button, status=status)


def test_a_clerk_answers_and_receives_and_an_owner_pays_back(counter, sign_in, sent):
    wanted = ask(counter, sent, LAMP=2)
    clerk, path = sign_in("clerk"), f"/admin/returns/{wanted}"
    assert "Returns" in text_of(clerk.get("/admin"))
    listed = clerk.get("/admin/returns")
    assert f"{wanted}" in text_of(listed)
    assert "To do (1)" in text_of(listed)
    for query in (f"?q={wanted.lower()}", "?q=ada@", "?q=Lovelace&tab=all&kind=return"):
        assert wanted in clerk.get(f"/admin/returns{query}").text
    for query in ("?q=nobody", "?kind=withdrawal", "?tab=done"):
        assert wanted not in clerk.get(f"/admin/returns{query}").html.find(id="main").text
    page = clerk.get(path)
    assert "It arrived damaged" in text_of(page)
    assert "<b>Broken" not in page.text
    page = press(page, "approve").follow()
    form = form_with(page, "receive")
    (key,) = (n.removeprefix("units:") for n in form.fields if n and n.startswith("units:"))
    assert not form[f"restock:{key}"].checked, "what arrived damaged goes on no shelf by itself"
    form[f"restock:{key}"] = True
    form[f"units:{key}"] = "3"
    assert "2 of Item LAMP were to come back, not 3" in text_of(press_form(form, "receive", 422))
    form[f"units:{key}"] = "1"
    said = press_form(form, "receive", 422)
    assert "Say in which condition Item LAMP came back." in text_of(said)
    assert counter.free("LAMP") == 3, "what was refused moved nothing"
    form = form_with(said, "receive")
    assert form[f"units:{key}"].value == "1"
    form[f"condition:{key}"] = "opened"
    page = press_form(form, "receive").follow()
    assert "1 received , Opened , back on the shelf" in text_of(page)
    assert counter.free("LAMP") == 4
    assert "received already" in text_of(press_form(form, "receive", 422))
    assert counter.free("LAMP") == 4
    assert "Pay back" not in page.html.select_one(".page-head").text
    clerk.get(f"{path}/refund", status=403)
    clerk.post(f"{path}/refund", status=(400, 403))

    owner = sign_in()
    page = owner.get(path).click("Pay back")
    assert "1 × Item LAMP $10.00" in text_of(page)
    form = form_with(page, "pay")
    form["amount"], form["note"] = "8.00", ""
    assert "Say why the amount" in text_of(press_form(form, "count", 200))
    form["note"] = "A scratch."
    assert "Check the amount" in text_of(press_form(form, "pay", 422)), "it was not counted up"
    form = form_with(press_form(form, "count", 200), "pay")
    page = press_form(form, "pay").follow()
    assert "$8.00 is paid back." in text_of(page)
    press_form(form, "pay")
    drain(counter.shop)
    order = counter.order(sent)
    assert [each.amount.minor for each in order.refunds] == [800]
    assert "CN-" in owner.get(path).text
    assert "Receive the goods first" in text_of(owner.get(f"{path}/refund"))
    page = text_of(owner.get(f"/admin/orders/{sent}"))
    for told in ("The customer asks for a return", "Approved a return", "Received a return"):
        assert told in page
    with counter.shop.unit() as db:
        rows = {(row.actor, row.action) for row in db.query(AuditEntry)}
    assert {
        ("clerk@example.org", "return.approved"),
        ("clerk@example.org", "return.received"),
        ("owner@example.org", "order.refunded"),
    } <= rows


def press_form(form, button, status=303):
    return form.submit("do", value=button, status=status)


def test_a_label_is_bought_from_the_screen(counter, sign_in, sent):
    wanted = ask(counter, sent, LAMP=1)
    owner, path = sign_in(), f"/admin/returns/{wanted}"
    page = press(owner.get(path), "prices").follow()
    assert "Buy it and approve" in page.text
    form = form_with(page, "buy")
    page = press_form(form, "buy").follow()
    press_form(form, "buy")
    assert counter.carrier.vendor.bought == 1
    assert "Approved" in text_of(page)
    label = page.click("Print PDF")
    assert label.body.startswith(b"%PDF")
    owner.get(f"{path}/label.zpl", status=404)


def test_a_label_is_voided_from_the_screen(counter, sign_in, sent):
    wanted = ask(counter, sent, LAMP=1)
    owner, path = sign_in(), f"/admin/returns/{wanted}"
    press(press(owner.get(path), "prices").follow(), "buy")
    page = press(owner.get(path), "void").follow()
    for told in ("Voided, paid back", "Label given back", "What becomes of its money"):
        assert told in text_of(page)
    owner.get(f"{path}/label.pdf", status=404)
    with counter.shop.unit() as db:
        db.execute(text("UPDATE return_label SET void = 'pending' WHERE void = 'done'"))
    page = press(owner.get(path), "look").follow()
    assert "The label's money was paid back." in text_of(page)
    press(press(page, "prices").follow(), "buy")
    shown = text_of(owner.get("/admin/shipping"))
    assert "Labels 2" in shown
    assert "Paid back $7.00" in shown
    vendor = counter.carrier.vendor
    vendor.scan(list(vendor.shipments)[-1], "in_transit")
    stale = owner.get(path)
    assert "is too old" in text_of(press(stale, "void", 422))
    return_labels.poll_labels(counter.shop)
    page = owner.get(path)
    assert "so it can't be voided any more" in text_of(page)
    with pytest.raises(AssertionError, match="No button void"):
        form_with(page, "void")
    form = form_with(stale, "void")
    form["label"] = "x"
    assert "This form is incomplete" in text_of(press_form(form, "void", 422))


def test_a_return_that_is_closed_offers_to_void_its_unused_label(counter, sign_in, sent):
    wanted = ask(counter, sent, LAMP=1)
    owner, path = sign_in(), f"/admin/returns/{wanted}"
    press(press(owner.get(path), "prices").follow(), "buy")
    form = form_with(owner.get(path), "close")
    form["note"] = "It never came."
    page = press_form(form, "close").follow()
    assert "Its label was not used: void it to get its money back." in text_of(page)
    assert "It was never scanned." in text_of(page)
    assert "Voided, paid back" in text_of(press(page, "void").follow())
    owner.get("/admin/returns/NOPE", status=404)


def test_what_a_bank_disputes_is_not_paid_back_and_what_is_declined_says_why(
    counter, sign_in, sent
):
    wanted = ask(counter, sent, LAMP=1)
    owner = sign_in()
    page = owner.get(f"/admin/returns/{wanted}")
    form = form_with(page, "decline")
    assert "Say why: the customer reads it." in text_of(press_form(form, "decline", 422))
    form["reason"] = "It is scratched."
    press_form(form, "decline")
    assert counter.order(sent).returns[0].answer == "It is scratched."
    second = ask(counter, sent, LAMP=1)
    key = line_ids(counter, sent)["LAMP"]
    with counter.shop.unit() as db:
        returns.approve(db, second, actor="t")
        returns.receive(db, second, {key: returns.Arrived(1, "new")}, actor="t")
    ((ref, payment),) = counter.card.vendor.payments.items()
    counter.card.vendor.dispute(ref)
    staff.settling.settle(counter.shop, sent, payment.attempt)
    assert "disputes this payment" in text_of(owner.get(f"/admin/returns/{second}/refund"))


def test_a_withdrawal_that_got_stuck_waits_for_staff(counter, sign_in):
    number = counter.buy(("LAMP", 2)).number
    key = line_ids(counter, number)["LAMP"]
    with counter.shop.unit() as db:
        declared = Declared(id=uuid.uuid4(), lines={key: 1})
        stuck = withdrawal.declare(counter.shop, db, number, declared).number
    drain(counter.shop)
    owner = sign_in()
    assert stuck in owner.get("/admin/returns").text
    page = owner.get(f"/admin/returns/{stuck}")
    assert "could not be taken out of the order by itself" in text_of(page)
    assert "I withdraw from my contract" in text_of(page)
    staff.mark_paid(counter.shop, number, actor="t")
    form = next(f for f in page.forms.values() if "do" in f.fields and f["do"].value == "carry_out")
    form.submit(status=303)
    drain(counter.shop)
    assert counter.order(number).returns[0].state == "refunded"
    assert stuck not in owner.get("/admin/returns").html.find(id="main").text
