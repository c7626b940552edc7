"""Killed while a return gets its label, is paid for or is carried out: everything happens once.

The returns are of few big orders, so that each kill costs one process.
"""

from __future__ import annotations

import uuid

import pytest
from sqlalchemy import text

from opticworks.checkout import return_labels, returns, staff, withdrawal
from opticworks.checkout.returns import Arrived, Asked
from opticworks.checkout.withdrawal import Declared
from opticworks.jobs.testing import drain
from opticworks.orders import service as orders
from opticworks.returns import service as cases
from opticworks.returns.models import ReturnLabel
from opticworks.testing.ledger import wrong
from opticworks.testing.processes import come_back

from .yard import SKU, Yard

BUYING = (
    "label_prepare.before_provider",
    "label_prepare.after_provider",
    "label_prepare.before_commit",
    "label_prepare.after_commit",
    "label_choose.before_commit",
    "label_choose.after_commit",
    "label_buy.before_provider",
    "label_buy.after_provider",
    "label_store.before_commit",
    "label_store.after_commit",
)
KEEPING = ("return_label_file.before_commit", "return_label_file.after_commit")
TRACKING = (
    "return_track.before_provider",
    "return_track.after_provider",
    "return_track.before_commit",
    "return_track.after_commit",
)
VOIDING = (
    "label_give_up.before_commit",
    "label_give_up.after_commit",
    "label_void.before_provider",
    "label_void.after_provider",
    "label_void.before_commit",
    "label_void.after_commit",
)
FOLLOWING = (
    "label_follow.before_provider",
    "label_follow.after_provider",
    "label_follow.before_commit",
    "label_follow.after_commit",
)
PAYING = (
    "refund.before_commit",
    "refund.after_commit",
    "return_refunded.before_commit",
    "return_refunded.after_commit",
)
CARRYING_OUT = (
    "withdrawal_begin.before_commit",
    "withdrawal_begin.after_commit",
    "withdrawal_done.before_commit",
    "withdrawal_done.after_commit",
)
STUCK = ("withdrawal_problem.before_commit", "withdrawal_problem.after_commit")


class Ramp(Yard):
    """Where returns of big orders are killed at."""

    deed = come_back
    there = 200

    def __init__(self, house, nursery) -> None:
        super().__init__(house, nursery, {"returns": {"withdrawal_countries": '["US"]'}})
        self.sent, self.here, self.unpaid = self.order(40), self.order(20), self.order(10)
        for number in (self.sent, self.here):
            staff.mark_paid(self.shop, number, actor="clerk")
        parcel = {"carrier": "UPS", "tracking_number": "1Z9", "actor": "clerk"}
        staff.fulfil(self.shop, self.sent, lines={SKU: 40}, **parcel)

    def line(self, db, number: str) -> int:
        return orders.lines_of(db, orders.by_number(db, number).id)[0].id

    def approved(self) -> str:
        """A return of one unit that may come."""
        with self.shop.unit() as db:
            asked = Asked(id=uuid.uuid4(), lines={self.line(db, self.sent): (1, "unwanted")})
            number = returns.request(self.shop, db, self.sent, asked).number
            returns.approve(db, number, actor="clerk")
        return number

    def received(self) -> str:
        number = self.approved()
        with self.shop.unit() as db:
            arrived = {self.line(db, self.sent): Arrived(1, "new", restock=True)}
            returns.receive(db, number, arrived, actor="clerk")
        return number

    def withdrawn(self, order: str) -> str:
        """A withdrawal from one unit that is still here, not carried out yet."""
        with self.shop.unit() as db:
            declared = Declared(id=uuid.uuid4(), lines={self.line(db, order): 1})
            return withdrawal.declare(self.shop, db, order, declared).number

    def die(self, fault: str, what: str, number: str):
        """Do it in a process that dies of it; the return's label as it was left."""
        super().die(fault, what, number=number)
        with self.shop.unit() as db:
            return next(iter(cases.labels_of(db, self.find(number).id)), None)

    def press(self, fault: str, what: str, number: str) -> None:
        super().press(fault, what, number=number)

    def find(self, number: str):
        with self.shop.unit() as db:
            return cases.by_number(db, number)

    def files(self, number: str) -> int:
        """How many files are kept of the return's labels."""
        about = "return_label_file f JOIN return_label l ON l.id = f.label_id"
        return self.count(f"{about} WHERE l.return_id = :id", id=self.find(number).id)

    def label(self, number: str):
        """The return's only label, given back or not."""
        with self.shop.unit() as db:
            (label,) = cases.labels_of(db, self.find(number).id)
        return label

    def told(self, number: str, kind: str) -> int:
        about = "event WHERE kind = :kind AND data ->> 'return' = :number"
        return self.count(about, kind=kind, number=number)

    def notes(self, number: str) -> int:
        case = self.find(number)
        requests = [case.id, uuid.uuid5(case.id, "unsent")]
        mine = "SELECT key::text FROM refund WHERE request = ANY(:requests)"
        about = f"document WHERE kind = 'credit_note' AND about IN ({mine})"
        return self.count(about, requests=requests)


