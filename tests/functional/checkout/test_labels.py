"""Parcels and their labels: packed, bought once, given back, followed until they arrive."""

from __future__ import annotations

import io
import itertools
import uuid
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from functools import partial

import pytest
from pypdf import PdfReader
from sqlalchemy import text

from opticworks import contracts as c
from opticworks.checkout import (
    addresses,
    batches,
    labels,
    papers,
    parcels,
    purchase,
    shipping_jobs,
    staff,
    tracking,
)
from opticworks.checkout.parcels import Wanted
from opticworks.checkout.settle import Refused, settle
from opticworks.jobs.testing import drain
from opticworks.orders import service as orders
from opticworks.shipping import service as shipments
from opticworks.shipping.models import Parcel
from opticworks.shop import Shop
from opticworks.testing.contracts.common import at_once
from opticworks.testing.counter import Counter, open_counter
from opticworks.webhooks import service as webhooks

CLERK = "clerk"


@pytest.fixture
def counter(make_shop: Callable[..., Shop]) -> Counter:
    counter = open_counter(make_shop)
    counter.stock("A", 500, "10.00", weight=400)
    counter.stock("B", 5, "2.50", weight=100)
    return counter


def paid(counter: Counter, *lines: tuple[str, int]) -> str:
    number = counter.buy(*(lines or (("A", 1),))).number
    staff.mark_paid(counter.shop, number, actor=CLERK)
    return number


def packed(counter: Counter, number: str, *wanted: Wanted) -> list[uuid.UUID]:
    return parcels.pack_order(counter.shop, number, actor=CLERK, parcels=wanted or None)


def bought(counter: Counter, number: str, *wanted: Wanted) -> list[Parcel]:
    ids = packed(counter, number, *wanted)
    for parcel_id in ids:
        labels.buy(counter.shop, parcel_id, rate_code="ground", actor=CLERK)
    return [parcel(counter, parcel_id) for parcel_id in ids]


def parcel(counter: Counter, parcel_id: uuid.UUID) -> Parcel:
    with counter.shop.unit() as db:
        found = shipments.get(db, parcel_id)
    assert found is not None
    return found


def change(counter: Counter, monkeypatch: pytest.MonkeyPatch, **fields: object) -> None:
    """Other shipping settings from now on."""
    settings = dict(counter.shop.settings)
    settings["shipping"] = c.ShippingSettings(**fields)  # type: ignore[arg-type]
    monkeypatch.setattr(Shop, "settings", property(lambda shop: settings))


def kinds(counter: Counter) -> list[str]:
    with counter.shop.unit() as db:
        return list(db.scalars(text("SELECT kind FROM event WHERE kind LIKE 'shipment%'")))


def problems(counter: Counter, number: str) -> list[tuple[str, str]]:
    with counter.shop.unit() as db:
        order = db.scalar(text("SELECT id FROM orders WHERE number = :n"), {"n": number})
        return [(each.kind, each.sentence) for each in shipments.problems(db, order)]


# --- buying ---------------------------------------------------------------------------------------


def test_a_label_is_bought_and_kept_and_the_parcel_waits_to_be_handed_over(
    counter: Counter,
) -> None:
    number = paid(counter, ("A", 2))
    (label,) = bought(counter, number)
    assert (label.status, label.carrier, label.cost) == ("bought", "Fake Carrier", 700)
    with counter.shop.unit() as db:
        (file,) = shipments.label_files(db, label.id)
        assert (file.format, file.content[:5]) == ("PDF", b"%PDF-")
    order = counter.order(number)
    assert (order.fulfilment_status, order.shipments) == ("unfulfilled", ())
    with pytest.raises(Refused, match="Void it first"):
        staff.cancel(counter.shop, number, actor=CLERK, reason="mistake")
    for _ in range(2):
        parcels.hand_over(counter.shop, [label.id], actor=CLERK)
    order = counter.order(number)
    assert order.fulfilment_status == "shipped"
    assert order.shipments[0].tracking_number == label.tracking_number
    assert kinds(counter) == ["shipment.shipped"]
    assert counter.free("A") == 498


