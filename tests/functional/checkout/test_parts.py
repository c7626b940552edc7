"""One part of a bundle that was not sent yet: its money, its stock, and what is packed then."""

from __future__ import annotations

import io
import threading
import uuid
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pypdf import PdfReader
from sqlalchemy import text

from opticworks.checkout import (
    demand,
    labels,
    papers,
    parcels,
    refund_plan,
    return_refund,
    returns,
    staff,
)
from opticworks.checkout import refund as refunding
from opticworks.checkout.parcels import Wanted
from opticworks.checkout.refund_plan import Portion, Wish
from opticworks.checkout.settle import Refused
from opticworks.contracts import Component, ProviderError, RefundLine
from opticworks.documents import service as documents
from opticworks.documents import sheet, slip
from opticworks.jobs.testing import drain
from opticworks.money import Money
from opticworks.orders import service as orders
from opticworks.payments import service as payments
from opticworks.returns import service as cases
from opticworks.shipping import service as shipments
from opticworks.shop import Shop
from opticworks.stock import service as stock
from opticworks.testing.counter import Counter, open_counter


@pytest.fixture
def counter(make_shop: Callable[..., Shop]) -> Counter:
    """A kit of two sensors and a hub for 40: a sensor stands for 16, the hub for 8."""
    counter = open_counter(make_shop)
    counter.card.first_state = "captured"
    counter.stock("SENSOR", 20, "20.00", weight=150)
    counter.stock("HUB", 20, "10.00", weight=500)
    parts = (
        Component(sku="SENSOR", quantity=2, unit_price=usd(2000), title="Sensor", weight=150),
        Component(sku="HUB", quantity=1, unit_price=usd(1000), title="Hub", weight=500),
    )
    counter.goods.put("KIT", "40.00", components=parts, weight=800)
    return counter


def usd(minor: int) -> Money:
    return Money(minor, "USD")


def bought(counter: Counter, *lines: tuple[str, int]) -> str:
    return counter.buy(*(lines or (("KIT", 1),)), payment="fake_card").number


def pay_back(counter: Counter, number: str, request: uuid.UUID | None = None, **kit: Any) -> int:
    """Pay a portion of the kits back; how much."""
    wish = Wish(request=request or uuid.uuid4(), portions={"KIT": Portion(**kit)})
    outcome = refunding.refund(counter.shop, number, wish, actor="clerk")
    return sum(each.amount for each in outcome.refunds)


def send(counter: Counter, number: str, **lines: int) -> None:
    staff.fulfil(
        counter.shop, number, lines=lines, carrier="UPS", tracking_number="1Z9", actor="clerk"
    )


def held(counter: Counter, number: str) -> dict[str, int]:
    with counter.shop.unit() as db:
        return stock.held_by(db, number)


