"""Whatever is in the cart, wherever it goes: what is charged is what the lines say, to the cent."""

from __future__ import annotations

import random
from collections.abc import Iterable
from dataclasses import dataclass, replace
from decimal import Decimal
from fractions import Fraction
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tax_making import Rules, bundle, gross, item, net, quote, rate, rates

from opticworks.contracts import Adjustment, Draft, Item, Quote
from opticworks.money import Money, total
from opticworks.orders.parts import shares
from opticworks.web.totals import totals
from opticworks_discounts import answers, choosing
from opticworks_discounts.models import CLASSES as KINDS
from opticworks_discounts.models import Discount
from opticworks_discounts.offers import Offer
from opticworks_taxes.settings import Region

CLASSES = ("", "reduced", "books", "zero", "exempt", "unheard-of")
PERCENTS = ("0", "5", "7.25", "19", "25", "9.97500", "33.33333")


@dataclass(frozen=True)
class Case:
    """A cart, the rules it meets, and discounts as plugins might give them."""

    currency: str
    goods: tuple[Item, ...]
    lines: dict[str, int]
    shipping: int | None
    rules: dict[str, Any]
    cuts: tuple[tuple[str, str, str, int], ...]  # stage, target, source, thousandths
    offers: tuple[Offer, ...]  # of the plugin discounts

    def discounts(self, draft: Draft) -> Iterable[Any]:
        """What two plugins say: the shipped one's rules, and one that knows no moderation."""
        yield from self._cuts(draft)
        choice = choosing.choose(self.offers, draft)
        for offer in choice.offers:
            yield from answers._given(offer, choice, draft, "en_US")

    def _cuts(self, draft: Draft) -> Iterable[Adjustment]:
        goods = total((line.subtotal for line in draft.lines), self.currency)
        bases = {f"line:{line.key}": line.subtotal for line in draft.lines}
        shipping = Money(self.shipping or 0, self.currency)
        for number, (stage, target, source, part) in enumerate(self.cuts):
            base = {"order": goods, "shipping": shipping, **bases}[target]
            yield Adjustment(
                stage=stage,  # type: ignore[arg-type]
                target=target,
                kind="percent",
                label=f"Cut {number}",
                amount=-Money(base.minor * part // 1000, self.currency),
                source=source,
            )

    def price(self, shuffler: random.Random | None = None) -> Quote:
        def mixed(answers: Iterable[Any]) -> list[Any]:
            found = list(answers)
            if shuffler is not None:
                shuffler.shuffle(found)
            return found

        hooks = Rules(
            **self.rules, discounts=lambda draft: mixed(self.discounts(draft)), more=mixed
        )
        return quote(hooks, self.lines, self.goods, shipping=self.shipping, currency=self.currency)


@st.composite
def tables(draw: Any) -> Any:
    found = []
    for layer in range(1, draw(st.integers(0, 3)) + 1):
        classes = draw(st.sets(st.sampled_from(["reduced", "books", "zero"]), max_size=2))
        for tax_class in ("standard", *sorted(classes)):
            found.append(
                rate(
                    draw(st.sampled_from(PERCENTS)),
                    f"Tax {layer}",
                    layer=layer,
                    tax_class=tax_class,
                    shipping=draw(st.booleans()),
                )
            )
    return rates(*found, covered=bool(found) or draw(st.booleans()))


@st.composite
def regions(draw: Any) -> Region:
    base = draw(st.sampled_from([gross, net]))(
        keeps=draw(st.sampled_from(["gross", "net"])),
        shipping=draw(st.sampled_from(["standard", "goods"])),
    )
    return base.model_copy(update={"shown": draw(st.sampled_from(["incl", "excl"]))})


@st.composite
def cases(draw: Any) -> Case:
    currency = draw(st.sampled_from(["JPY", "USD", "KWD"]))
    prices = st.one_of(st.integers(0, 20), st.integers(0, 10**6))
    goods = []
    for number in range(draw(st.integers(1, 5))):
        if draw(st.booleans()):
            parts = draw(
                st.lists(
                    st.tuples(prices, st.integers(1, 3), st.sampled_from(CLASSES)),
                    min_size=1,
                    max_size=3,
                )
            )
            whole = bundle(f"S{number}", draw(prices), *parts, currency=currency)
            goods.append(replace(whole, groups=("odd",) if number % 2 else ()))
        else:
            tax_code = draw(st.sampled_from(CLASSES))
            goods.append(item(f"S{number}", draw(prices), currency, tax_code=tax_code))
    targets = ["order", *(f"line:{one.sku}" for one in goods)]
    cut = st.one_of(
        st.tuples(
            st.sampled_from(["product", "order"]),
            st.sampled_from(targets),
            st.sampled_from(["one", "two"]),
            st.integers(0, 1000),
        ),
        st.tuples(
            st.just("shipping_discount"),
            st.just("shipping"),
            st.sampled_from(["one", "two"]),
            st.integers(0, 1000),
        ),
    )
    return Case(
        currency=currency,
        goods=tuple(goods),
        lines={one.sku: draw(st.integers(1, 9)) for one in goods},
        shipping=draw(st.one_of(st.none(), prices)),
        rules={
            "here": draw(tables()),
            "home": draw(tables()),
            "region": draw(regions()),
            "rounding": draw(st.sampled_from(["line", "total"])),
        },
        cuts=tuple(draw(st.lists(cut, max_size=3))),
        offers=tuple(
            draw(st.lists(offers(currency), max_size=3, unique_by=lambda one: one.discount.id))
        ),
    )


@st.composite
def offers(draw: Any, currency: str) -> Offer:
    kind = draw(st.sampled_from(["percent", "fixed", "free_shipping", "buy_get"]))
    in_percent = kind in ("percent", "buy_get")
    value = draw(st.integers(1, 100 if in_percent else 10**5))
    number = draw(st.integers(1, 10**6))
    discount = Discount(
        id=number,
        title=f"Offer {number}",
        method="code",
        kind=kind,
        percent=Decimal(value) if in_percent else None,
        amount=value if kind == "fixed" else None,
        currency=currency,
        minimum=draw(st.sampled_from([0, 0, 1000])),
        groups=[] if kind == "free_shipping" else draw(st.sampled_from([[], ["odd"]])),
        buy_quantity=draw(st.integers(1, 3)) if kind == "buy_get" else None,
        buy_skus=draw(st.sampled_from([[], ["S1"], ["S*"]])) if kind == "buy_get" else [],
        buy_groups=[],
        get_quantity=draw(st.integers(1, 3)) if kind == "buy_get" else None,
        times=draw(st.sampled_from([None, 1])),
        skus=[] if kind == "free_shipping" else draw(st.sampled_from([[], ["S0"], ["S*"]])),
        exclusive=False,
        combines=list(KINDS),
        methods=[],
        cap=draw(st.sampled_from([None, 300])) if kind == "free_shipping" else None,
        countries=[],
        active=True,
    )
    return Offer(discount=discount, code=draw(st.sampled_from(["", f"CODE{number}"])))


many = settings(max_examples=400, suppress_health_check=[HealthCheck.too_slow], deadline=None)


@many
@given(cases())
def test_what_is_charged_is_what_the_lines_and_the_steps_say(case: Case) -> None:
    priced = case.price()
    currency = case.currency
    lines = total((line.total for line in priced.lines), currency)
    steps = total((step.amount for step in priced.trace if not step.included), currency)
    printed = totals(priced)
    assert priced.total == lines + priced.shipping_total == steps
    assert priced.total == total((row.amount for row in printed.rows), currency)
    assert priced.total.minor >= 0
    for line in priced.lines:
        assert line.subtotal == line.unit_price * line.quantity
        assert line.total == line.subtotal + line.discount + line.tax
        assert line.total.minor >= 0
        assert line.discount.minor <= 0 <= line.tax.minor


@many
@given(cases())
def test_taxes_of_lines_and_shipping_are_the_taxes_of_the_order(case: Case) -> None:
    priced = case.price()
    taxes = [step for step in priced.trace if step.stage == "tax"]
    shown = case.rules["region"].shown == "incl"
    for line in priced.lines:
        own = [step.amount.minor for step in taxes if step.target == f"line:{line.key}"]
        assert sum(own) == (line.tax_included if shown else line.tax).minor
        if shown:
            assert line.tax.minor == 0
            assert sum(own) <= (line.subtotal + line.discount).minor
        pieces = shares(line, priced.trace)
        if line.item.components:
            assert sum(piece.amount for piece in pieces) == line.total.minor
            assert sum(piece.tax for piece in pieces) == sum(own)
            assert all(piece.amount >= piece.tax >= 0 for piece in pieces)
    assert sum(step.amount.minor for step in taxes) == priced.tax_total.minor
    assert all(step.included == shown for step in taxes if step.amount)
    assert all(step.rate is not None for step in taxes if step.amount)


@many
@given(cases())
def test_each_tax_is_right_to_the_rounding(case: Case) -> None:
    """Rounded on each line no target is off by a whole unit per class; once, no rate is."""
    priced = case.price()
    exact: dict[Any, Fraction] = {}
    told: dict[Any, int] = {}
    once = case.rules["rounding"] == "total"
    draft_taxes = [s for s in priced.trace if s.stage == "tax" and s.rate is not None]
    for step in draft_taxes:
        key = (step.label, step.rate) if once else (step.target, step.label, step.rate)
        told[key] = told.get(key, 0) + step.amount.minor
    if case.rules["region"].shown == "incl" or any(one.components for one in case.goods):
        return  # several rates share one price there; the two tests above hold
    bases = {f"line:{line.key}": line.subtotal + line.discount for line in priced.lines}
    for step in draft_taxes:
        if step.target == "shipping":
            return
        key = (step.label, step.rate) if once else (step.target, step.label, step.rate)
        exact[key] = exact.get(key, Fraction(0)) + bases[step.target].minor * Fraction(step.rate)
    for key, amount in told.items():
        rows = {s.source for s in draft_taxes if (s.label, s.rate) == key} if once else {""}
        assert abs(amount - exact[key]) <= Fraction(len(rows), 2), key


@many
@given(cases(), st.randoms(use_true_random=False))
def test_the_order_of_answers_means_nothing_and_the_hash_tells_quotes_apart(
    case: Case, shuffler: random.Random
) -> None:
    priced = case.price()
    again = case.price(shuffler)
    assert (again.total, again.hash) == (priced.total, priced.hash)
    assert [line.total for line in again.lines] == [line.total for line in priced.lines]
    assert again.trace == priced.trace
    first = case.goods[0]
    dearer = replace(first, unit_price=first.unit_price + Money(100_000, case.currency))
    assert replace(case, goods=(dearer, *case.goods[1:])).price().hash != priced.hash