@pytest.fixture(scope="module")
def ramp(house, nursery, shop):
    ramp = Ramp(house, nursery)
    yield ramp
    drain(ramp.shop)
    assert wrong(ramp.shop) == []
    ramp.shop.close()


@pytest.mark.parametrize("fault", BUYING)
def test_a_return_label_is_found_again_and_never_bought_twice(ramp, fault: str) -> None:
    number, before = ramp.approved(), ramp.sold
    ramp.press(fault, "buy", number)
    assert ramp.sold - before == 1
    assert ramp.files(number) == 1
    assert ramp.told(number, "return.approved") == 2, "once without the label, once with it"


@pytest.mark.parametrize("fault", KEEPING)
def test_a_return_labels_files_are_kept_and_told_of_once(ramp, fault: str) -> None:
    number = ramp.approved()
    with ramp.shop.unit() as db:  # a label whose files its vendor has
        id = ramp.find(number).id
        db.add(ReturnLabel(return_id=id, provider="fake_carrier", ref=number, status="bought"))
    ramp.press(fault, "keep", number)
    come_back(ramp.shop, "keep", number)
    assert ramp.files(number) == 2
    assert ramp.told(number, "return.approved") == 2


@pytest.mark.parametrize("fault", TRACKING)
def test_a_return_that_was_scanned_is_on_its_way(ramp, fault: str) -> None:
    number = ramp.approved()
    come_back(ramp.shop, "buy", number)
    with ramp.shop.unit() as db:
        ref = cases.label_of(db, ramp.find(number).id).ref
    with ramp.broker.open():
        ramp.broker.scan(ref, "in_transit")
    ramp.press(fault, "track", number)
    assert ramp.find(number).state == "in_transit"


@pytest.mark.parametrize("fault", VOIDING)
def test_a_return_label_is_given_back_once(ramp, fault: str) -> None:
    """What died between asking and writing down is found by the job that looks."""
    number = ramp.approved()
    come_back(ramp.shop, "buy", number)
    dead = ramp.die(fault, "void", number)
    asked = dead.void == "asking"
    assert asked == (fault not in (VOIDING[0], VOIDING[-1]))
    with ramp.shop.unit() as db:
        db.execute(text("UPDATE return_label SET look_at = now() WHERE look_at IS NOT NULL"))
    if asked:
        return_labels.look_at_labels(ramp.shop)
    else:
        come_back(ramp.shop, "void", number)
    label = ramp.label(number)
    assert (label.status, label.void, label.look_at) == ("voided", "done", None)
    assert ramp.told(number, "return.label_voided") == 1
    come_back(ramp.shop, "buy", number)
    with ramp.shop.unit() as db:
        assert len(cases.labels_of(db, ramp.find(number).id)) == 2


@pytest.mark.parametrize("fault", FOLLOWING)
def test_the_money_of_a_return_label_is_followed(ramp, fault: str) -> None:
    number = ramp.approved()
    for what in ("buy", "void"):
        come_back(ramp.shop, what, number)
    with ramp.shop.unit() as db:
        pending = "UPDATE return_label SET void = 'pending' WHERE id = :id"
        db.execute(text(pending), {"id": ramp.label(number).id})
    ramp.press(fault, "follow", number)
    assert ramp.label(number).void == "done"


@pytest.mark.parametrize("fault", PAYING)
def test_a_return_is_paid_for_once_with_one_credit_note(ramp, fault: str) -> None:
    number = ramp.received()
    ramp.press(fault, "pay", number)
    assert ramp.find(number).state == "refunded"
    assert ramp.count("refund WHERE request = :id", id=ramp.find(number).id) == 1
    assert ramp.notes(number) == 1


@pytest.mark.parametrize("fault", CARRYING_OUT)
def test_a_withdrawal_is_carried_out_once(ramp, fault: str) -> None:
    number = ramp.withdrawn(ramp.here)
    ramp.press(fault, "carry_out", number)
    drain(ramp.shop)
    request = uuid.uuid5(ramp.find(number).id, "unsent")
    assert ramp.count("refund WHERE request = :id", id=request) == 1
    assert (ramp.find(number).state, ramp.notes(number)) == ("refunded", 1)


@pytest.mark.parametrize("fault", STUCK)
def test_what_keeps_a_withdrawal_is_put_before_staff(ramp, fault: str) -> None:
    number = ramp.withdrawn(ramp.unpaid)
    ramp.press(fault, "carry_out", number)
    assert "left to pay back" in ramp.find(number).problem