def test_one_sensor_is_taken_out_and_the_rest_is_sent_without_it(counter: Counter) -> None:
    number = bought(counter)
    assert held(counter, number) == {"SENSOR": 2, "HUB": 1}
    request = uuid.uuid4()
    for _ in range(2):  # a second click
        assert pay_back(counter, number, request, unsent_parts={"SENSOR": 1}) == 1600
    assert held(counter, number) == {"SENSOR": 1, "HUB": 1}
    assert counter.free("SENSOR") == 19
    view = counter.order(number)
    (line,) = view.lines
    assert (view.payment_status, line.left, line.without) == ("part_refunded", 1, "1 × Sensor")
    assert [each.lines for each in view.refunds] == [
        (RefundLine("Sensor", 1, usd(1600), part_of="Item KIT"),)
    ]
    (parcel_id,) = parcels.pack_order(counter.shop, number, actor="clerk")
    work = labels.ParcelLabel(counter.shop, parcel_id).read()
    (declared,) = work.request.lines
    assert declared.title == "Item KIT, without 1 × Sensor"
    assert (declared.weight, declared.unit_price) == (650, usd(2400))
    assert (work.request.parcel.weight, work.request.parcel.lines) == (650, {"KIT": 1})
    labels.buy(counter.shop, parcel_id, rate_code="ground", actor="clerk")
    parcels.hand_over(counter.shop, [parcel_id], actor="clerk")
    view = counter.order(number)
    assert (view.fulfilment_status, view.shipments[0].without) == ("shipped", {"KIT": "1 × Sensor"})
    assert held(counter, number) == {}
    assert (counter.free("SENSOR"), counter.free("HUB")) == (19, 19)
    # All that is left comes back: the money of the kit is whole, and the shelf has what it had.
    assert pay_back(counter, number, sent=1, restock_sent=True) == 2400
    assert (counter.free("SENSOR"), counter.free("HUB")) == (20, 20)
    drain(counter.shop)
    mails = [m for m in counter.mailer.vendor.sent.values() if "refund" in m.subject.lower()]
    assert "1 × Sensor from Item KIT" in mails[0].text
    assert "Item KIT without 1 × Sensor" in mails[1].text
    (sent,) = (m for m in counter.mailer.vendor.sent.values() if "In this parcel" in m.text)
    assert "without 1 × Sensor, which we paid back" in sent.text


def test_of_three_kits_the_last_goes_without_its_sensor_and_the_slips_say_so(
    counter: Counter,
) -> None:
    number = bought(counter, ("KIT", 3))
    assert pay_back(counter, number, unsent_parts={"SENSOR": 1}, restock=False) == 1600
    assert counter.free("SENSOR") == 14, "a broken one is written off, it isn't sold again"
    wanted = [Wanted(lines={"KIT": 2}), Wanted(lines={"KIT": 1})]
    parcels.pack_order(counter.shop, number, actor="clerk", parcels=wanted)
    with counter.shop.unit() as db:
        order = orders.by_number(db, number)
        slips = papers.slips(counter.shop, db, order)
        rows = [[(line.quantity, line.contents, line.note) for line in s.lines] for s in slips]
        whole, less = (2, "2 × Sensor, 1 × Hub", "KIT"), (1, "1 × Sensor, 1 × Hub")
        assert rows == [[whole], [(*less, "KIT · without 1 × Sensor")]]
        assert [(line.quantity, line.contents) for line in slips[0].others] == [less]
        file = slip.pdf(slips, "a4")
        assert [p.weight for p in shipments.of_order(db, order.id)] == [1600, 650]
    assert "without 1 × Sensor" in PdfReader(io.BytesIO(file)).pages[1].extract_text()


def test_a_kit_of_which_nothing_is_left_is_canceled(counter: Counter) -> None:
    number = bought(counter)
    assert pay_back(counter, number, unsent_parts={"HUB": 1}) == 800
    assert pay_back(counter, number, unsent_parts={"SENSOR": 2}) == 3200
    view = counter.order(number)
    assert (view.status, view.cancel_reason) == ("canceled", "refunded")
    assert (view.lines[0].removed, view.lines[0].refunded) == (1, 1)
    assert held(counter, number) == {}
    with pytest.raises(Refused, match="0 of Hub can be taken out by themselves, not 1"):
        pay_back(counter, number, unsent_parts={"HUB": 1})


def test_an_order_is_canceled_for_what_is_left_of_it(counter: Counter) -> None:
    number = bought(counter, ("KIT", 2))
    total = counter.order(number).total.minor
    pay_back(counter, number, unsent_parts={"SENSOR": 3})
    parcels.pack_order(counter.shop, number, actor="clerk")
    staff.cancel(counter.shop, number, actor="clerk", reason="customer")
    with counter.shop.unit() as db:
        assert payments.sums(db, orders.by_number(db, number).id).refunded == total
        assert stock.verify(db) == []
    assert (counter.free("SENSOR"), counter.free("HUB")) == (20, 20)


