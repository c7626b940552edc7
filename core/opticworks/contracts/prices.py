"""Drafts, adjustments, and the quote that is agreed to."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from decimal import Decimal
from fractions import Fraction
from math import floor
from typing import Literal

from opticworks.contracts.goods import Component, Item
from opticworks.contracts.places import Address
from opticworks.contracts.sets import SetTerms
from opticworks.money import Money, total

Stage = Literal["unit", "product", "order", "shipping", "shipping_discount", "tax"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ClaimRequest:
    """A use of something limited that comes with an adjustment (a coupon, a gift balance).

    With a `limit` the allowance is made when it is first claimed and never gives more than that
    in all; without one it is what was granted beforehand.
    """

    allowance: str  #: the allowance's key, prefixed with the plugin's code
    amount: int = 1
    limit: int | None = None
    scope: str = ""  #: whose or which uses they are, for staff: "per customer"


@dataclass(frozen=True, slots=True, kw_only=True)
class Adjustment:
    """One step of a quote's calculation.

    `target` is "order", "shipping" or "line:<key>"; `amount` is signed; `included` marks a tax
    that the price already contains, which therefore adds nothing to the total. `rate` is the
    fraction behind the amount, if there is one; `source` names the plugin (and its rule) that
    said so; `code` is the code on the cart that it answers, if it is one. A tax of nothing is a
    remark that stays with the order (an exemption and its proof, a place without a rate): the
    only tax whose target may be "order". Where a tax is on some parts of a bundle only, `parts`
    are their SKUs. A discount for buying several together says in `together` what for: when some
    of them are paid back, what is left is priced by it; any other discount stays pro rata.
    """

    stage: Stage
    target: str
    kind: str
    label: str
    amount: Money
    rate: Decimal | None = None
    included: bool = False
    source: str = "kernel"
    claims: tuple[ClaimRequest, ...] = ()
    code: str = ""
    parts: tuple[str, ...] = ()
    together: SetTerms | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """A code that gives nothing, why, and what is missing for it.

    One that `waits` stays on the cart and counts as soon as what is missing is there.
    """

    code: str
    sentence: str
    missing: str = ""
    waits: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Suggestion:
    """What would lower the price if it were in the cart too, and a sentence that says so.

    The cart offers those `skus` that can be bought (the first few), or leads to the `groups`.
    """

    sentence: str
    skus: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class CodeState:
    """A code on the cart: what it does, or why it does nothing.

    "applied" takes `amount` off (zero while shipping is not known yet), "waiting" gives nothing
    now, "refused" nothing at all.
    """

    code: str
    state: Literal["applied", "waiting", "refused"]
    label: str = ""
    amount: Money | None = None
    sentence: str = ""
    missing: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Objection:
    """Why a quote may not be placed, as a sentence for the customer; `target` as in Adjustment."""

    sentence: str
    target: str = "order"


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """Something that changed since the customer last looked: a price, an availability."""

    kind: Literal["price", "unavailable", "quantity", "shipping"]
    target: str
    sentence: str
    before: Money | None = None
    after: Money | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class QuoteLine:
    """A line of a draft or a quote. `subtotal` = unit price x quantity; `total` = subtotal +
    discount (negative or zero) + tax, where a tax that the price includes adds nothing."""

    key: str
    sku: str
    item: Item
    quantity: int
    unit_price: Money
    subtotal: Money
    discount: Money
    tax: Money
    tax_included: Money
    total: Money


@dataclass(frozen=True, slots=True, kw_only=True)
class ShippingChoice:
    """The chosen rate, as stored on the cart when it was fetched.

    `amount` is what the customer pays, `cost` what the provider asked before the shop's handling
    fee and free shipping. `note` is for staff: why this rate stands in for another one.
    """

    code: str
    title: str
    amount: Money
    provider: str
    carrier: str = ""
    service: str = ""
    min_days: int | None = None
    max_days: int | None = None
    ref: str = ""
    cost: Money | None = None
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class PriceDisplay:
    """How prices are shown at a place, and how what was entered becomes what is shown there.

    `label` stands beside a price ("incl. VAT", "plus tax"), or is empty where there is no tax; it
    is remembered, so it is translated where it is shown (mark it with N_).
    `factors` multiply an entered price, by tax code in lower case ("" for any other);
    `shipping` multiplies the price of shipping. `asks_vat_id`: the checkout asks businesses there
    for their VAT ID (`Address.vat_id`).
    """

    label: str = ""
    includes_tax: bool = False
    factors: Mapping[str, Fraction] = field(default_factory=dict)
    shipping: Fraction = Fraction(1)
    asks_vat_id: bool = False

    def __hash__(self) -> int:
        return hash((self.label, self.includes_tax, self.asks_vat_id))

    def shown(self, price: Money, tax_code: str = "") -> Money:
        """The price as it is shown and charged here, rounded half up."""
        standard = self.factors.get("", Fraction(1))
        factor = self.factors.get(tax_code.strip().lower(), standard)
        return _times(price, factor)

    def shown_rate(self, rate: ShippingChoice) -> ShippingChoice:
        """The shipping option with its price as it is shown and charged here."""
        if self.shipping == 1:
            return rate
        return replace(rate, amount=_times(rate.amount, self.shipping))

    def unit_price(self, item: Item) -> Money:
        """The item's price here; a bundle's as the sum of what its parts make of it."""
        return self._of(item, item.unit_price)

    def item(self, item: Item) -> Item:
        """The item with its prices as they are shown here."""
        if not self.factors:
            return item
        before = item.compare_at_price
        return replace(
            item,
            unit_price=self.unit_price(item),
            compare_at_price=None if before is None else self._of(item, before),
            components=tuple(self._part(item, part) for part in item.components),
        )

    def _part(self, item: Item, part: Component) -> Component:
        """The part at what it costs here, so that its share is of the price that is shown."""
        if part.unit_price is None:
            return part
        price = self.shown(part.unit_price, item.tax_code or part.tax_code)
        return replace(part, unit_price=price)

    def _of(self, item: Item, price: Money) -> Money:
        codes = {part.tax_code for part in item.components}
        if item.tax_code or len(codes) < 2:
            return self.shown(price, item.tax_code or next(iter(codes), ""))
        shares = zip(item.shares(price), item.components, strict=True)
        return total((self.shown(share, part.tax_code) for share, part in shares), price.currency)


def _times(price: Money, factor: Fraction) -> Money:
    if factor == 1:
        return price
    return Money(floor(price.minor * factor + Fraction(1, 2)), price.currency)


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """A cart on its way to a quote: what `discounts` and `taxes` are asked about.

    `rates` are the shipping options there are, cheapest first, once one is chosen. `agreed_at` is
    when the customer was shown the quote that is being placed: what ended since then still
    holds. `open_order` is the number of the cart's own order that awaits its payment; what that
    one has claimed is not used up for this cart.
    """

    currency: str
    lines: tuple[QuoteLine, ...]
    adjustments: tuple[Adjustment, ...]
    shipping: ShippingChoice | None
    codes: tuple[str, ...]
    email: str
    address: Address | None
    rates: tuple[ShippingChoice, ...] = ()
    agreed_at: datetime | None = None
    open_order: str = ""

    @property
    def shipping_total(self) -> Money:
        """What shipping costs by now: its price with its discounts."""
        steps = (a.amount for a in self.adjustments if a.target == "shipping" and not a.included)
        return total(steps, self.currency)


@dataclass(frozen=True, slots=True, kw_only=True)
class Quote:
    """A cart priced at one instant: frozen, with a trace of every step, and its hash.

    `total` = sum of line totals + `shipping_total` = sum of the trace's amounts that are not
    included. `hash` covers everything the customer agrees to; it is what a form posts back.
    Prices are as `display` shows them; taxes are `estimated` while no address is known.
    """

    currency: str
    lines: tuple[QuoteLine, ...]
    trace: tuple[Adjustment, ...]
    shipping: ShippingChoice | None
    refusals: tuple[Refusal, ...]
    objections: tuple[Objection, ...]
    notices: tuple[Notice, ...]
    subtotal: Money
    discount_total: Money
    shipping_total: Money
    tax_total: Money
    total: Money
    requires_shipping: bool
    hash: str
    codes: tuple[CodeState, ...] = ()
    display: PriceDisplay = field(default_factory=PriceDisplay)
    estimated: bool = False
    suggestions: tuple[Suggestion, ...] = ()

    @property
    def count(self) -> int:
        return sum(line.quantity for line in self.lines)

    @property
    def weight(self) -> int:
        """Grams of everything that has to be shipped."""
        return sum(
            line.item.weight * line.quantity for line in self.lines if line.item.requires_shipping
        )
