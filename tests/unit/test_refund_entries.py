"""What comes back of goods that were cheaper together, and of single parts of a bundle."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from types import SimpleNamespace
from typing import Any, NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from opticworks.checkout.demand import LineDemand, line_demand, most_units
from opticworks.checkout.refund_entries import asked_for, entries_of, wished
from opticworks.checkout.refund_left import Left, Portion, line_left
from opticworks.checkout.settle import Refused
from opticworks.contracts import SetTerms
from opticworks.orders import sets
from opticworks.orders.sets import SetDiscount
from opticworks.orders.shares import NOTHING, Share
from opticworks.payments import refunds
from opticworks.shipping import service as shipments


class Desk:
    """An order whose goods come back bit by bit: [(SKU, price, quantity, other discount)], a set
    discount over all lines or those named, tax added at a rate. All of it was sent, if not told
    otherwise; refunds and parcels are kept as the database would."""

    def __init__(
        self,
        lines: list[tuple[str, int, int, int]],
        terms: SetTerms | None = None,
        rate: str = "1",
        tax: str = "0",
        parts: Mapping[str, list[tuple[str, int, int]]] | None = None,
        sent: bool = True,
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
                    components=[
                        {"sku": part, "quantity": each, "share": share}
                        for part, each, share in (parts or {}).get(sku, [])
                    ],
                    ships=True,
                )
            )
        self.refunds: list[Any] = []
        self.parcels: list[Any] = []
        self.gone: dict[int, int] = {}
        self.paid: dict[int, Share] = {}
        if sent:
            for line in self.lines:
                self.pack(line.sku, line.quantity, status="shipped")

    @property
    def total(self) -> int:
        return sum(line.total for line in self.lines)

    @property
    def demand(self) -> dict[str, LineDemand]:
        gone, boxed = refunds.units(self.refunds), shipments.add_up(self.parcels)
        return {line.sku: line_demand(line, gone, boxed) for line in self.lines}

    def pack(self, sku: str, units: int, status: str = "draft") -> None:
        wanted = self.demand[sku]
        self.parcels.append((status, wanted.line.id, units, wanted.without(units)))

    def left(self) -> Left:
        done = refunds.units(self.refunds)
        return Left(
            lines=tuple(line_left(each, done) for each in self.demand.values()),
            shipping=0,
            amount=10**9,
            disputed=0,
            sources=(),
            currency="USD",
            sets=self.sets,
        )

    def back(self, **units: int | Mapping[str, int]) -> int:
        """Pay so many of each back; a mapping names single parts. What it comes to."""
        return self.pay(
            **{
                sku: Portion(sent=wanted) if isinstance(wanted, int) else Portion(parts=wanted)
                for sku, wanted in units.items()
            }
        )

    def pay(self, **portions: Portion) -> int:
        """Pay these portions back. What they come to."""
        self.entries = entries_of(self.left(), portions)
        lines = {"lines": list(self.entries), "moved": True}
        self.refunds.append(SimpleNamespace(status="done", lines=lines))
        for entry in self.entries:
            line = entry["line"]
            self.gone[line] = self.gone.get(line, 0) + entry["quantity"]
            share = Share(entry["amount"], entry["tax"], entry["discount"])
            self.paid[line] = self.paid.get(line, NOTHING) + share
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
        amount = desk.back(SET={what: min(count, part.left("there"))})
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
    assert desk.entries[0]["without"] == "1 × B"


# --- parts of bundles that were not sent ----------------------------------------------------------

KIT = [("S", 2, 6400), ("H", 1, 1600)]  #: two bundles' worth: a sensor is 16, a hub 8


def test_a_part_taken_out_before_it_leaves_costs_its_share_and_is_not_packed() -> None:
    desk = Desk([("KIT", 4000, 2, 0)], parts={"KIT": KIT}, sent=False)
    assert desk.pay(KIT=Portion(unsent_parts={"S": 1})) == 1600
    (entry,) = desk.entries
    assert (entry["title"], entry["left_out"], entry["back"]) == ("S, part of KIT", 1, 0)
    wanted = desk.demand["KIT"]
    assert (wanted.open, wanted.here) == (2, {"S": 3, "H": 2})
    assert [wanted.without(1), wanted.without(1, 1), wanted.without(2)] == [{}, {"S": 1}, {"S": 1}]
    desk.pack("KIT", 1, "shipped")
    assert desk.demand["KIT"].without(1) == {"S": 1}, "the last one goes without it"
    desk.pack("KIT", 1, "shipped")
    assert desk.demand["KIT"].there == {"S": 3, "H": 2}
    # The whole one comes back first, for its whole price; the other for what is left of it.
    assert desk.back(KIT=1) == 4000
    assert desk.back(KIT=1) == 2400
    assert desk.entries[0]["without"] == "1 × S"


def test_what_a_parcel_went_without_stays_so_when_another_is_unpacked() -> None:
    desk = Desk([("KIT", 4000, 2, 0)], parts={"KIT": KIT}, sent=False)
    desk.pack("KIT", 1)
    with pytest.raises(
        Refused, match=r"2 of S can be taken out .* not 3. 1 lies in a parcel: take"
    ):
        desk.pay(KIT=Portion(unsent_parts={"S": 3}))
    assert desk.pay(KIT=Portion(unsent_parts={"S": 2})) == 3200
    desk.pack("KIT", 1)
    assert desk.parcels[-1][3] == {"S": 2}
    desk.parcels.pop(0)
    assert desk.demand["KIT"].without(1) == {}


def test_a_bundle_of_which_every_part_was_taken_out_is_taken_out() -> None:
    desk = Desk([("KIT", 4000, 2, 0)], parts={"KIT": KIT}, sent=False)
    desk.pay(KIT=Portion(unsent_parts={"S": 1}))
    wish = Portion(unsent_parts={"S": 1, "H": 1})
    assert desk.pay(KIT=wish) == 2400
    (entry,) = desk.entries
    assert (entry["unsent"], entry["quantity"], entry["out"]) == (1, 1, {"S": 1})
    assert entry["without"] == "1 × S"
    assert asked_for(desk.entries) == wished({"KIT": wish}), "a second click is recognised"
    wanted = desk.demand["KIT"]
    assert (wanted.kept, wanted.open, wanted.here) == (1, 1, {"S": 2, "H": 1})
    # Of one that is gone and one that stays, no part is worth more than it was.
    assert desk.pay(KIT=Portion(unsent_parts={"H": 1})) == 800
    assert desk.pay(KIT=Portion(unsent_parts={"S": 2})) == 3200
    assert (desk.entries[0]["unsent"], desk.demand["KIT"].kept) == (1, 0)


def test_the_parts_of_a_refund_that_failed_are_wanted_again() -> None:
    desk = Desk([("KIT", 4000, 1, 0)], parts={"KIT": [("S", 2, 3200), ("H", 1, 800)]}, sent=False)
    desk.pay(KIT=Portion(unsent_parts={"S": 1}))
    desk.pay(KIT=Portion(unsent=1))
    first, second = desk.refunds
    first.status, first.lines["moved"] = "failed", False
    # Its bundle was taken out meanwhile, for what was left of it: the part is paid back alone.
    assert desk.demand["KIT"].here == {"S": 1, "H": 0}
    assert desk.pay(KIT=Portion(unsent_parts={"S": 1})) == 1600
    assert sum(desk.entries[0][key] for key in ("left_out", "count")) == 2
    second.status, second.lines["moved"] = "failed", False
    assert desk.demand["KIT"].here == {"S": 1, "H": 1}


class Wish(NamedTuple):
    """A step of somebody: what happens to how many of what ("" for whole bundles)."""

    deed: str
    part: str = ""
    count: int = 1


STEPS = st.lists(
    st.builds(
        Wish,
        st.sampled_from(["take", "take", "back", "send", "pack", "unpack"]),
        st.sampled_from(["", "S", "H", "F"]),
        st.integers(1, 4),
    ),
    max_size=14,
)


@given(
    st.integers(1, 4),
    st.integers(0, 3000),
    st.tuples(st.integers(1, 3), st.integers(1, 2), st.integers(1, 2)),
    st.integers(0, 999),
    STEPS,
)
def test_parts_units_and_parcels_agree_whatever_happens(
    bundles: int, price: int, each: tuple[int, int, int], split: int, steps: list[Wish]
) -> None:
    total = price * bundles
    sensors = total * split // 1000
    parts = [("S", each[0], sensors), ("H", each[1], total - sensors), ("F", each[2], 0)]
    desk = Desk([("KIT", price, bundles, 0)], parts={"KIT": parts}, sent=False)
    paid = 0
    for deed, part, count in steps:
        (left,) = desk.left().lines
        wanted = desk.demand["KIT"]
        known = {one.sku: one for one in left.parts}
        if deed == "take" and part:
            most = min(count, known[part].left("here"))
            paid += desk.pay(KIT=Portion(unsent_parts={part: most}))
        elif deed == "take":
            paid += desk.pay(KIT=Portion(unsent=min(count, left.unsent)))
        elif deed == "back" and part:
            paid += desk.pay(KIT=Portion(parts={part: min(count, known[part].left("there"))}))
        elif deed == "back":
            paid += desk.pay(KIT=Portion(sent=min(count, left.sent)))
        elif deed == "unpack":
            drafts = [parcel for parcel in desk.parcels if parcel[0] == "draft"]
            if drafts:
                desk.parcels.remove(drafts[0])
        elif units := min(count, wanted.open):
            desk.pack("KIT", units, "shipped" if deed == "send" else "draft")
        if desk.refunds:
            assert sum(entry["amount"] for entry in desk.entries) >= 0
        _sound(desk, each, paid, total)
    for parcel in [parcel for parcel in desk.parcels if parcel[0] == "draft"]:
        desk.parcels.remove(parcel)
    (left,) = desk.left().lines
    paid += desk.pay(KIT=Portion(unsent=left.unsent, sent=left.sent))
    assert paid == total, "the parts and the bundles come to the line"
    wanted = desk.demand["KIT"]
    assert not wanted.open
    assert not any(wanted.here.values())
    assert not any(wanted.there.values())


def _sound(desk: Desk, each: tuple[int, int, int], paid: int, total: int) -> None:
    """Nothing is packed twice or lost: parts here, in parcels, with the customer and gone are
    those that were bought, and no bundle that is kept is empty."""
    wanted = desk.demand["KIT"]
    sizes = dict(zip("SHF", each, strict=True))
    assert paid <= total
    assert wanted.open >= 0
    assert wanted.sent >= 0
    for sku, size in sizes.items():
        assert 0 <= wanted.here[sku] <= wanted.open * size
        assert 0 <= wanted.there[sku] <= wanted.sent * size
        gone = sum(
            entry["unsent"] * size - entry.get("out", {}).get(sku, 0)
            if "part" not in entry
            else entry.get("left_out", 0) * (entry["part"] == sku)
            for refund in desk.refunds
            for entry in refund.lines["lines"]
        )
        inside = sum(units * size - lacks.get(sku, 0) for _, _, units, lacks in desk.parcels)
        assert wanted.here[sku] + inside + gone == wanted.line.quantity * size
    assert most_units(sizes, wanted.here) == wanted.open