def test_a_double_click_and_a_crowd_buy_one_label(counter: Counter) -> None:
    number = paid(counter)
    form = uuid.uuid4()
    pack = lambda: parcels.pack_order(counter.shop, number, actor=CLERK, shipment_id=form)  # noqa: E731
    (parcel_id,) = pack()
    assert pack() == [parcel_id]
    at_once(lambda: labels.buy(counter.shop, parcel_id, rate_code="air", actor=CLERK), 4)
    assert counter.carrier.vendor.bought == 1
    assert counter.carrier.vendor.calls.count("prepare") == 1
    assert parcel(counter, parcel_id).service == "air"


def test_a_time_out_after_buying_is_looked_up_and_not_bought_again(counter: Counter) -> None:
    number = paid(counter)
    (parcel_id,) = packed(counter, number)
    labels.prepare(counter.shop, parcel_id)
    counter.carrier.vendor.fail_next("after")
    with pytest.raises(purchase.Unanswered, match="Look it up before"):
        labels.buy(counter.shop, parcel_id, rate_code="ground", actor=CLERK)
    assert parcel(counter, parcel_id).status == "buying"
    with counter.shop.unit() as db:  # nobody presses again: the poller looks, some time later
        db.execute(text("UPDATE parcel SET look_at = now() - interval '1 second'"))
    shipping_jobs.poll_trackers(counter.shop)
    drain(counter.shop)
    assert parcel(counter, parcel_id).status == "bought"
    assert counter.carrier.vendor.bought == 1


def test_an_old_offer_or_other_contents_are_rated_anew(
    counter: Counter, monkeypatch: pytest.MonkeyPatch
) -> None:
    number = paid(counter)
    (parcel_id,) = packed(counter, number)
    for _ in range(2):
        labels.prepare(counter.shop, parcel_id)
    calls = counter.carrier.vendor.calls
    assert calls.count("prepare") == 1
    now = counter.shop.now
    monkeypatch.setattr(counter.shop, "now", lambda: now() + timedelta(hours=25))
    labels.prepare(counter.shop, parcel_id)
    assert calls.count("prepare") == 2
    with counter.shop.unit() as db:
        db.execute(text("UPDATE parcel SET weight = 1700"))
    with pytest.raises(Refused, match=r"costs \$14.00 now, more than \$7.00"):
        labels.buy(counter.shop, parcel_id, rate_code="ground", actor=CLERK, most=700)
    assert calls.count("prepare") == 3
    assert counter.carrier.vendor.bought == 0


def test_a_vendor_that_refuses_leaves_the_parcel_to_be_rated_again(counter: Counter) -> None:
    (parcel_id,) = packed(counter, paid(counter))
    labels.prepare(counter.shop, parcel_id)
    with counter.shop.unit() as db:
        db.execute(text("UPDATE parcel SET rates = jsonb_set(rates, '{0,ref}', '\"rate_gone\"')"))
    with pytest.raises(Refused, match="not offered any more"):
        labels.buy(counter.shop, parcel_id, rate_code="ground", actor=CLERK)
    found = parcel(counter, parcel_id)
    assert (found.status, found.rated_at) == ("prepared", None)
    labels.buy(counter.shop, parcel_id, rate_code="ground", actor=CLERK)
    assert counter.carrier.vendor.bought == 1


# --- splitting and giving back --------------------------------------------------------------------


def test_a_line_is_split_over_parcels_and_days(counter: Counter) -> None:
    number = paid(counter, ("A", 5), ("B", 1))
    one, two = bought(counter, number, Wanted(lines={"A": 2}), Wanted(lines={"A": 1, "B": 1}))
    with pytest.raises(Refused, match="2 of Item A are left to pack, not 3"):
        packed(counter, number, Wanted(lines={"A": 3}))
    parcels.hand_over(counter.shop, [one.id], actor=CLERK)
    assert counter.order(number).fulfilment_status == "part_shipped"
    (rest,) = bought(counter, number)  # the packer takes what is left
    parcels.hand_over(counter.shop, [two.id, rest.id], actor=CLERK)
    order = counter.order(number)
    assert order.fulfilment_status == "shipped"
    assert [sum(n for _, _, n in s.lines) for s in order.shipments] == [2, 2, 2]
    for status, expected in (("part_delivered", one), ("part_delivered", two), ("delivered", rest)):
        counter.carrier.vendor.scan(expected.ref, "delivered")
        tracking.sync(counter.shop, "fake_carrier", expected.ref)
        assert counter.order(number).fulfilment_status == status
    assert counter.order(number).status == "completed"


