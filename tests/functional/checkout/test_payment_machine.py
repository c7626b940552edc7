"""Random sequences of what buyers, banks, staff, the clock and power cuts do: the books agree.

Whatever was lost, doubled, late or cut off, once every report has come and every job is done, what
the vendor took is what the ledger says, what the order costs less what a small model of it says was
paid back, and what stock was kept for.
"""

from __future__ import annotations

import contextlib
import os
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    rule,
    run_state_machine_as_test,
)
from sqlalchemy import text

from opticworks import faults
from opticworks.checkout import jobs as sweeper
from opticworks.checkout import refund as refunding
from opticworks.checkout import staff
from opticworks.checkout.cart import CartRefused
from opticworks.checkout.place import Changed, place
from opticworks.checkout.refund_plan import Wish
from opticworks.checkout.settle import Refused, attempts_of, settle
from opticworks.contracts import ProviderError
from opticworks.jobs.testing import drain
from opticworks.payments import service as payments
from opticworks.shop import Shop
from opticworks.stock import service as stock
from opticworks.testing.counter import Counter, open_counter
from opticworks.testing.fakes.payment import FakePayment
from opticworks.testing.ledger import wrong
from opticworks.testing.shops import clear

STOCK = 3
REFUNDS = text(
    "SELECT r.key, r.request, r.amount, r.status FROM refund r"
    " JOIN payment p ON p.id = r.payment_id WHERE p.order_id = :order"
)
EXAMPLES = int(os.environ.get("OPTICWORKS_PAYMENT_EXAMPLES", 12))
TROUBLE = (Refused, Changed, ProviderError)
which = st.integers(0, 50)
#: After how many fault points the power goes; mostly it stays.
power = st.one_of(st.just(0), st.just(0), st.integers(1, 9))


class PowerCut(BaseException):
    """The process is gone: nothing catches it, and an open transaction is undone."""


class Power:
    """Stands for `opticworks.faults.fault`: goes off at the n-th fault point that is passed."""

    def __init__(self) -> None:
        self.left = 0

    def __call__(self, name: str) -> None:
        self.left -= 1
        if self.left == 0:
            raise PowerCut(name)

    @contextlib.contextmanager
    def fails_after(self, points: int) -> Iterator[None]:
        """What is done meanwhile may end anywhere, or be refused, or not be answered."""
        self.left = points
        try:
            with contextlib.suppress(PowerCut, *TROUBLE):
                yield
        finally:
            self.left = 0


@dataclass
class Model:
    """What is known of one order without looking at its books."""

    wishes: dict[uuid.UUID, int] = field(default_factory=dict)  #: refunds that staff asked for


DEEDS: list[tuple[Callable[..., None], dict[str, Any]]] = []


