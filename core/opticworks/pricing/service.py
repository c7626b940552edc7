"""The one calculation: a basket in, a frozen quote out. No network, no writing.

The order of work is fixed: unit prices, product discounts, order discounts, shipping, its
discounts, taxes. Every step leaves an Adjustment in the trace; the sum of those that are not
included is the total.
"""

from __future__ import annotations

import hashlib
import json
import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from opticworks import contracts as c
from opticworks.contracts.goods import named
from opticworks.money import Money, total
from opticworks.pricing.codes import Codes

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class BasketLine:
    """So many of a SKU; `price_seen` is the minor units of its price when it was agreed to."""

    sku: str
    quantity: int
    price_seen: int
    title: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Basket:
    """What a quote is computed from; `free` says what can be sold of each SKU now. `rates` are
    those the shipping is chosen from, looked at once it is; the other fields are the Draft's."""

    currency: str
    lines: tuple[BasketLine, ...]
    free: Mapping[str, int]
    codes: tuple[str, ...] = ()
    email: str = ""
    address: c.Address | None = None
    rates: Sequence[c.ShippingChoice] = ()
    agreed_at: datetime | None = None
    open_order: str = ""
    estimated: bool = False  #: the address is the shop's guess, not yet the customer's


#: Picks the shipping rate once lines and discounts are known: (discounted lines) -> choice.
ChooseShipping = Callable[[Sequence[c.QuoteLine]], c.ShippingChoice | None]


UNCLEAR = c.N_(
    "The total can't be worked out at the moment. Please try again shortly; nothing was ordered."
)


class Refused(Exception):
    """A plugin the prices depend on failed; the sentence is for the customer."""


def items(hooks: Any, ctx: c.Ctx, skus: Sequence[str]) -> dict[str, c.Item]:
    """What the goods plugins answer for these SKUs.

    Raises Refused when a plugin fails or two answer for one SKU: a price nobody can vouch for
    must not be sold at.
    """
    if not skus:
        return {}
    result: dict[str, c.Item] = {}
    try:
        answers = [dict(answer or {}) for answer in hooks.items(skus=tuple(skus), ctx=ctx)]
    except Exception:
        log.exception("A goods plugin failed")
        raise Refused(
            c.say("Prices can't be read at the moment. Please try again shortly.")
        ) from None
    for answer in answers:
        for sku, item in answer.items():
            if sku in result:
                log.error("Two plugins answer for SKU %s", sku)
                raise Refused(
                    c.say(
                        "{name} can't be sold at the moment: its price is not clear.",
                        name=item.title,
                    )
                )
            result[sku] = item
    return result


def parts_of(item: c.Item) -> dict[str, int]:
    """What one unit of the item takes from stock: a bundle its components, never itself; an
    item or a part that keeps no count takes nothing."""
    if item.components:
        parts: dict[str, int] = {}
        for part in item.components:
            if part.tracked:
                parts[part.sku] = parts.get(part.sku, 0) + part.quantity
        return parts
    return {} if item.stock_policy == "untracked" else {item.sku: 1}


def expand(lines: Iterable[c.QuoteLine]) -> dict[str, int]:
    """What these lines take from stock together."""
    demand: dict[str, int] = {}
    for line in lines:
        for sku, each in parts_of(line.item).items():
            demand[sku] = demand.get(sku, 0) + each * line.quantity
    return demand


def stock_skus(items: Iterable[c.Item]) -> set[str]:
    """The SKUs whose stock decides whether these items can be bought."""
    skus: set[str] = set()
    for item in items:
        skus |= {part.sku for part in item.components} or {item.sku}
    return skus


def quote(
    hooks: Any,
    ctx: c.Ctx,
    basket: Basket,
    goods: Mapping[str, c.Item],
    choose_shipping: ChooseShipping = lambda lines: None,
) -> c.Quote:
    """The basket priced now. `goods` are the items of its SKUs (see `items`).

    Raises Refused when plugins answer what can't be added up: another currency, a tax on nothing.
    """
    try:
        shown = display(hooks, ctx, basket.address, basket.email)
        work = _Calculation(hooks, ctx, basket, choose_shipping, shown)
        work.unit_prices(goods)
        work.discounts()
        work.shipping()
        work.taxes()
        return work.finish()
    except Exception:
        log.exception("The answers of the plugins make no total")
        raise Refused(c.say(UNCLEAR)) from None