def test_a_voided_label_frees_its_lines_and_its_money_is_followed(
    counter: Counter, monkeypatch: pytest.MonkeyPatch
) -> None:
    number = paid(counter)
    (label,) = bought(counter, number)
    vendor = counter.carrier.vendor
    answers = iter(["pending", "pending"])
    monkeypatch.setattr(counter.carrier, "void", lambda ref, key: next(answers))
    for _ in range(2):
        labels.void(counter.shop, label.id, actor=CLERK)
    found = parcel(counter, label.id)
    assert (found.status, found.void) == ("voided", "pending")
    (again,) = bought(counter, number)
    assert vendor.bought == 2
    vendor.shipments[label.ref].void = "failed"
    for expected in ("pending", "failed"):  # refused too early at times: asked once more
        labels.follow_void(counter.shop, label.id)
        assert parcel(counter, label.id).void == expected
    assert [kind for kind, _ in problems(counter, number)] == ["void"]
    vendor.scan(again.ref, "in_transit")
    tracking.sync(counter.shop, "fake_carrier", again.ref)
    with pytest.raises(Refused, match="the parcel left"):
        labels.void(counter.shop, again.id, actor=CLERK)


def test_a_time_out_of_giving_back_is_looked_up_and_the_parcel_stays_here(counter: Counter) -> None:
    number = paid(counter)
    (label,) = bought(counter, number)
    vendor = counter.carrier.vendor
    vendor.fail_next("after")
    with pytest.raises(purchase.Unanswered, match="looked up in a few minutes"):
        labels.void(counter.shop, label.id, actor=CLERK)
    with pytest.raises(Refused, match="Look up first"):
        parcels.hand_over(counter.shop, [label.id], actor=CLERK)
    with counter.shop.unit() as db:
        db.execute(text("UPDATE parcel SET look_at = now() - interval '1 second'"))
    shipping_jobs.poll_trackers(counter.shop)
    drain(counter.shop)
    found = parcel(counter, label.id)
    assert (found.status, found.void, found.look_at) == ("voided", "done", None)
    assert vendor.calls.count("void") == 1, "it was found"


# --- tracking -------------------------------------------------------------------------------------


def test_the_first_scan_ships_and_later_ones_only_move_forward(counter: Counter) -> None:
    number = paid(counter)
    (label,) = bought(counter, number)
    vendor = counter.carrier.vendor
    for status in ("pre_transit", "in_transit", "out_for_delivery", "delivered"):
        vendor.scan(label.ref, status)
    copies = [*vendor.events, *vendor.events]
    for event in reversed(copies):
        webhooks.receive(counter.shop, "fake_carrier", *vendor.webhook(event))
    drain(counter.shop)
    order = counter.order(number)
    assert (order.fulfilment_status, order.status) == ("delivered", "completed")
    assert [each.status for each in order.shipments[0].history] == [
        *("delivered", "out_for_delivery", "in_transit", "pre_transit")
    ]
    assert kinds(counter) == ["shipment.shipped", "shipment.delivered"]
    vendor.scan(label.ref, "in_transit")  # a late scan is kept and changes nothing back
    tracking.sync(counter.shop, "fake_carrier", label.ref)
    assert counter.order(number).shipments[0].status == "delivered"
    assert len(counter.order(number).shipments[0].history) == 5


def test_every_order_of_hearing_comes_to_the_same(counter: Counter) -> None:
    now = counter.shop.now()
    heard = [
        (status, now + timedelta(hours=hour))
        for hour, status in enumerate(
            ("pre_transit", "in_transit", "failure", "in_transit", "out_for_delivery")
        )
    ]
    for some in itertools.permutations(heard):
        assert shipments.newest(some) == "out_for_delivery"
    assert shipments.newest(heard[:3]) == "failure"
    assert shipments.newest(heard[:4]) == "in_transit"
    assert shipments.newest([*heard, ("delivered", now)]) == "delivered"
    assert shipments.newest([]) == ""