def test_a_return_of_what_was_sent_puts_back_what_was_in_it(counter: Counter) -> None:
    number = bought(counter, ("KIT", 2))
    pay_back(counter, number, unsent_parts={"SENSOR": 1})
    send(counter, number, KIT=2)
    assert counter.free("SENSOR") == 17
    for back in (19, 20):  # the whole one first
        with counter.shop.unit() as db:
            order = orders.by_number(db, number)
            line = orders.lines_of(db, order.id)[0].id
            case = returns.request(
                counter.shop,
                db,
                number,
                returns.Asked(id=uuid.uuid4(), lines={line: (1, "unwanted")}),
            )
            returns.approve(db, case.number, actor="clerk")
            arrived = {line: returns.Arrived(1, "new", restock=True)}
            returns.receive(db, case.number, arrived, actor="clerk")
        assert counter.free("SENSOR") == back
    # They are paid for in any order: the first to be paid counts as the whole one.
    total = counter.order(number).total.minor
    with counter.shop.unit() as db:
        numbers = [case.number for case in cases.of_order(db, order.id)]
    for case_number in reversed(numbers):
        return_refund.pay(counter.shop, case_number, return_refund.Terms(), actor="clerk")
    with counter.shop.unit() as db:
        sums = payments.sums(db, order.id)
        notes = [d for d in documents.of_order(db, number) if d.kind == "credit_note"]
    assert sums.refunded == total - counter.order(number).shipping_total.minor
    assert [[(line["total"], line["without"]) for line in n.facts["lines"]] for n in notes] == [
        [(4000, "")],
        [(2400, "1 × Sensor")],
    ]
    drawn = PdfReader(io.BytesIO(sheet.pdf(notes[1]))).pages[0].extract_text()
    assert "without 1 × Sensor" in drawn
    assert (counter.free("SENSOR"), counter.free("HUB")) == (20, 20), "paying moves no stock"


