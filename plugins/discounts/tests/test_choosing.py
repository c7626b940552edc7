"""Which discounts count: one of each class, the best for the buyer, and why the others lost."""

from __future__ import annotations

import pytest
from discount_making import discount, draft, line, offer, rate
from hypothesis import given
from hypothesis import strategies as st

from opticworks.money import Money
from opticworks_discounts import answers, savings
from opticworks_discounts.choosing import choose
from opticworks_discounts.models import CLASSES


def codes(choice):
    return {each.code for each in choice.offers}


def why_not(lost, offers, given_draft):
    return answers.refusal(lost, choose(offers, given_draft), given_draft, "en_US")


def test_of_one_class_the_better_for_the_buyer_counts_and_the_other_is_named():
    cart = draft(line("A", 10_000))
    ten, five = offer("TEN"), offer("FIVE", "fixed", 500)
    assert codes(choose([five, ten], cart)) == {"TEN"}
    lost = why_not(five, [five, ten], cart)
    assert lost.waits
    assert "Only one discount on the order counts" in lost.sentence
    assert "TEN saves you at least as much as FIVE" in lost.sentence
    small = draft(line("A", 1_000))
    assert codes(choose([five, ten], small)) == {"FIVE"}


def test_one_of_each_class_counts_together_in_the_fixed_order():
    cart = draft(line("SHOE-1", 4000), line("A", 1000))
    shoes = offer("SHOES", "percent", 50, skus=["shoe-*"])
    order, ship = offer("TEN"), offer("SHIP", "free_shipping")
    choice = choose([ship, order, shoes], cart)
    assert codes(choice) == {"SHOES", "TEN", "SHIP"}
    assert choice.shares == {"SHOE-1": Money(2000, "USD")}
    assert choice.off_order == Money(300, "USD")


def test_both_sides_must_allow_a_combination():
    cart = draft(line("SHOE-1", 4000), line("A", 1000))
    shoes = offer("SHOES", "percent", 50, skus=["SHOE-1"])
    shy = offer("SHY", combines=["shipping"])
    assert codes(choose([shoes, shy], cart)) == {"SHOES"}
    assert why_not(shy, [shoes, shy], cart).sentence == "SHY can't be combined with SHOES."
    assert codes(choose([shoes, shy, offer("BIG", "fixed", 4500, combines=[])], cart)) == {"BIG"}


def test_exclusive_beats_all_even_if_it_saves_less_and_says_so():
    cart = draft(line("A", 10_000))
    alone, much = offer("ALONE", "percent", 5, exclusive=True), offer("MUCH", "percent", 50)
    assert codes(choose([much, alone], cart)) == {"ALONE"}
    assert "ALONE can't be combined" in why_not(much, [much, alone], cart).sentence
    better = offer("BETTER", "percent", 6, exclusive=True)
    assert codes(choose([alone, better], cart)) == {"BETTER"}


def test_an_exclusive_code_that_gives_nothing_beats_nobody():
    cart = draft(line("A", 1000))
    dear = offer("DEAR", exclusive=True, minimum=99_999)
    assert codes(choose([dear, offer("TEN")], cart)) == {"TEN"}


def test_a_minimum_says_what_is_missing_and_counts_again_when_it_is_there():
    save = offer("SAVE10", minimum=5000)
    cart = draft(line("A", 3800))
    assert codes(choose([save], cart)) == set()
    lost = why_not(save, [save], cart)
    assert lost.sentence == "SAVE10 is for orders from $50.00."
    assert lost.missing == "Add $12.00 more to use SAVE10."
    assert codes(choose([save], draft(line("A", 3800), line("B", 1200)))) == {"SAVE10"}


def test_a_minimum_is_held_against_the_goods_after_other_discounts():
    cart = draft(line("SHOE-1", 4000), line("A", 1000))
    shoes = offer("SHOES", "percent", 50, skus=["SHOE-1"])
    save = offer("SAVE", "fixed", 500, minimum=4000)
    assert codes(choose([shoes, save], cart)) == {"SHOES"}
    lost = why_not(save, [shoes, save], cart)
    assert lost.sentence == "SAVE is for orders from $40.00 after other discounts."
    assert lost.missing == "Add $10.00 more to use SAVE."


def test_what_has_nothing_to_work_on_says_so():
    cart = draft(line("A", 1000, requires_shipping=False))
    shoes, ship = offer("SHOES", skus=["SHOE-*"]), offer("SHIP", "free_shipping")
    choice = choose([shoes, ship], cart)
    assert not choice.offers
    assert "other items" in why_not(shoes, [shoes], cart).sentence
    assert "has to be shipped" in why_not(ship, [ship], cart).sentence
    home = offer("HOME", "free_shipping", countries=["DE"])
    abroad = why_not(home, [home], draft(line("A", 1000)))
    assert abroad.sentence == "HOME is for parcels to these countries only: DE."