def test_each_fact_is_told_once_and_trouble_is_put_before_staff(counter: Counter) -> None:
    number = paid(counter)
    (label,) = bought(counter, number)
    vendor, told = counter.carrier.vendor, []
    for status in ("in_transit", "out_for_delivery", "failure", "in_transit", "return_to_sender"):
        vendor.scan(label.ref, status)
        for _ in range(2):
            tracking.sync(counter.shop, "fake_carrier", label.ref)
        told.append([kind for kind, _ in problems(counter, number)])
    assert told == [[], [], ["failure"], [], ["return_to_sender"]]
    assert kinds(counter) == ["shipment.shipped", "shipment.out_for_delivery"]


def test_goods_that_were_never_booked_in_wait_for_it(counter: Counter) -> None:
    counter.stock("C", 0, "5.00", stock_policy="backorder")
    with counter.shop.unit() as db:
        from opticworks.stock import service as stock

        stock.set_backorder_limit(db, "C", 5)
    number = paid(counter, ("C", 1))
    (label,) = bought(counter, number)
    counter.carrier.vendor.scan(label.ref, "in_transit")
    tracking.sync(counter.shop, "fake_carrier", label.ref)
    assert [kind for kind, _ in problems(counter, number)] == ["stock"]
    with counter.shop.unit() as db:
        stock.adjust_stock(db, "C", 1, reason="delivery", actor=CLERK)
    tracking.sync(counter.shop, "fake_carrier", label.ref)
    assert counter.order(number).fulfilment_status == "shipped"
    assert problems(counter, number) == []


def test_a_webhook_of_a_stranger_is_kept_for_later(counter: Counter) -> None:
    assert tracking.sync(counter.shop, "fake_carrier", "shp_unknown", "") is False


# --- by themselves --------------------------------------------------------------------------------


def test_a_paid_order_gets_its_label_by_itself_up_to_a_limit(
    counter: Counter, monkeypatch: pytest.MonkeyPatch
) -> None:
    change(counter, monkeypatch, automatic_labels=True, most_cost=Decimal("10.00"))
    cheap = paid(counter)
    dear = paid(counter, ("A", 3))
    drain(counter.shop)
    assert counter.carrier.vendor.bought == 1
    assert problems(counter, cheap) == []
    ((kind, sentence),) = problems(counter, dear)
    assert kind == "label"
    assert "$14.00, more than the limit of $10.00" in sentence
    (waiting,) = _parcels(counter, dear)
    labels.buy(counter.shop, waiting.id, rate_code="ground", actor=CLERK)
    assert problems(counter, dear) == []


def test_no_label_is_bought_by_itself_for_an_address_that_was_not_found(
    counter: Counter, monkeypatch: pytest.MonkeyPatch
) -> None:
    change(counter, monkeypatch, automatic_labels=True)
    number = counter.buy(("A", 1)).number
    with counter.shop.unit() as db:
        order = orders.by_number(db, number)
        assert order is not None
        place = addresses.place_of(c.Address.model_validate(order.address))
        verdict = {"by": "Post", "typed": place, "state": "undeliverable", "suggestion": None}
        order.address_check = {**verdict, "messages": ["No such street."]}
    staff.mark_paid(counter.shop, number, actor=CLERK)
    drain(counter.shop)
    assert counter.carrier.vendor.bought == 0
    ((_, sentence),) = problems(counter, number)
    assert "Post does not find the address: No such street." in sentence


