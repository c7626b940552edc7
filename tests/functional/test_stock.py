"""Stock: taken once, in order, proven by its ledger, under real threads."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import UTC, datetime

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from opticworks.contracts import ClaimRequest
from opticworks.shop import Shop
from opticworks.stock import claims
from opticworks.stock import service as stock

LATER = datetime(2030, 1, 1, tzinfo=UTC)


@pytest.fixture
def shop(make_shop: Callable[..., Shop]) -> Shop:
    shop = make_shop()
    with shop.unit() as db:
        for sku, on_hand in (("A", 3), ("B", 10), ("NOISE", 7)):
            stock.set_stock(db, sku, on_hand, reason="start", actor="test")
    return shop


def free(shop: Shop, sku: str) -> int:
    with shop.unit() as db:
        return stock.availability(db, [sku])[sku].free


def test_what_is_held_is_no_longer_free_and_comes_back_once(shop: Shop) -> None:
    with shop.unit() as db:
        stock.hold(db, "O1", {"A": 2}, LATER)
    assert free(shop, "A") == 1
    for _ in range(2):
        with shop.unit() as db:
            stock.release(db, "O1", reason="canceled")
    assert free(shop, "A") == 3
    with shop.unit() as db:
        assert stock.verify(db) == []


def test_what_is_short_is_named_and_nothing_is_taken(shop: Shop) -> None:
    with pytest.raises(stock.SoldOut) as caught, shop.unit() as db:
        stock.hold(db, "O1", {"B": 2, "A": 4, "UNKNOWN": 1}, LATER)
    assert {(s.sku, s.wanted, s.free) for s in caught.value.shortages} == {
        ("A", 4, 3),
        ("UNKNOWN", 1, 0),
    }
    assert free(shop, "B") == 10


def test_fifty_parallel_takers_of_three_get_three(shop: Shop) -> None:
    won: list[str] = []
    lost: list[str] = []
    start = threading.Barrier(50)

    def take(number: str) -> None:
        start.wait()
        try:
            with shop.unit() as db:
                stock.hold(db, number, {"A": 1}, LATER)
            won.append(number)
        except stock.SoldOut:
            lost.append(number)

    threads = [threading.Thread(target=take, args=(f"O{i}",)) for i in range(50)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (len(won), len(lost)) == (3, 47)
    with shop.unit() as db:
        assert stock.verify(db) == []


def test_takers_of_the_same_two_in_either_order_never_deadlock(shop: Shop) -> None:
    with shop.unit() as db:
        stock.set_stock(db, "A", 1000, reason="more", actor="test")
        stock.set_stock(db, "B", 1000, reason="more", actor="test")
    errors: list[Exception] = []

    def take(worker: int) -> None:
        demand = {"A": 1, "B": 1} if worker % 2 else {"B": 1, "A": 1}
        for i in range(20):
            try:
                with shop.unit() as db:
                    stock.hold(db, f"O{worker}-{i}", demand, LATER)
            except Exception as error:
                errors.append(error)

    threads = [threading.Thread(target=take, args=(i,)) for i in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
    assert free(shop, "A") == 1000 - 160


def test_shipping_takes_from_the_shelf_what_the_order_kept(shop: Shop) -> None:
    with shop.unit() as db:
        stock.hold(db, "O1", {"A": 2}, None)
        stock.ship(db, "O1", {"A": 1}, actor="clerk")
    with shop.unit() as db:
        entry = stock.availability(db, ["A"])["A"]
        assert (entry.on_hand, entry.held) == (2, 1)
        assert stock.held_by(db, "O1") == {"A": 1}
        assert stock.verify(db) == []
    with pytest.raises(ValueError, match="keeps 1"), shop.unit() as db:
        stock.ship(db, "O1", {"A": 2}, actor="clerk")


def test_backorders_sell_down_to_their_limit_and_ship_when_they_arrive(shop: Shop) -> None:
    with shop.unit() as db:
        stock.set_backorder_limit(db, "A", 2)
        stock.hold(db, "O1", {"A": 5}, None)
    with pytest.raises(stock.SoldOut), shop.unit() as db:
        stock.hold(db, "O2", {"A": 1}, None)
    with pytest.raises(stock.SoldOut), shop.unit() as db:
        stock.ship(db, "O1", {"A": 5}, actor="clerk")
    with shop.unit() as db:
        stock.adjust_stock(db, "A", 2, reason="arrived", actor="clerk")
        stock.ship(db, "O1", {"A": 5}, actor="clerk")
        assert stock.availability(db, ["A"])["A"].on_hand == 0


def test_a_count_below_what_orders_keep_is_refused(shop: Shop) -> None:
    with shop.unit() as db:
        stock.hold(db, "O1", {"A": 2}, None)
    with pytest.raises(ValueError, match="already keep 2"), shop.unit() as db:
        stock.set_stock(db, "A", 1, reason="count", actor="clerk")


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE stock_item SET held = -1 WHERE sku = 'A'",
        "UPDATE stock_item SET held = on_hand + 1 WHERE sku = 'A'",
        "UPDATE stock_item SET on_hand = -1 WHERE sku = 'A'",
        "UPDATE stock_entry SET on_hand = 5 WHERE sku = 'A'",
        "DELETE FROM stock_entry WHERE sku = 'A'",
    ],
)
def test_the_database_itself_refuses_what_must_not_be(shop: Shop, statement: str) -> None:
    with pytest.raises(IntegrityError), shop.unit() as db:
        db.execute(text(statement))


STEPS = st.lists(
    st.tuples(
        st.sampled_from(["hold", "release", "ship", "count", "adjust"]),
        st.sampled_from(["O1", "O2", "O3"]),
        st.sampled_from(["A", "B"]),
        st.integers(-3, 6),
    ),
    max_size=25,
)


@settings(
    max_examples=25,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(steps=STEPS)
def test_any_sequence_leaves_counters_that_the_ledger_proves(
    shop: Shop, steps: list[tuple[str, str, str, int]]
) -> None:
    for verb, order, sku, quantity in steps:
        try:
            with shop.unit() as db:
                if verb == "hold":
                    if stock.held_by(db, order):
                        continue
                    stock.hold(db, order, {sku: quantity}, LATER)
                elif verb == "release":
                    stock.release(db, order, reason="test")
                elif verb == "ship":
                    stock.ship(db, order, {sku: quantity}, actor="test")
                elif verb == "count":
                    stock.set_stock(db, sku, quantity, reason="test", actor="test")
                else:
                    stock.adjust_stock(db, sku, quantity, reason="test", actor="test")
        except (stock.SoldOut, ValueError):
            pass
    with shop.unit() as db:
        assert stock.verify(db) == []


def test_verify_names_a_counter_that_lies(shop: Shop) -> None:
    with shop.unit() as db:
        db.execute(text("UPDATE stock_item SET on_hand = 99 WHERE sku = 'A'"))
    with shop.unit() as db:
        (drift,) = stock.verify(db)
    assert (drift.sku, drift.counter, drift.stored, drift.ledger) == ("A", "on_hand", 99, 3)


def test_claims_hold_under_parallel_use_and_come_back_once(shop: Shop) -> None:
    with shop.unit() as db:
        claims.grant(db, "test:WELCOME", 5)
    won: list[str] = []

    def use(number: str) -> None:
        try:
            with shop.unit() as db:
                claims.claim(db, number, [ClaimRequest(allowance="test:WELCOME")])
            won.append(number)
        except claims.UsedUp:
            pass

    threads = [threading.Thread(target=use, args=(f"O{i}",)) for i in range(50)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(won) == 5
    for _ in range(2):
        with shop.unit() as db:
            claims.release(db, won[0])
    with shop.unit() as db:
        claims.claim(db, "again", [ClaimRequest(allowance="test:WELCOME")])
        with pytest.raises(claims.UsedUp):
            claims.claim(db, "too many", [ClaimRequest(allowance="test:WELCOME")])


def limited(key: str, limit: int) -> list[ClaimRequest]:
    return [ClaimRequest(allowance=key, limit=limit)]


def test_an_allowance_with_a_limit_is_made_by_its_first_claim_and_never_exceeded(
    shop: Shop,
) -> None:
    won: list[str] = []
    start = threading.Barrier(50)

    def use(number: str) -> None:
        start.wait()
        try:
            with shop.unit() as db:
                # Each also takes one that the next one wants: in whatever order it is asked for.
                both = [*limited("b", 10), *limited("a", 10)]
                claims.claim(db, number, both if len(number) % 2 else both[::-1])
            won.append(number)
        except claims.UsedUp:
            pass

    threads = [threading.Thread(target=use, args=(f"O{i}",)) for i in range(50)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(won) == 10
    with shop.unit() as db:
        assert claims.used(db, ["a", "b", "none"]) == {"a": 10, "b": 10, "none": 0}
        assert claims.used(db, ["a"], besides=won[0]) == {"a": 9}
        assert claims.verify(db) == []
        assert len(claims.uses(db, "a")) == 10


def test_a_lowered_limit_holds_for_what_comes_next(shop: Shop) -> None:
    with shop.unit() as db:
        for i in range(3):
            claims.claim(db, f"O{i}", limited("a", 5))
        claims.grant(db, "a", 1)
        claims.release(db, "O0")
    for most, fits in ((1, False), (2, False), (3, True)):
        with shop.unit() as db:
            if fits:
                claims.claim(db, "next", limited("a", most))
            else:
                with pytest.raises(claims.UsedUp):
                    claims.claim(db, "next", limited("a", most))


def test_what_is_given_back_keeps_its_story_and_can_be_taken_again(shop: Shop) -> None:
    with shop.unit() as db:
        claims.grant(db, "free", None)
        claims.claim(db, "O1", [ClaimRequest(allowance="free")])
        claims.release(db, "O1")
    with shop.unit() as db:
        (use,) = claims.uses(db, "free")
        assert use.released_at is not None
        assert claims.used(db, ["free"]) == {"free": 0}
        claims.claim(db, "O1", [ClaimRequest(allowance="free")])
    with shop.unit() as db:
        (use,) = claims.uses(db, "free")
        assert use.released_at is None
        assert claims.verify(db) == []
    with pytest.raises(RuntimeError, match="claimed already"), shop.unit() as db:
        claims.claim(db, "O1", [ClaimRequest(allowance="free")])
    with shop.unit() as db:
        db.execute(text("UPDATE allowance SET used = 7 WHERE key = 'free'"))
        (miscount,) = claims.verify(db)
    assert (miscount.used, miscount.claimed) == (7, 1)
