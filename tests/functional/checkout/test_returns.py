"""What comes back: never more than was sent, once, on the shelf only if staff say so."""

from __future__ import annotations

import contextlib
import uuid
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from opticworks import kernel
from opticworks.checkout import purchase, return_labels, return_refund, returns, staff, withdrawal
from opticworks.checkout.refund import again, refund
from opticworks.checkout.refund_plan import Portion, Wish
from opticworks.checkout.return_refund import Terms
from opticworks.checkout.returns import Arrived, Asked
from opticworks.checkout.settle import Refused
from opticworks.checkout.withdrawal import Declared
from opticworks.documents import service as documents
from opticworks.jobs.testing import drain
from opticworks.orders import service as orders
from opticworks.returns import service as cases
from opticworks.returns.models import Return, ReturnLabel
from opticworks.shipping import service as shipments
from opticworks.shop import Shop
from opticworks.testing.contracts.common import at_once
from opticworks.testing.counter import Counter, open_counter
from opticworks.testing.ledger import wrong
from opticworks.webhooks import service as webhooks

CLERK = "clerk@example.org"
EUROPE = {"returns": {"withdrawal_countries": '["US", "DE"]'}}
REST = "'X', order_id, kind, state, '', '', '', NULL, now()"
ALERTS = {"shop": {"alerts": "staff@example.org"}}


@pytest.fixture
def counter(make_shop: Callable[..., Shop]) -> Counter:
    counter = open_counter(make_shop, settings={**EUROPE, **ALERTS})
    counter.card.first_state = "captured"
    counter.stock("A", 9, "10.00", weight=400)
    counter.stock("B", 9, "2.50", weight=100)
    return counter


def bought(counter: Counter, **sent: int) -> str:
    """An order of three A and one B, so much of which has left."""
    number = counter.buy(("A", 3), ("B", 1), payment="fake_card").number
    if sent:
        send(counter, number, **sent)
    return number


def send(counter: Counter, number: str, **lines: int) -> None:
    staff.fulfil(
        counter.shop, number, lines=lines, carrier="UPS", tracking_number="1Z9", actor=CLERK
    )


def ids(counter: Counter, number: str) -> dict[str, int]:
    with counter.shop.unit() as db:
        order = orders.by_number(db, number)
        assert order is not None
        return {line.sku: line.id for line in orders.lines_of(db, order.id)}


def ask(counter: Counter, number: str, form: uuid.UUID | None = None, **units: int) -> str:
    """A customer asks to send these units back; the return's number."""
    lines = {ids(counter, number)[sku]: (n, "unwanted") for sku, n in units.items()}
    asked = Asked(id=form or uuid.uuid4(), lines=lines, note="Too bright.")
    with counter.shop.unit() as db:
        return returns.request(counter.shop, db, number, asked).number


def withdraw(counter: Counter, number: str, form: uuid.UUID | None = None, **units: int) -> str:
    lines = {ids(counter, number)[sku]: n for sku, n in units.items()}
    with counter.shop.unit() as db:
        declared = Declared(id=form or uuid.uuid4(), lines=lines)
        return withdrawal.declare(counter.shop, db, number, declared).number


def do(counter: Counter, verb: Callable[..., Any], number: str, *args: Any, **more: Any) -> Any:
    """A verb of staff, in a transaction of its own."""
    with counter.shop.unit() as db:
        return verb(db, number, *args, **more)


def receive(counter: Counter, number: str, restock: bool = True, **units: int) -> None:
    order = number.rpartition("-R")[0]
    arrived = {
        ids(counter, order)[sku]: Arrived(n, "new" if restock else "damaged", restock)
        for sku, n in units.items()
    }
    do(counter, returns.receive, number, arrived, actor=CLERK)


def case(counter: Counter, number: str) -> Return:
    with counter.shop.unit() as db:
        found = cases.by_number(db, number)
    assert found is not None
    return found


def story(counter: Counter, number: str) -> list[str]:
    with counter.shop.unit() as db:
        return [each.kind for each in reversed(cases.history(db, case(counter, number).id))]


