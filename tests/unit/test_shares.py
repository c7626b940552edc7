"""Shares of an order's line: whatever the portions, their sum is the line, to the cent."""

from __future__ import annotations

from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from opticworks.orders.shares import NOTHING, Share, first


@dataclass(frozen=True)
class Line:
    quantity: int
    total: int
    tax: int
    discount: int


@st.composite
def lines_in_portions(draw: st.DrawFn) -> tuple[Line, list[int]]:
    quantity = draw(st.integers(1, 40))
    money = st.integers(0, 10**7)
    line = Line(quantity, draw(money), draw(money), draw(money))
    portions, left = [], quantity
    while left:
        portions.append(draw(st.integers(1, left)))
        left -= portions[-1]
    return line, portions


@given(lines_in_portions())
def test_portions_of_a_line_are_the_line(case: tuple[Line, list[int]]) -> None:
    line, portions = case
    gone, paid = 0, NOTHING
    for units in portions:
        share = first(line, gone + units) - paid
        # No unit is worth a cent more or less than another.
        assert abs(share.amount * line.quantity - line.total * units) <= line.quantity * units
        assert min(share.amount, share.tax, share.discount) >= 0
        gone, paid = (
            gone + units,
            Share(paid.amount + share.amount, paid.tax + share.tax, paid.discount + share.discount),
        )
    assert (gone, paid) == (line.quantity, Share(line.total, line.tax, line.discount))


def test_a_refund_that_failed_leaves_no_cent_over() -> None:
    line = Line(quantity=3, total=100, tax=7, discount=1)
    assert first(line, 1) == Share(34, 3, 1)
    second = first(line, 2) - first(line, 1)
    assert second == Share(33, 2, 0)
    # The first refund came back from the bank: the unit is worth what is missing of two.
    assert first(line, 2) - second == Share(34, 3, 1)


def test_a_line_has_no_more_units_than_it_has() -> None:
    with pytest.raises(ValueError, match="3 units, not 4"):
        first(Line(3, 100, 0, 0), 4)