def display(hooks: Any, ctx: c.Ctx, address: c.Address | None, email: str) -> c.PriceDisplay:
    """How prices are shown to that customer. Raises ValueError when two plugins say so."""
    if address is None:
        return c.PriceDisplay()
    answers = hooks.price_display(address=address, email=email, ctx=ctx)
    said = [answer for answer in answers if answer is not None]
    if len(said) > 1:
        raise ValueError("Two plugins say how prices are shown.")
    return said[0] if said else c.PriceDisplay()


class _Calculation:
    """The steps of one quote, in order, over immutable lines."""

    def __init__(
        self,
        hooks: Any,
        ctx: c.Ctx,
        basket: Basket,
        choose_shipping: ChooseShipping,
        display: c.PriceDisplay,
    ) -> None:
        self.hooks, self.ctx, self.basket = hooks, ctx, basket
        self.choose_shipping, self.display = choose_shipping, display
        self.rates: tuple[c.ShippingChoice, ...] = ()  #: as they are shown, once one is chosen
        self.chosen: c.ShippingChoice | None = None
        self.zero = Money.zero(basket.currency)
        self.lines: list[c.QuoteLine] = []
        self.trace: list[c.Adjustment] = []
        self.codes = Codes(basket.codes, basket.currency)
        self.objections: list[c.Objection] = []
        self.notices: list[c.Notice] = []
        self.suggestions: tuple[c.Suggestion, ...] = ()
        self.shipping_total = self.zero
        self.failed = False  #: whether a plugin did

    def unit_prices(self, goods: Mapping[str, c.Item]) -> None:
        left = dict(self.basket.free)
        for wanted in self.basket.lines:
            item = goods.get(wanted.sku)
            seen = Money(wanted.price_seen, self.basket.currency)
            if item is None:
                item = c.Item(
                    sku=wanted.sku,
                    title=wanted.title or wanted.sku,
                    unit_price=seen,
                    unavailable=c.say("It is no longer sold."),
                    requires_shipping=False,
                )
            if item.unit_price.currency != self.basket.currency:
                item = replace(
                    item, unit_price=seen, unavailable=c.say("It has no price in this currency.")
                )
            self._line(wanted, item, seen)
            self._check_stock(wanted, item, left)

    def _line(self, wanted: BasketLine, entered: c.Item, seen: Money) -> None:
        target = f"line:{wanted.sku}"
        item = self.display.item(entered)
        subtotal = self.zero if item.unavailable else item.unit_price * wanted.quantity
        self.lines.append(
            c.QuoteLine(
                key=wanted.sku,
                sku=wanted.sku,
                item=item,
                quantity=wanted.quantity,
                unit_price=item.unit_price,
                subtotal=subtotal,
                discount=self.zero,
                tax=self.zero,
                tax_included=self.zero,
                total=subtotal,
            )
        )
        if item.unavailable:
            sentence = c.say(
                "{name} can't be bought any more. {why}", name=item.title, why=item.unavailable
            )
            self.notices.append(c.Notice(kind="unavailable", target=target, sentence=sentence))
            remove = c.say("Remove it to go on.")
            self.objections.append(c.Objection(sentence=f"{sentence} {remove}", target=target))
            return
        label = f"{wanted.quantity} × {named(item.title, item.option_text)}"
        self._add("unit", target, "price", label, subtotal)
        if entered.unit_price != seen:  # as entered: another country is no change of price
            locale = self.ctx.locale
            seen = self.display.unit_price(replace(entered, unit_price=seen))
            self.notices.append(
                c.Notice(
                    kind="price",
                    target=target,
                    sentence=c.say(
                        "The price of {name} changed from {before} to {after}.",
                        name=item.title,
                        before=seen.format(locale),
                        after=item.unit_price.format(locale),
                    ),
                    before=seen,
                    after=item.unit_price,
                )
            )

    def _check_stock(self, wanted: BasketLine, item: c.Item, left: dict[str, int]) -> None:
        """Object to what is not there; the same unit is never promised to two lines."""
        if item.unavailable or (item.stock_policy == "untracked" and not item.components):
            return
        whole = c.Component(sku=item.sku, quantity=1)
        parts = [part for part in item.components or (whole,) if part.tracked]
        if not parts:
            return
        possible = min(max(left.get(part.sku, 0), 0) // part.quantity for part in parts)
        for part in parts:
            left[part.sku] = left.get(part.sku, 0) - part.quantity * wanted.quantity
        if possible >= wanted.quantity:
            return
        target = f"line:{wanted.sku}"
        name = named(item.title, item.option_text)
        if possible == 0:
            sentence = c.say("{name} is sold out. Remove it to go on.", name=name)
            kind = "unavailable"
        else:
            sentence = c.say_number(
                "Only {n} of {name} is left. Reduce the quantity to go on.",
                "Only {n} of {name} are left. Reduce the quantity to go on.",
                possible,
                name=name,
            )
            kind = "quantity"
        self.notices.append(
            c.Notice(kind=kind, target=target, sentence=sentence)  # type: ignore[arg-type]
        )
        self.objections.append(c.Objection(sentence=sentence, target=target))

    def discounts(self) -> None:
        """Product discounts, then order discounts; those of shipping wait for its price."""
        answers = self._ask_discounts()
        for stage in ("product", "order"):
            for discount in sorted((a for a in answers if a.stage == stage), key=_stable):
                self._discount(discount)
        self._shipping_discounts = [a for a in answers if a.stage == "shipping_discount"]

    def _ask_discounts(self) -> list[c.Adjustment]:
        answers = self._ask("discounts", draft=self._draft())
        self.suggestions = tuple(a for a in answers if isinstance(a, c.Suggestion))
        answers = [a for a in answers if not isinstance(a, c.Suggestion)]
        for answer in answers:
            self.codes.hear(answer)
        found = [answer for answer in answers if isinstance(answer, c.Adjustment)]
        for positive in (a for a in found if a.amount.minor > 0):
            log.error("Discount %r of %s is positive; ignored", positive.label, positive.source)
        return [a for a in found if a.amount.minor <= 0]

    def _discount(self, discount: c.Adjustment) -> None:
        """Apply a discount to its line, or spread it over all by largest remainder.

        It never takes a line below zero.
        """
        targets = [
            i
            for i, line in enumerate(self.lines)
            if discount.target == "order" or discount.target == f"line:{line.key}"
        ]
        room = [(self.lines[i].subtotal + self.lines[i].discount).minor for i in targets]
        if not targets:
            log.error("Discount %r of %s has no such target", discount.label, discount.source)
        if not any(room):
            return
        amount = Money(-min(-discount.amount.minor, sum(room)), discount.amount.currency)
        for i, share in zip(targets, amount.split(room), strict=True):
            if share:
                line = self.lines[i]
                self.lines[i] = replace(line, discount=line.discount + share)
                self._apply(discount, f"line:{line.key}", share)

    def _apply(self, discount: c.Adjustment, target: str, amount: Money) -> None:
        self.trace.append(replace(discount, target=target, amount=amount))
        self.codes.count(discount, amount)

    def shipping(self) -> None:
        if not self.requires_shipping:
            return
        chosen = self.choose_shipping(self.lines)
        if chosen is None:
            return
        self.rates = tuple(map(self.display.shown_rate, self.basket.rates))
        chosen = self.display.shown_rate(chosen)
        self.chosen = chosen
        self.shipping_total = chosen.amount
        self._add("shipping", "shipping", "shipping", chosen.title, chosen.amount)
        if self._shipping_discounts:
            # Asked once more, now that what they depend on is there.
            answers = self._ask_discounts()
            self._shipping_discounts = [a for a in answers if a.stage == "shipping_discount"]
        for discount in sorted(self._shipping_discounts, key=_stable):
            share = max(discount.amount, -self.shipping_total)
            if share:
                self.shipping_total = self.shipping_total + share
                self._apply(discount, "shipping", share)

    def taxes(self) -> None:
        """Add taxes to their lines and to shipping.

        Raises ValueError for what is no tax: a negative one, one on nothing, or more of it
        inside a price than the price.
        """
        keys = {f"line:{line.key}": i for i, line in enumerate(self.lines)}
        room = {f"line:{line.key}": line.subtotal + line.discount for line in self.lines}
        room["shipping"] = self.shipping_total
        for tax in sorted(self._ask("taxes", draft=self._draft()), key=_stable):
            if tax.stage != "tax" or tax.amount.minor < 0:
                raise ValueError(f"{tax.label!r} of {tax.source} is no tax.")
            if tax.target not in room and (tax.target != "order" or tax.amount):
                raise ValueError(f"Tax {tax.label!r} of {tax.source} has no such target.")
            self.trace.append(tax)
            if tax.included and tax.amount:
                room[tax.target] = room[tax.target] - tax.amount
                if room[tax.target].minor < 0:
                    raise ValueError(f"Tax {tax.label!r} of {tax.source} is more than its price.")
            if tax.target == "shipping" and not tax.included:
                self.shipping_total = self.shipping_total + tax.amount
            elif tax.target in keys:
                i = keys[tax.target]
                line = self.lines[i]
                field = "tax_included" if tax.included else "tax"
                self.lines[i] = replace(line, **{field: getattr(line, field) + tax.amount})

    def finish(self) -> c.Quote:
        lines = tuple(
            replace(line, total=line.subtotal + line.discount + line.tax) for line in self.lines
        )
        currency = self.basket.currency
        whole = total((line.total for line in lines), currency) + self.shipping_total
        traced = total((a.amount for a in self.trace if not a.included), currency)
        if traced != whole or whole.minor < 0:
            raise ArithmeticError(f"The trace sums to {traced}, the lines to {whole}.")
        result = c.Quote(
            currency=currency,
            lines=lines,
            trace=tuple(self.trace),
            shipping=self.chosen,
            refusals=self.codes.refusals,
            objections=tuple(self.objections),
            notices=tuple(self.notices),
            subtotal=total((line.subtotal for line in lines), currency),
            discount_total=total((line.discount for line in lines), currency),
            shipping_total=self.shipping_total,
            tax_total=total((a.amount for a in self.trace if a.stage == "tax"), currency),
            total=whole,
            requires_shipping=self.requires_shipping,
            hash=_hash(currency, lines, tuple(self.trace), self.chosen, whole),
            codes=self.codes.states(known=not self.failed),
            display=self.display,
            suggestions=self.suggestions,
            estimated=self.basket.estimated,
        )
        more = self._ask("objections", quote=result)
        objections = (*self.objections, *more)
        return replace(result, objections=objections) if objections else result

    @property
    def requires_shipping(self) -> bool:
        return any(line.item.requires_shipping for line in self.lines)

    def _draft(self) -> c.Draft:
        return c.Draft(
            currency=self.basket.currency,
            lines=tuple(self.lines),
            adjustments=tuple(self.trace),
            shipping=self.chosen,
            codes=self.basket.codes,
            email=self.basket.email,
            address=self.basket.address,
            rates=self.rates,
            agreed_at=self.basket.agreed_at,
            open_order=self.basket.open_order,
        )

    def _ask(self, hook: str, **arguments: Any) -> list[Any]:
        """A hook's answers; a plugin that fails objects to the order instead of mispricing it."""
        try:
            answers = getattr(self.hooks, hook)(ctx=self.ctx, **arguments)
            return [answer for part in answers for answer in (part or ())]
        except Exception:
            log.exception("The hook %s failed", hook)
            self.failed = True
            self.objections.append(c.Objection(sentence=c.say(UNCLEAR)))
            return []

    def _add(self, stage: c.Stage, target: str, kind: str, label: str, amount: Money) -> None:
        self.trace.append(
            c.Adjustment(stage=stage, target=target, kind=kind, label=label, amount=amount)
        )


def _stable(adjustment: c.Adjustment) -> tuple[Any, ...]:
    """Discounts and taxes are applied in an order that no order of plugins changes."""
    return (
        adjustment.source,
        adjustment.target,
        adjustment.label,
        adjustment.amount.minor,
        adjustment.kind,
        adjustment.included,
        str(adjustment.rate),
        adjustment.code,
        [(claim.allowance, claim.amount) for claim in adjustment.claims],
    )


def _hash(
    currency: str,
    lines: Sequence[c.QuoteLine],
    trace: Sequence[c.Adjustment],
    shipping: c.ShippingChoice | None,
    whole: Money,
) -> str:
    """A fingerprint of everything the customer agrees to, and of nothing else.

    It ends with the total, so that a page which posts it back also says what it showed.
    """
    agreed = {
        "currency": currency,
        "lines": [
            [line.sku, line.quantity, line.unit_price.minor, line.total.minor] for line in lines
        ],
        "trace": [[a.stage, a.target, a.kind, a.amount.minor, a.included] for a in trace],
        "shipping": [shipping.provider, shipping.code] if shipping else None,
        "total": whole.minor,
    }
    text = json.dumps(agreed, sort_keys=True, separators=(",", ":"))
    return f"{hashlib.sha256(text.encode()).hexdigest()[:32]}-{whole.minor}"
