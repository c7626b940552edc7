"""What can be bought of variants and of bundles."""

from __future__ import annotations

from catalog_making import level, part, variant
from hypothesis import given
from hypothesis import strategies as st

from opticworks_catalog.stock import buyable, stock_view


def view(one, levels):
    return stock_view(one, levels, low_stock=5, max_quantity=99)


def test_plenty_is_in_stock_and_capped_by_the_most_of_one_line():
    shown = view(variant("A"), {"A": level(500)})
    assert (shown.state, shown.sentence, shown.max) == ("in_stock", "In stock", 99)


def test_few_are_counted_out():
    shown = view(variant("A"), {"A": level(7, held=4)})
    assert (shown.state, shown.sentence, shown.max) == ("low", "Only 3 left", 3)


def test_nothing_free_is_sold_out():
    for levels in ({}, {"A": level(0)}, {"A": level(4, held=4)}):
        shown = view(variant("A"), levels)
        assert (shown.state, shown.sentence, shown.buyable) == ("sold_out", "Sold out", False)


def test_what_is_on_backorder_says_so():
    shown = view(variant("A", stock_policy="backorder"), {"A": level(2, held=3, backorder=10)})
    assert (shown.state, shown.max) == ("backorder", 9)


def test_what_is_not_counted_is_always_there():
    assert buyable(variant("A", stock_policy="untracked"), {}) is None
    assert view(variant("A", stock_policy="untracked"), {}).max == 99


def test_a_bundle_is_as_many_as_its_scarcest_part_allows():
    bundle = variant("B", components=(part("X", 4), part("Y", 1)))
    assert buyable(bundle, {"X": level(11), "Y": level(9)}) == 2
    assert view(bundle, {"X": level(3), "Y": level(9)}).state == "sold_out"


def test_a_bundle_with_a_part_that_is_not_sold_can_not_be_bought():
    bundle = variant("B", components=(part("X"), part("Y", on_sale=False)))
    shown = view(bundle, {"X": level(9), "Y": level(9)})
    assert (shown.sentence, shown.max) == ("Not available at the moment", 0)


def test_parts_that_are_not_counted_do_not_limit_a_bundle():
    bundle = variant("B", components=(part("X"), part("Y", policy="untracked")))
    assert buyable(bundle, {"X": level(3)}) == 3
    assert buyable(variant("B", components=(part("Y", policy="untracked"),)), {}) is None


@given(st.dictionaries(st.sampled_from("WXYZ"), st.tuples(st.integers(1, 5), st.integers(0, 50))))
def test_the_parts_of_all_buyable_bundles_are_there_and_of_one_more_are_not(recipe):
    if not recipe:
        return
    bundle = variant("B", components=tuple(part(sku, q) for sku, (q, _) in recipe.items()))
    count = buyable(bundle, {sku: level(free) for sku, (_, free) in recipe.items()})
    assert count is not None
    assert all(quantity * count <= free for quantity, free in recipe.values())
    assert any(quantity * (count + 1) > free for quantity, free in recipe.values())