def test_an_amount_off_products_is_spread_over_them_to_the_cent_and_never_more_than_they_cost():
    cart = draft(line("P-1", 333), line("P-2", 333), line("P-3", 333), line("A", 1000))
    some = discount("fixed", 100, skus=["p-*"])
    assert [share.minor for share in savings.of_products(some, cart).values()] == [34, 33, 33]
    all_ = discount("fixed", 99_999, skus=["p-*"])
    assert sum(share.minor for share in savings.of_products(all_, cart).values()) == 999


RATES = (rate("std", 500), rate("express", 1500, "Express"))


@pytest.mark.parametrize(
    ("terms", "chosen", "off", "sentence"),
    [
        ({}, RATES[0], 500, ""),
        ({}, RATES[1], 0, "SHIP is for the delivery “Standard”. Choose it to use the code."),
        ({"methods": ["express"]}, RATES[1], 1500, ""),
        ({"methods": ["table:express"], "cap": 1000}, RATES[1], 1000, ""),
        ({"methods": ["boat"]}, RATES[0], 0, "SHIP is for none of the deliveries to your address."),
    ],
)
def test_free_shipping_is_for_the_cheapest_delivery_it_names(terms, chosen, off, sentence):
    ship = offer("SHIP", "free_shipping", **terms)
    cart = draft(line("A", 1000), shipping=chosen, rates=RATES)
    choice = choose([ship], cart)
    (answer,) = answers._given(ship, choice, cart, "en_US")
    assert getattr(answer, "sentence", "") == sentence
    assert sentence or answer.amount == Money(-off, "USD")


def test_of_two_free_shippings_the_one_counts_that_saves_more():
    capped, whole = offer("CAP", "free_shipping", cap=100), offer("WHOLE", "free_shipping")
    cart = draft(line("A", 1000), shipping=RATES[0], rates=RATES)
    assert codes(choose([capped, whole], cart)) == {"WHOLE"}
    assert codes(choose([whole, capped], cart)) == {"WHOLE"}


def test_the_label_is_what_a_receipt_says():
    assert offer("SAVE10").label("en_US") == "SAVE10: 10% off"
    assert offer("X", "percent", "12.50").label("en_US") == "X: 12.5% off"
    assert offer("X", "fixed", 500, skus=["A"]).label("en_US") == "X: $5.00 off selected items"
    automatic = offer("", "free_shipping", title="Autumn")
    assert automatic.label("en_US") == "Autumn: free shipping"


@st.composite
def situations(draw):
    lines = [
        line(f"S{i}", draw(st.integers(0, 10**6)), draw(st.integers(1, 9)))
        for i in range(draw(st.integers(1, 4)))
    ]
    offers = [
        offer(
            draw(st.sampled_from(["", f"C{i}"])),
            kind,
            draw(st.integers(1, 100 if kind == "percent" else 10**6)),
            skus=draw(st.sampled_from([[], ["S0"], ["S*"]])) if kind != "free_shipping" else [],
            minimum=draw(st.sampled_from([0, 0, 10**5])),
            combines=draw(st.sampled_from([list(CLASSES), [], ["product"]])),
            exclusive=draw(st.integers(0, 6)) == 0,
        )
        for i, kind in enumerate(
            draw(
                st.lists(st.sampled_from(["percent", "fixed", "free_shipping"]), max_size=7),
            )
        )
    ]
    return draft(*lines), offers


@given(situations(), st.randoms(use_true_random=False))
def test_the_choice_keeps_its_promises_whatever_the_cart(situation, shuffler):
    cart, offers = situation
    choice = choose(offers, cart)
    assert choice.after_order >= Money(0, "USD")
    assert len({each.discount.works_on for each in choice.offers}) == len(choice.offers)
    exclusive = [each for each in choice.offers if each.discount.exclusive]
    if exclusive:
        assert choice.offers == tuple(exclusive[:1])
    else:
        assert choice.allowed()
        for each in offers:  # no discount alone would have saved more
            alone = choose([each], cart)
            assert alone.saved <= choice.saved or any(o.discount.exclusive for o in alone.offers)
    mixed = list(offers)
    shuffler.shuffle(mixed)
    assert choose(mixed, cart).offers == choice.offers
    for lost in (each for each in offers if each not in choice.offers):
        assert answers.refusal(lost, choice, cart, "en_US").sentence.endswith(".")
