"""A whole shop that ships with EasyPost: rates at checkout, labels, voids, tracking."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

import pytest

from opticworks import contracts as c
from opticworks.checkout import labels, parcels, staff
from opticworks.jobs.testing import drain
from opticworks.shipping import service as shipments
from opticworks.shipping.models import Parcel
from opticworks.shop import Shop
from opticworks.testing.counter import Counter, open_counter
from opticworks.testing.fakes import provider_plugin
from opticworks.webhooks import service as webhooks
from opticworks_easypost_shipping.standin.delivery import HEADER, sign

CLERK = "clerk"


@pytest.fixture
def counter(make_shop: Callable[..., Shop], standin: Any) -> Counter:
    made = open_counter(
        make_shop,
        plugins=("easypost_shipping",),
        extra={"fake_carrier": provider_plugin("fake_carrier")},
        standins={"easypost": standin.url},
    )
    made.stock("SENSOR", 50, "49.00", weight=145)
    return made


def bought(counter: Counter) -> tuple[str, Parcel]:
    """A paid order, and its one parcel with the cheapest label."""
    number = counter.buy(("SENSOR", 2)).number
    staff.mark_paid(counter.shop, number, actor=CLERK)
    (parcel_id,) = parcels.pack_order(counter.shop, number, actor=CLERK)
    labels.buy(counter.shop, parcel_id, rate_code="usps-groundadvantage", actor=CLERK)
    return number, again(counter, parcel_id)


def again(counter: Counter, parcel_id: Any) -> Parcel:
    with counter.shop.unit() as db:
        found = shipments.get(db, parcel_id)
    assert found is not None
    return found


def test_an_order_is_rated_labelled_and_followed_whatever_the_order_of_webhooks(
    counter: Counter, standin: Any
) -> None:
    quote = counter.quote(counter.cart(("SENSOR", 2)))
    assert quote.shipping is not None
    assert (quote.shipping.provider, quote.shipping.code) == (
        "easypost",
        "easypost:usps-groundadvantage",
    )
    number, parcel = bought(counter)
    assert (parcel.status, parcel.carrier) == ("bought", "USPS")
    assert standin.bought == 1
    with counter.shop.unit() as db:
        files = {file.format: file.content[:4] for file in shipments.label_files(db, parcel.id)}
    assert files == {"PNG": b"\x89PNG", "PDF": b"%PDF"}
    for status in ("pre_transit", "in_transit", "out_for_delivery", "delivered"):
        standin.control("advance", id=parcel.ref, status=status)
    events = list(standin.app.vendor.objects["Event"].values()) * 2
    random.Random(7).shuffle(events)
    for event in events:
        body = standin.app.delivery.body_of(event)
        webhooks.receive(counter.shop, "easypost", body, {HEADER: sign(body, "standin")})
    drain(counter.shop)
    order = counter.order(number)
    assert order.fulfilment_status == "delivered"
    assert [each.status for each in order.shipments[0].history] == [
        "delivered",
        "out_for_delivery",
        "in_transit",
        "pre_transit",
    ]


def test_a_label_is_given_back_and_its_money_followed(counter: Counter, standin: Any) -> None:
    _, parcel = bought(counter)
    labels.void(counter.shop, parcel.id, actor=CLERK)
    assert (again(counter, parcel.id).status, again(counter, parcel.id).void) == (
        "voided",
        "pending",
    )
    standin.control("settle_refund", id=parcel.ref)
    labels.follow_void(counter.shop, parcel.id)
    assert again(counter, parcel.id).void == "done"


def test_a_signature_of_the_settings_is_rated_and_bought(
    counter: Counter, standin: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = {**counter.shop.settings, "shipping": c.ShippingSettings(signature="adult")}
    monkeypatch.setattr(Shop, "settings", property(lambda shop: settings))
    _, parcel = bought(counter)
    made = standin.control("state")["Shipment"][parcel.ref]
    assert made["options"]["delivery_confirmation"] == "ADULT_SIGNATURE"
