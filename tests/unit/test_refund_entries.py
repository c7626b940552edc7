"""What comes back of goods that were cheaper together, and of single parts of a bundle."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from opticworks.checkout.refund_entries import entries_of
from opticworks.checkout.refund_left import Left, LineLeft, PartLeft, Portion
from opticworks.checkout.settle import Refused
from opticworks.contracts import SetTerms
from opticworks.orders import sets
from opticworks.orders.sets import SetDiscount
from opticworks.orders.shares import NOTHING, Share


class Desk:
    """An order of sent goods that come back bit by bit: [(SKU, price, quantity, other discount)],
    a set discount over all lines or those named, tax added at a rate."""

    def __init__(
        self,
        lines: list[tuple[str, int, int, int]],
        terms: SetTerms | None = None,
        rate: str = "1",
        tax: str = "0",
        parts: Mapping[str, list[tuple[str, int, int]]] | None = None,
    ) -> None:
        prices = {sku: price for sku, price, _, _ in lines}
        counts = {sku: count for sku, _, count, _ in lines}
        cheaper = terms.cheaper(counts, prices) if terms else {}
        off = {s: int(prices[s] * n * Decimal(rate)) for s, n in cheaper.items()}
        off = {sku: amount for sku, amount in off.items() if amount}
        self.sets = (SetDiscount("the set", terms, Decimal(rate), off),) if terms else ()
        self.lines = []
        for i, (sku, price, count, other) in enumerate(lines):
            discount = -min(price * count, off.get(sku, 0) + other)
            goods = price * count + discount
            added = int(goods * Decimal(tax))
            self.lines.append(
                SimpleNamespace(
                    id=i,
                    sku=sku,
                    title=sku,
                    quantity=count,
                    unit_price=price,
                    subtotal=price * count,
                    discount=discount,
                    tax=added,
                    total=goods + added,
                )
            )
        self.gone: dict[int, int] = {}
        self.paid: dict[int, Share] = {}
        self.parts = parts or {}
        self.came: dict[tuple[int, str], int] = {}

    @property
    def total(self) -> int:
        return sum(line.total for line in self.lines)

    def left(self) -> Left:
        return Left(
            lines=tuple(self._line(line) for line in self.lines),
            shipping=0,
            amount=10**9,
            disputed=0,
            sources=(),
            currency="USD",
            sets=self.sets,
        )

    def _line(self, line: Any) -> LineLeft:
        gone = self.gone.get(line.id, 0)
        parts = tuple(
            PartLeft(
                sku=sku,
                name=sku,
                each=each,
                share=share,
                tax=0,
                tracked=True,
                paid=self.came.get((line.id, sku), 0),
                back=self.came.get((line.id, sku), 0),
            )
            for sku, each, share in self.parts.get(line.sku, [])
        )
        paid = self.paid.get(line.id, NOTHING)
        return LineLeft(line, 0, line.quantity - gone, gone, paid, parts)

    def back(self, **units: int | Mapping[str, int]) -> int:
        """Pay so many of each back; a mapping names single parts. What it comes to."""
        portions = {
            sku: Portion(sent=wanted) if isinstance(wanted, int) else Portion(parts=wanted)
            for sku, wanted in units.items()
        }
        self.entries = entries_of(self.left(), portions)
        for entry in self.entries:
            line = entry["line"]
            self.gone[line] = self.gone.get(line, 0) + entry["quantity"]
            share = Share(entry["amount"], entry["tax"], entry["discount"])
            self.paid[line] = self.paid.get(line, NOTHING) + share
            if "part" in entry:
                key = (line, entry["part"])
                self.came[key] = self.came.get(key, 0) + entry["count"]
        return sum(entry["amount"] for entry in self.entries)


def terms(buys: str, gets: str, buy: int = 2, get: int = 1, **more: Any) -> SetTerms:
    return SetTerms(buy=buy, get=get, buys=tuple(buys), gets=tuple(gets), **more)


@pytest.mark.parametrize(
    ("lines", "given_terms", "steps"),
    [
        # Three for two: the first to come back was the one that was free, two cost what they do.
        ([("A", 1000, 3, 0)], terms("A", "A"), [({"A": 1}, 0), ({"A": 1}, 1000), ({"A": 1}, 1000)]),
        # Lamps bring a bulb: a lamp back takes the bulb's advantage with it.
        (
            [("A", 1000, 2, 0), ("B", 300, 1, 0)],
            terms("A", "B"),
            [({"A": 1}, 700), ({"B": 1}, 300)],
        ),
        # The free bulb itself was worth nothing, and the lamps stay what they were.
        ([("A", 1000, 2, 0), ("B", 300, 1, 0)], terms("A", "B"), [({"B": 1}, 0), ({"A": 2}, 2000)]),
        # A cheap thing brought a dear one: nobody pays for sending it back, and later it is even.
        ([("A", 300, 2, 0), ("B", 1000, 1, 0)], terms("A", "B"), [({"A": 1}, 0), ({"B": 1}, 300)]),
        # Both at once, and everything.
        ([("A", 1000, 2, 0), ("B", 300, 1, 0)], terms("A", "B"), [({"A": 2, "B": 1}, 2000)]),
        # No unit that stays becomes cheaper than it was: three lamps are no new three for two.
        ([("A", 1000, 3, 0), ("B", 300, 1, 0)], terms("AB", "AB"), [({"B": 1}, 0)]),
        # Another discount on the same goods stays pro rata: 10 off each lamp.
        (
            [("A", 1000, 2, 20), ("B", 300, 1, 0)],
            terms("A", "B"),
            [({"A": 1}, 690), ({"A": 1}, 990)],
        ),
    ],
)
def test_what_stays_is_priced_anew(
    lines: Any, given_terms: SetTerms, steps: list[tuple[dict[str, int], int]]
) -> None:
    desk = Desk(lines, given_terms)
    assert [desk.back(**units) for units, _ in steps] == [amount for _, amount in steps]


def test_the_arithmetic_is_there_to_be_shown() -> None:
    desk = Desk([("A", 1000, 2, 0), ("B", 300, 1, 0)], terms("A", "B"), tax="0.1")
    assert desk.back(A=1) == 1100 - 300  # the bulb was free, so it had no tax
    lamp, bulb = desk.entries
    assert (lamp["quantity"], lamp["amount"], lamp["tax"]) == (1, 1100, 100)
    assert (bulb["quantity"], bulb["amount"]) == (0, -300)
    assert bulb["title"] == "B: less off with “the set”"
    assert bulb["stays"] == {"units": 1, "amount": 300, "label": "the set"}


orders = st.tuples(
    st.lists(
        st.tuples(st.integers(1, 2000), st.integers(1, 4), st.integers(0, 300)),
        min_size=1,
        max_size=4,
    ),
    st.integers(1, 3),
    st.integers(1, 2),
    st.sampled_from(["1", "0.5", "0.333"]),
    st.sampled_from(["0", "0.0725", "0.2"]),
    st.lists(st.booleans(), min_size=8, max_size=8),
)


@given(orders, st.lists(st.tuples(st.integers(0, 3), st.integers(1, 4)), max_size=8))
def test_any_way_back_adds_up_to_what_was_paid(given_order: Any, returns: Any) -> None:
    rows, buy, get, rate, tax, sides = given_order
    lines = [("ABCD"[i], *row) for i, row in enumerate(rows)]
    names = [sku for sku, *_ in lines]
    buys = [sku for sku, yes in zip(names, sides, strict=False) if yes]
    gets = [sku for sku, yes in zip(names, sides[4:], strict=False) if yes]
    desk = Desk(lines, terms("".join(buys), "".join(gets), buy, get), rate, tax)
    total, before = 0, desk.total
    for at, count in returns:
        line = desk.lines[at % len(desk.lines)]
        count = min(count, line.quantity - desk.gone.get(line.id, 0))
        amount = desk.back(**{line.sku: count})
        assert amount >= 0
        total += amount
        stay = {one.sku: one.quantity - desk.gone.get(one.id, 0) for one in desk.lines}
        prices = {one.sku: one.unit_price for one in desk.lines}
        (discount,) = desk.sets
        still = discount.still(stay, prices)
        worth = sum(
            sets.kept(one, stay[one.sku], discount.off[one.sku], still[one.sku]).amount
            for one in desk.lines
            if one.sku in discount.off
        )
        # Who keeps some has paid what it costs, or less where nothing was there to take it from.
        rest = sum(
            one.total - desk.paid.get(one.id, NOTHING).amount
            for one in desk.lines
            if one.sku in discount.off
        )
        assert rest <= worth
        assert not amount or rest == worth
        assert total <= before
    rest = {
        one.sku: one.quantity - desk.gone.get(one.id, 0)
        for one in desk.lines
        if one.quantity > desk.gone.get(one.id, 0)
    }
    total += desk.back(**rest) if rest else 0
    assert total == before


@given(
    st.integers(1, 4),
    st.lists(st.tuples(st.sampled_from("XYW"), st.integers(1, 3)), max_size=8),
)
def test_parts_and_whole_bundles_add_up_in_any_order(bundles: int, returns: Any) -> None:
    shares = [("X", 2, 701 * bundles // 3), ("Y", 1, 1000 * bundles - 701 * bundles // 3)]
    desk = Desk([("SET", 1000, bundles, 0)], parts={"SET": shares})
    total = 0
    for what, count in returns:
        (left,) = desk.left().lines
        if what == "W":
            total += desk.back(SET=min(count, left.sent))
            continue
        part = next(each for each in left.parts if each.sku == what)
        amount = desk.back(SET={what: min(count, left.parts_left(part))})
        assert amount >= 0
        total += amount
    (left,) = desk.left().lines
    total += desk.back(SET=left.sent)
    assert total == desk.total == 1000 * bundles


def test_one_part_of_a_bundle_is_worth_its_share_and_no_more_of_it_can_come_back() -> None:
    desk = Desk([("SET", 4000, 2, 0)], parts={"SET": [("A", 2, 6400), ("B", 1, 1600)]})
    assert desk.back(SET={"B": 1}) == 800
    assert desk.entries[0]["title"] == "B, part of SET"
    assert desk.back(SET=1) == 4000  # the other bundle, with everything in it
    with pytest.raises(Refused, match="0 of B can come back by themselves, not 1"):
        desk.back(SET={"B": 1})
    with pytest.raises(Refused, match="C is not part of SET"):
        desk.back(SET={"C": 1})
    assert desk.back(SET=1) == 3200
    assert desk.entries[0]["came"] == {"B": 1}  # it is on the shelf already
