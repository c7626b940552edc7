"""What a credit note takes off each rate of an invoice. Pure arithmetic in minor units.

Whatever was charged under the same taxes is one `Charge`. A refund names items and delivery, or
only an amount; what it takes off each charge never exceeds what is left of it, in price and in
each tax alike, so that all credit notes together come to the invoice at most.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from opticworks import contracts as c
from opticworks.money import split_minor

Rate = tuple[str, str | None]  #: label and rate of a tax, as an invoice has them
Taxes = dict[Rate, int]


@dataclass(frozen=True, slots=True)
class Charge:
    """Minor units: `gross` with every tax, and each tax in it."""

    gross: int = 0
    taxes: Mapping[Rate, int] = field(default_factory=dict)

    @property
    def tax(self) -> int:
        return sum(self.taxes.values())

    def plus(self, other: Charge, sign: int = 1) -> Charge:
        rates = (*self.taxes, *(rate for rate in other.taxes if rate not in self.taxes))
        taxes = {r: self.taxes.get(r, 0) + sign * other.taxes.get(r, 0) for r in rates}
        return Charge(self.gross + sign * other.gross, taxes)


#: By the taxes that are on it; nothing is taxed under ().
Charges = dict[tuple[Rate, ...], Charge]
NOTHING = Charge()


def rates_of(steps: Iterable[c.Adjustment]) -> tuple[Rate, ...]:
    """The taxes among these steps, each once."""
    found = {rate_of(step) for step in steps if step.stage == "tax" and step.amount}
    return tuple(sorted(found, key=lambda rate: (rate[0], rate[1] or "")))


def rate_of(step: c.Adjustment) -> Rate:
    return step.label, str(step.rate) if step.rate is not None else None


def charged(trace: Iterable[c.Adjustment]) -> Charges:
    """All that an order of that trace was charged."""
    steps = by_target(trace)
    found: Charges = {}
    for of_it in steps.values():
        taxes: Taxes = {}
        for step in of_it:
            if step.stage == "tax" and step.amount:
                taxes[rate_of(step)] = taxes.get(rate_of(step), 0) + step.amount.minor
        gross = sum(step.amount.minor for step in of_it if not step.included)
        add(found, rates_of(of_it), Charge(gross, taxes))
    return found


def by_target(trace: Iterable[c.Adjustment]) -> dict[str, list[c.Adjustment]]:
    """The steps of a trace by what they are about."""
    found: dict[str, list[c.Adjustment]] = {}
    for step in trace:
        found.setdefault(step.target, []).append(step)
    return found


def add(charges: Charges, rates: tuple[Rate, ...], more: Charge, sign: int = 1) -> None:
    """Count `more` (or less, with `sign` -1) to what is charged under these rates."""
    charges[rates] = charges.get(rates, NOTHING).plus(more, sign)


def split(left: Charges, wanted: Charges, amount: int) -> Charges:
    """What `amount` takes off each charge that is `left`: what is `wanted` of it by name, as far
    as it is there, and the rest in proportion to what is left, by largest remainder.

    Raises ValueError for more than is left in all.
    """
    if not 0 <= amount <= sum(charge.gross for charge in left.values()):
        raise ValueError(f"{amount} can't be taken off what is left.")
    pieces = {
        rates: min(wanted.get(rates, NOTHING).gross, charge.gross) for rates, charge in left.items()
    }
    rest = amount - sum(pieces.values())
    if rest:
        # More is taken where there is more; less, where something is taken.
        room = [
            left[rates].gross - piece if rest > 0 else max(0, piece)
            for rates, piece in pieces.items()
        ]
        for rates, more in zip(pieces, split_minor(rest, room), strict=True):
            pieces[rates] += more
    return {
        rates: Charge(piece, _taxes(left[rates], wanted.get(rates, NOTHING), piece))
        for rates, piece in pieces.items()
    }


def _taxes(left: Charge, wanted: Charge, piece: int) -> Taxes:
    """The taxes in so much of what is left: all of it has all of them."""
    if piece == left.gross:
        return dict(left.taxes)
    if piece == wanted.gross or not left.gross:
        found = {rate: min(wanted.taxes.get(rate, 0), most) for rate, most in left.taxes.items()}
    else:
        found = {rate: share(tax, piece, left.gross) for rate, tax in left.taxes.items()}
    # What stays has to have room for the taxes that stay in it.
    lacking = left.tax - sum(found.values()) - (left.gross - piece)
    for rate, most in left.taxes.items():
        more = max(0, min(lacking, most - found[rate]))
        found[rate] += more
        lacking -= more
    return found


def share(tax: int, piece: int, whole: int) -> int:
    """`tax * piece / whole`, halves up; nothing of nothing."""
    return (2 * tax * piece + whole) // (2 * whole) if whole else 0


def rows(charges: Charges) -> list[dict[str, Any]]:
    """As a document lists its taxes: one row for each, what it is on and how much it is."""
    found: dict[Rate, list[int]] = {}
    for charge in charges.values():
        for rate, tax in charge.taxes.items():
            if tax or (charge.gross and len(charge.taxes) == 1):
                row = found.setdefault(rate, [0, 0])
                row[0] += charge.gross - charge.tax
                row[1] += tax
    return [
        {"label": label, "rate": rate, "net": net, "tax": tax}
        for (label, rate), (net, tax) in found.items()
    ]


def to_json(charges: Charges) -> list[dict[str, Any]]:
    """As a document keeps what it credits."""
    return [
        {
            "gross": charge.gross,
            "taxes": [[label, rate, charge.taxes.get((label, rate), 0)] for label, rate in rates],
        }
        for rates, charge in charges.items()
        if charge.gross or charge.tax
    ]


def from_json(stored: Iterable[Mapping[str, Any]]) -> Charges:
    """What a document keeps, read again."""
    found: Charges = {}
    for each in stored:
        taxes = {(label, rate): tax for label, rate, tax in each["taxes"]}
        add(found, tuple(taxes), Charge(each["gross"], taxes))
    return found
