"""What staff do to orders: paid, canceled, sent; each safe to repeat, each refusal a sentence."""

from __future__ import annotations

import uuid
from collections.abc import Callable

import pytest
from sqlalchemy import text

from opticworks.checkout import staff
from opticworks.checkout.place import place
from opticworks.checkout.settle import Refused, apply, attempt_of
from opticworks.contracts import Component, PaymentResult
from opticworks.jobs.testing import drain
from opticworks.shop import Shop
from opticworks.stock import service as stock
from opticworks.testing.counter import Counter, open_counter


@pytest.fixture
def counter(make_shop: Callable[..., Shop]) -> Counter:
    counter = open_counter(make_shop)
    counter.stock("A", 5, "10.00")
    counter.stock("B", 5, "2.50")
    return counter


def paid(counter: Counter, *lines: tuple[str, int]) -> str:
    number = counter.buy(*lines).number
    staff.mark_paid(counter.shop, number, actor="clerk", reference="bank 1")
    return number


def send(counter: Counter, number: str, **lines: int) -> None:
    staff.fulfil(
        counter.shop, number, lines=lines, carrier="UPS", tracking_number="1Z999", actor="clerk"
    )


def test_a_parcel_takes_its_goods_off_the_shelf_and_shows_on_the_order(counter: Counter) -> None:
    number = paid(counter, ("A", 2), ("B", 1))
    send(counter, number, A=1)
    order = counter.order(number)
    assert order.fulfilment_status == "part_shipped"
    assert [line.shipped for line in order.lines] == [1, 0]
    send(counter, number, A=1, B=1)
    order = counter.order(number)
    assert order.fulfilment_status == "shipped"
    assert "1Z999" in order.shipments[0].tracking_url
    with counter.shop.unit() as db:
        entry = stock.availability(db, ["A"])["A"]
        assert (entry.on_hand, entry.held) == (3, 0)
        assert stock.verify(db) == []
        kinds = list(db.scalars(text("SELECT kind FROM event")))
    assert kinds.count("shipment.shipped") == 2


@pytest.mark.parametrize(
    ("lines", "sentence"),
    [
        ({}, "at least one item"),
        ({"A": 3}, "2 of Item A are left to send, not 3"),
        ({"A": -1}, "left to send"),
        ({"X": 1}, "X is not part"),
    ],
)
def test_an_impossible_parcel_is_refused(
    counter: Counter, lines: dict[str, int], sentence: str
) -> None:
    number = paid(counter, ("A", 2))
    with pytest.raises(Refused, match=sentence):
        send(counter, number, **lines)
    assert counter.order(number).shipments == ()


def test_what_is_not_paid_is_not_sent(counter: Counter) -> None:
    number = counter.buy(("A", 1)).number
    with pytest.raises(Refused, match="not paid yet"):
        send(counter, number, A=1)


def test_canceling_an_unpaid_order_gives_its_goods_back_once(counter: Counter) -> None:
    number = counter.buy(("A", 2)).number
    for _ in range(2):
        staff.cancel(counter.shop, number, actor="clerk", reason="customer asked")
    order = counter.order(number)
    assert (order.status, order.payment_status) == ("canceled", "unpaid")
    assert counter.free("A") == 5


def test_canceling_a_paid_order_pays_back_once(counter: Counter) -> None:
    counter.card.first_state = "captured"
    number = counter.buy(("A", 2), payment="fake_card").number
    for _ in range(2):
        staff.cancel(counter.shop, number, actor="clerk", reason="customer asked")
    assert counter.card.vendor.charged == 0
    order = counter.order(number)
    assert (order.status, order.payment_status) == ("canceled", "refunded")
    assert counter.free("A") == 5


def test_a_refund_whose_answer_was_lost_is_not_paid_twice(counter: Counter) -> None:
    counter.card.first_state = "captured"
    number = counter.buy(("A", 2), payment="fake_card").number
    counter.card.vendor.fail_next("after")
    with pytest.raises(Refused, match="Nothing was canceled"):
        staff.cancel(counter.shop, number, actor="clerk", reason="customer asked")
    assert counter.order(number).status == "confirmed"
    staff.cancel(counter.shop, number, actor="clerk", reason="customer asked")
    (payment,) = counter.card.vendor.payments.values()
    assert len(payment.refunds) == 1


def test_goods_that_are_lost_are_not_put_back(counter: Counter) -> None:
    number = counter.buy(("A", 2)).number
    staff.cancel(counter.shop, number, actor="clerk", reason="damaged", restock=False)
    assert counter.free("A") == 3
    with counter.shop.unit() as db:
        assert stock.verify(db) == []