def test_prices_for_another_address_are_not_bought(
    counter: Counter, monkeypatch: pytest.MonkeyPatch
) -> None:
    number = paid(counter)
    (parcel_id,) = packed(counter, number)

    def move(street: str) -> None:
        with counter.shop.unit() as db:
            order = orders.by_number(db, number)
            assert order is not None
            address = c.Address.model_validate(order.address)
            shown = addresses.version(order)
        there = address.model_copy(update={"line1": street})
        assert addresses.edit(counter.shop, number, there, shown=shown, actor=CLERK)

    assert labels.prepare(counter.shop, parcel_id)
    first = parcel(counter, parcel_id)
    move("1 Other Street")
    assert parcel(counter, parcel_id).rates == [], "the old ones are not shown any more"
    labels.prepare(counter.shop, parcel_id)
    again = parcel(counter, parcel_id)
    assert again.contents != first.contents
    assert again.ref != first.ref
    # Between looking at the prices and choosing one of them.
    prepare = labels.ParcelLabel.prepare

    def then_move(label: labels.ParcelLabel) -> tuple[c.Rate, ...]:
        offered = prepare(label)
        move("2 Other Street")
        return offered

    with monkeypatch.context() as patch:
        patch.setattr(labels.ParcelLabel, "prepare", then_move)
        with pytest.raises(Refused, match="changed meanwhile"):
            labels.buy(counter.shop, parcel_id, rate_code="ground", actor=CLERK)
    assert counter.carrier.vendor.bought == 0
    labels.buy(counter.shop, parcel_id, rate_code="ground", actor=CLERK)
    with counter.shop.unit() as db:
        order = orders.by_number(db, number)
        assert order is not None
        (slip,) = papers.slips(counter.shop, db, order)
    assert "2 Other Street" in slip.to


def test_an_authorized_order_gets_its_label_before_its_money_is_taken(
    counter: Counter, monkeypatch: pytest.MonkeyPatch
) -> None:
    change(counter, monkeypatch, automatic_labels=True)
    later = counter.shop.settings["shop"].model_copy(update={"capture": "authorize"})
    counter.shop.settings["shop"] = later  # type: ignore[index]
    number = counter.buy(("A", 1), payment="fake_card").number
    (ref,) = counter.card.vendor.payments
    counter.card.vendor.pay(ref)
    settle(counter.shop, number)
    drain(counter.shop)
    (label,) = _parcels(counter, number)
    assert (label.status, counter.order(number).payment_status) == ("bought", "authorized")
    parcels.hand_over(counter.shop, [label.id], actor=CLERK)
    drain(counter.shop)
    assert counter.order(number).payment_status == "paid"
    assert counter.carrier.vendor.bought == 1, "being paid buys no second one"


def test_a_parcel_whose_money_can_not_be_taken_is_not_handed_over(
    counter: Counter, monkeypatch: pytest.MonkeyPatch
) -> None:
    change(counter, monkeypatch)
    later = counter.shop.settings["shop"].model_copy(update={"capture": "authorize"})
    counter.shop.settings["shop"] = later  # type: ignore[index]
    number = counter.buy(("A", 1), payment="fake_card").number
    (ref,) = counter.card.vendor.payments
    counter.card.vendor.pay(ref)
    settle(counter.shop, number)
    (label,) = bought(counter, number)
    counter.card.vendor.payments[ref].state = "canceled"  # it lapsed, and nobody has told
    with pytest.raises(Refused, match="could not be taken, so nothing is sent"):
        parcels.hand_over(counter.shop, [label.id], actor=CLERK)
    assert parcel(counter, label.id).shipped_at is None


def test_a_disputed_order_is_left_to_a_person(
    counter: Counter, monkeypatch: pytest.MonkeyPatch
) -> None:
    change(counter, monkeypatch, automatic_labels=True)
    number = counter.buy(("A", 1), payment="fake_card").number
    (ref,) = counter.card.vendor.payments
    counter.card.vendor.pay(ref)
    counter.card.vendor.dispute(ref)
    settle(counter.shop, number)
    drain(counter.shop)
    assert counter.carrier.vendor.bought == 0
    ((_, sentence),) = problems(counter, number)
    assert "disputes the payment" in sentence


def _parcels(counter: Counter, number: str) -> list[Parcel]:
    with counter.shop.unit() as db:
        order = db.scalar(text("SELECT id FROM orders WHERE number = :n"), {"n": number})
        return list(shipments.of_order(db, order))


