"""The plugin's hooks on a whole shop: quotes with real codes, the guard, demo data, tables."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from discount_making import cart_with, publish, put_codes, state
from sqlalchemy import select, update
from sqlalchemy.exc import IntegrityError

from opticworks import demo, migrations
from opticworks.checkout.place import Changed, place
from opticworks.money import Money
from opticworks.stock.models import Claim
from opticworks_discounts import attention, watching
from opticworks_discounts.models import Base, Code, Discount


def test_hook_discounts_adjusts_and_the_trace_says_it_in_plain_words(counter):
    publish(counter, "SAVE10")
    publish(counter, "SHOES", "fixed", 1000, skus=["SHOE-*"])
    publish(counter, "SHIP", "free_shipping")
    cart_id = cart_with(counter, ("A", 3), ("SHOE-1", 1), codes=["save 10", "Shoes", "ship"])
    quote = counter.quote(cart_id)
    given = {step.label: step.stage for step in quote.trace if step.amount.minor < 0}
    assert given == {
        "SHOES: $10.00 off selected items": "product",
        "SAVE10: 10% off": "order",
        "SHIP: free shipping": "shipping_discount",
    }
    assert quote.discount_total == Money(-1600, "USD")
    assert quote.shipping_total == Money(0, "USD")
    assert [each.state for each in quote.codes] == ["applied"] * 3
    assert state(quote, "SAVE10").amount == Money(-600, "USD")
    assert sum(step.amount.minor for step in quote.trace) == quote.total.minor == 5400


def test_a_code_may_be_for_a_group_or_for_the_page_of_a_product(counter):
    counter.stock(
        "LAMP-1", 9, "20.00", groups=("collection:lamps",), url="/products/lamp?variant=1"
    )
    publish(counter, "LAMPS", "percent", 50, groups=["collection:lamps", "collection:none"])
    publish(counter, "PAGE", "percent", 10, skus=["/products/lamp"])
    for code, off in (("LAMPS", -1000), ("PAGE", -200)):
        quote = counter.quote(cart_with(counter, ("A", 1), ("LAMP-1", 1), codes=[code]))
        assert [line.discount.minor for line in quote.lines] == [0, off]
        lonely = state(counter.quote(cart_with(counter, ("A", 1), codes=[code])), code)
        assert (lonely.state, "other items" in lonely.sentence) == ("waiting", True)


def test_hook_attention_names_what_is_used_three_times_as_often_as_usual(counter):
    now = counter.shop.now()
    often = publish(counter, "OFTEN", created_at=now - timedelta(days=60))
    calm = publish(counter, "CALM", created_at=now - timedelta(days=60))
    publish(counter, "NEW")
    with counter.shop.unit() as db:
        for number in (often, calm):
            for age in range(1, 29):  # four a day
                for one in range(4):
                    at = now - timedelta(days=age, hours=1 + one)
                    use(db, f"{number}-{age}-{one}", number, at)
        for one in range(12):
            use(db, f"{often}-{one}", often, now - timedelta(hours=1))
        for one in range(11):
            use(db, f"{calm}-{one}", calm, now - timedelta(hours=1))
        found = list(attention(ctx=counter.shop.ctx(db)))
        assert [(one.count, one.path) for one in found] == [(1, f"/admin/discounts/{often}/uses")]
        assert not watching.is_rush(11, 3.7, 10)
        assert not watching.is_rush(9, 0, 10)


def use(db, order, discount_id, at):
    db.add(Claim(order_number=order, allowance=f"discounts:{discount_id}", amount=1, created_at=at))


def test_an_automatic_discount_needs_no_code_and_is_taken_or_left_in_silence(counter):
    publish(counter, "", "percent", 5, title="Autumn")
    quote = counter.quote(cart_with(counter, ("A", 2)))
    assert [step.label for step in quote.trace if step.stage == "order"] == ["Autumn: 5% off"]
    publish(counter, "TEN")
    quote = counter.quote(cart_with(counter, ("A", 2), codes=["TEN"]))
    assert [step.label for step in quote.trace if step.stage == "order"] == ["TEN: 10% off"]
    assert not quote.refusals


def test_nobody_learns_which_codes_there_will_be(counter):
    now = counter.shop.now()
    publish(counter, "SOON", starts_at=now + timedelta(days=1))
    publish(counter, "OFF", active=False)
    quote = counter.quote(cart_with(counter, ("A", 1), codes=["SOON", "OFF", "NONSENSE"]))
    words = {each.sentence.replace(each.code, "X") for each in quote.codes}
    assert len(words) == 1
    assert {each.state for each in quote.codes} == {"refused"}


def test_a_code_that_ended_says_when_in_the_zone_of_the_shop(counter):
    end = counter.shop.now() - timedelta(hours=1)
    publish(counter, "LATE", starts_at=end - timedelta(days=1), ends_at=end)
    late = state(counter.quote(cart_with(counter, ("A", 1), codes=["LATE"])), "LATE")
    assert late.state == "refused"
    assert re.fullmatch(r"LATE ended on \w+ \d+, \d{4}, \d+:\d\d\s[AP]M\.", late.sentence)


def test_a_discount_that_ended_still_holds_for_the_quote_that_was_shown(counter):
    shown = counter.shop.now()
    publish(counter, "LAST", ends_at=shown + timedelta(minutes=1))
    cart_id = cart_with(counter, ("A", 1), codes=["LAST"])
    wish = counter.wish(cart_id, shown_at=shown)
    counter.shop.now = lambda: shown + timedelta(minutes=2)
    with pytest.raises(Changed) as changed:
        place(counter.shop, counter.wish(cart_id, quote_hash=wish.quote_hash))
    assert changed.value.quote.discount_total == Money(0, "USD")
    order = counter.order(place(counter.shop, wish).number)
    assert order.discount_total == Money(-100, "USD")


def test_a_suspended_code_comes_back_when_its_minimum_is_met_again(counter):
    publish(counter, "SAVE", minimum=2000)
    cart_id = cart_with(counter, ("A", 1), codes=["SAVE"])
    waiting = state(counter.quote(cart_id), "SAVE")
    assert (waiting.state, waiting.missing) == ("waiting", "Add $10.00 more to use SAVE.")
    more = cart_with(counter, ("A", 2), codes=["SAVE"])
    assert state(counter.quote(more), "SAVE").state == "applied"


def test_a_discount_in_another_currency_is_not_misread(counter):
    publish(counter, "EURO", "fixed", 500, currency="EUR")
    euro = state(counter.quote(cart_with(counter, ("A", 1), codes=["EURO"])), "EURO")
    assert euro.sentence == "EURO can't be used for prices in USD."


def test_hook_objections_guards_against_a_slip_of_the_pen(make_shop):
    from opticworks.testing.counter import open_counter

    counter = open_counter(
        make_shop, plugins=("discounts",), settings={"discounts": {"most_percent": "40"}}
    )
    counter.stock("A", 100, "10.00")
    publish(counter, "SLIP", "percent", 100)
    publish(counter, "FINE", "percent", 40)
    slip = counter.quote(cart_with(counter, ("A", 1), codes=["SLIP"]))
    assert "more off this order than the shop allows" in slip.objections[0].sentence
    assert not counter.quote(cart_with(counter, ("A", 1), codes=["FINE"])).objections


def test_the_demo_codes_work(counter):
    assert demo.load(counter.shop)
    codes = ["WELCOME10", "SAVE20", "FREESHIP", "VIP25", "FREEKIT"]
    with counter.shop.unit() as db:
        assert sorted(db.scalars(select(Code.code))) == sorted(codes)
    cart_id = cart_with(counter, ("SHOE-1", 4), codes=["welcome10"])
    assert state(counter.quote(cart_id), "WELCOME10").amount == Money(-1600, "USD")
    put_codes(counter, cart_id, codes)
    assert state(counter.quote(cart_id), "VIP25").state == "applied"


def test_the_tables_are_what_their_revisions_make(counter):
    assert migrations.pending(counter.shop) == []
    assert migrations.drift(counter.shop, "discounts") == []
    assert all(name.startswith("discounts_") for name in Base.metadata.tables)


@pytest.mark.parametrize(
    "values",
    [
        {"percent": 0},
        {"percent": 101},
        {"percent": None},
        {"kind": "fixed"},
        {"kind": "gift"},
        {"total_limit": 0},
        {"minimum": -1},
    ],
)
def test_the_database_refuses_what_makes_no_sense(counter, values):
    publish(counter, "SAVE10")
    with pytest.raises(IntegrityError), counter.shop.unit() as db:
        db.execute(update(Discount).values(**values))


def test_two_discounts_never_share_a_code(counter):
    publish(counter, "SAVE10")
    with pytest.raises(ValueError, match="Another discount has the code SAVE10"):
        publish(counter, "save-10")