def deed(**given: Any) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Something that may happen, with values from these strategies."""

    def note(act: Callable[..., None]) -> Callable[..., None]:
        DEEDS.append((act, given))
        return act

    return note


class Payments(RuleBasedStateMachine):
    """A few carts of one thing each, in front of a shop that has three."""

    def __init__(self, counter: Counter, power: Power) -> None:
        super().__init__()
        self.counter, self.vendor, self.power = counter, counter.card.vendor, power
        self.later = timedelta()
        counter.shop.now = lambda: datetime.now(UTC) + self.later
        clear(counter.shop)
        vendor = self.vendor
        for kept in (vendor.payments, vendor.declines, vendor._answers, vendor._failures):
            kept.clear()
        vendor.refunds_begin = "done"
        with counter.shop.unit() as db:
            stock.set_stock(db, "A", STOCK, reason="start", actor="test")
        self.carts: list[uuid.UUID] = []
        self.models: dict[str, Model] = {}

    @initialize(capture=st.sampled_from(["at_once", "at_once", "authorize"]))
    def open(self, capture: str) -> None:
        """The shop opens, and its first customer has paid already."""
        shop = self.counter.shop
        changed = shop.settings["shop"].model_copy(update={"capture": capture})
        shop._settings._models["shop"] = changed
        self.press_place_order(again=False, index=0, trouble="", power=0)
        self.happen_at_the_bank(0, "pay")
        self.report(0, 1, 0)

    # --- what there is --------------------------------------------------------------------------

    def numbers(self) -> list[str]:
        with self.counter.shop.unit() as db:
            return list(db.scalars(text("SELECT number FROM orders ORDER BY id")))

    def number(self, index: int) -> str:
        """Some order, "" while there is none."""
        numbers = self.numbers()
        return numbers[index % len(numbers)] if numbers else ""

    def model(self, number: str) -> Model:
        return self.models.setdefault(number, Model())

    def ref(self, index: int) -> str:
        """Some payment at the vendor, "" while there is none."""
        refs = list(self.vendor.payments)
        return refs[index % len(refs)] if refs else ""

    def at_vendor(self, number: str) -> list[FakePayment]:
        """The order's payments as the vendor has them."""
        mine = {found.key for found in attempts_of(self.counter.shop, number)}
        return [each for each in self.vendor.payments.values() if each.attempt in mine]

    # --- what happens ---------------------------------------------------------------------------

    @deed(
        again=st.booleans(),
        index=which,
        trouble=st.sampled_from(["", "", "decline", "lost"]),
        power=power,
    )
    def press_place_order(self, again: bool, index: int, trouble: str, power: int) -> None:
        if trouble == "decline":
            self.vendor.decline_next()
        if not self.carts or not again:
            with contextlib.suppress(CartRefused):  # sold out
                self.carts.append(self.counter.cart(("A", 1)))
        if self.carts:
            cart = self.carts[index % len(self.carts)] if again else self.carts[-1]
            with contextlib.suppress(Refused):
                wish = self.counter.wish(cart, "fake_card")
                if trouble == "lost":
                    self.vendor.fail_next("after")
                with self.power.fails_after(power):
                    place(self.counter.shop, wish)
        self.vendor.declines.clear()
        self.vendor._failures.clear()

    @deed(index=which, what=st.sampled_from(["pay", "pay", "leave", "refuse", "promise", "late"]))
    def happen_at_the_bank(self, index: int, what: str) -> None:
        if not (ref := self.ref(index)):
            return
        if what == "late":  # money for what was refused or called off
            payment = self.vendor.payments[ref]
            payment.state = "action" if payment.state in ("failed", "canceled") else payment.state
            what = "pay"
        getattr(self.vendor, what)(ref)

    @deed(index=which, copies=st.integers(1, 2), power=power)
    def report(self, index: int, copies: int, power: int) -> None:
        """A webhook about any payment, in any order and number."""
        payment = self.vendor.payments.get(self.ref(index))
        for number in self.numbers():
            for found in attempts_of(self.counter.shop, number):
                if payment is not None and found.key == payment.attempt:
                    for _ in range(copies):
                        with self.power.fails_after(power):
                            settle(self.counter.shop, number, found.key)

    @deed(index=which, power=power)
    def cancel(self, index: int, power: int) -> None:
        if number := self.number(index):
            with self.power.fails_after(power):
                staff.cancel(self.counter.shop, number, actor="clerk", reason="customer")

    @deed(index=which, power=power)
    def capture(self, index: int, power: int) -> None:
        """Staff take money that is only authorized."""
        number = self.number(index)
        if number and self.counter.order(number).payment_status == "authorized":
            with self.power.fails_after(power):
                staff.mark_paid(self.counter.shop, number, actor="clerk")

    @deed(index=which, power=power)
    def send(self, index: int, power: int) -> None:
        """The parcel leaves, and what was authorized is taken."""
        if number := self.number(index):
            parcel = {"carrier": "UPS", "tracking_number": "1Z9"}
            with self.power.fails_after(power):
                staff.fulfil(self.counter.shop, number, lines={"A": 1}, actor="clerk", **parcel)

    @deed(
        index=which,
        minor=st.sampled_from([1, 300, 1500]),
        lost=st.booleans(),
        twice=st.booleans(),
        power=power,
    )
    def refund(self, index: int, minor: int, lost: bool, twice: bool, power: int) -> None:
        """Staff pay a part back; the button is pressed once more if they hear nothing."""
        if not (number := self.number(index)):
            return
        wish = Wish(request=uuid.uuid4(), amount=minor, note="goodwill")
        for _ in range(1 + twice):
            if lost:
                self.vendor.fail_next("after")
            with self.power.fails_after(power):
                refunding.refund(self.counter.shop, number, wish, actor="clerk")
            self.vendor._failures.clear()
        with self.counter.shop.unit() as db:
            written = "SELECT count(*) FROM refund WHERE request = :request"
            if db.scalar(text(written), {"request": wish.request}):
                self.model(number).wishes[wish.request] = minor

    @deed(begin=st.sampled_from(["done", "pending"]), index=which, fails=st.booleans())
    def refunds_take_their_time(self, begin: str, index: int, fails: bool) -> None:
        """One that is on its way arrives or is sent back; the next begin like that."""
        self.vendor.refunds_begin = begin
        waiting = [
            refund
            for payment in self.vendor.payments.values()
            for refund in payment.refunds
            if refund.state == "pending"
        ]
        if waiting:
            chosen = waiting[index % len(waiting)]
            self.vendor.end_refund(chosen.ref, failed="The card has expired." if fails else "")

    @deed(index=which)
    def refund_by_hand(self, index: int) -> None:
        """Somebody pays a part back at the vendor."""
        payment = self.vendor.payments.get(self.ref(index))
        if payment is None or payment.captured - payment.refunded < 200:
            return
        if not payment.disputes or payment.disputes[0].status == "won":
            self.vendor.pay_back(payment.ref, 200)

    @deed(index=which, how=st.sampled_from(["needs_response", "under_review", "won", "lost"]))
    def dispute(self, index: int, how: str) -> None:
        """The buyer's bank claims the whole payment, or says how that ended."""
        payment = self.vendor.payments.get(self.ref(index))
        if payment is None or not payment.captured:
            return
        if not payment.disputes:
            if not payment.refunds:
                self.vendor.dispute(payment.ref)
        elif payment.disputes[0].status not in ("won", "lost"):
            self.vendor.dispute(payment.ref, how)  # type: ignore[arg-type]

    @deed(minutes=st.sampled_from([2, 16]), power=power)
    def time_passes(self, minutes: int, power: int) -> None:
        self.later += timedelta(minutes=minutes)
        with self.power.fails_after(power):
            sweeper.sweep(self.counter.shop)
            self.work()

    def work(self) -> None:
        """A worker does what is to be done, what a dead one left first."""
        with self.counter.shop.unit() as db:
            db.execute(text("UPDATE procrastinate_jobs SET status = 'todo' WHERE status = 'doing'"))
        drain(self.counter.shop, now=self.counter.shop.now(), errors=False)

    @rule(data=st.data())
    def something_happens(self, data: st.DataObject) -> None:
        """One rule for all, so that Hypothesis leaves none of them out of a whole sequence."""
        act, given = data.draw(st.sampled_from(DEEDS))
        act(self, **{name: data.draw(value) for name, value in given.items()})

    # --- what must be true ----------------------------------------------------------------------

    def teardown(self) -> None:
        """Every report comes at last, every promise is kept, and all open time is over."""
        self.vendor.refunds_begin = "done"
        for ref, payment in self.vendor.payments.items():
            if payment.state == "pending":
                self.vendor.pay(ref)
            for refund in payment.refunds:
                if refund.state == "pending":
                    self.vendor.end_refund(refund.ref)
            if payment.disputes and payment.disputes[0].status not in ("won", "lost"):
                self.vendor.dispute(ref, "won")
        for _ in range(2):
            for number in self.numbers():
                for found in attempts_of(self.counter.shop, number):
                    settle(self.counter.shop, number, found.key)
            for _ in range(2):
                self.time_passes(61, 0)
        self.check()

    def check(self) -> None:
        shop = self.counter.shop
        assert wrong(shop) == []
        with shop.unit() as db:
            dead = "SELECT task_name FROM procrastinate_jobs WHERE status IN ('doing', 'failed')"
            assert list(db.scalars(text(dead))) == []
        standing = sum(self.check_order(number) for number in self.numbers())
        assert self.counter.free("A") == STOCK - standing

    def check_order(self, number: str) -> bool:
        """Whether the order stands; its money at the vendor, in the ledger and in the model."""
        order, shop = self.counter.order(number), self.counter.shop
        with shop.unit() as db:
            row = db.scalar(text("SELECT id FROM orders WHERE number = :n"), {"n": number})
            sums = payments.sums(db, row)
        there = self.at_vendor(number)
        taken = sum(each.captured for each in there)
        lost = sum(
            claim.money.minor for each in there for claim in each.disputes if claim.status == "lost"
        )
        back = sum(each.refunded for each in there)
        assert (sums.captured, sums.lost, sums.refunded) == (taken, lost, back)
        assert sums.authorized == sum(
            each.amount.minor for each in there if each.state == "authorized"
        )
        asked = self.model(number).wishes
        keys = {refund.key: refund for each in there for refund in each.refunds if refund.key}
        with shop.unit() as db:
            mine = db.execute(REFUNDS, {"order": row}).all()
        for key, request, amount, status in mine:
            if request in asked:
                assert amount == asked[request]
                done = str(key) in keys and keys[str(key)].state == "done"
                assert (status == "done") == done, "what staff asked for was paid back once"
        assert order.status in ("confirmed", "canceled")
        total = order.total.minor
        if order.status == "canceled":
            # What a bank sends back of a refund, days later, is put before staff.
            failed = sum(status == "failed" for *_, status in mine)
            assert sums.kept <= 0 or lost or failed, "money of a canceled order was kept"
            assert sums.authorized == 0
            return False
        assert sums.authorized in (0, total)
        if sums.authorized:
            assert (sums.captured, order.payment_status) == (0, "authorized")
            return True
        assert max(each.captured for each in there) == total
        status = "paid" if sums.kept >= total else "part_refunded" if sums.kept > 0 else "refunded"
        assert order.payment_status == status
        return True


def test_the_books_agree_after_whatever_happens(
    make_shop: Callable[..., Shop], monkeypatch: pytest.MonkeyPatch
) -> None:
    counter, power = open_counter(make_shop), Power()
    monkeypatch.setattr(faults, "fault", power)
    monkeypatch.setattr("opticworks.shop.fault", power)
    monkeypatch.setattr("opticworks.checkout.place.fault", power)
    counter.goods.put("A", "10.00")
    run_state_machine_as_test(
        lambda: Payments(counter, power),
        settings=settings(
            max_examples=EXAMPLES,
            stateful_step_count=16,
            deadline=None,
            phases=(Phase.generate,),
            derandomize=True,
            database=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
