"""Choosing options: whatever is chosen leads to a variant that exists."""

from __future__ import annotations

import pytest
from catalog_making import level, product, variant
from hypothesis import given
from hypothesis import strategies as st

from opticworks_catalog.present import Rules, asked_options, product_page, select_variant
from opticworks_catalog.selection import after_choosing, closest

RULES = Rules(locale="en_US", low_stock=5, max_quantity=99)
VALUES = {"Model": ("Pro", "Lite"), "Colour": ("White", "Graphite", "Red"), "Plug": ("US", "EU")}


@st.composite
def products(draw):
    """A product with some of all combinations, in any order, as many sold out as may be."""
    names = draw(st.sampled_from([("Model",), ("Model", "Colour"), ("Model", "Colour", "Plug")]))
    combination = st.fixed_dictionaries({name: st.sampled_from(VALUES[name]) for name in names})
    chosen = draw(
        st.lists(combination, min_size=1, max_size=10, unique_by=lambda c: tuple(c.values()))
    )
    variants = [variant(f"SKU-{number}", options=c) for number, c in enumerate(chosen)]
    stock = draw(st.lists(st.integers(0, 3), min_size=len(chosen), max_size=len(chosen)))
    levels = {one.sku: level(n) for one, n in zip(variants, stock, strict=True)}
    return product(*variants), levels


@given(products(), st.data())
def test_every_offered_value_leads_to_a_variant_that_has_it(case, data):
    record, levels = case
    current = data.draw(st.sampled_from(record.variants))
    page = product_page(record, (), (), levels, current, RULES)
    by_url = {one.url: one for one in page.variants}
    for option in page.options:
        for value in option.values:
            target = by_url[value.url] if len(record.variants) > 1 else page.selected
            assert target.options[option.name] == value.value
            assert value.available == target.stock.buyable
            assert value.selected == (current.options[option.name] == value.value)


@given(products(), st.data())
def test_every_value_of_every_variant_stays_selectable_sold_out_or_not(case, data):
    record, levels = case
    current = data.draw(st.sampled_from(record.variants))
    page = product_page(record, (), (), levels, current, RULES)
    offered = {(option.name, value.value) for option in page.options for value in option.values}
    assert offered == {pair for one in record.variants for pair in one.options.items()}


@given(products(), st.data())
def test_choosing_keeps_the_other_choices_when_that_variant_exists(case, data):
    record, _ = case
    current = data.draw(st.sampled_from(record.variants))
    name = data.draw(st.sampled_from(record.option_names))
    value = data.draw(st.sampled_from(VALUES[name]))
    target = after_choosing(record.variants, current, name, value, record.option_names)
    wanted = {**current.options, name: value}
    if any(one.options == wanted for one in record.variants):
        assert target is not None
        assert target.options == wanted
    elif not any(one.options[name] == value for one in record.variants):
        assert target is None


@given(products())
def test_every_variant_can_be_reached_from_every_other_one_option_at_a_time(case):
    record, _ = case
    for start in record.variants:
        reached, waiting = {start.sku}, [start]
        while waiting:
            here = waiting.pop()
            for option in record.options:
                for value, _swatch in option.values:
                    names = record.option_names
                    there = after_choosing(record.variants, here, option.name, value, names)
                    if there is not None and there.sku not in reached:
                        reached.add(there.sku)
                        waiting.append(there)
        values = {value for sku in reached for value in _values(record, sku)}
        assert values == {value for one in record.variants for value in one.options.values()}


def _values(record, sku):
    return next(one for one in record.variants if one.sku == sku).options.values()


@given(products(), st.dictionaries(st.text(max_size=8), st.text(max_size=8), max_size=4))
def test_any_query_string_selects_a_variant(case, query):
    record, levels = case
    wanted = asked_options(record, query)
    assert select_variant(record, levels, query.get("variant", ""), wanted) in record.variants


def test_the_first_variant_that_can_be_bought_is_selected_when_nothing_is_asked_for():
    record = product(variant("A", options={"Size": "S"}), variant("B", options={"Size": "M"}))
    assert select_variant(record, {"A": level(0), "B": level(2)}, "", {}).sku == "B"
    assert select_variant(record, {}, "", {}).sku == "A"


def test_a_sold_out_variant_is_selected_when_it_is_asked_for():
    record = product(variant("A", options={"Size": "S"}), variant("B", options={"Size": "M"}))
    assert select_variant(record, {"B": level(2)}, "A", {}).sku == "A"


def test_options_are_asked_for_whatever_the_letter_case():
    record = product(variant("A", options={"Colour": "Matte white"}))
    assert asked_options(record, {"colour": "MATTE WHITE", "utm": "x"}) == {"Colour": "Matte white"}
    assert asked_options(record, {"Colour": "Purple"}) == {}


def test_an_earlier_option_outweighs_a_later_one():
    pro = variant("PRO", options={"Model": "Pro", "Colour": "White"})
    lite = variant("LITE", options={"Model": "Lite", "Colour": "Red"})
    wanted = {"Model": "Lite", "Colour": "White"}
    assert closest([pro, lite], wanted, ("Model", "Colour")).sku == "LITE"


def test_a_product_without_variants_has_nothing_to_select():
    with pytest.raises(ValueError, match="without variants"):
        closest([], {}, ())