def test_two_clerks_take_out_the_last_sensor_and_one_is_told(counter: Counter) -> None:
    number = bought(counter)
    said: list[Any] = []
    gate = threading.Barrier(2)

    def clerk() -> None:
        gate.wait()
        try:
            said.append(pay_back(counter, number, unsent_parts={"SENSOR": 2}))
        except Refused as error:
            said.append(str(error))

    threads = [threading.Thread(target=clerk) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(map(str, said)) == [
        "0 of Sensor can be taken out by themselves, not 2.",
        "3200",
    ]
    assert held(counter, number) == {"HUB": 1}


def test_a_clerk_who_packs_and_one_who_takes_out_never_both_have_the_part(counter: Counter) -> None:
    for _ in range(3):
        number = bought(counter)
        said: list[str] = []
        gate = threading.Barrier(2)

        def at_once(deed: Callable[[], Any], said: list[str] = said, gate: Any = gate) -> None:
            gate.wait()
            try:
                deed()
            except Refused as error:
                said.append(str(error))

        deeds = (
            partial(pay_back, counter, number, unsent_parts={"SENSOR": 1}),
            partial(parcels.pack_order, counter.shop, number, actor="clerk"),
        )
        threads = [threading.Thread(target=at_once, args=(deed,)) for deed in deeds]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        with counter.shop.unit() as db:
            (packed,) = shipments.of_order(db, orders.by_number(db, number).id)
        # Whoever came first: the parcel has both sensors and the refund was refused, or neither.
        refused = [sentence for sentence in said if "lies in a parcel" in sentence]
        assert said == refused
        assert packed.lines[0].without == ({} if refused else {"SENSOR": 1})
        _agrees(counter, number, counter.order(number).total.minor)


def test_a_chosen_part_is_called_by_its_options_and_one_without_stock_moves_none(
    counter: Counter,
) -> None:
    arm = Component(sku="ARM", quantity=1, unit_price=usd(500), title="Arm", options="Black")
    guide = Component(sku="PDF", quantity=1, unit_price=usd(500), title="Guide", tracked=False)
    counter.stock("ARM", 5, "5.00")
    counter.goods.put("SET-BLACK", "9.99", components=(arm, guide))
    number = bought(counter, ("SET-BLACK", 3))
    for part, amount, free in (("PDF", 500, 2), ("ARM", 499, 3), ("ARM", 500, 4)):
        wish = Wish(request=uuid.uuid4(), portions={"SET-BLACK": Portion(unsent_parts={part: 1})})
        (made,) = refunding.refund(counter.shop, number, wish, actor="clerk").refunds
        assert abs(made.amount - amount) <= 1
        assert counter.free("ARM") == free
    view = counter.order(number)
    # One of the three is gone whole, and another one its arm.
    assert (view.lines[0].removed, view.lines[0].without) == (1, "1 × Arm (Black)")
    with counter.shop.unit() as db:
        left = refund_plan.left_of(db, orders.by_number(db, number))
    (line,) = left.lines
    rest = Wish(request=uuid.uuid4(), portions={"SET-BLACK": Portion(unsent=2)})
    refunding.refund(counter.shop, number, rest, actor="clerk")
    assert sum(r.amount.minor for r in counter.order(number).refunds) == line.line.total
    assert (counter.free("ARM"), counter.order(number).status) == (5, "canceled")


def test_packing_and_taking_out_take_turns(counter: Counter) -> None:
    number = bought(counter)
    (parcel_id,) = parcels.pack_order(counter.shop, number, actor="clerk")
    with pytest.raises(Refused, match="1 lies in a parcel: take it apart, or void its label"):
        pay_back(counter, number, unsent_parts={"SENSOR": 1})
    labels.buy(counter.shop, parcel_id, rate_code="ground", actor="clerk")
    with pytest.raises(Refused, match="void its label"):
        pay_back(counter, number, unsent_parts={"SENSOR": 1})
    labels.void(counter.shop, parcel_id, actor="clerk")
    assert pay_back(counter, number, unsent_parts={"SENSOR": 1}) == 1600
    parcels.pack_order(counter.shop, number, actor="clerk")
    with counter.shop.unit() as db:
        order = orders.by_number(db, number)
        (packed,) = shipments.of_order(db, order.id)
        assert packed.lines[0].without == {"SENSOR": 1}


def test_while_a_provider_says_nothing_the_part_is_not_packed_and_stays_held(
    counter: Counter, monkeypatch: pytest.MonkeyPatch
) -> None:
    number = bought(counter)
    silent = ProviderError("Nobody answers.", retryable=True)
    answer = counter.card.refund
    monkeypatch.setattr(counter.card, "refund", raising(silent))
    pay_back(counter, number, unsent_parts={"SENSOR": 1})
    send(counter, number, KIT=1)
    assert held(counter, number) == {"SENSOR": 1}
    # It is refused in the end: the customer is owed the part or its money, and staff see that.
    monkeypatch.setattr(counter.card, "refund", raising(ProviderError("No.", retryable=False)))
    key = uuid.UUID(counter.order(number).refunds[0].id)
    refunding.resume(counter.shop, key)
    assert counter.order(number).refunds[0].status == "failed"
    monkeypatch.setattr(counter.card, "refund", answer)
    refunding.again(counter.shop, number, key, actor="clerk")
    assert held(counter, number) == {}
    assert counter.free("SENSOR") == 19
    assert pay_back(counter, number, sent=1) == 2400


def raising(error: Exception) -> Callable[..., Any]:
    def refuse(*_: object) -> Any:
        raise error

    return refuse


DEEDS = st.lists(
    st.tuples(
        st.sampled_from(["part", "part", "unit", "pack", "unpack", "send", "back", "cancel"]),
        st.sampled_from(["SENSOR", "HUB"]),
        st.integers(1, 3),
    ),
    min_size=2,
    max_size=8,
)


@settings(
    max_examples=12,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(kits=st.integers(1, 3), deeds=DEEDS)
def test_stock_money_and_demand_agree_whatever_happens(
    counter: Counter, kits: int, deeds: list[tuple[str, str, int]]
) -> None:
    with counter.shop.unit() as db:
        for sku in ("SENSOR", "HUB"):
            stock.set_stock(db, sku, 20, reason="count", actor="t")
    number = bought(counter, ("KIT", kits), ("SENSOR", 1))
    total = counter.order(number).total.minor
    for deed, sku, count in deeds:
        try:
            _do(counter, number, deed, sku, count)
        except Refused:
            continue
        finally:
            _agrees(counter, number, total)
    with counter.shop.unit() as db:
        order = orders.by_number(db, number)
        shipments.drop_drafts(db, order.id)
        left = refund_plan.left_of(db, order)
    if left.amount:
        rest = {
            each.line.sku: Portion(unsent=each.unsent, sent=each.sent, restock_sent=True)
            for each in left.lines
        }
        wish = Wish(request=uuid.uuid4(), portions=rest, shipping=left.shipping)
        refunding.refund(counter.shop, number, wish, actor="clerk")
    _agrees(counter, number, total)
    with counter.shop.unit() as db:
        order = orders.by_number(db, number)
        assert payments.sums(db, order.id).refunded == total
        sold = {
            sku: level.on_hand for sku, level in stock.availability(db, ["SENSOR", "HUB"]).items()
        }
    assert sold == {"SENSOR": 20, "HUB": 20}
    assert held(counter, number) == {}


def _do(counter: Counter, number: str, deed: str, sku: str, count: int) -> None:
    if deed == "part":
        pay_back(counter, number, unsent_parts={sku: count})
    elif deed == "unit":
        pay_back(counter, number, unsent=min(count, 2))
    elif deed == "back":
        pay_back(counter, number, parts={sku: 1}, restock_parts=frozenset([sku]))
    elif deed == "pack":
        parcels.pack_order(counter.shop, number, actor="t", parcels=[Wanted(lines={"KIT": count})])
    elif deed == "send":
        send(counter, number, KIT=count)
    elif deed == "cancel" and count == 3:
        staff.cancel(counter.shop, number, actor="t", reason="customer")
    elif deed == "unpack":
        with counter.shop.unit() as db:
            order = orders.by_number(db, number)
            drafts = [p.id for p in shipments.of_order(db, order.id, ("draft",))]
        for parcel_id in drafts:
            parcels.unpack(counter.shop, parcel_id, actor="t")


def _agrees(counter: Counter, number: str, total: int) -> None:
    """What is kept for the order is what it still wants, in parcels and out of them; money and
    the stock's ledger are sound."""
    with counter.shop.unit() as db:
        order = orders.by_number(db, number)
        lines = orders.lines_of(db, order.id)
        wanted: dict[str, int] = {}
        if order.status != "canceled":
            of_lines = demand.of_order(db, order)
            units = {line_id: each.open for line_id, each in of_lines.items()}
            lacks = {line_id: each.without(each.open) for line_id, each in of_lines.items()}
            goods = [(units, lacks)]
            here = ("draft", "prepared", "buying", "bought")
            goods += [parcels.inside(parcel) for parcel in shipments.of_order(db, order.id, here)]
            for each in goods:
                for sku, count in orders.demand(lines, *each).items():
                    wanted[sku] = wanted.get(sku, 0) + count
        assert stock.held_by(db, number) == wanted
        assert stock.verify(db) == []
        sums = payments.sums(db, order.id)
        assert 0 <= sums.refunded <= total
        for line in lines:
            paid = db.scalar(
                text(
                    "SELECT coalesce(sum((e->>'amount')::int), 0) FROM refund r JOIN payment p"
                    " ON p.id = r.payment_id, jsonb_array_elements(r.lines->'lines') e"
                    " WHERE p.order_id = :order AND (e->>'line')::int = :line"
                ),
                {"order": order.id, "line": line.id},
            )
            assert 0 <= paid <= line.total
