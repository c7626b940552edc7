"""Paying back: exact to the cent, once, never more than was taken, whoever asks."""

from __future__ import annotations

import threading
import uuid
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from opticworks.checkout import refund as refunding
from opticworks.checkout import settle as settling
from opticworks.checkout import staff
from opticworks.checkout.refund_plan import Portion, Wish
from opticworks.checkout.settle import Refused
from opticworks.jobs import defer
from opticworks.jobs.testing import drain
from opticworks.orders import service as orders
from opticworks.payments import refunds
from opticworks.payments import service as payments
from opticworks.shop import Shop
from opticworks.stock import service as stock
from opticworks.testing.counter import Counter, open_counter
from opticworks.testing.ledger import wrong


@pytest.fixture
def counter(make_shop: Callable[..., Shop]) -> Counter:
    counter = open_counter(make_shop)
    counter.card.first_state = "captured"
    counter.stock("A", 5, "10.00")
    counter.stock("B", 5, "2.50")
    return counter


def wish(request: uuid.UUID | None = None, **more: Any) -> Wish:
    return Wish(request=request or uuid.uuid4(), **more)


def pay_back(counter: Counter, number: str, wanted: Wish) -> list[Any]:
    return list(refunding.refund(counter.shop, number, wanted, actor="clerk").refunds)


def bought(counter: Counter, *lines: tuple[str, int]) -> str:
    return counter.buy(*(lines or (("A", 3), ("B", 1))), payment="fake_card").number


def sums(counter: Counter, number: str) -> Any:
    with counter.shop.unit() as db:
        return payments.sums(db, orders.by_number(db, number).id)


def the_payment(counter: Counter) -> Any:
    (payment,) = counter.card.vendor.payments.values()
    return payment


def send(counter: Counter, number: str, **lines: int) -> None:
    staff.fulfil(
        counter.shop, number, lines=lines, carrier="UPS", tracking_number="1Z9", actor="clerk"
    )


def settled(counter: Counter, number: str) -> None:
    with counter.shop.unit() as db:
        order = orders.by_number(db, number)
        attempt = payments.of_order(db, order.id)[0].attempt
    settling.settle(counter.shop, number, attempt)


def later(counter: Counter, **delta: float) -> None:
    """The sweeper comes after that time."""
    now = counter.shop.now() + timedelta(**delta)
    counter.shop.now = lambda: now
    with counter.shop.unit() as db:
        defer(db, "checkout.sweep")
    drain(counter.shop)


