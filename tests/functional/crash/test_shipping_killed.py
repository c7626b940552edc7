"""Killed between preparing, buying and storing a label: it is found again and bought once.

The parcels are of one big order, so that each kill has a fresh one and costs one process.
"""

from __future__ import annotations

import uuid

import pytest
from sqlalchemy import text

from opticworks.checkout import staff
from opticworks.jobs.testing import drain
from opticworks.shipping import service as shipments
from opticworks.testing.ledger import wrong
from opticworks.testing.processes import ship

from .yard import SKU, Yard

PACKING = ("pack.before_commit", "pack.after_commit")
UNPACKING = ("unpack.before_commit", "unpack.after_commit")
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
KEEPING = ("label_file.before_commit", "label_file.after_commit")
CONVERTING = ("label_format.before_provider", "label_format.after_provider")
HANDING_OVER = ("hand_over.before_commit", "hand_over.after_commit")
TRACKING = (
    "track.before_provider",
    "track.after_provider",
    "track.before_commit",
    "track.after_commit",
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
POLLING = ("shipping_poll.before_commit", "shipping_poll.after_commit")
FORMING = ("manifest_begin.before_commit", "manifest_begin.after_commit")
MAKING = (
    "manifest_ask.before_provider",
    "manifest_ask.after_provider",
    "manifest_store.before_commit",
    "manifest_store.after_commit",
)
REPEATING = ("label_batch_again.before_commit", "label_batch_again.after_commit")
BATCHING = ("label_batch.before_commit", "label_batch.after_commit")
NOTING = ("label_batch_order.before_commit", "label_batch_order.after_commit")
ASKING = ("label_problem.before_commit", "label_problem.after_commit")


class Dock(Yard):
    """Where parcels of big paid orders are killed at."""

    deed = ship

    def __init__(self, house, nursery) -> None:
        labels_by_themselves = {"shipping": {"automatic_labels": "true", "most_cost": "0"}}
        super().__init__(house, nursery, labels_by_themselves)
        self.number = self.order(40)
        drain(self.shop)
        with self.shop.unit() as db:  # the rule packed all of it, which only tests are to do
            db.execute(text("UPDATE parcel SET status = 'dropped'"))

    def order(self, quantity: int = 1) -> str:
        number = super().order(quantity)
        staff.mark_paid(self.shop, number, actor="clerk")
        return number

    def packed(self) -> str:
        form = str(uuid.uuid4())
        (parcel,) = ship(self.shop, "pack", number=self.number, sku=SKU, form=form)
        return str(parcel)

    def bought(self) -> str:
        parcel = self.packed()
        ship(self.shop, "buy", parcel)
        return parcel

    def find(self, parcel: str):
        with self.shop.unit() as db:
            return shipments.get(db, uuid.UUID(parcel))


@pytest.fixture(scope="module")
def dock(house, nursery, shop):
    dock = Dock(house, nursery)
    yield dock
    drain(dock.shop)
    with dock.shop.unit() as db:  # the broker is gone with this module: nobody asks it again
        db.execute(text("UPDATE parcel SET look_at = NULL"))
    assert wrong(dock.shop) == []
    dock.shop.close()


@pytest.mark.parametrize("fault", PACKING)
def test_what_was_packed_is_packed_once(dock, fault: str) -> None:
    form = str(uuid.uuid4())
    dock.press(fault, "pack", number=dock.number, sku=SKU, form=form)
    assert dock.count("parcel WHERE shipment_id = :form", form=form) == 1


@pytest.mark.parametrize("fault", UNPACKING)
def test_what_was_taken_apart_can_be_packed_again(dock, fault: str) -> None:
    parcel = dock.packed()
    dock.press(fault, "unpack", parcel=parcel)
    assert dock.find(parcel).status == "dropped"


@pytest.mark.parametrize("fault", BUYING)
def test_a_label_is_found_again_and_never_bought_twice(dock, fault: str) -> None:
    parcel, before = dock.packed(), dock.sold
    dock.press(fault, "buy", parcel=parcel)
    assert dock.find(parcel).status == "bought"
    assert dock.sold - before == 1
    assert dock.count("label_file WHERE parcel_id = :id", id=parcel) == 1


@pytest.mark.parametrize("fault", KEEPING)
def test_a_labels_file_is_kept_once(dock, fault: str) -> None:
    parcel = dock.bought()
    dock.press(fault, "keep", parcel=parcel)
    assert dock.count("label_file WHERE parcel_id = :id", id=parcel) == 2  # and its first one


@pytest.mark.parametrize("fault", CONVERTING)
def test_another_format_of_a_label_costs_no_second_one(dock, fault: str) -> None:
    parcel = dock.bought()
    before = dock.sold
    dock.press(fault, "format", parcel=parcel)
    assert dock.sold == before
    assert dock.count("label_file WHERE parcel_id = :id", id=parcel) == 2


@pytest.mark.parametrize("fault", HANDING_OVER)
def test_a_parcel_is_handed_over_once(dock, fault: str) -> None:
    parcel = dock.bought()
    dock.press(fault, "hand_over", parcel=parcel)
    told = "event WHERE kind = 'shipment.shipped' AND data ->> 'shipment' = :id"
    assert dock.count(told, id=parcel) == 1


@pytest.mark.parametrize("fault", TRACKING)
def test_a_scan_is_written_down_and_told_of_once(dock, fault: str) -> None:
    parcel = dock.bought()
    ref = dock.find(parcel).ref
    with dock.broker.open():
        dock.broker.scan(ref, "in_transit")
    dock.press(fault, "track", ref=ref)
    assert dock.count("tracking_event WHERE parcel_id = :id", id=parcel) == 1
    told = "event WHERE kind = 'shipment.shipped' AND data ->> 'shipment' = :id"
    assert dock.count(told, id=parcel) == 1


@pytest.mark.parametrize("fault", VOIDING)
def test_a_label_is_given_back(dock, fault: str) -> None:
    parcel = dock.bought()
    dock.press(fault, "void", parcel=parcel)
    assert (dock.find(parcel).status, dock.find(parcel).void) == ("voided", "done")


@pytest.mark.parametrize("fault", FOLLOWING)
def test_a_voided_labels_money_is_followed(dock, fault: str) -> None:
    parcel = dock.bought()
    ship(dock.shop, "void", parcel)
    with dock.shop.unit() as db:
        db.execute(text("UPDATE parcel SET void = 'pending' WHERE id = :id"), {"id": parcel})
    dock.press(fault, "follow", parcel=parcel)
    assert dock.find(parcel).void == "done"


@pytest.mark.parametrize("fault", POLLING)
def test_the_poller_asks_again(dock, fault: str) -> None:
    parcel = dock.bought()
    with dock.shop.unit() as db:
        past = "UPDATE parcel SET look_at = now() - interval '1 second' WHERE id = :id"
        db.execute(text(past), {"id": parcel})
    dock.press(fault, "poll")
    drain(dock.shop)
    assert dock.find(parcel).look_at > dock.shop.now()


@pytest.mark.parametrize("fault", BATCHING)
def test_a_batch_is_begun_whole_or_not_at_all(dock, fault: str) -> None:
    before = dock.count("label_batch"), dock.sold
    dock.press(fault, "batch", numbers=[dock.order()])
    drain(dock.shop)
    begun = dock.count("label_batch") - before[0]
    assert begun in (1, 2)
    assert dock.sold - before[1] == 1
    assert dock.count("label_batch_order WHERE status = 'waiting'") == 0


@pytest.mark.parametrize("fault", NOTING)
def test_an_order_of_a_batch_is_labelled_once(dock, fault: str) -> None:
    before, number = dock.sold, dock.order()
    batch = str(ship(dock.shop, "batch", numbers=[number]))
    dock.press(fault, "batch_label", batch=batch, number=number)
    drain(dock.shop)
    assert dock.count("label_batch_order WHERE batch_id = :id AND status = 'done'", id=batch) == 1
    assert dock.sold - before == 1


@pytest.mark.parametrize("fault", REPEATING)
def test_what_failed_of_a_batch_is_done_again(dock, fault: str) -> None:
    before, number = dock.sold, dock.order()
    batch = str(ship(dock.shop, "batch", numbers=[number]))
    with dock.shop.unit() as db:
        db.execute(text("UPDATE label_batch_order SET status = 'failed' WHERE status = 'waiting'"))
    dock.press(fault, "batch_again", batch=batch)
    drain(dock.shop)
    assert dock.count("label_batch_order WHERE batch_id = :id AND status = 'done'", id=batch) == 1
    assert dock.sold - before == 1


@pytest.mark.parametrize("fault", FORMING)
def test_a_form_is_begun_once(dock, fault: str) -> None:
    parcel, form = dock.bought(), str(uuid.uuid4())
    dock.press(fault, "manifest", parcel=parcel, manifest=form)
    drain(dock.shop)
    assert dock.count("manifest WHERE id = :id AND status = 'ready'", id=form) == 1
    assert dock.count("parcel WHERE manifest_id = :id", id=form) == 1


@pytest.mark.parametrize("fault", MAKING)
def test_a_form_is_found_again_and_made_once(dock, fault: str) -> None:
    parcel, form = dock.bought(), str(uuid.uuid4())
    ship(dock.shop, "manifest", parcel, manifest=form)
    dock.press(fault, "manifest_job", manifest=form)
    assert dock.count("manifest WHERE id = :id AND content IS NOT NULL", id=form) == 1
    with dock.broker.open():
        assert sum(dock.find(parcel).ref in form for form in dock.broker.forms.values()) == 1


@pytest.mark.parametrize("fault", ASKING)
def test_what_costs_too_much_is_put_before_staff_once(dock, fault: str) -> None:
    number = dock.order()
    dock.press(fault, "by_itself", number=number)
    about = "shipping_problem p JOIN orders o ON o.id = p.order_id WHERE o.number = :number"
    assert dock.count(about, number=number) == 1
