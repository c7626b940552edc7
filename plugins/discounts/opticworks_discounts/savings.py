"""What a discount takes off: exact amounts of money, no rule of which one is chosen."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from opticworks.contracts import Draft, QuoteLine, ShippingChoice
from opticworks.money import Money, total
from opticworks_discounts import selecting, sets
from opticworks_discounts.models import BUY_GET, PERCENT, Discount

#: What is taken off each line, by the line's key. All amounts here are positive.
Shares = dict[str, Money]


def goods(draft: Draft) -> Money:
    """What the goods cost before any discount."""
    return total((line.subtotal for line in draft.lines), draft.currency)


def of_products(discount: Discount, draft: Draft) -> Shares:
    """A percentage of each line it is for, or of the units that one gets for buying others, or an
    amount spread over the lines by largest remainder."""
    if discount.kind == BUY_GET:
        return _got(discount, draft)
    covered = selecting.gets(discount)
    lines = [line for line in draft.lines if line.subtotal and covered.covers(line.item)]
    if discount.kind == PERCENT and discount.percent is not None:
        shares = {line.key: line.subtotal.rate(discount.percent / 100) for line in lines}
    else:
        shares = _spread(discount, lines, draft.currency)
    return {key: share for key, share in shares.items() if share}


def _got(discount: Discount, draft: Draft) -> Shares:
    units = sets.cheaper(discount, draft)
    part = (discount.percent or 0) / Decimal(100)
    shares = {
        line.key: (line.unit_price * units[line.key]).rate(part)
        for line in draft.lines
        if line.key in units
    }
    return {key: share for key, share in shares.items() if share}


def _spread(discount: Discount, lines: Sequence[QuoteLine], currency: str) -> Shares:
    if not lines:
        return {}
    most = total((line.subtotal for line in lines), currency)
    amount = min(Money(discount.amount or 0, currency), most)
    parts = amount.split([line.subtotal.minor for line in lines])
    return {line.key: part for line, part in zip(lines, parts, strict=True)}


def of_order(discount: Discount, value: Money) -> Money:
    """A percentage or an amount of `value`, which is what the goods cost by then."""
    if discount.kind == PERCENT and discount.percent is not None:
        return value.rate(discount.percent / 100)
    return min(Money(discount.amount or 0, value.currency), value)


def covered(discount: Discount, rates: Sequence[ShippingChoice]) -> ShippingChoice | None:
    """The delivery that free shipping is for: the cheapest of those it names, or of all."""
    fitting = [
        rate
        for rate in rates
        if not discount.methods
        or any(wanted in (rate.code, rate.code.partition(":")[2]) for wanted in discount.methods)
    ]
    return min(fitting, key=lambda rate: (rate.amount.minor, rate.code), default=None)


def of_shipping(discount: Discount, rate: ShippingChoice) -> Money:
    """What free shipping takes off that rate."""
    if discount.cap is None:
        return rate.amount
    return min(rate.amount, Money(discount.cap, rate.amount.currency))
