"""`opticworks stock verify`: what it says, and how it exits."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
from click.testing import CliRunner
from sqlalchemy import text

from opticworks.cli.stock import stock
from opticworks.shop import Shop
from opticworks.testing.counter import Counter, open_counter


class Context:
    def __init__(self, shop: Shop) -> None:
        self._shop = shop

    @contextmanager
    def shop(self) -> Iterator[Shop]:
        yield self._shop


@pytest.fixture
def counter(make_shop: Callable[..., Shop]) -> Counter:
    counter = open_counter(make_shop)
    counter.stock("A", 3)
    counter.stock("B", 5)
    counter.buy(("A", 2), ("B", 1))
    return counter


def verify(counter: Counter) -> tuple[int, str]:
    result = CliRunner().invoke(stock, ["verify"], obj=Context(counter.shop))
    return result.exit_code, result.output


def test_stock_that_its_ledger_proves_is_one_line(counter: Counter) -> None:
    assert verify(counter) == (0, "The stock of 2 SKUs is what its ledger says.\n")


def test_a_counter_that_drifted_is_named_and_fails(counter: Counter) -> None:
    with counter.shop.unit() as db:
        db.execute(text("UPDATE stock_item SET on_hand = 4 WHERE sku = 'A'"))
        db.execute(text("UPDATE stock_item SET held = 0 WHERE sku = 'B'"))
    code, said = verify(counter)
    assert code == 1
    assert said == (
        "A: 4 are counted on the shelf, but its ledger says 3.\n"
        "B: 0 are counted as kept for orders, but its ledger says 1.\n"
    )


def test_a_hold_that_was_lost_is_named(counter: Counter) -> None:
    with counter.shop.unit() as db:
        db.execute(text("DELETE FROM stock_hold WHERE sku = 'A'"))
    assert verify(counter) == (1, "A: orders keep 0, but its ledger says 2.\n")
