"""The taxes of a draft, to the minor unit. Pure.

Every amount is exact (a Fraction) until it is rounded: on each line, or once for all lines that
pay the same and then spread over them by largest remainder. Either way what the lines say adds
up to what the order says.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import lru_cache
from math import floor, lcm
from typing import TypeVar

from opticworks.contracts import Adjustment, Draft, Item, PriceDisplay, say
from opticworks.money import Money, split_minor
from opticworks_taxes.rules import STANDARD, UNTAXED, Exemption, Rate, Table, class_of, sum_of
from opticworks_taxes.settings import Region

SOURCE = "taxes"
SHIPPING = "shipping"
T = TypeVar("T")
K = TypeVar("K")


@dataclass(frozen=True, slots=True)
class Piece:
    """Part of a line (or of shipping) whose class pays these rates; `base` is in minor units."""

    target: str
    tax_class: str
    rates: tuple[Rate, ...]
    base: int
    parts: tuple[str, ...] = ()  #: of a bundle, the SKUs of this class; empty for all


@dataclass(frozen=True, slots=True)
class Due:
    """What one rate takes of one target, exactly and then rounded."""

    target: str
    rate: Rate
    exact: Fraction
    amount: int = 0
    parts: tuple[str, ...] = ()


def taxes(
    draft: Draft,
    table: Table,
    region: Region,
    rounding: str,
    exemption: Exemption | None = None,
) -> Iterator[Adjustment]:
    """The adjustments of the draft's taxes, and remarks where something is not taxed."""
    zero = Money.zero(draft.currency)
    if exemption is not None:
        yield _remark("order", "relief", exemption.sentence, zero)
        return
    if not table.covered:
        country = draft.address.country if draft.address else ""
        yield _remark(
            "order", "uncovered", say("No tax rate is known for {country}", country=country), zero
        )
        return
    parts = tuple(pieces(draft, table, region))
    for piece in parts:
        if not piece.rates and piece.tax_class in UNTAXED:
            yield _remark(piece.target, piece.tax_class, say(UNTAXED[piece.tax_class]), zero)
    included = region.shown == "incl"
    compute = _included if included else _added
    for due in compute(parts, rounding == "total"):
        yield Adjustment(
            stage="tax",
            target=due.target,
            kind="tax",
            label=due.rate.title,
            amount=Money(due.amount, draft.currency),
            rate=due.rate.rate,
            included=included,
            source=f"{SOURCE}: {due.rate.place}, {due.rate.tax_class}",
            parts=due.parts,
        )


def _remark(target: str, kind: str, label: str, zero: Money) -> Adjustment:
    return Adjustment(
        stage="tax", target=target, kind=kind, label=label, amount=zero, source=SOURCE
    )


# --- what is taxed ------------------------------------------------------------------------------


def pieces(draft: Draft, table: Table, region: Region) -> Iterator[Piece]:
    """Lines and shipping by tax class; what costs nothing is left out."""
    goods: dict[str, int] = {}
    for line in draft.lines:
        base = line.subtotal + line.discount
        classes = classes_of(line.item, base)
        for code, amount in classes:
            if amount.minor > 0:
                goods[code] = goods.get(code, 0) + amount.minor
                parts = parts_of(line.item, code) if len(classes) > 1 else ()
                yield Piece(f"line:{line.key}", code, table.of(code), amount.minor, parts)
    shipping = draft.shipping_total.minor
    if draft.shipping is None or shipping <= 0:
        return
    if region.shipping == "standard" or not goods:
        yield Piece(SHIPPING, STANDARD, table.of_shipping(), shipping)
        return
    codes = sorted(goods)
    for code, part in zip(codes, split_minor(shipping, [goods[c] for c in codes]), strict=True):
        if part > 0:
            yield Piece(SHIPPING, code, table.of_shipping(code), part)


def classes_of(item: Item, amount: Money) -> list[tuple[str, Money]]:
    """`amount` of a line of the item by tax class: a bundle's by what its parts are, unless it
    has a class of its own."""
    codes = {class_of(part.tax_code) for part in item.components}
    if item.tax_code or len(codes) < 2:
        return [(class_of(item.tax_code or next(iter(codes), "")), amount)]
    sums: dict[str, Money] = {}
    for part, share in zip(item.components, item.shares(amount), strict=True):
        code = class_of(part.tax_code)
        sums[code] = sums.get(code, Money.zero(amount.currency)) + share
    return sorted(sums.items())


def parts_of(item: Item, tax_class: str) -> tuple[str, ...]:
    """SKUs of the bundle's parts that are of the class."""
    return tuple(part.sku for part in item.components if class_of(part.tax_code) == tax_class)


