"""Many browsers at once, through the whole form, at two web processes of several threads."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

from opticworks.stock import service as stock
from opticworks.testing.contracts.common import all_at_once
from opticworks.testing.ledger import wrong
from opticworks.testing.visitors import Visitor

RARE = "POE-MOD"
SKU = "RS1-PRO-WHT"


def test_fifty_browsers_want_the_last_three(street) -> None:
    with street.shop.unit() as db:
        held = stock.availability(db, [RARE])[RARE].held
        stock.set_stock(db, RARE, held + 3, reason="count", actor="test")
    addresses = [street.start("web", threads=8).address for _ in range(2)]
    customers = [street.customer() for _ in range(50)]
    visitors = [Visitor(addresses[number % 2]) for number in range(50)]

    def fill(number: int) -> dict[str, str]:
        visitors[number].fill_cart(RARE)
        return visitors[number].checkout(email=customers[number].email)

    with ThreadPoolExecutor(8) as people:
        forms = list(people.map(fill, range(50)))
    answers = all_at_once(
        [lambda v=v, f=f: v.place(f) for v, f in zip(visitors, forms, strict=True)]
    )
    thanked = [answer for answer in answers if "Thank you" in answer.heading]
    refused = [answer for answer in answers if answer not in thanked]
    assert len(thanked) == 3
    assert {answer.status for answer in thanked} == {200}
    assert len(refused) == 47
    for answer in refused:
        assert answer.status == 409
        alert = answer.html.find(attrs={"role": "alert"}).get_text(" ")
        assert "sold out" in alert
        assert answer.form("checkout")["firstName"] == "Ada"
    assert sum(len(customer.orders()) for customer in customers) == 3
    street.work()
    assert wrong(street.shop) == []
    with street.shop.unit() as db:
        assert stock.availability(db, [RARE])[RARE].free == 0
    placed = [customer for customer in customers if customer.orders()]
    assert [street.mails(customer) for customer in placed] == [1, 1, 1]


def test_a_button_that_is_clicked_many_times_places_one_order(street) -> None:
    addresses = [street.start("web", threads=8).address for _ in range(2)]
    customer, visitor = street.customer(), Visitor(addresses[0])
    visitor.fill_cart(SKU)
    form = visitor.checkout(email=customer.email)
    hands = [visitor.at(addresses[number % 2]) for number in range(8)]
    answers = all_at_once([lambda hand=hand: hand.place(form) for hand in hands])
    assert {(answer.status, answer.heading) for answer in answers} == {(200, "Thank you, Ada")}, [
        str(answer.html.find(attrs={"role": "alert"})) for answer in answers
    ]
    assert len({answer.url.partition("/orders/")[2] for answer in answers}) == 1
    street.work()
    assert len(customer.orders()) == 1
    street.check(customer)
