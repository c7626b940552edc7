"""The calls of EasyPost's API that a shop makes, over the vendor's state.

Each takes the vendor, the ids of its path and the decoded parameters, and answers an object.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from opticworks.testing.standins import Object
from opticworks_easypost_shipping.standin import objects, places
from opticworks_easypost_shipping.standin.vendor import Vendor
from opticworks_easypost_shipping.standin.wire import (
    EasyPostError,
    missing,
    required,
    unwrap,
)

Params = dict[str, Any]
Call = Callable[..., Object]


def create_address(vendor: Vendor, params: Params) -> Object:
    """`verify` beside the address checks it leniently, `verify_strict` refuses a wrong one. A
    carrier's own check (`verify_carrier`) says success and lists the errors all the same."""
    made = objects.address(unwrap(params, "address"), vendor.clock())
    if params.get("verify") or params.get("verify_strict"):
        checked = places.verify(made)
        if checked["delivery"]["errors"] and params.get("verify_strict"):
            raise EasyPostError(
                422,
                "ADDRESS.VERIFY.FAILURE",
                "Unable to verify address.",
                checked["delivery"]["errors"],
            )
        if params.get("verify_carrier"):
            checked["verify_carrier"] = str(params["verify_carrier"]).lower()
            checked["delivery"]["success"] = checked["zip4"]["success"] = True
            checked["delivery"]["details"] = dict.fromkeys(("latitude", "longitude", "time_zone"))
    return vendor.add(made)


def create_shipment(vendor: Vendor, params: Params) -> Object:
    return vendor.shown(vendor.create_shipment(unwrap(params, "shipment")))


def read_shipment(vendor: Vendor, id: str, params: Params) -> Object:
    return vendor.shown(vendor.get("Shipment", id))


def rerate(vendor: Vendor, id: str, params: Params) -> Object:
    shipment = vendor.get("Shipment", id)
    vendor.rate(shipment)
    return {"rates": shipment["rates"]}


def buy_shipment(vendor: Vendor, id: str, params: Params) -> Object:
    rate = unwrap(params, "rate").get("id")
    if not rate:
        raise required("rate")
    bought = vendor.buy(vendor.get("Shipment", id), rate, params.get("insurance"))
    return vendor.shown(bought)


def insure_shipment(vendor: Vendor, id: str, params: Params) -> Object:
    if not params.get("amount"):
        raise required("amount")
    shipment = vendor.get("Shipment", id)
    vendor.insure(shipment, params["amount"])
    return vendor.shown(shipment)


def refund_shipment(vendor: Vendor, id: str, params: Params) -> Object:
    return vendor.shown(vendor.refund(vendor.get("Shipment", id)))


def read_label(vendor: Vendor, id: str, params: Params) -> Object:
    shipment = vendor.get("Shipment", id)
    return vendor.shown(vendor.convert_label(shipment, str(params.get("file_format"))))


def smart_rates(vendor: Vendor, id: str, params: Params) -> Object:
    shipment = vendor.get("Shipment", id)
    return {"result": [objects.smart_rate(rate) for rate in shipment["rates"]]}


def create_tracker(vendor: Vendor, params: Params) -> Object:
    given = unwrap(params, "tracker")
    if not given.get("tracking_code"):
        raise required("tracking_code")
    return vendor.track(given["tracking_code"], given.get("carrier"))


def read_tracker(vendor: Vendor, id: str, params: Params) -> Object:
    return vendor.get("Tracker", id)


def create_batch(vendor: Vendor, params: Params) -> Object:
    given = params.get("batch") or {}
    made = vendor.create_batch(given.get("shipments", []), given.get("reference"))
    return vendor.shown_batch(made)


def read_batch(vendor: Vendor, id: str, params: Params) -> Object:
    batch = vendor.get("Batch", id)
    vendor.move_batch(batch)
    return vendor.shown_batch(batch)


def buy_batch(vendor: Vendor, id: str, params: Params) -> Object:
    batch = vendor.get("Batch", id)
    vendor.move_batch(batch)
    answer = vendor.shown_batch(batch)  # EasyPost buys afterwards and answers at once
    vendor.buy_batch(batch)
    return answer


def label_batch(vendor: Vendor, id: str, params: Params) -> Object:
    batch = vendor.get("Batch", id)
    vendor.move_batch(batch)
    if batch["state"] != "purchased":
        raise EasyPostError(422, "BATCH.STATE.INVALID", "The batch has no postage yet.")
    batch["state"] = "label_generating"
    return vendor.shown_batch(batch)


def scan_batch(vendor: Vendor, id: str, params: Params) -> Object:
    batch = vendor.get("Batch", id)
    vendor.move_batch(batch)
    vendor.scan_form(batch["shipments"], batch)
    return vendor.shown_batch(batch)


def create_scan_form(vendor: Vendor, params: Params) -> Object:
    given = unwrap(params, "scan_form")
    wanted = given.get("shipments") or given.get("shipment") or []
    return vendor.finish_form(vendor.scan_form([each["id"] for each in wanted]))


def read_scan_form(vendor: Vendor, id: str, params: Params) -> Object:
    return vendor.finish_form(vendor.get("ScanForm", id))


#: By method and path (ids as {}): the status of success, and the call.
CALLS: dict[tuple[str, str], tuple[int, Call]] = {
    ("POST", "/v2/addresses"): (201, create_address),
    ("POST", "/v2/shipments"): (201, create_shipment),
    ("GET", "/v2/shipments/{}"): (200, read_shipment),
    ("POST", "/v2/shipments/{}/rerate"): (200, rerate),
    ("POST", "/v2/shipments/{}/buy"): (200, buy_shipment),
    ("POST", "/v2/shipments/{}/insure"): (200, insure_shipment),
    ("POST", "/v2/shipments/{}/refund"): (200, refund_shipment),
    ("GET", "/v2/shipments/{}/label"): (200, read_label),
    ("GET", "/v2/shipments/{}/smartrate"): (200, smart_rates),
    ("POST", "/v2/trackers"): (200, create_tracker),
    ("GET", "/v2/trackers/{}"): (200, read_tracker),
    ("POST", "/v2/batches"): (200, create_batch),
    ("GET", "/v2/batches/{}"): (200, read_batch),
    ("POST", "/v2/batches/{}/buy"): (200, buy_batch),
    ("POST", "/v2/batches/{}/label"): (200, label_batch),
    ("POST", "/v2/batches/{}/scan_form"): (200, scan_batch),
    ("POST", "/v2/scan_forms"): (200, create_scan_form),
    ("GET", "/v2/scan_forms/{}"): (200, read_scan_form),
}


def find(method: str, path: str) -> tuple[int, Call, list[str]]:
    """The call of a request, its status when it works, and the ids in its path."""
    for (verb, pattern), (status, call) in CALLS.items():
        match = re.fullmatch(pattern.replace("{}", "([^/]+)"), path)
        if verb == method and match:
            return status, call, list(match.groups())
    raise missing()
