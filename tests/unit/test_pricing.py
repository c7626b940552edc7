"""The calculation: lines = trace = total, never negative, whatever plugins say, in any order."""

from __future__ import annotations

import random
from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from opticworks import contracts as c
from opticworks.money import Money, total
from opticworks.pricing import service as pricing

NOW = datetime(2026, 11, 22, tzinfo=UTC)


def ctx(currency: str = "USD") -> c.Ctx:
    return c.Ctx(settings={}, now=NOW, currency=currency, locale="en_US", db=None, mode="test")


def hooks(
    discounts: Iterable[Any] = (), taxes: Iterable[Any] = (), objections: Iterable[Any] = ()
) -> Any:
    return SimpleNamespace(
        items=lambda skus, ctx: [],
        price_display=lambda address, email, ctx: [],
        discounts=lambda draft, ctx: [list(discounts)],
        taxes=lambda draft, ctx: [[t(draft) if callable(t) else t for t in taxes]],
        objections=lambda quote, ctx: [list(objections)],
    )


def item(sku: str = "A", price: int = 1000, **more: Any) -> c.Item:
    return c.Item(sku=sku, title=f"Thing {sku}", unit_price=Money(price, "USD"), **more)


def basket(*lines: tuple[str, int, int], free: int = 100, currency: str = "USD") -> pricing.Basket:
    return pricing.Basket(
        currency=currency,
        lines=tuple(
            pricing.BasketLine(sku=sku, quantity=quantity, price_seen=seen)
            for sku, quantity, seen in lines
        ),
        free={sku: free for sku, _, _ in lines},
    )


def rate(amount: int, currency: str = "USD") -> c.ShippingChoice:
    return c.ShippingChoice(
        code="t:std", title="Standard", amount=Money(amount, currency), provider="t"
    )


def off(amount: int, target: str = "order", stage: Any = "order", **more: Any) -> c.Adjustment:
    return c.Adjustment(
        stage=stage,
        target=target,
        kind="fixed",
        label=more.pop("label", "Off"),
        amount=Money(-amount, more.pop("currency", "USD")),
        **more,
    )


def test_a_plain_quote_is_lines_plus_shipping() -> None:
    goods = {"A": item("A", 1000), "B": item("B", 250)}
    quote = pricing.quote(
        hooks(), ctx(), basket(("A", 2, 1000), ("B", 1, 250)), goods, lambda lines: rate(595)
    )
    assert quote.total == Money(2845, "USD")
    assert [step.stage for step in quote.trace] == ["unit", "unit", "shipping"]
    assert not quote.objections
    assert not quote.notices


def test_a_price_that_changed_is_told_and_charged_as_it_is_now() -> None:
    quote = pricing.quote(hooks(), ctx(), basket(("A", 1, 900)), {"A": item("A", 1000)})
    (notice,) = quote.notices
    assert notice.kind == "price"
    assert notice.before == Money(900, "USD")
    assert "$9.00 to $10.00" in notice.sentence
    assert quote.total == Money(1000, "USD")


def test_the_hash_covers_what_is_agreed_to_and_nothing_else() -> None:
    goods = {"A": item("A", 1000)}

    def hash_of(quantity: int = 1, shipping: int = 595, price: int = 1000, free: int = 5) -> str:
        return pricing.quote(
            hooks(),
            ctx(),
            basket(("A", quantity, 1000), free=free),
            {"A": replace(goods["A"], unit_price=Money(price, "USD"))},
            lambda lines: rate(shipping),
        ).hash

    assert hash_of() == hash_of(free=99)
    assert len({hash_of(), hash_of(quantity=2), hash_of(shipping=600), hash_of(price=999)}) == 4


def test_an_unknown_sku_stays_visible_costs_nothing_and_is_objected_to() -> None:
    quote = pricing.quote(hooks(), ctx(), basket(("GONE", 2, 500)), {})
    assert quote.lines[0].total == Money(0, "USD")
    assert "no longer sold" in quote.objections[0].sentence


@pytest.mark.parametrize(("free", "words"), [(0, "sold out"), (-2, "sold out"), (2, "Only 2 of")])
def test_stock_is_looked_at(free: int, words: str) -> None:
    quote = pricing.quote(hooks(), ctx(), basket(("A", 3, 1000), free=free), {"A": item("A", 1000)})
    assert words in quote.objections[0].sentence


