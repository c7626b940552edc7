"""What a part of an order is worth: the shares of single units, exact to the cent in their sum.

A line's total, tax and discount belong to the line. Units get equal shares by largest remainder,
the first ones the odd cents; what some units are worth is the difference of two such sums, so
that paying back all units of a line, in whatever portions, pays back exactly the line's total.
The difference is to what was really paid back, so that a refund which failed in between and came
again leaves no cent over.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from opticworks.money import split_minor


class Line(Protocol):
    """The money of an order's line, in minor units."""

    @property
    def quantity(self) -> int: ...
    @property
    def total(self) -> int: ...
    @property
    def tax(self) -> int: ...
    @property
    def discount(self) -> int: ...


@dataclass(frozen=True, slots=True)
class Share:
    """Minor units: `amount` is what the customer paid, of which `tax`, after `discount`."""

    amount: int
    tax: int
    discount: int

    def __add__(self, other: Share) -> Share:
        return Share(
            self.amount + other.amount, self.tax + other.tax, self.discount + other.discount
        )

    def __sub__(self, other: Share) -> Share:
        return Share(
            self.amount - other.amount, self.tax - other.tax, self.discount - other.discount
        )


NOTHING = Share(0, 0, 0)


def first(line: Line, units: int) -> Share:
    """What the first `units` of the line cost together. Raises ValueError beyond the line."""
    if not 0 <= units <= line.quantity:
        raise ValueError(f"The line has {line.quantity} units, not {units}.")
    sums = (
        sum(split_minor(whole, [1] * line.quantity)[:units])
        for whole in (line.total, line.tax, line.discount)
    )
    return Share(*sums)