def test_parts_then_the_rest_pay_back_exactly_what_was_paid(counter: Counter) -> None:
    number = bought(counter)
    order = counter.order(number)
    line = order.lines[0].total.minor
    (first,) = pay_back(counter, number, wish(portions={"A": Portion(unsent=1)}))
    assert (first.status, first.amount) == ("done", -(-line // 3))
    drain(counter.shop)
    view = counter.order(number)
    assert (view.payment_status, view.status) == ("part_refunded", "confirmed")
    assert [(each.refunded, each.removed, each.left) for each in view.lines] == [
        (1, 1, 2),
        (0, 0, 1),
    ]
    assert counter.free("A") == 3, "the unit can be sold again"
    # What was taken out is not sent any more; the rest is.
    with pytest.raises(Refused, match="2 of Item A are left to send, not 3"):
        send(counter, number, A=3)
    send(counter, number, A=1)
    pay_back(counter, number, wish(portions={"A": Portion(sent=1, restock_sent=True)}))
    pay_back(counter, number, wish(shipping=view.shipping_total.minor))
    rest = {"A": Portion(unsent=1, restock=False), "B": Portion(unsent=1)}
    pay_back(counter, number, wish(portions=rest))
    view = counter.order(number)
    assert view.payment_status == "refunded"
    assert view.fulfilment_status == "shipped", "nothing is left to send"
    assert sums(counter, number).refunded == order.total.minor
    assert counter.card.vendor.charged == 0
    per_line = {}
    for each in view.refunds:
        for line in each.lines:
            per_line[line.title] = per_line.get(line.title, 0) + line.amount.minor
    assert per_line == {each.title: each.total.minor for each in order.lines}
    # Of three: one back from the order, one back from the customer, one written off.
    assert counter.free("A") == 4
    drain(counter.shop)
    told = [m for m in counter.mailer.vendor.sent.values() if "refund" in m.subject.lower()]
    assert len(told) == 4, "one mail for each refund"
    assert first_amount(told[0]) in told[0].text
    assert wrong(counter.shop) == []
    with pytest.raises(Refused, match="money is left to pay back"):
        pay_back(counter, number, wish(amount=1, note="more"))


def first_amount(mail: Any) -> str:
    return "$" + mail.subject.split("$")[1].split()[0]


def test_an_amount_of_ones_own_needs_a_reason_and_fits_what_is_left(counter: Counter) -> None:
    number = bought(counter, ("A", 1))
    total = counter.order(number).total.minor
    for wanted, sentence in (
        (wish(amount=300), "Say why"),
        (wish(amount=total + 1, note="x"), "is left to pay back"),
        (wish(amount=0), "a refund of nothing"),
        (wish(amount=-5, note="x"), "a refund of nothing"),
        (wish(portions={"A": Portion(unsent=2)}), "1 of Item A are not sent yet"),
        (wish(portions={"A": Portion(sent=1)}), "0 of Item A are sent"),
        (wish(portions={"A": Portion(unsent=-1)}), "not -1"),
        (wish(portions={"X": Portion(unsent=1)}), "X is not part"),
        (wish(shipping=10**6), "Of what delivery cost"),
        (wish(portions={"A": Portion(unsent=1)}, shown=1), "Check the amount"),
    ):
        with pytest.raises(Refused, match=sentence):
            pay_back(counter, number, wanted)
    assert counter.card.vendor.charged == total
    pay_back(counter, number, wish(amount=300, note="goodwill"))
    with pytest.raises(Refused, match="Enter what is to go back as another amount"):
        pay_back(
            counter,
            number,
            wish(
                portions={"A": Portion(unsent=1)},
                shipping=counter.order(number).shipping_total.minor,
            ),
        )
    (made,) = pay_back(counter, number, wish(amount=300, note="Scratched"))
    assert (made.amount, made.lines["adjustment"]) == (300, 300)
    assert counter.order(number).lines[0].left == 1, "the goods are still to be sent"
    send(counter, number, A=1)


def test_two_clicks_and_two_at_once_are_one_refund(counter: Counter) -> None:
    number, form = bought(counter), uuid.uuid4()
    wanted = wish(form, portions={"A": Portion(unsent=1)}, reason="customer")
    found: list[Any] = []
    threads = [
        threading.Thread(target=lambda: found.extend(pay_back(counter, number, wanted)))
        for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len({each.key for each in found}) == 1
    assert len(found) == 4
    assert len(the_payment(counter).refunds) == 1
    with pytest.raises(Refused, match="already"):  # the browser's back button, and another wish
        pay_back(counter, number, wish(form, portions={"A": Portion(unsent=2)}))
    assert counter.free("A") == 3
    drain(counter.shop)
    assert wrong(counter.shop) == []


def test_the_database_itself_refuses_more_than_was_captured(counter: Counter) -> None:
    number = bought(counter, ("A", 1))
    total = counter.order(number).total.minor
    with counter.shop.unit() as db:
        order = orders.by_number(db, number)
        payment_id = payments.latest(db, order.id).id
    insert = text(
        "INSERT INTO refund (key, request, payment_id, amount, status, reason, note, lines, ref,"
        " message, actor, unseen) VALUES (gen_random_uuid(), gen_random_uuid(), :id, :amount,"
        " 'intended', '', '', '{}', '', '', '', false)"
    )
    with pytest.raises(IntegrityError, match="more than"), counter.shop.unit() as db:
        db.execute(insert, {"id": payment_id, "amount": total + 1})
    # Two transactions that know nothing of each other: the second waits, and is refused.
    first = counter.shop.engine.connect()
    first.execute(insert, {"id": payment_id, "amount": total})
    refused: list[BaseException] = []

    def second() -> None:
        try:
            with counter.shop.unit() as db:
                db.execute(insert, {"id": payment_id, "amount": 1})
        except IntegrityError as error:
            refused.append(error)

    thread = threading.Thread(target=second)
    thread.start()
    thread.join(0.2)
    assert thread.is_alive(), "the second waits for the first"
    first.commit()
    first.close()
    thread.join(10)
    assert len(refused) == 1
    for change in ("UPDATE refund SET amount = 1", "DELETE FROM refund"):
        with pytest.raises(IntegrityError, match="never changed"), counter.shop.unit() as db:
            db.execute(text(change))


def test_the_ledger_itself_refuses_to_pay_back_more_than_was_captured(counter: Counter) -> None:
    number = bought(counter, ("A", 1))
    total = counter.order(number).total.minor
    with counter.shop.unit() as db:
        payment_id = payments.latest(db, orders.by_number(db, number).id).id

    def tell(kind: str, amount: int) -> None:
        told = {"id": payment_id, "key": f"{kind}:{uuid.uuid4()}", "kind": kind, "amount": amount}
        with counter.shop.unit() as db:
            db.execute(
                text(
                    "INSERT INTO payment_event (payment_id, key, kind, amount, actor, note)"
                    " VALUES (:id, :key, :kind, :amount, '', '')"
                ),
                told,
            )

    with pytest.raises(IntegrityError, match="would be paid back"):
        tell("refunded", -total - 1)
    tell("refunded", -total)
    with pytest.raises(IntegrityError, match="would be paid back"):
        tell("refunded", -1)
    tell("refund_failed", total)  # its bank sent it back: there it is again
    tell("refunded", -total)
    tell("dispute_closed", -total)  # a bank takes what was paid back before, too
    for kind, amount in (("captured", -1), ("refunded", 1), ("refund_failed", -1), ("action", 1)):
        with pytest.raises(IntegrityError, match="sign"):
            tell(kind, amount)


@pytest.mark.parametrize("when", ["before", "after"])
def test_a_refund_nobody_answered_is_brought_to_its_end_by_the_sweeper(
    counter: Counter, when: Any
) -> None:
    number = bought(counter)
    counter.card.vendor.fail_next(when)
    wanted = wish(portions={"A": Portion(unsent=1)})
    outcome = refunding.refund(counter.shop, number, wanted, actor="clerk")
    assert outcome.unanswered
    assert outcome.refunds[0].status == "intended"
    assert sums(counter, number).refunding == outcome.refunds[0].amount
    drain(counter.shop)
    assert counter.free("A") == 2, "goods are moved when the provider has agreed"
    later(counter, minutes=2)
    assert [each.status for each in counter.order(number).refunds] == ["done"]
    assert len(the_payment(counter).refunds) == 1
    assert counter.free("A") == 3
    assert wrong(counter.shop) == []


def test_a_pending_refund_that_fails_later_is_seen_and_made_again(counter: Counter) -> None:
    number = bought(counter)
    vendor = counter.card.vendor
    vendor.refunds_begin = "pending"
    (made,) = pay_back(counter, number, wish(portions={"A": Portion(unsent=3)}))
    assert made.status == "pending"
    now = sums(counter, number)
    assert (now.refunded, now.refunding) == (0, made.amount)
    vendor.end_refund(the_payment(counter).refunds[0].ref, failed="The card was canceled.")
    later(counter, days=2)  # its webhook was lost: the sweeper looks
    (failed,) = counter.order(number).refunds
    assert (failed.status, failed.message) == ("failed", "The card was canceled.")
    assert sums(counter, number).refunding == 0
    assert counter.order(number).lines[0].refunded == 0, "the money can be paid back again"
    free = counter.free("A")
    vendor.refunds_begin = "done"
    for _ in range(2):
        refunding.again(counter.shop, number, made.key, actor="clerk")
    assert [each.status for each in counter.order(number).refunds] == ["failed", "done"]
    assert counter.free("A") == free, "the goods are moved once"
    assert sums(counter, number).refunded == made.amount
    # Done, and the bank sends it back all the same.
    vendor.end_refund(the_payment(counter).refunds[1].ref, failed="No such account.")
    settled(counter, number)
    settled(counter, number)
    assert sums(counter, number).kept == counter.order(number).total.minor
    assert counter.order(number).payment_status == "paid"
    with counter.shop.unit() as db:
        rows = refunds.of_order(db, orders.by_number(db, number).id)
        assert [each.unseen for each in rows] == [False, True]
    with counter.shop.unit() as db:
        last = uuid.UUID(counter.order(number).refunds[1].id)
        refunding.dismiss(db, number, last, actor="clerk")
    drain(counter.shop)
    assert wrong(counter.shop) == []


def test_a_dispute_blocks_its_money_and_a_lost_one_takes_it(counter: Counter) -> None:
    number = bought(counter)
    total = counter.order(number).total.minor
    vendor, ref = counter.card.vendor, the_payment(counter).ref
    vendor.dispute(ref)
    for _ in range(2):
        settled(counter, number)
    assert sums(counter, number).disputed == total
    with pytest.raises(Refused, match="bank disputes this payment"):
        pay_back(counter, number, wish(portions={"A": Portion(unsent=1)}))
    with counter.shop.unit() as db:
        opened = text("SELECT count(*) FROM event WHERE kind = 'dispute.opened'")
        assert db.scalar(opened) == 1
    vendor.dispute(ref, "lost")
    settled(counter, number)
    vendor.dispute(ref, "under_review")  # a late report
    settled(counter, number)
    now = sums(counter, number)
    assert (now.disputed, now.lost, now.kept) == (0, total, 0)
    drain(counter.shop)
    assert wrong(counter.shop) == []


def test_taking_everything_out_before_it_left_cancels_the_order(counter: Counter) -> None:
    number = bought(counter, ("A", 2))
    pay_back(counter, number, wish(portions={"A": Portion(unsent=2)}))
    order = counter.order(number)
    assert (order.status, order.payment_status) == ("canceled", "part_refunded")
    assert counter.free("A") == 5
    with counter.shop.unit() as db:
        assert stock.held_by(db, number) == {}
    drain(counter.shop)
    assert wrong(counter.shop) == []
    # Delivery was not paid back yet; that can still be done.
    pay_back(counter, number, wish(shipping=order.shipping_total.minor))
    assert counter.order(number).payment_status == "refunded"


def test_money_paid_by_hand_goes_back_by_hand(counter: Counter) -> None:
    number = counter.buy(("A", 1)).number
    with pytest.raises(Refused, match="money is left to pay back"):
        pay_back(counter, number, wish(portions={"A": Portion(unsent=1)}))
    staff.mark_paid(counter.shop, number, actor="clerk")
    (made,) = pay_back(counter, number, wish(portions={"A": Portion(unsent=1)}))
    assert made.status == "done"
    assert counter.order(number).status == "canceled"


def test_money_of_a_canceled_order_goes_back_when_its_dispute_is_won(counter: Counter) -> None:
    number = bought(counter)
    vendor, ref = counter.card.vendor, the_payment(counter).ref
    vendor.dispute(ref)
    settled(counter, number)
    staff.cancel(counter.shop, number, actor="clerk", reason="customer")
    drain(counter.shop)
    assert vendor.charged == counter.order(number).total.minor, "no bank lets it go meanwhile"
    for _ in range(2):
        vendor.dispute(ref, "won")
        settled(counter, number)
        drain(counter.shop)
    order = counter.order(number)
    assert (order.status, order.payment_status, vendor.charged) == ("canceled", "refunded", 0)
