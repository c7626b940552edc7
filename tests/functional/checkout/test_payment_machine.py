"""Random sequences of what buyers, their banks, staff and the clock do: the books always agree.

Whatever was lost, doubled or late, once every report has come and every job is done, what the
vendor took is what the ledger says, what the order costs, and what stock was kept for.
"""

from __future__ import annotations

import contextlib
import uuid
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, rule, run_state_machine_as_test
from sqlalchemy import text

from opticworks.checkout import jobs as sweeper
from opticworks.checkout import staff
from opticworks.checkout.cart import CartRefused
from opticworks.checkout.place import Changed, place
from opticworks.checkout.settle import Refused, attempts_of, settle
from opticworks.contracts import ProviderError
from opticworks.jobs.testing import drain
from opticworks.payments import service as payments
from opticworks.shop import Shop
from opticworks.stock import service as stock
from opticworks.testing.counter import Counter, open_counter
from opticworks.testing.ledger import wrong
from opticworks.testing.shops import clear

STOCK = 3
TROUBLE = (Refused, Changed, ProviderError)
which = st.integers(0, 50)


class Payments(RuleBasedStateMachine):
    """A few carts of one thing each, in front of a shop that has three."""

    def __init__(self, counter: Counter) -> None:
        super().__init__()
        self.counter, self.vendor = counter, counter.card.vendor
        self.later = timedelta()
        counter.shop.now = lambda: datetime.now(UTC) + self.later
        clear(counter.shop)
        vendor = self.vendor
        for kept in (vendor.payments, vendor.declines, vendor._answers, vendor._failures):
            kept.clear()
        with counter.shop.unit() as db:
            stock.set_stock(db, "A", STOCK, reason="start", actor="test")
        self.carts: list[uuid.UUID] = []

    def numbers(self) -> list[str]:
        with self.counter.shop.unit() as db:
            return list(db.scalars(text("SELECT number FROM orders ORDER BY id")))

    def ref(self, index: int) -> str:
        """Some payment at the vendor, "" while there is none."""
        refs = list(self.vendor.payments)
        return refs[index % len(refs)] if refs else ""

    @rule(again=st.booleans(), index=which, trouble=st.sampled_from(["", "decline", "lost"]))
    def press_place_order(self, again: bool, index: int, trouble: str) -> None:
        if trouble == "decline":
            self.vendor.decline_next()
        if trouble == "lost":
            self.vendor.fail_next("after")
        if not self.carts or not again:
            with contextlib.suppress(CartRefused):  # sold out
                self.carts.append(self.counter.cart(("A", 1)))
        with contextlib.suppress(*TROUBLE, IndexError):
            cart = self.carts[index % max(1, len(self.carts))] if again else self.carts[-1]
            place(self.counter.shop, self.counter.wish(cart, "fake_card"))
        self.vendor.declines.clear()
        self.vendor._failures.clear()

    @rule(index=which, what=st.sampled_from(["pay", "pay", "refuse", "promise", "late"]))
    def happen_at_the_bank(self, index: int, what: str) -> None:
        if not (ref := self.ref(index)):
            return
        if what == "late":  # money for what was refused or called off
            payment = self.vendor.payments[ref]
            payment.state = "action" if payment.state in ("failed", "canceled") else payment.state
            what = "pay"
        getattr(self.vendor, what)(ref)

    @rule(index=which, copies=st.integers(1, 2))
    def report(self, index: int, copies: int) -> None:
        """A webhook about any payment, in any order and number."""
        payment = self.vendor.payments.get(self.ref(index))
        for number in self.numbers():
            for found in attempts_of(self.counter.shop, number):
                if payment is not None and found.key == payment.attempt:
                    for _ in range(copies):
                        settle(self.counter.shop, number, found.key)

    @rule(index=which)
    def cancel(self, index: int) -> None:
        if numbers := self.numbers():
            number = numbers[index % len(numbers)]
            with contextlib.suppress(*TROUBLE):
                staff.cancel(self.counter.shop, number, actor="clerk", reason="customer")

    @rule(minutes=st.sampled_from([2, 16]))
    def time_passes(self, minutes: int) -> None:
        self.later += timedelta(minutes=minutes)
        sweeper.sweep(self.counter.shop)
        drain(self.counter.shop, now=self.counter.shop.now())

    def teardown(self) -> None:
        """Every report comes at last, every promise is kept, and all open time is over."""
        for ref, payment in self.vendor.payments.items():
            if payment.state == "pending":
                self.vendor.pay(ref)
        for number in self.numbers():
            for found in attempts_of(self.counter.shop, number):
                settle(self.counter.shop, number, found.key)
        for _ in range(2):
            self.time_passes(16)
        self.check()

    def check(self) -> None:
        assert wrong(self.counter.shop) == []
        standing = 0
        for number in self.numbers():
            order = self.counter.order(number)
            with self.counter.shop.unit() as db:
                row = db.scalar(text("SELECT id FROM orders WHERE number = :n"), {"n": number})
                kept = payments.sums(db, row).kept
                mine = {str(payment.attempt) for payment in payments.of_order(db, row)}
            taken = sum(
                payment.captured - payment.refunded
                for payment in self.vendor.payments.values()
                if payment.attempt in mine
            )
            assert order.status in ("confirmed", "canceled")
            stands = order.status == "confirmed"
            standing += stands
            assert (kept, taken) == ((order.total.minor,) * 2 if stands else (0, 0))
            assert order.payment_status in (("paid",) if stands else ("unpaid", "refunded"))
        assert self.counter.free("A") == STOCK - standing


def test_the_books_agree_after_whatever_happens(make_shop: Callable[..., Shop]) -> None:
    counter = open_counter(make_shop)
    counter.goods.put("A", "10.00")
    run_state_machine_as_test(
        lambda: Payments(counter),
        settings=settings(
            max_examples=15,
            stateful_step_count=14,
            deadline=None,
            phases=(Phase.generate,),
            derandomize=True,
            database=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
