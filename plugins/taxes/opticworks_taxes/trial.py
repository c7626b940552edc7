"""What the table says of one price at one address, in the words of staff."""

from __future__ import annotations

from dataclasses import dataclass, replace
from decimal import Decimal

from opticworks.contracts import (
    Address,
    Adjustment,
    Ctx,
    Draft,
    Item,
    QuoteLine,
    ShippingChoice,
)
from opticworks.money import Money, total
from opticworks_taxes import calculation, reading
from opticworks_taxes.settings import TaxesSettings


@dataclass(frozen=True, slots=True)
class Answer:
    """`steps` are the taxes; `shown` is the price there, `total` what is paid with everything."""

    region: str
    label: str
    shown: Money
    shipping: Money
    steps: tuple[Adjustment, ...]
    total: Money
    included: bool


def ask(ctx: Ctx, address: Address, price: Decimal, tax_class: str, shipping: Decimal) -> Answer:
    """Price and shipping as they would be entered, worked out as a cart would be.

    Raises ValueError when an amount is finer than the currency.
    """
    settings: TaxesSettings = ctx.settings["taxes"]
    region = settings.region_of(address.country)
    here = reading.table(ctx, address)
    home = reading.table(ctx, ctx.settings["shop"].origin)
    display = calculation.display(region, here, home, exempt=False)
    item = Item(sku="TRY", title="Try", unit_price=Money.parse(price, ctx.currency))
    item = display.item(replace(item, tax_code=tax_class))
    rate = display.shown_rate(
        ShippingChoice(
            code="try", title="Try", amount=Money.parse(shipping, ctx.currency), provider="try"
        )
    )
    draft = _draft(ctx.currency, item, rate, address)
    steps = tuple(calculation.taxes(draft, here, region, settings.rounding))
    added = total((step.amount for step in steps if not step.included), ctx.currency)
    return Answer(
        region=region.title,
        label=display.label,
        shown=item.unit_price,
        shipping=rate.amount,
        steps=steps,
        total=item.unit_price + rate.amount + added,
        included=region.shown == "incl",
    )


def _draft(currency: str, item: Item, rate: ShippingChoice, address: Address) -> Draft:
    zero = Money.zero(currency)
    line = QuoteLine(
        key=item.sku,
        sku=item.sku,
        item=item,
        quantity=1,
        unit_price=item.unit_price,
        subtotal=item.unit_price,
        discount=zero,
        tax=zero,
        tax_included=zero,
        total=item.unit_price,
    )
    step = Adjustment(
        stage="shipping", target="shipping", kind="shipping", label="", amount=rate.amount
    )
    return Draft(
        currency=currency,
        lines=(line,),
        adjustments=(step,),
        shipping=rate,
        codes=(),
        email="",
        address=address,
    )