def test_a_bundle_and_its_part_share_one_pool() -> None:
    goods = {
        "A": item("A", 1000),
        "SET": item("SET", 1800, components=(c.Component(sku="A", quantity=2),)),
    }
    three = basket(("A", 1, 1000), ("SET", 1, 1800), free=3)
    assert not pricing.quote(hooks(), ctx(), three, goods).objections
    two = basket(("A", 1, 1000), ("SET", 1, 1800), free=2)
    assert pricing.quote(hooks(), ctx(), two, goods).objections[0].target == "line:SET"
    lines = pricing.quote(hooks(), ctx(), three, goods).lines
    assert pricing.expand(lines) == {"A": 3}


def test_an_order_discount_is_spread_to_the_cent() -> None:
    goods = {sku: item(sku, 333) for sku in "ABC"}
    wanted = basket(*((sku, 1, 333) for sku in "ABC"))
    quote = pricing.quote(hooks(discounts=[off(100)]), ctx(), wanted, goods)
    assert [line.discount.minor for line in quote.lines] == [-34, -33, -33]
    assert quote.total == Money(899, "USD")


def test_a_discount_never_makes_a_total_negative() -> None:
    quote = pricing.quote(
        hooks(discounts=[off(5000), off(9000, "shipping", "shipping_discount")]),
        ctx(),
        basket(("A", 1, 1000)),
        {"A": item("A", 1000)},
        lambda lines: rate(595),
    )
    assert quote.total == Money(0, "USD")


def test_shipping_is_chosen_by_what_the_goods_cost_after_discounts() -> None:
    seen = []

    def choose(lines: Any) -> c.ShippingChoice:
        seen.append(total((line.subtotal + line.discount for line in lines), "USD"))
        return rate(0)

    pricing.quote(hooks(discounts=[off(100)]), ctx(), basket(("A", 1, 1000)), {"A": item()}, choose)
    assert seen == [Money(900, "USD")]


def test_what_needs_no_shipping_has_no_rate() -> None:
    goods = {"A": item("A", 1000, requires_shipping=False)}
    quote = pricing.quote(hooks(), ctx(), basket(("A", 1, 1000)), goods, lambda lines: rate(595))
    assert quote.shipping is None
    assert quote.total == Money(1000, "USD")


@pytest.mark.parametrize("hook", ["discounts", "taxes", "objections"])
def test_a_plugin_that_fails_refuses_the_order_with_a_sentence(hook: str) -> None:
    def fail(**arguments: Any) -> Any:
        raise RuntimeError("broken")

    asked = hooks()
    setattr(asked, hook, fail)
    quote = pricing.quote(asked, ctx(), basket(("A", 1, 1000)), {"A": item()})
    assert "can't be worked out" in quote.objections[-1].sentence


@pytest.mark.parametrize(
    "answers",
    [
        {"taxes": [off(5, target="line:NOPE", stage="tax")]},
        {"taxes": ["not an adjustment"]},
        {"discounts": [off(5, currency="EUR")]},
    ],
)
def test_answers_that_make_no_total_refuse_the_order(answers: dict[str, Any]) -> None:
    with pytest.raises(pricing.Refused, match="can't be worked out"):
        pricing.quote(hooks(**answers), ctx(), basket(("A", 1, 1000)), {"A": item()})


def test_goods_that_are_no_mapping_refuse_the_order() -> None:
    asked = hooks()
    asked.items = lambda skus, ctx: [["A"]]
    with pytest.raises(pricing.Refused, match="can't be read"):
        pricing.items(asked, ctx(), ["A"])


def test_two_plugins_answering_for_one_sku_are_refused() -> None:
    asked = hooks()
    asked.items = lambda skus, ctx: [{"A": item()}, {"A": item()}]
    with pytest.raises(pricing.Refused, match="price is not clear"):
        pricing.items(asked, ctx(), ["A"])


