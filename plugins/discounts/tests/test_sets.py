"""Buy some, get others cheaper: the most units, the cheapest of them, and none counted twice."""

from __future__ import annotations

import uuid
from itertools import combinations
from math import ceil
from urllib.parse import urlsplit

import pytest
from discount_making import cart_with, draft, line, offer, publish, state
from hypothesis import given
from hypothesis import strategies as st

from opticworks.checkout import return_refund, returns, staff
from opticworks.checkout.place import place
from opticworks.contracts import Pool, chosen
from opticworks.documents import service as documents
from opticworks.orders import service as orders
from opticworks.testing.shops import Browser
from opticworks.testing.staff import sign_in
from opticworks_discounts import savings, sets

pools = st.lists(
    st.tuples(st.integers(1, 9), st.integers(1, 3), st.booleans(), st.booleans()),
    min_size=1,
    max_size=4,
).map(lambda rows: [Pool(str(i), *row) for i, row in enumerate(rows)])


@given(pools, st.integers(1, 3), st.integers(1, 3), st.sampled_from([None, 1, 2]))
def test_it_finds_what_trying_everything_finds(
    given_pools: list[Pool], buy: int, get: int, times: int | None
) -> None:
    units = [pool for pool in given_pools for _ in range(pool.count)]
    able = [i for i, unit in enumerate(units) if unit.gets]

    def fits(taken: tuple[int, ...]) -> bool:
        sets_needed = ceil(len(taken) / get)
        rest = sum(unit.buys for i, unit in enumerate(units) if i not in taken)
        return rest >= sets_needed * buy and (times is None or sets_needed <= times)

    best: tuple[int, int] = (0, 0)
    for size in range(1, len(able) + 1):
        costs = [sum(units[i].price for i in t) for t in combinations(able, size) if fits(t)]
        if costs:
            best = (size, min(costs))
    found = chosen(given_pools, buy, get, times)
    prices = {pool.key: pool.price for pool in given_pools}
    count = sum(found.values())
    assert (count, sum(prices[key] * n for key, n in found.items())) == best


def test_a_large_cart_is_no_work() -> None:
    many = [Pool(str(i), i, 99, True, True) for i in range(500)]
    assert sum(chosen(many, 2, 1).values()) == 500 * 99 // 3


@pytest.mark.parametrize(
    ("lines", "more", "off"),
    [
        ([("A", 1000, 3)], {}, {"A": 1000}),  # two bought, the third is got
        ([("A", 1000, 2), ("B", 300, 1)], {}, {"B": 300}),
        ([("A", 1000, 7)], {}, {"A": 2000}),
        ([("A", 1000, 9)], {"times": 2}, {"A": 2000}),
        ([("A", 1000, 2), ("B", 300, 3)], {"buy_skus": ["A"], "skus": ["B"]}, {"B": 300}),
        ([("A", 1000, 2)], {"buy_skus": ["A"], "skus": ["B"]}, {}),
        ([("A", 1000, 3)], {"skus": ["B"]}, {}),
        ([("A", 999, 3)], {"value": 50}, {"A": 500}),
    ],
)
def test_what_it_takes_off(lines, more, off) -> None:
    value = more.pop("value", 100)
    rule = offer("GIFT", "buy_get", value, buy_quantity=2, get_quantity=1, **more).discount
    cart = draft(*(line(*one) for one in lines))
    shares = savings.of_products(rule, cart)
    assert {key: share.minor for key, share in shares.items()} == off


def test_it_suggests_only_what_would_be_got_next() -> None:
    rule = offer("GIFT", "buy_get", 100, buy_quantity=2, get_quantity=1, skus=["A", "B"]).discount

    def told(*lines) -> tuple[str, ...] | None:
        found = sets.suggestion(rule, "GIFT", draft(*(line(*one) for one in lines)))
        return found and found.skus

    assert told(("A", 1000, 1)) is None
    assert told(("A", 1000, 2)) == ("A", "B")
    assert told(("A", 1000, 3)) is None
    assert told(("OTHER", 1000, 5)) is None