def test_what_was_sent_is_not_canceled(counter: Counter) -> None:
    number = paid(counter, ("A", 2))
    send(counter, number, A=1)
    with pytest.raises(Refused, match="sent already"):
        staff.cancel(counter.shop, number, actor="clerk", reason="too late")


def test_a_bundle_takes_and_sends_its_parts(counter: Counter) -> None:
    parts = (Component(sku="A", quantity=2), Component(sku="B", quantity=1))
    counter.goods.put("SET", "20.00", components=parts)
    number = paid(counter, ("SET", 2), ("A", 1))
    assert (counter.free("A"), counter.free("B")) == (0, 3)
    send(counter, number, SET=1)
    send(counter, number, SET=1, A=1)
    with counter.shop.unit() as db:
        assert stock.availability(db, ["A"])["A"].on_hand == 0
        assert stock.availability(db, ["B"])["B"].on_hand == 3
        assert stock.verify(db) == []
        shares = db.scalar(text("SELECT components FROM order_line WHERE sku = 'SET'"))
    assert sum(part["share"] for part in shares) == 4000


def test_a_parcel_clicked_twice_is_one_parcel(counter: Counter) -> None:
    number = paid(counter, ("A", 2))
    parcel = uuid.uuid4()
    for _ in range(2):
        staff.fulfil(
            counter.shop,
            number,
            lines={"A": 1},
            carrier="UPS",
            tracking_number="1Z999",
            actor="clerk",
            parcel_id=parcel,
        )
    assert counter.order(number).lines[0].shipped == 1


def test_what_is_being_paid_back_is_not_sent(counter: Counter) -> None:
    counter.card.first_state = "captured"
    number = counter.buy(("A", 1), payment="fake_card").number
    counter.card.vendor.fail_next("after")
    with pytest.raises(Refused, match="Nothing was canceled"):
        staff.cancel(counter.shop, number, actor="clerk", reason="customer asked")
    with pytest.raises(Refused, match="being paid back"):
        send(counter, number, A=1)


def test_what_was_paid_back_is_not_marked_paid(counter: Counter) -> None:
    counter.card.first_state = "captured"
    number = counter.buy(("A", 1), payment="fake_card").number
    staff.cancel(counter.shop, number, actor="clerk", reason="customer asked")
    with pytest.raises(Refused, match="paid back already"):
        staff.mark_paid(counter.shop, number, actor="clerk")


def test_a_promise_that_comes_after_the_cancel_revives_nothing(counter: Counter) -> None:
    cart_id = counter.cart(("A", 1))
    placed = place(counter.shop, counter.wish(cart_id, "fake_card"))
    ref, payment = next(iter(counter.card.vendor.payments.items()))
    with counter.shop.unit() as db:
        db.execute(text("UPDATE orders SET status = 'canceled'"))
        stock.release(db, placed.number, reason="test")
    pending = PaymentResult(state="pending", ref=ref, money=payment.amount)
    found = attempt_of(counter.shop, placed.number)
    assert found is not None
    with counter.shop.unit() as db:
        apply(counter.shop, db, found, pending)
    assert counter.order(placed.number).status == "canceled"
    drain(counter.shop)
    assert payment.state == "canceled"
    assert counter.free("A") == 5


def test_an_unknown_order_is_a_sentence(counter: Counter) -> None:
    for verb in (
        lambda: staff.mark_paid(counter.shop, "NOPE", actor="clerk"),
        lambda: staff.cancel(counter.shop, "NOPE", actor="clerk", reason="x"),
        lambda: send(counter, "NOPE", A=1),
    ):
        with pytest.raises(Refused, match="no order NOPE"):
            verb()


def test_a_form_that_recorded_a_parcel_records_no_other(counter: Counter) -> None:
    number, form = paid(counter, ("A", 2)), uuid.uuid4()

    def post(tracking_number: str, order: str = number) -> None:
        staff.fulfil(
            counter.shop,
            order,
            lines={"A": 1},
            carrier="UPS",
            tracking_number=tracking_number,
            actor="clerk",
            parcel_id=form,
        )

    post("1Z1")
    post("1Z1")  # a second click
    with pytest.raises(Refused, match="1Z1 already"):
        post("1Z2")  # the form of the browser's back button
    with pytest.raises(Refused, match="already"):
        post("1Z1", paid(counter, ("A", 1)))
    assert len(counter.order(number).shipments) == 1
