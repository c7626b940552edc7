"""What each part of a bundle is worth of the line that was paid. Pure, all in minor units."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from opticworks import contracts as c
from opticworks.money import Money, split_minor


@dataclass(frozen=True, slots=True)
class Share:
    """A part's share of its line's total, and how much of that is tax."""

    amount: int
    tax: int


def shares(line: c.QuoteLine, trace: Iterable[c.Adjustment]) -> list[Share]:
    """The line's total spread over the bundle's parts, in their order; empty for no bundle.

    What the goods cost goes by what the parts cost alone; a tax goes to the parts that it is on,
    so that one with a lower rate is not given back with a neighbour's tax. Shares sum to the
    line's total, and their taxes to the line's taxes.
    """
    parts = line.item.components
    if not parts:
        return []
    goods = [share.minor for share in line.item.shares(line.subtotal + line.discount)]
    added, inside = [0] * len(parts), [0] * len(parts)
    for tax in trace:
        if tax.stage != "tax" or tax.target != f"line:{line.key}" or not tax.amount:
            continue
        on = [i for i, part in enumerate(parts) if not tax.parts or part.sku in tax.parts]
        on = on or list(range(len(parts)))
        into = inside if tax.included else added
        for i, piece in zip(on, _split(tax.amount, [goods[i] for i in on]), strict=True):
            into[i] += piece
    return [
        Share(amount=net + plus, tax=plus + within)
        for net, plus, within in zip(goods, added, inside, strict=True)
    ]


def _split(amount: Money, weights: list[int]) -> list[int]:
    return split_minor(amount.minor, weights)


def worth(share: int, units: int, count: int, already: int = 0) -> int:
    """What `count` of a part's `units` are worth of its `share`, after `already` of them came
    back; below zero for units of those that are not paid for.

    However the units come back, one by one or together, what they were worth sums to the share.
    `units` are those of the whole line: the bundles bought times the part's number in each.
    Raises ValueError for more units than are left.
    """
    if already < 0 or not 0 <= already + count <= units:
        raise ValueError(f"Of {units} units {already} came back; {count} more can't.")
    if not units:
        return 0
    return share * (already + count) // units - share * already // units


def kits(
    quantity: int, each: Mapping[str, int], missing: Mapping[str, int]
) -> list[tuple[int, dict[str, int]]]:
    """So many bundles of which parts are `missing`, as (how many, what each of these lacks): the
    last ones lack them, whole ones come first."""
    left = {sku: count for sku, count in missing.items() if count}
    found: list[tuple[int, dict[str, int]]] = []
    whole = quantity
    while left and whole > 0:
        lacks = {sku: min(count, each.get(sku, 0)) for sku, count in left.items()}
        lacks = {sku: count for sku, count in lacks.items() if count}
        if not lacks:
            break
        alike = min(whole, *(left[sku] // count for sku, count in lacks.items()))
        found.insert(0, (alike, lacks))
        whole -= alike
        left = {sku: rest for sku, n in left.items() if (rest := n - alike * lacks.get(sku, 0))}
    return [(whole, {}), *found] if whole > 0 else found
