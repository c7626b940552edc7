"""Placing an order: once, at the price that was shown, holding what it sells."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import select, text
from sqlalchemy.exc import IntegrityError, OperationalError

from opticworks import contracts as c
from opticworks.carts import service as carts
from opticworks.carts.models import Cart
from opticworks.checkout.place import Changed, place
from opticworks.checkout.quoting import ensure_rates
from opticworks.checkout.settle import Refused, settle
from opticworks.contracts import ProviderError
from opticworks.orders import service as orders
from opticworks.orders.models import Order
from opticworks.payments import service as payments
from opticworks.shipping import rates
from opticworks.shop import Shop
from opticworks.stock import service as stock
from opticworks.testing.counter import Counter, open_counter
from opticworks.testing.fakes import FakeOnlinePayment
from opticworks.testing.processes import until


@pytest.fixture
def counter(make_shop: Callable[..., Shop]) -> Counter:
    counter = open_counter(make_shop)
    counter.stock("A", 3, "10.00")
    counter.stock("B", 10, "2.50")
    counter.stock("NOISE", 5)
    return counter


def orders_in(counter: Counter) -> list[Order]:
    with counter.shop.unit() as db:
        return list(db.scalars(select(Order)))


def test_an_order_is_the_quote_frozen(counter: Counter) -> None:
    cart_id = counter.cart(("A", 2), ("B", 1))
    quote = counter.quote(cart_id)
    placed = place(counter.shop, counter.wish(cart_id))
    order = counter.order(placed.number)
    assert order.total == quote.total
    assert order.status == "confirmed"
    assert order.payment_status == "pending"
    assert [(line.sku, line.quantity) for line in order.lines] == [("A", 2), ("B", 1)]
    assert sum(step.amount.minor for step in order.trace) == order.total.minor
    assert order.payment is not None
    assert order.payment.instructions
    assert counter.free("A") == 1
    counter.goods.reprice("A", "99.00")
    assert counter.order(placed.number).total == quote.total


def test_the_same_post_again_gives_the_same_order(counter: Counter) -> None:
    cart_id = counter.cart(("A", 1))
    wish = counter.wish(cart_id)
    numbers = {place(counter.shop, wish).number for _ in range(3)}
    assert len(numbers) == 1
    assert len(orders_in(counter)) == 1
    assert counter.free("A") == 2


@pytest.mark.parametrize("payment", ["fake_transfer", "fake_card"])
def test_clicking_twice_at_once_gives_one_order(counter: Counter, payment: str) -> None:
    wish = counter.wish(counter.cart(("A", 1)), payment)
    start = threading.Barrier(6)
    numbers: list[str] = []

    def click() -> None:
        start.wait()
        numbers.append(place(counter.shop, wish).number)

    threads = [threading.Thread(target=click) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(numbers) == 6
    assert len(set(numbers)) == 1
    assert len(orders_in(counter)) == 1
    assert len(counter.card.vendor.payments) == (1 if payment == "fake_card" else 0)


def test_fifty_buyers_of_three_give_three_orders_and_forty_seven_clear_answers(
    counter: Counter, monkeypatch: pytest.MonkeyPatch
) -> None:
    # More buyers than the pool has connections, and settings that are read again all the time:
    # nobody who holds the stock's lock may wait for a connection.
    monkeypatch.setattr("opticworks.shop.SETTINGS_TTL", 0)
    wishes = [counter.wish(counter.cart(("A", 1))) for _ in range(50)]
    start = threading.Barrier(50)
    placed: list[str] = []
    answers: list[str] = []

    def buy(index: int) -> None:
        start.wait()
        try:
            placed.append(place(counter.shop, wishes[index]).number)
        except Refused as refused:
            answers.append(str(refused))
        except Changed as changed:
            answers.append(changed.quote.objections[0].sentence)

    threads = [threading.Thread(target=buy, args=(i,)) for i in range(50)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(placed)) == 3
    assert len(answers) == 47
    assert all("sold out" in answer for answer in answers)
    assert len(orders_in(counter)) == 3
    assert counter.free("A") == 0
    with counter.shop.unit() as db:
        assert stock.verify(db) == []


def test_a_price_that_changed_is_shown_not_charged(counter: Counter) -> None:
    cart_id = counter.cart(("A", 1))
    wish = counter.wish(cart_id)
    counter.goods.reprice("A", "12.00")
    with pytest.raises(Changed) as caught:
        place(counter.shop, wish)
    assert "$10.00 to $12.00" in caught.value.quote.notices[0].sentence
    assert orders_in(counter) == []
    assert counter.free("A") == 3
    ensure_rates(counter.shop, cart_id)
    assert counter.order(place(counter.shop, counter.wish(cart_id)).number).total.minor == 1900


@pytest.mark.parametrize("field", ["state", "postalCode", "city", "address"])
def test_the_order_goes_where_its_rates_and_taxes_were_made_for(
    counter: Counter, field: str
) -> None:
    cart_id = counter.cart(("A", 1))
    with counter.shop.unit() as db:  # another tab, between keeping and placing
        cart = carts.get(db, cart_id)
        assert cart is not None
        elsewhere = {**cart.details, field: {"state": "OR"}.get(field, "97201")}
        carts.remember_details(cart, elsewhere, counter.shop.now())
    ensure_rates(counter.shop, cart_id)
    with pytest.raises(Changed):
        place(counter.shop, counter.wish(cart_id))
    assert orders_in(counter) == []


def test_what_was_withdrawn_is_not_sold(counter: Counter) -> None:
    cart_id = counter.cart(("A", 1))
    wish = counter.wish(cart_id)
    counter.goods.withdraw("A")
    with pytest.raises(Changed) as caught:
        place(counter.shop, wish)
    assert "can't be bought" in caught.value.quote.objections[0].sentence
    assert orders_in(counter) == []


def test_an_unknown_payment_and_a_lost_cart_are_refused(counter: Counter) -> None:
    wish = counter.wish(counter.cart(("A", 1)), "nonsense")
    with pytest.raises(Refused, match="how you want to pay"):
        place(counter.shop, wish)
    with counter.shop.unit() as db:
        db.execute(text("DELETE FROM cart_line"))
        db.execute(text("DELETE FROM cart"))
    with pytest.raises(Refused, match="empty"):
        place(counter.shop, counter.wish(wish.cart_id, quote_hash="x"))


def test_nothing_is_shipped_to_where_no_rate_goes(counter: Counter) -> None:
    counter.carrier.vendor.served = ("CA",)
    cart_id = counter.cart(("A", 1))
    with pytest.raises(Refused, match="can't ship"):
        place(counter.shop, counter.wish(cart_id))
    assert orders_in(counter) == []


def test_a_card_payment_waits_for_the_buyer_and_settles_once(counter: Counter) -> None:
    cart_id = counter.cart(("A", 1))
    placed = place(counter.shop, counter.wish(cart_id, "fake_card"))
    assert placed.action is not None
    assert "redirect_url" in placed.action
    assert counter.order(placed.number).status == "awaiting_payment"
    (ref,) = counter.card.vendor.payments
    counter.card.vendor.pay(ref)
    for _ in range(3):
        settle(counter.shop, placed.number)
    order = counter.order(placed.number)
    assert (order.status, order.payment_status) == ("confirmed", "paid")
    assert counter.card.vendor.charged == order.total.minor
    with counter.shop.unit() as db:
        cart = carts.get(db, cart_id)
        assert cart is not None
        assert cart.state == "ordered"
        events = db.scalars(text("SELECT kind FROM event ORDER BY id")).all()
    assert events.count("order.placed") == 1


def test_an_edited_cart_replaces_its_open_order_and_its_intent(counter: Counter) -> None:
    cart_id = counter.cart(("A", 1))
    first = place(counter.shop, counter.wish(cart_id, "fake_card"))
    with counter.shop.unit() as db:
        cart = carts.get(db, cart_id)
        assert cart is not None
        carts.put(cart, "A", 2, 1000, "A", counter.shop.now())
    ensure_rates(counter.shop, cart_id)
    second = place(counter.shop, counter.wish(cart_id, "fake_card"))
    assert second.number != first.number
    assert counter.order(first.number).status == "canceled"
    states = [payment.state for payment in counter.card.vendor.payments.values()]
    assert states == ["canceled", "action"]
    assert counter.free("A") == 1


def test_an_edit_after_the_payment_succeeded_leaves_that_order_standing(counter: Counter) -> None:
    cart_id = counter.cart(("A", 1))
    first = place(counter.shop, counter.wish(cart_id, "fake_card"))
    counter.card.vendor.pay(next(iter(counter.card.vendor.payments)))
    with counter.shop.unit() as db:
        cart = carts.get(db, cart_id)
        assert cart is not None
        carts.put(cart, "B", 1, 250, "B", counter.shop.now())
    second = place(counter.shop, counter.wish(cart_id, "fake_card"))
    assert second.number == first.number
    assert counter.order(first.number).payment_status == "paid"
    assert len(orders_in(counter)) == 1


def test_a_declined_card_is_tried_again_on_the_same_order_with_a_new_key(counter: Counter) -> None:
    cart_id = counter.cart(("A", 1))
    counter.card.vendor.decline_next("Insufficient funds.")
    for _ in range(2):  # no key repeats the earlier refusal
        with pytest.raises(Refused, match=r"Insufficient funds\."):
            place(counter.shop, counter.wish(cart_id, "fake_card"))
        counter.card.vendor.decline_next("Insufficient funds.")
    assert counter.free("A") == 2  # the customer is still there, and so are the goods
    counter.card.vendor.declines.clear()
    placed = place(counter.shop, counter.wish(cart_id, "fake_card"))
    assert placed.action is not None
    (*_, ref) = counter.card.vendor.payments
    counter.card.vendor.pay(ref)
    settle(counter.shop, placed.number)
    order = counter.order(placed.number)
    assert (order.status, order.payment_status) == ("confirmed", "paid")
    assert counter.card.vendor.charged == order.total.minor
    assert len(orders_in(counter)) == 1
    with counter.shop.unit() as db:
        attempts = payments.of_order(db, orders_in(counter)[0].id)
        facts = [(event.kind, event.note) for event in payments.events(db, attempts[0].order_id)]
    assert [attempt.status for attempt in attempts] == ["failed", "failed", "captured"]
    assert facts[:2] == [("failed", "Insufficient funds.")] * 2


def test_another_amount_never_marks_paid(counter: Counter, monkeypatch: pytest.MonkeyPatch) -> None:
    from dataclasses import replace

    from opticworks.money import Money

    placed = counter.buy(("A", 1), payment="fake_card")
    ref = next(iter(counter.card.vendor.payments))
    counter.card.vendor.pay(ref)
    fetch = FakeOnlinePayment.fetch
    monkeypatch.setattr(
        FakeOnlinePayment,
        "fetch",
        lambda self, ref: replace(fetch(self, ref), money=Money(1, "USD")),
    )
    settle(counter.shop, placed.number)
    settle(counter.shop, placed.number)
    assert counter.order(placed.number).payment_status == "unpaid"
    with counter.shop.unit() as db:
        kinds = db.scalars(text("SELECT kind FROM payment_event")).all()
    assert kinds.count("mismatch") == 1


def test_a_provider_that_is_silent_after_acting_is_asked_again_with_the_same_key(
    counter: Counter,
) -> None:
    wish = counter.wish(counter.cart(("A", 1)), "fake_card")
    counter.card.vendor.fail_next("after")
    with pytest.raises(ProviderError):
        place(counter.shop, wish)
    placed = place(counter.shop, wish)
    assert placed.action is not None
    assert len(counter.card.vendor.payments) == 1
    assert len(orders_in(counter)) == 1


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE orders SET total = total + 1",
        "UPDATE order_line SET quantity = 9",
        "DELETE FROM order_line",
        """INSERT INTO payment (attempt, order_id, provider, title, amount, currency, status, ref,
        message, data, instructions) SELECT gen_random_uuid(), id, 'x', 'x', total - 1,
        currency, 'new', '', '', '{}', '[]' FROM orders""",
        "UPDATE payment_event SET amount = 1",
        "TRUNCATE payment_event",
        "TRUNCATE orders CASCADE",
        "UPDATE event SET data = '{}'",
        "DELETE FROM event_handled; DELETE FROM event",
    ],
)
def test_money_once_written_stays(counter: Counter, statement: str) -> None:
    counter.buy(("A", 1))
    with pytest.raises(IntegrityError), counter.shop.unit() as db:
        db.execute(text(statement))


def test_no_ledger_can_be_emptied(counter: Counter) -> None:
    """Rows that nobody may remove are not removed all at once either, whatever their table."""
    kept = text(
        "SELECT DISTINCT tgrelid::regclass::text FROM pg_trigger"
        " WHERE tgfoid = to_regproc('refuse_change')"
    )
    with counter.shop.unit() as db:
        ledgers = db.scalars(kept).all()
    assert {"payment_event", "stock_entry", "event", "audit_entry"} < set(ledgers)
    for table in ledgers:
        with pytest.raises(IntegrityError, match="removed"), counter.shop.unit() as db:
            db.execute(text(f"TRUNCATE {table} CASCADE"))


def test_rates_are_asked_for_while_what_was_typed_is_committed(
    counter: Counter, monkeypatch: pytest.MonkeyPatch
) -> None:
    cart_id = counter.cart(("A", 1))
    asked, answer = threading.Event(), counter.carrier.rates
    seen: list[bool] = []

    def rates_of(request: c.RateRequest) -> tuple[c.Rate, ...]:
        asked.set()
        return answer(request)

    def noting(name: str) -> None:
        if name == "keep.before_commit":
            seen.append(asked.wait(60))

    def moved(cart: Cart) -> None:
        carts.remember_details(cart, {**cart.details, "postalCode": "94107"}, counter.shop.now())

    monkeypatch.setattr(counter.carrier, "rates", rates_of)
    monkeypatch.setattr("opticworks.shop.fault", noting)
    fresh = ensure_rates(counter.shop, cart_id, moved)
    assert seen == [True]
    assert fresh is not None
    assert fresh.cart.rates
    assert counter.quote(cart_id).shipping is not None


def test_a_vendors_bad_minute_never_replaces_rates_that_are_there(
    counter: Counter, monkeypatch: pytest.MonkeyPatch
) -> None:
    cart_id = counter.cart(("A", 1))
    before = counter.quote(cart_id)
    answer = rates.Question.answer

    def late(question: rates.Question) -> rates.Answer:
        monkeypatch.setattr(rates.Question, "answer", answer)
        ensure_rates(counter.shop, cart_id)  # another tab is faster and gets an answer
        return rates.Answer(choices=())

    monkeypatch.setattr(rates.Question, "answer", late)
    with counter.shop.unit("test") as db:
        db.execute(text("UPDATE cart SET rates_until = now() - interval '1 second'"))
    ensure_rates(counter.shop, cart_id)
    assert counter.quote(cart_id).shipping == before.shipping


def test_settling_waits_for_the_order_with_the_cart_in_its_hands(counter: Counter) -> None:
    """Placing locks the cart first, so that whoever locked them the other way round would stand
    in its way for ever."""
    cart_id = counter.cart(("A", 1))
    number = place(counter.shop, counter.wish(cart_id)).number

    def cart_is_taken() -> bool:
        try:
            with counter.shop.unit() as db:
                locked = text("SELECT FROM cart WHERE id = :id FOR UPDATE NOWAIT")
                db.execute(locked, {"id": cart_id})
        except OperationalError:
            return True
        return False

    with ThreadPoolExecutor(1) as others:
        with counter.shop.unit() as db:
            orders.lock(db, number)
            settled = others.submit(settle, counter.shop, number)
            until(cart_is_taken)
            assert not settled.done()
        settled.result(timeout=30)
