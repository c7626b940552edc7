"""Taxes of a quote: what is taxed, at which rate, rounded how, and what the price becomes."""

from __future__ import annotations

import pytest
from tax_making import (
    CALIFORNIA,
    FRANCE,
    GERMANY,
    VANCOUVER,
    Rules,
    bundle,
    gross,
    item,
    net,
    quote,
    rate,
    rates,
    sums,
)

from opticworks.contracts import Adjustment, Draft
from opticworks.money import Money
from opticworks.orders.parts import shares
from opticworks_taxes.rules import Exemption
from opticworks_taxes.settings import Region


def dollars(minor: int) -> Money:
    return Money(minor, "USD")


def test_tax_is_added_to_net_prices_and_shipping_is_taxed_only_where_it_is() -> None:
    priced = quote(Rules(CALIFORNIA, net()), {"A": 1}, [item("A", 10000)], shipping=1000)
    assert sums(priced) == {"California sales tax 7.25": 725}
    assert priced.total == dollars(11725)
    priced = quote(Rules(GERMANY, net()), {"A": 1}, [item("A", 10000)], shipping=1000)
    assert sums(priced) == {"VAT 19": 2090}


def test_tax_is_contained_in_gross_prices() -> None:
    priced = quote(Rules(GERMANY, gross()), {"A": 1}, [item("A", 11900)], shipping=595)
    assert sums(priced) == {"VAT 19": 1995}
    assert priced.total == dollars(12495)
    assert priced.lines[0].tax_included == dollars(1900)
    assert priced.display.label == "incl. VAT"


def test_rates_of_several_layers_are_lines_of_their_own() -> None:
    priced = quote(Rules(VANCOUVER, net()), {"A": 1}, [item("A", 10000)], shipping=1000)
    assert sums(priced) == {"GST 5": 550, "PST 7": 700}


def test_classes_pay_their_own_rates() -> None:
    goods = [
        item("A", 11900),
        item("BOOK", 1070, tax_code="reduced"),
        item("CARD", 500, tax_code="exempt"),
    ]
    priced = quote(Rules(GERMANY, gross()), {"A": 1, "BOOK": 1, "CARD": 1}, goods)
    assert sums(priced) == {"VAT 19": 1900, "VAT 7": 70}
    assert [s.label for s in priced.trace if s.kind == "exempt"] == ["Exempt from tax"]


def test_a_bundle_is_taxed_by_what_its_parts_are() -> None:
    # 60.00 and 20.00 alone, sold together for 64.00: 48.00 of it at 19 %, 16.00 at 7 %.
    pair = bundle("SET", 6400, (6000, 1, ""), (1000, 2, "reduced"))
    priced = quote(Rules(GERMANY, net()), {"SET": 1}, [pair])
    assert sums(priced) == {"VAT 19": 912, "VAT 7": 112}
    settled = quote(Rules(GERMANY, net()), {"SET": 1}, [item("SET", 6400, tax_code="reduced")])
    assert sums(settled) == {"VAT 7": 448}


def test_each_part_of_a_bundle_keeps_its_own_tax() -> None:
    def pieces(region: Region) -> list[tuple[int, int]]:
        pair = bundle("SET", 6400, (6000, 1, ""), (1000, 2, "reduced"))
        priced = quote(Rules(GERMANY, region), {"SET": 1}, [pair])
        return [(one.amount, one.tax) for one in shares(priced.lines[0], priced.trace)]

    assert pieces(net()) == [(4800 + 912, 912), (1600 + 112, 112)]
    # Shown with tax each part weighs what it costs with its own.
    shown = net().model_copy(update={"shown": "incl"})
    assert pieces(shown) == [(4800 + 912, 912), (1600 + 112, 112)]


def test_a_discount_lowers_what_is_taxed_also_of_shipping() -> None:
    def off(draft: Draft) -> list[Adjustment]:
        return [
            Adjustment(
                stage=stage,  # type: ignore[arg-type]
                target=target,
                kind="code",
                label="Half",
                amount=dollars(amount),
                source="d",
            )
            for stage, target, amount in (
                ("order", "order", -5000),
                ("shipping_discount", "shipping", -1000),
            )
        ]

    hooks = Rules(GERMANY, net(), discounts=off)
    priced = quote(hooks, {"A": 1}, [item("A", 10000)], shipping=1000)
    assert sums(priced) == {"VAT 19": 950}
    assert priced.total == dollars(5950)