def test_a_failing_tenth_of_a_batch_is_named_and_holds_up_nobody(counter: Counter) -> None:
    numbers = copies(counter, paid(counter), 100)
    with counter.shop.unit() as db:
        db.execute(
            text("UPDATE orders SET address = jsonb_set(address, '{country}', '\"XX\"')"
                 " WHERE number = :n"), {"n": numbers[9]}
        )  # fmt: skip
    batch = batches.begin_batch(counter.shop, numbers, actor=CLERK)
    drain(counter.shop)
    with counter.shop.unit() as db:
        found = batches.batch_of(db, batch)
    assert found is not None
    failed, *done = found[1]
    assert (failed.number, failed.status) == (numbers[9], "failed")
    assert "No carrier offers to ship this parcel" in failed.sentence
    assert [row.status for row in done] == ["done"] * 99
    assert counter.carrier.vendor.bought == 99
    with counter.shop.unit() as db:
        whole = papers.labels_pdf(db, batches.parcels_of(db, batch), "All")
    assert len(PdfReader(io.BytesIO(whole)).pages) == 99
    assert batches.again(counter.shop, batch) == 1
    drain(counter.shop)
    assert counter.carrier.vendor.bought == 99


def test_a_batch_is_handed_over_for_a_while_and_then_goes_on(counter: Counter) -> None:
    numbers = [paid(counter) for _ in range(2)]
    batch = batches.begin_batch(counter.shop, numbers, actor=CLERK)
    drain(counter.shop)
    hand_over = partial(batches.hand_over_all, counter.shop, batch, actor=CLERK)
    assert hand_over(seconds=-1.0) == batches.HandedOver(0, [], 2)
    assert hand_over() == batches.HandedOver(2, [], 0)
    assert hand_over() == batches.HandedOver(0, [], 0)
    assert {counter.order(number).fulfilment_status for number in numbers} == {"shipped"}


def copies(counter: Counter, number: str, count: int) -> list[str]:
    """The order and others like it, as rows: to place so many would take a minute."""
    with counter.shop.unit() as db:
        for statement in (
            (
                "INSERT INTO orders OVERRIDING SYSTEM VALUE SELECT (jsonb_populate_record(o,"
                " jsonb_build_object('id', o.id + n, 'number', 'COPY-' || lpad(n::text, 4, '0'),"
                " 'token', 'copy' || n, 'cart_id', gen_random_uuid()))).* "
                "FROM orders o, generate_series(1, :more) n WHERE o.number = :number"
            ),
            (
                "INSERT INTO order_line OVERRIDING SYSTEM VALUE SELECT (jsonb_populate_record(l,"
                " jsonb_build_object('id', l.id + n * 1000, 'order_id', o.id + n))).* "
                "FROM order_line l JOIN orders o ON o.id = l.order_id,"
                " generate_series(1, :more) n WHERE o.number = :number"
            ),
        ):
            db.execute(text(statement), {"number": number, "more": count - 1})
        return [number, *(f"COPY-{n:04d}" for n in range(1, count))]


def test_a_label_that_was_found_again_has_the_format_that_was_chosen(counter: Counter) -> None:
    (parcel_id,) = packed(counter, paid(counter))
    vendor = counter.carrier.vendor
    labels.prepare(counter.shop, parcel_id)
    vendor.fail_next("after")
    terms = {"rate_code": "ground", "actor": CLERK, "options": {"label_format": "ZPL"}}
    with pytest.raises(purchase.Unanswered):
        labels.buy(counter.shop, parcel_id, **terms)
    (shipment,) = vendor.shipments.values()
    shipment.label = replace(shipment.label, files={"PNG": b"\x89PNG"})  # all that a look answers
    labels.buy(counter.shop, parcel_id, **terms)
    with counter.shop.unit() as db:
        assert "ZPL" in {file.format for file in shipments.label_files(db, parcel_id)}
    assert vendor.bought == 1


def test_rates_that_can_not_be_right_are_named_and_asked_for_again(
    counter: Counter, monkeypatch: pytest.MonkeyPatch
) -> None:
    (parcel_id,) = packed(counter, paid(counter))
    vendor = counter.carrier.vendor
    with monkeypatch.context() as patch:
        wrong = partial(vendor.rates_for, currency="EUR")
        patch.setattr(vendor, "rates_for", lambda country, weight, currency: wrong(country, weight))
        with pytest.raises(Refused, match=r"rates, which were all dropped\. .* is in EUR, not USD"):
            labels.prepare(counter.shop, parcel_id)
    assert labels.prepare(counter.shop, parcel_id), "that nothing could be had is not remembered"