# --- how much -----------------------------------------------------------------------------------


def _added(parts: Sequence[Piece], once: bool) -> Iterator[Due]:
    """Each rate of what the piece costs, rounded by rate."""
    exact: dict[tuple[str, Rate], Due] = {}
    for piece in parts:
        for rate in piece.rates:
            due = _joined(exact.get((piece.target, rate)), piece, rate)
            exact[piece.target, rate] = replace(
                due, exact=due.exact + piece.base * Fraction(rate.rate)
            )
    dues = list(exact.values())
    if not once:
        yield from (_rounded(due, _half_up(due.exact)) for due in dues)
        return
    for group in _grouped(dues, lambda due: due.rate):
        yield from _spread(group)


def _included(parts: Sequence[Piece], once: bool) -> Iterator[Due]:
    """What the rates together make of the price is rounded, then split among them, so that a
    price never holds more tax than there is of it."""
    whole = [
        (piece, piece.base * sum_of(piece.rates) / (1 + sum_of(piece.rates)))
        for piece in parts
        if piece.rates
    ]
    amounts = [_half_up(exact) for _, exact in whole]
    if once:
        for group in _grouped(list(range(len(whole))), lambda i: whole[i][0].rates):
            total = _half_up(sum((whole[i][1] for i in group), Fraction(0)))
            for i, share in zip(group, _by_exact(total, [whole[i][1] for i in group]), strict=True):
                amounts[i] = share
    sums: dict[tuple[str, Rate], Due] = {}
    for (piece, _), amount in zip(whole, amounts, strict=True):
        shares = _by_exact(amount, [Fraction(rate.rate) for rate in piece.rates])
        for rate, share in zip(piece.rates, shares, strict=True):
            known = _joined(sums.get((piece.target, rate)), piece, rate)
            sums[piece.target, rate] = _rounded(known, known.amount + share)
    yield from sums.values()


def _joined(due: Due | None, piece: Piece, rate: Rate) -> Due:
    """The due of that rate that the piece is added to: on the parts of both."""
    if due is None:
        return Due(piece.target, rate, Fraction(0), parts=piece.parts)
    return replace(due, parts=(*due.parts, *piece.parts))


def _spread(dues: Sequence[Due]) -> Iterator[Due]:
    """The sum of the dues rounded once, and each due's share of it."""
    whole = _half_up(sum((due.exact for due in dues), Fraction(0)))
    shares = _by_exact(whole, [due.exact for due in dues])
    yield from (_rounded(due, share) for due, share in zip(dues, shares, strict=True))


def _by_exact(amount: int, weights: Sequence[Fraction]) -> list[int]:
    """`amount` in proportion to fractions, by largest remainder."""
    if amount == 0:
        return [0] * len(weights)
    scale = lcm(*(weight.denominator for weight in weights))
    return split_minor(amount, [int(weight * scale) for weight in weights])


def _grouped(values: Iterable[T], key: Callable[[T], K]) -> Iterator[list[T]]:
    groups: dict[K, list[T]] = {}
    for value in values:
        groups.setdefault(key(value), []).append(value)
    yield from groups.values()


def _rounded(due: Due, amount: int) -> Due:
    return replace(due, amount=amount)


def _half_up(value: Fraction) -> int:
    return floor(value + Fraction(1, 2))


# --- how prices are shown -----------------------------------------------------------------------


@lru_cache(maxsize=256)
def display(region: Region, here: Table, home: Table, exempt: bool) -> PriceDisplay:
    """How prices are shown at a place of the region, where `here` holds; `home` is the table of
    the shop's own address, whose tax a price entered with tax contains."""
    codes = sorted(here.classes | home.classes)
    factors = {
        code: _factor(region, sum_of(here.of(code)), sum_of(home.of(code)), exempt)
        for code in codes
    }
    shipping = _factor(region, sum_of(here.of_shipping()), sum_of(home.of_shipping()), exempt)
    standard = factors[STANDARD]
    changed = any(factor != 1 for factor in factors.values())
    taxed = any(rate.rate for rate in here.rates) and not exempt
    return PriceDisplay(
        label=region.words if taxed else "",
        includes_tax=region.shown == "incl",
        factors={"": standard, **factors} if changed else {},
        shipping=shipping,
    )


def _factor(region: Region, here: Fraction, home: Fraction, exempt: bool) -> Fraction:
    """What an entered price is multiplied with to become the one that is shown."""
    if region.entered == "net":
        net = Fraction(1)
    elif region.keeps == "gross":
        net = 1 / (1 + here)
    else:
        net = 1 / (1 + home)
    return net * (1 + here) if region.shown == "incl" and not exempt else net