def mails(counter: Counter) -> list[str]:
    drain(counter.shop)
    return sorted(f"{m.to}: {m.subject}" for m in counter.mailer.vendor.sent.values())


def test_from_the_request_to_the_credit_note(counter: Counter) -> None:
    number = bought(counter, A=2)
    drain(counter.shop)
    free = counter.free("A")
    form = uuid.uuid4()
    wanted = ask(counter, number, form, A=2)
    assert wanted == f"{number}-R1"
    assert ask(counter, number, form, A=2) == wanted, "a double click is one return"
    with pytest.raises(Refused, match=f"You asked for the return {wanted} already"):
        ask(counter, number, A=1)  # another tab
    do(counter, returns.approve, wanted, actor=CLERK)
    do(counter, returns.approve, wanted, actor=CLERK)
    with pytest.raises(Refused, match="approved already"):
        do(counter, returns.decline, wanted, reason="no", actor=CLERK)
    with pytest.raises(Refused, match="Receive the goods first"):
        return_refund.pay(counter.shop, wanted, Terms(), actor=CLERK)
    do(counter, returns.on_its_way, wanted, actor=CLERK)
    receive(counter, wanted, A=1)
    assert counter.free("A") == free + 1
    assert counter.order(number).refunds == (), "receiving pays nothing back"
    with pytest.raises(Refused, match="received already"):
        receive(counter, wanted, A=2)
    with counter.shop.unit() as db:
        assert kernel.returned(db, number) == {"A": 1}
    for _ in range(2):
        return_refund.pay(counter.shop, wanted, Terms(), actor=CLERK)
    order = counter.order(number)
    line = order.lines[0].total.minor
    assert [each.amount.minor for each in order.refunds] == [-(-line // 3)]
    assert counter.free("A") == free + 1, "paying back restocks nothing"
    drain(counter.shop)
    (view,) = counter.order(number).returns
    assert (view.state, view.lines, view.coming) == ("refunded", (("A", "Item A", 2),), 1)
    assert [note for note, _ in view.credit_notes] == ["CN-00001"]
    with counter.shop.unit() as db:
        invoice, note = documents.of_order(db, number)
    assert (note.number, note.facts["refers_to"]) == ("CN-00001", invoice.number)
    assert note.facts["total"] == note.facts["lines"][0]["total"] == order.refunds[0].amount.minor
    steps = ["requested", "approved", "in_transit", "received", "credit_note", "refunded"]
    assert story(counter, wanted) == steps
    told = [line for line in mails(counter) if "eturn" in line]
    assert told == [
        f"ada@example.com: Your return {wanted} has arrived",
        f"ada@example.com: Your return {wanted} is approved",
        f"staff@example.org: Return {wanted}: 2 × Item A",
    ]
    # One of two came: the other can still be sent back, and no more than that.
    with pytest.raises(Refused, match="Of Item A, 1 can be sent back, not 2"):
        ask(counter, number, A=2)
    assert ask(counter, number, A=1) == f"{number}-R2"
    assert wrong(counter.shop) == []


def test_a_refund_that_failed_and_was_made_again_ends_its_return(counter: Counter) -> None:
    number = bought(counter, A=3, B=1)
    wanted = ask(counter, number, A=1)
    do(counter, returns.approve, wanted, actor=CLERK)
    receive(counter, wanted, restock=False, A=1)
    counter.card.vendor.refunds_begin = "failed"
    outcome = return_refund.pay(counter.shop, wanted, Terms(), actor=CLERK)
    (failed,) = outcome.refunds
    assert (failed.status, case(counter, wanted).state) == ("failed", "received")
    counter.card.vendor.refunds_begin = "done"
    again(counter.shop, number, failed.key, actor=CLERK)
    drain(counter.shop)
    (view,) = counter.order(number).returns
    assert (view.state, len(view.credit_notes)) == ("refunded", 1)


def test_what_can_be_asked_for_and_for_how_long(counter: Counter) -> None:
    # Noon in New York, where days have 23 or 25 hours twice a year.
    now = datetime(2026, 6, 10, 16, tzinfo=UTC)
    counter.shop.now = lambda: now
    number = bought(counter)

    def offered() -> returns.Offer:
        with counter.shop.unit() as db:
            order = orders.by_number(db, number)
            assert order is not None
            return returns.offer(counter.shop, db, order)

    may = offered()
    assert may.returnable == ()
    assert [(each.line.sku, each.units) for each in may.withdrawable] == [("A", 3), ("B", 1)]
    assert may.withdraw_until is None, "nothing arrived, so the time does not run"
    send(counter, number, A=3, B=1)
    may = offered()
    assert [each.sent for each in may.returnable] == [3, 1]
    # Nobody reports a delivery here: ten days are taken for it, the day of the end is whole.
    assert may.until is not None
    assert may.withdraw_until is not None
    assert timedelta(days=40) < may.until - now <= timedelta(days=41)
    assert timedelta(days=24) < may.withdraw_until - now <= timedelta(days=25)
    counter.shop.now = lambda: now + timedelta(days=30)
    assert (bool(offered().returnable), offered().withdrawable) == (True, ())
    counter.shop.now = lambda: now + timedelta(days=45)
    assert offered().returnable == ()
    with pytest.raises(Refused, match="Nothing of this order"):
        ask(counter, number, A=1)
    with pytest.raises(Refused, match="You can't withdraw"):
        withdraw(counter, number, A=1)


def test_declined_taken_back_and_closed_returns_leave_their_units_free(counter: Counter) -> None:
    number = bought(counter, A=3)
    first = ask(counter, number, A=3)
    with pytest.raises(Refused, match="Say why"):
        do(counter, returns.decline, first, reason=" ", actor=CLERK)
    do(counter, returns.decline, first, reason="It was used.", actor=CLERK)
    second = ask(counter, number, A=3)
    do(counter, returns.cancel, second)
    third = ask(counter, number, A=3)
    do(counter, returns.approve, third, actor=CLERK)
    with pytest.raises(Refused, match="Enter what arrived"):
        receive(counter, third, A=0)
    do(counter, returns.close, third, note="Nothing came.", actor=CLERK)
    fourth = ask(counter, number, A=3)
    states = [each.state for each in counter.order(number).returns]
    assert states == ["declined", "canceled", "closed", "requested"]
    with pytest.raises(Refused, match="not approved yet"):
        receive(counter, fourth, A=1)
    assert f"ada@example.com: About your return {first}" in mails(counter)


def test_a_crowd_makes_one_return_and_receives_it_once(counter: Counter) -> None:
    number = bought(counter, A=3)
    free, made = counter.free("A"), []

    def tab() -> None:
        with contextlib.suppress(Refused):
            made.append(ask(counter, number, A=2))

    at_once(tab, 10)
    assert made == [f"{number}-R1"]
    do(counter, returns.approve, made[0], actor=CLERK)
    received = []

    def clerk() -> None:
        with contextlib.suppress(Refused):
            receive(counter, made[0], A=2)
            received.append(1)

    at_once(clerk, 6)
    assert (received, counter.free("A")) == ([1], free + 2)
    at_once(lambda: return_refund.pay(counter.shop, made[0], Terms(), actor=CLERK), 6)
    assert len(counter.order(number).refunds) == 1
    assert len(counter.order(number).returns[0].credit_notes) == 1
    drain(counter.shop)
    assert wrong(counter.shop) == []


def test_the_database_refuses_what_the_rules_refuse(counter: Counter) -> None:
    number = bought(counter, A=2)
    wanted = ask(counter, number, A=2)
    line = ids(counter, number)["A"]
    statements = (
        f"UPDATE goods_return_line SET quantity = 3 WHERE order_line_id = {line}",
        "UPDATE goods_return SET state = 'refunded'",
        "UPDATE goods_return SET order_id = 0",
        "DELETE FROM goods_return_line",
        "UPDATE goods_return_event SET note = 'x'",
        f"INSERT INTO goods_return SELECT gen_random_uuid(), {REST} FROM goods_return",
    )
    for statement in statements:
        with pytest.raises(IntegrityError), counter.shop.unit() as db:
            db.execute(text(statement))
    do(counter, returns.decline, wanted, reason="no", actor=CLERK)
    with pytest.raises(IntegrityError), counter.shop.unit() as db:
        db.execute(text("UPDATE goods_return SET state = 'approved'"))


# --- labels ---------------------------------------------------------------------------------------


def test_a_label_is_bought_once_looked_up_after_a_time_out_and_sent_with_the_approval(
    counter: Counter,
) -> None:
    number = bought(counter, A=2)
    wanted, vendor = ask(counter, number, A=2), counter.carrier.vendor
    offered = return_labels.prepare(counter.shop, wanted)
    assert return_labels.prepare(counter.shop, wanted) == offered
    rate = offered[0].code
    with pytest.raises(Refused, match="more than"):
        return_labels.buy(counter.shop, wanted, rate_code=rate, most=1, actor=CLERK)
    vendor.fail_next("after")
    with pytest.raises(Refused, match="Look it up before"):
        return_labels.buy(counter.shop, wanted, rate_code=rate, most=None, actor=CLERK)
    with pytest.raises(Refused, match="being bought"):
        do(counter, returns.decline, wanted, reason="no", actor=CLERK)

    def click() -> None:
        return_labels.buy(counter.shop, wanted, rate_code=rate, most=None, actor=CLERK)

    at_once(click, 4)
    assert vendor.bought == 1
    (view,) = counter.order(number).returns
    assert (view.state, view.labels, view.carrier) == ("approved", ("PDF",), "Fake Carrier")
    drain(counter.shop)
    (mail,) = [m for m in counter.mailer.vendor.sent.values() if "is approved" in m.subject]
    assert mail.attachments[0].filename == f"return-label-{wanted}.pdf"
    assert mail.attachments[0].content.startswith(b"%PDF")
    # The carrier scans it, and no webhook tells.
    with counter.shop.unit() as db:
        label = cases.label_of(db, case(counter, wanted).id)
    assert label is not None
    vendor.scan(label.ref, "in_transit")
    with vendor.down():
        return_labels.poll_labels(counter.shop)
    assert case(counter, wanted).state == "approved"
    return_labels.poll_labels(counter.shop)
    assert case(counter, wanted).state == "in_transit"
    for _ in range(2):
        assert return_labels.sync(counter.shop, "fake_carrier", label.ref)
    assert case(counter, wanted).state == "in_transit"
    assert not return_labels.sync(counter.shop, "fake_carrier", "unknown")


def labelled(counter: Counter, number: str) -> ReturnLabel:
    """The return's label, bought; the return is approved with it."""
    rate = return_labels.prepare(counter.shop, number)[0].code
    return_labels.buy(counter.shop, number, rate_code=rate, most=None, actor=CLERK)
    return labels_of(counter, number)[-1]


def look_by_itself(counter: Counter) -> None:
    """What the poller does some time later."""
    with counter.shop.unit() as db:
        db.execute(text("UPDATE return_label SET look_at = now() - interval '1 second'"))
    return_labels.look_at_labels(counter.shop)


def labels_of(counter: Counter, number: str) -> Sequence[ReturnLabel]:
    with counter.shop.unit() as db:
        return cases.labels_of(db, case(counter, number).id)


def test_a_label_is_given_back_once_and_another_one_is_bought(
    counter: Counter, monkeypatch: pytest.MonkeyPatch
) -> None:
    number, vendor = bought(counter, A=2), counter.carrier.vendor
    wanted = ask(counter, number, A=2)
    label = labelled(counter, wanted)
    with pytest.raises(Refused, match="void the label"):
        do(counter, returns.decline, wanted, reason="no", actor=CLERK)
    at_once(lambda: return_labels.void(counter.shop, label.id, actor=CLERK), 4)
    assert vendor.calls.count("void") == 1
    (view,) = counter.order(number).returns
    assert (view.state, view.labels, view.tracking_number) == ("approved", (), "")
    told = [mail for mail in mails(counter) if mail.startswith("ada@")]
    assert f"ada@example.com: Please don’t use the label of your return {wanted}" in told
    with counter.shop.unit() as db:
        assert cases.files_to_use(db, case(counter, wanted).id) == ()

    again = labelled(counter, wanted)
    return_labels.void(counter.shop, label.id, actor=CLERK)  # an old page, pressed late
    assert (vendor.bought, counter.order(number).returns[0].labels) == (2, ("PDF",))
    assert counter.order(number).returns[0].tracking_number == again.tracking_number
    assert story(counter, wanted)[-2:] == ["label_voided", "label"]

    vendor.scan(again.ref, "in_transit")
    with pytest.raises(Refused, match="it was used, or is too old"):
        return_labels.void(counter.shop, again.id, actor=CLERK)
    assert counter.order(number).returns[0].labels == ("PDF",), "it stays what it was"
    return_labels.sync(counter.shop, "fake_carrier", again.ref)
    asked = vendor.calls.count("void")
    with pytest.raises(Refused, match="Fake Carrier has scanned this parcel"):
        return_labels.void(counter.shop, again.id, actor=CLERK)
    assert vendor.calls.count("void") == asked


def test_a_time_out_of_giving_back_is_looked_up_before_anything_else(counter: Counter) -> None:
    number, vendor = bought(counter, A=2), counter.carrier.vendor
    wanted = ask(counter, number, A=2)
    label = labelled(counter, wanted)
    vendor.fail_next("after")
    with pytest.raises(purchase.Unanswered, match="looked up in a few minutes"):
        return_labels.void(counter.shop, label.id, actor=CLERK)
    assert counter.order(number).returns[0].labels == (), "nobody is to use it meanwhile"
    with pytest.raises(Refused, match="has a label already"):
        return_labels.prepare(counter.shop, wanted)
    with vendor.down():
        look_by_itself(counter)
    assert labels_of(counter, wanted)[0].void == "asking"
    look_by_itself(counter)
    (label,) = labels_of(counter, wanted)
    assert (label.status, label.void, label.look_at) == ("voided", "done", None)
    assert vendor.calls.count("void") == 1, "it was found"


def test_the_money_of_a_label_is_followed_to_its_end(
    counter: Counter, monkeypatch: pytest.MonkeyPatch
) -> None:
    number, vendor = bought(counter, A=3), counter.carrier.vendor
    monkeypatch.setattr(counter.carrier, "void", lambda ref, key: "pending")
    ends = {"done": [], "failed": ["void"]}
    for end, problems in ends.items():
        wanted = ask(counter, number, A=1)
        label = labelled(counter, wanted)
        do(counter, returns.close, wanted, note="Nothing came.", actor=CLERK)
        return_labels.void(counter.shop, label.id, actor=CLERK)
        assert f"label of your return {wanted}" not in " ".join(mails(counter)), "it is over"
        vendor.shipments[label.ref].void = end  # type: ignore[assignment]
        for _ in range(2):  # by a webhook, by the poller; refused too early at times
            vendor.announce("refund.updated", ref=label.ref, reference="")
            webhooks.receive(counter.shop, "fake_carrier", *vendor.webhook(vendor.events[-1]))
            drain(counter.shop)
        (label,) = labels_of(counter, wanted)
        assert (label.void, label.look_at) == (end, None)
        assert story(counter, wanted)[-2:] == ["label_voided", f"label_void_{end}"]
        with counter.shop.unit() as db:
            found = shipments.problems(db, case(counter, wanted).order_id)
        assert [each.kind for each in found] == problems
    assert "pays nothing back for the label FAKE0000000002 of the return" in found[0].sentence


# --- withdrawing ----------------------------------------------------------------------------------


def test_a_withdrawal_before_anything_left_cancels_the_order_and_is_receipted(
    counter: Counter,
) -> None:
    number = bought(counter)
    form = uuid.uuid4()
    declared = withdraw(counter, number, form, A=3, B=1)
    assert withdraw(counter, number, form, A=3, B=1) == declared
    with pytest.raises(Refused, match="you did already"):
        withdraw(counter, number, A=1)
    drain(counter.shop)
    order = counter.order(number)
    assert (order.status, order.payment_status) == ("canceled", "refunded")
    (view,) = order.returns
    assert (view.state, view.coming, len(view.credit_notes)) == ("refunded", 0, 1)
    assert "I withdraw from my contract" in view.statement
    assert (counter.free("A"), counter.free("B")) == (9, 9)
    sent = mails(counter)
    assert f"ada@example.com: We received your withdrawal from order {number}" in sent
    assert f"staff@example.org: Return {declared}: 3 × Item A, 1 × Item B" in sent
    assert wrong(counter.shop) == []


def test_a_withdrawal_takes_out_what_is_here_and_lets_the_rest_come_back(counter: Counter) -> None:
    number = bought(counter, A=2)
    pending = ask(counter, number, A=1)
    declared = withdraw(counter, number, A=3, B=1)
    drain(counter.shop)
    order = counter.order(number)
    assert case(counter, pending).state == "canceled", "a request gives way"
    case_now = case(counter, declared)
    assert (case_now.state, case_now.carried_out_at is not None) == ("approved", True)
    assert [(line.quantity, line.unsent) for line in case_now.lines] == [(3, 1), (1, 1)]
    assert [line.left for line in order.lines] == [0, 0]
    assert (order.status, order.payment_status) == ("confirmed", "part_refunded")
    assert counter.free("A") == 7
    receive(counter, declared, A=2)
    with counter.shop.unit() as db:
        row = orders.by_number(db, number)
        assert row is not None
        left = returns.refund_plan.left_of(db, row)
        shipping = return_refund.suggested_shipping(db, row, case_now, left)
    assert shipping == order.shipping_total.minor, "all of it: the standard delivery goes back too"
    return_refund.pay(counter.shop, declared, Terms(shipping=shipping), actor=CLERK)
    drain(counter.shop)
    order = counter.order(number)
    assert (order.payment_status, order.returns[1].state) == ("refunded", "refunded")
    assert len(order.returns[1].credit_notes) == 2
    assert wrong(counter.shop) == []


def test_what_left_or_has_a_label_while_it_is_withdrawn_from(counter: Counter) -> None:
    number = bought(counter)
    declared = withdraw(counter, number, A=3, B=1)
    send(counter, number, A=1)  # a clerk was quicker than the job
    drain(counter.shop)
    first = case(counter, declared)
    assert [(line.quantity, line.unsent) for line in first.lines] == [(3, 2), (1, 1)]
    assert (first.state, first.problem) == ("approved", "")
    assert story(counter, declared) == [
        *("declared", "left_meanwhile", "credit_note", "carried_out")
    ]

    unpaid = counter.buy(("A", 2)).number
    second = withdraw(counter, unpaid, A=1)
    drain(counter.shop)
    assert "Nothing of this order's money" in case(counter, second).problem
    staff.mark_paid(counter.shop, unpaid, actor=CLERK)
    for _ in range(2):
        withdrawal.carry_out(counter.shop, str(case(counter, second).id))
    assert (case(counter, second).state, case(counter, second).problem) == ("refunded", "")
    assert [line.left for line in counter.order(unpaid).lines] == [1]
    assert wrong(counter.shop) == []


def test_what_staff_pay_back_while_it_is_withdrawn_from_is_done_with(counter: Counter) -> None:
    number = bought(counter, B=1)
    declared = withdraw(counter, number, A=2, B=1)
    wish = Wish(request=uuid.uuid4(), portions={"A": Portion(unsent=2)})
    refund(counter.shop, number, wish, actor=CLERK)  # a clerk was quicker than the job
    drain(counter.shop)
    found = case(counter, declared)
    assert (found.state, found.problem) == ("approved", ""), "the sent one still comes back"
    assert [line.coming for line in found.lines] == [0, 1]
    assert len(counter.order(number).refunds) == 1
    assert [line.left for line in counter.order(number).lines] == [1, 0]
    assert wrong(counter.shop) == []