def taxing(target: str, percent: int, included: bool, source: str) -> Any:
    """A tax of that percentage of whatever its target costs by then."""

    def tax(draft: c.Draft) -> c.Adjustment:
        lines = {f"line:{line.key}": line.subtotal + line.discount for line in draft.lines}
        base = draft.shipping_total if target == "shipping" else lines[target]
        return c.Adjustment(
            stage="tax",
            target=target,
            kind="vat",
            label="Tax",
            amount=Money(base.minor * percent // 100, base.currency),
            rate=Decimal(percent) / 100,
            included=included,
            source=source,
        )

    return tax


@st.composite
def situations(draw: Any) -> dict[str, Any]:
    currency = draw(st.sampled_from(["JPY", "USD", "KWD"]))
    lines = draw(
        st.lists(st.tuples(st.integers(0, 10**6), st.integers(1, 20)), min_size=1, max_size=6)
    )
    skus = [f"S{i}" for i in range(len(lines))]
    discounts = [
        off(
            draw(st.integers(0, 10**6)),
            draw(st.sampled_from(["order", *[f"line:{sku}" for sku in skus]])),
            draw(st.sampled_from(["product", "order"])),
            currency=currency,
            source=draw(st.sampled_from(["one", "two"])),
            label=str(i),
        )
        for i in range(draw(st.integers(0, 4)))
    ]
    taxes = [
        taxing(
            draw(st.sampled_from([*[f"line:{sku}" for sku in skus], "shipping"])),
            draw(st.integers(0, 25)),
            draw(st.booleans()),
            draw(st.sampled_from(["one", "two"])),
        )
        for _ in range(draw(st.integers(0, 4)))
    ]
    return {
        "currency": currency,
        "goods": {
            sku: c.Item(sku=sku, title=sku, unit_price=Money(price, currency))
            for sku, (price, _) in zip(skus, lines, strict=True)
        },
        "basket": basket(
            *[(sku, q, price) for sku, (price, q) in zip(skus, lines, strict=True)],
            currency=currency,
        ),
        "discounts": discounts,
        "taxes": taxes,
        "shipping": rate(draw(st.integers(0, 10**5)), currency),
    }


@settings(max_examples=300, suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(situations(), st.randoms(use_true_random=False))
def test_the_cents_add_up_and_the_order_of_plugins_means_nothing(
    given_: dict[str, Any], shuffler: random.Random
) -> None:
    def price(discounts: list[Any], taxes: list[Any]) -> c.Quote:
        return pricing.quote(
            hooks(discounts, taxes),
            ctx(given_["currency"]),
            given_["basket"],
            given_["goods"],
            lambda lines: given_["shipping"],
        )

    quote = price(given_["discounts"], given_["taxes"])
    zero = Money.zero(given_["currency"])
    lines = total((line.total for line in quote.lines), quote.currency)
    traced = total((a.amount for a in quote.trace if not a.included), quote.currency)
    assert quote.total == lines + quote.shipping_total == traced
    assert quote.total >= zero
    assert all(line.total >= zero for line in quote.lines)
    discounts, taxes = list(given_["discounts"]), list(given_["taxes"])
    shuffler.shuffle(discounts)
    shuffler.shuffle(taxes)
    again = price(discounts, taxes)
    assert again.total == quote.total
    assert again.hash == quote.hash


def tax(amount: int, target: str = "line:A", **more: Any) -> c.Adjustment:
    return c.Adjustment(
        stage=more.pop("stage", "tax"),
        target=target,
        kind=more.pop("kind", "vat"),
        label="VAT",
        amount=Money(amount, "USD"),
        **more,
    )


@pytest.mark.parametrize(
    "wrong",
    [
        tax(-1),
        tax(5, stage="order"),
        tax(5, "order"),
        tax(1001, included=True),
        tax(1, "shipping", included=True),
    ],
    ids=["negative", "no tax at all", "on everything", "more than the price", "in nothing"],
)
def test_what_is_no_tax_makes_no_quote(wrong: c.Adjustment) -> None:
    with pytest.raises(pricing.Refused):
        pricing.quote(hooks(taxes=[wrong]), ctx(), basket(("A", 1, 1000)), {"A": item("A", 1000)})


def test_a_tax_of_nothing_is_a_remark_on_the_order() -> None:
    remark = tax(0, "order", kind="relief")
    quote = pricing.quote(
        hooks(taxes=[remark]), ctx(), basket(("A", 1, 1000)), {"A": item("A", 1000)}
    )
    assert quote.trace[-1] == remark
    assert quote.total == Money(1000, "USD")


def test_a_bundles_money_is_shared_by_what_its_parts_cost_alone() -> None:
    def part(sku: str, price: int | None, quantity: int = 1) -> c.Component:
        money = None if price is None else Money(price, "USD")
        return c.Component(sku=sku, quantity=quantity, unit_price=money)

    def shares(*parts: c.Component) -> list[int]:
        return [share.minor for share in item("SET", components=parts).shares(Money(1000, "USD"))]

    assert shares(part("A", 200, 2), part("B", 100), part("C", 100)) == [667, 167, 166]
    assert shares(part("A", None, 2), part("B", 100)) == [667, 333]
    assert shares(part("A", 0), part("B", 0)) == [500, 500]
    assert item("A").shares(Money(1000, "USD")) == ()
