"""Writes whose answer nobody waits for: when they are sent, and with what."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from datetime import timedelta

import pytest
import transaction
from sqlalchemy import func, text
from sqlalchemy.orm import Session
from sqlalchemy.orm.exc import StaleDataError

from opticworks.carts import service as carts
from opticworks.carts.models import Cart
from opticworks.db import request_session
from opticworks.notifications.service import emit
from opticworks.shop import Shop
from opticworks.stock import service as stock
from opticworks.testing.shops import counted


@pytest.fixture
def shop(make_shop: Callable[..., Shop]) -> Shop:
    return make_shop()


def cart_in(shop: Shop) -> uuid.UUID:
    with shop.unit() as db:
        return carts.create(db, "USD", shop.now(), 30).id


def found(shop: Shop, cart_id: uuid.UUID) -> Cart:
    with shop.unit() as db:
        cart = carts.get(db, cart_id)
        assert cart is not None
        return cart


def facts(shop: Shop) -> list[str]:
    with shop.unit() as db:
        return list(db.scalars(text("SELECT subject FROM event ORDER BY id")))


def test_what_is_written_goes_together_with_changed_rows_in_one_statement(shop: Shop) -> None:
    held, cart_id = cart_in(shop), cart_in(shop)
    with shop.unit() as db:
        stock.set_stock(db, "A", 3, reason="start", actor="test")
        stock.hold(db, "O1", {"A": 1}, None)
    until = shop.now() + timedelta(minutes=5)
    with shop.unit() as db:
        cart = carts.get(db, cart_id, lock=True)
        assert cart is not None
        with counted() as sent:
            stock.extend(db, "O1", until)
            emit(db, "test.one", "1")
            emit(db, "test.two", "2", {"more": [1]})
            cart.details = {"city": "Oakland"}
            assert sent == []
            db.flush()
            assert len(sent) == 1
            db.flush()
            carts.retire(db, held)
        assert len(sent) == 1
    assert found(shop, cart_id).details == {"city": "Oakland"}
    assert found(shop, held).state == "ordered"
    assert facts(shop) == ["1", "2"]
    with shop.unit() as db:
        assert db.scalar(text("SELECT expires_at FROM stock_hold")) == until
        jobs = "SELECT args FROM procrastinate_jobs WHERE task_name = 'notifications.dispatch'"
        assert len(db.scalars(text(jobs)).all()) == 2


def test_nothing_is_asked_before_what_was_written(shop: Shop) -> None:
    with shop.unit() as db:
        emit(db, "test.fact", "1")
        assert db.scalar(text("SELECT count(*) FROM event")) == 1


def test_a_second_change_of_a_table_follows_the_first(shop: Shop) -> None:
    cart_id = cart_in(shop)
    with shop.unit() as db:
        cart = carts.get(db, cart_id)
        assert cart is not None
        cart.state = "open"
        cart.shipping_code = "x"
        carts.retire(db, cart_id)
    assert (found(shop, cart_id).state, found(shop, cart_id).shipping_code) == ("ordered", "x")


def test_a_changed_row_that_is_gone_is_an_error(shop: Shop) -> None:
    cart_id = cart_in(shop)

    def change() -> None:
        with shop.unit() as db:
            cart = carts.get(db, cart_id)
            assert cart is not None
            with shop.unit() as other:
                other.execute(text("DELETE FROM cart"))
            cart.shipping_code = "x"
            emit(db, "test.fact", "1")

    with pytest.raises(StaleDataError):
        change()
    assert facts(shop) == []


def test_more_than_values_of_columns_is_left_to_the_unit_of_work(shop: Shop) -> None:
    cart_id = cart_in(shop)
    with shop.unit() as db:
        cart = carts.get(db, cart_id)
        assert cart is not None
        carts.put(cart, "A", 2, 100, "A", shop.now())
        emit(db, "test.fact", "1")
        cart.shipping_code = func.upper("x")
    assert (found(shop, cart_id).shipping_code, len(found(shop, cart_id).lines)) == ("X", 1)
    assert facts(shop) == ["1"]


def test_what_was_written_is_undone_with_its_savepoint_only(shop: Shop) -> None:
    with shop.unit() as db:
        emit(db, "test.fact", "before")
        try:
            with db.begin_nested():
                emit(db, "test.fact", "within")
                raise LookupError
        except LookupError:
            emit(db, "test.fact", "after")
    assert facts(shop) == ["before", "after"]


def test_many_writes_become_few_statements(shop: Shop) -> None:
    with shop.unit() as db, counted() as sent:
        for number in range(20):
            emit(db, "test.fact", str(number))
        db.flush()
        assert len(sent) == 3
    assert facts(shop) == [str(number) for number in range(20)]


@pytest.mark.parametrize("abort", [False, True])
def test_a_request_that_writes_nothing_else_commits_or_undoes_it(shop: Shop, abort: bool) -> None:
    manager = transaction.TransactionManager(explicit=True)
    manager.begin()
    db = request_session(shop.engine, manager)
    emit(db, "test.fact", "1")
    manager.abort() if abort else manager.commit()
    db.close()
    assert facts(shop) == ([] if abort else ["1"])


def test_a_plain_session_writes_at_once(shop: Shop) -> None:
    with Session(shop.engine) as db, db.begin(), counted() as sent:
        emit(db, "test.fact", "1")
        assert len(sent) == 1
    assert facts(shop) == ["1"]


def test_a_cursor_describes_its_columns_to_who_asks(shop: Shop) -> None:
    with shop.engine.connect() as connection:
        cursor = connection.connection.cursor()
        cursor.execute("SELECT 1 AS one, 'x'::text AS two")
        names = [column.name for column in cursor.description]
        assert (names, cursor.description[1][0], bool(cursor.description)) == (
            ["one", "two"],
            "two",
            True,
        )
        cursor.execute("SET LOCAL work_mem = '4MB'")
        assert cursor.description is None