def test_the_cart_offers_what_can_be_got_and_takes_it_off(counter) -> None:
    publish(
        counter, "TWOB", "buy_get", 100, buy_quantity=2, get_quantity=1, buy_skus=["A"],
        skus=["B", "GONE"],
    )  # fmt: skip
    counter.stock("GONE", 0, "1.00")
    browser = Browser(counter.shop)
    browser.post("/cart/lines", {"sku": "A", "quantity": "1"})
    page = browser.post("/cart/codes", {"code": "twob"}).follow()
    assert "needs 2 items" in page
    assert not page.html.select(".to-add")
    browser.post("/cart/lines", {"sku": "A", "quantity": "1"})
    page = browser.get("/cart")
    (offered,) = page.html.select(".to-add")
    assert "You have bought enough for TWOB" in page
    assert "TWOB: add one more of these and it is free." in offered.get_text()
    assert [one["value"] for one in offered.select("input[name=sku]")] == ["B"]
    form = next(form for form in page.forms.values() if "sku" in form.fields)
    page = form.submit().follow()
    assert not page.html.select(".to-add")
    cart_id = cart_with(counter, ("A", 2), ("B", 1), codes=["TWOB"])
    quote = counter.quote(cart_id)
    assert quote.total.minor - quote.shipping_total.minor == 2000
    assert state(quote, "TWOB").label == "TWOB: buy 2, get 1 free"


def test_a_set_that_comes_back_in_part_is_priced_anew_and_shows_it(counter) -> None:
    counter.card.first_state = "captured"
    publish(
        counter, "TWOB", "buy_get", 100, buy_quantity=2, get_quantity=1, buy_skus=["A"], skus=["B"]
    )
    cart_id = cart_with(counter, ("A", 2), ("B", 1), codes=["TWOB"])
    number = place(counter.shop, counter.wish(cart_id, "fake_card")).number
    browser = sign_in(counter.shop)
    form = browser.get(f"/admin/orders/{number}/refund").forms[1]
    form["unsent:A"] = "1"
    page = form.submit("do", value="count")
    entries = [" ".join(one.get_text(" ").split()) for one in page.html.select("[data-entries] li")]
    label = "“TWOB: buy 2, get 1 free”"
    assert entries == [
        "1 × Item A $10.00",
        f"Item B: less off with {label} 1 stays and costs $2.50 with {label} -$2.50",
    ]
    assert page.html.select_one('[data-sum="amount"]').get_text() == "$7.50"
    page.forms[1].submit(status=303)
    (refund,) = counter.order(number).refunds
    assert (refund.amount.minor, refund.rest.minor) == (750, 0)
    assert "less off with" in browser.get(urlsplit(counter.order(number).url).path).text
    # The rest comes back, too, and it is what was paid, to the cent.
    form = browser.get(f"/admin/orders/{number}/refund").forms[1]
    form["unsent:A"], form["unsent:B"] = "1", "1"
    page = form.submit("do", value="count")
    assert page.html.select_one('[data-sum="amount"]').get_text() == "$12.50"
    page.forms[1].submit(status=303)
    order = counter.order(number)
    assert order.refunded + order.shipping_total == order.total


def test_a_return_of_a_part_of_a_set_is_paid_for_by_the_same_arithmetic(counter) -> None:
    counter.card.first_state = "captured"
    publish(
        counter, "TWOB", "buy_get", 100, buy_quantity=2, get_quantity=1, buy_skus=["A"], skus=["B"]
    )
    cart_id = cart_with(counter, ("A", 2), ("B", 1), codes=["TWOB"])
    number = place(counter.shop, counter.wish(cart_id, "fake_card")).number
    parcel = {"carrier": "UPS", "tracking_number": "1Z9", "actor": "clerk"}
    staff.fulfil(counter.shop, number, lines={"A": 2, "B": 1}, **parcel)
    with counter.shop.unit() as db:
        order = orders.by_number(db, number)
        lamp = next(line.id for line in orders.lines_of(db, order.id) if line.sku == "A")
        asked = returns.Asked(id=uuid.uuid4(), lines={lamp: (1, "unwanted")}, note="")
        back = returns.request(counter.shop, db, number, asked).number
        returns.approve(db, back, actor="clerk")
        returns.receive(db, back, {lamp: returns.Arrived(1, "new", True)}, actor="clerk")
    outcome = return_refund.pay(counter.shop, back, return_refund.Terms(), actor="clerk")
    assert [refund.amount for refund in outcome.refunds] == [750]
    with counter.shop.unit() as db:
        (note,) = [one for one in documents.of_order(db, number) if one.kind == "credit_note"]
    lines = [(line["quantity"], line["total"]) for line in note.facts["lines"]]
    assert (lines, note.facts["total"]) == ([(1, 1000), (1, -250)], 750)