def test_shipping_follows_the_goods_where_the_region_says_so() -> None:
    goods = [item("A", 7500), item("BOOK", 2500, tax_code="reduced")]
    lines = {"A": 1, "BOOK": 1}
    standard = quote(Rules(GERMANY, net()), lines, goods, shipping=1000)
    assert sums(standard) == {"VAT 19": 1615, "VAT 7": 175}
    shared = quote(Rules(GERMANY, net(shipping="goods")), lines, goods, shipping=1000)
    assert sums(shared) == {"VAT 19": 1568, "VAT 7": 193}  # 7.50 and 2.50 of the shipping


def test_rounding_on_each_line_or_once_on_the_total() -> None:
    goods = [item(sku, 107) for sku in "ABC"]  # 7.7575 cents of tax each, 23.2725 together
    lines = dict.fromkeys("ABC", 1)
    assert sums(quote(Rules(CALIFORNIA, net()), lines, goods)) == {"California sales tax 7.25": 24}
    once = quote(Rules(CALIFORNIA, net(), rounding="total"), lines, goods)
    assert sums(once) == {"California sales tax 7.25": 23}
    assert [line.tax.minor for line in once.lines] == [8, 8, 7]


def test_another_country_keeps_what_the_customer_pays_or_what_the_shop_receives() -> None:
    goods = [item("A", 11900)]
    same = quote(Rules(FRANCE, gross(), home=GERMANY), {"A": 1}, goods)
    assert same.total == dollars(11900)
    assert sums(same) == {"VAT 20": 1983}
    kept = quote(Rules(FRANCE, gross(keeps="net"), home=GERMANY), {"A": 1}, goods)
    assert kept.total == dollars(12000)
    assert sums(kept) == {"VAT 20": 2000}
    assert kept.lines[0].unit_price == dollars(12000)
    assert not kept.notices


def test_a_price_entered_without_tax_is_shown_with_it_and_the_other_way_round() -> None:
    shown = quote(
        Rules(GERMANY, net().model_copy(update={"shown": "incl"})),
        {"A": 2},
        [item("A", 10000)],
        shipping=1000,
    )
    assert shown.lines[0].unit_price == dollars(11900)
    assert shown.total == dollars(23800 + 1190)
    assert sums(shown) == {"VAT 19": 3990}
    bare = quote(
        Rules(GERMANY, gross().model_copy(update={"shown": "excl"})), {"A": 1}, [item("A", 11900)]
    )
    assert bare.lines[0].unit_price == dollars(10000)
    assert bare.total == dollars(11900)
    assert not bare.display.includes_tax


@pytest.mark.parametrize(
    ("kind", "words"), [("exempt", "certificate X-1"), ("reverse_charge", "VAT ID X-1")]
)
def test_an_exempt_customer_pays_the_net_price_and_the_order_says_why(
    kind: str, words: str
) -> None:
    exempt = Exemption(kind=kind, reference="X-1")
    priced = quote(Rules(GERMANY, gross(), exemption=exempt), {"A": 1}, [item("A", 11900)])
    assert priced.total == dollars(10000)
    assert priced.tax_total == dollars(0)
    (remark,) = [step for step in priced.trace if step.stage == "tax"]
    assert remark.kind == "relief"
    assert words in remark.label
    assert priced.display.label == ""


def test_a_place_without_any_rate_is_remarked_and_not_labelled() -> None:
    priced = quote(Rules(rates(covered=False), gross()), {"A": 1}, [item("A", 11900)])
    assert priced.total == dollars(11900)
    assert [step.kind for step in priced.trace if step.stage == "tax"] == ["uncovered"]
    assert priced.display.label == ""


def test_a_zero_rate_is_told_to_staff_and_shows_no_label() -> None:
    here = rates(rate("0", "Export, no VAT", "US"))
    priced = quote(Rules(here, gross()), {"A": 1}, [item("A", 11900)])
    assert sums(priced) == {"Export, no VAT 0": 0}
    assert priced.display.label == ""
