"""Pricing plugins in memory: a percentage by code, a flat tax, objections."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from decimal import Decimal

from opticworks.contracts import (
    Address,
    Adjustment,
    ClaimRequest,
    Ctx,
    Draft,
    Objection,
    PluginInfo,
    PriceDisplay,
    Quote,
    Refusal,
)
from opticworks.hookspecs import hookimpl
from opticworks.money import Money, total


def _info(code: str) -> PluginInfo:
    return PluginInfo(code=code, title=code.replace("_", " "), version="1.0", category="pricing")


class FakeDiscounts:
    """`percent` maps a code to its percentage off the whole order, `refused` a code to the
    sentence why it gives nothing. With `limited` a use of a code is claimed from an allowance."""

    code = "fake_discounts"

    def __init__(
        self,
        percent: Mapping[str, int] | None = None,
        refused: Mapping[str, str] | None = None,
        limited: bool = False,
    ) -> None:
        self.percent = dict(percent or {})
        self.refused = dict(refused or {})
        self.limited = limited

    @hookimpl
    def plugin_info(self) -> PluginInfo:
        return _info(self.code)

    @hookimpl
    def discounts(self, draft: Draft, ctx: Ctx) -> Iterator[Adjustment | Refusal]:
        goods = total((line.subtotal for line in draft.lines), draft.currency)
        for code in draft.codes:
            if code in self.refused:
                yield Refusal(code=code, sentence=self.refused[code])
            elif code in self.percent:
                rate = Decimal(self.percent[code]) / 100
                claim = (ClaimRequest(allowance=f"{self.code}:{code}"),)
                yield Adjustment(
                    stage="order",
                    target="order",
                    kind="code",
                    label=code,
                    amount=-goods.rate(rate),
                    rate=rate,
                    source=self.code,
                    claims=claim if self.limited else (),
                )


class FakeTaxes:
    """One rate on every line and on shipping. `included` taxes are contained in the price. With
    a `display` it says how prices are shown."""

    code = "fake_taxes"

    def __init__(
        self, rate: str = "0.10", included: bool = False, display: PriceDisplay | None = None
    ) -> None:
        self.rate = Decimal(rate)
        self.included = included
        self.display = display

    @hookimpl
    def plugin_info(self) -> PluginInfo:
        return _info(self.code)

    @hookimpl
    def price_display(self, address: Address, email: str, ctx: Ctx) -> PriceDisplay | None:
        return self.display

    @hookimpl
    def taxes(self, draft: Draft, ctx: Ctx) -> Iterator[Adjustment]:
        for line in draft.lines:
            yield self._tax(f"line:{line.key}", line.subtotal + line.discount)
        if draft.shipping is not None:
            yield self._tax("shipping", draft.shipping_total)

    def _tax(self, target: str, base: Money) -> Adjustment:
        fraction = self.rate / (1 + self.rate) if self.included else self.rate
        return Adjustment(
            stage="tax",
            target=target,
            kind="tax",
            label="Tax",
            amount=base.rate(fraction),
            rate=self.rate,
            included=self.included,
            source=self.code,
        )


class FakeObjections:
    """Objects to a quote when `why` answers a sentence for it."""

    code = "fake_objections"

    def __init__(self, why: Callable[[Quote], str] = lambda quote: "") -> None:
        self.why = why

    @hookimpl
    def plugin_info(self) -> PluginInfo:
        return _info(self.code)

    @hookimpl
    def objections(self, quote: Quote, ctx: Ctx) -> Iterator[Objection]:
        if sentence := self.why(quote):
            yield Objection(sentence=sentence)
