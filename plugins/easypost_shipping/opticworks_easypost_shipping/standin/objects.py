"""EasyPost's objects as its API v2 writes them, every nullable field there."""

from __future__ import annotations

import base64
import secrets
from datetime import UTC, datetime

from opticworks.testing.standins import Object
from opticworks_easypost_shipping.standin import prices
from opticworks_easypost_shipping.standin.wire import number


def new_id(prefix: str) -> str:
    return f"{prefix}_{secrets.token_hex(16)}"


def stamp(now: float) -> str:
    return datetime.fromtimestamp(now, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _made(prefix: str, kind: str, now: float) -> Object:
    moment = stamp(now)
    return {
        "id": new_id(prefix),
        "object": kind,
        "created_at": moment,
        "updated_at": moment,
        "mode": "test",
    }


def _nulls(*names: str) -> Object:
    return dict.fromkeys(names)


ADDRESS = ("name", "company", "street1", "street2", "city", "state", "zip", "phone", "email")


def address(given: Object, now: float) -> Object:
    return {
        **_made("adr", "Address", now),
        **{name: given.get(name) or None for name in ADDRESS},
        "country": given.get("country") or "US",
        **_nulls("carrier_facility", "residential", "federal_tax_id", "state_tax_id"),
        "verifications": {},
    }


def parcel(given: Object, now: float) -> Object:
    sizes = {name: number(given.get(name), name) for name in ("length", "width", "height")}
    return {
        **_made("prcl", "Parcel", now),
        **sizes,
        "predefined_package": given.get("predefined_package"),
        "weight": number(given.get("weight"), "weight"),
    }


def customs_info(given: Object, now: float) -> Object:
    names = ("contents_explanation", "contents_type", "customs_certify", "customs_signer")
    more = ("eel_pfc", "non_delivery_option", "restriction_comments", "restriction_type")
    return {
        **_made("cstinfo", "CustomsInfo", now),
        **{name: given.get(name) for name in (*names, *more, "declaration")},
        "customs_items": [_customs_item(each, now) for each in given.get("customs_items", [])],
    }


def _customs_item(given: Object, now: float) -> Object:
    plain = ("description", "hs_tariff_number", "origin_country", "quantity", "code", "currency")
    return {
        **_made("cstitem", "CustomsItem", now),
        **{name: given.get(name) for name in plain},
        "value": str(given.get("value")),
        "weight": number(given.get("weight"), "weight"),
        **_nulls("manufacturer", "eccn", "printed_commodity_identifier"),
    }


def rate(price: prices.Price, shipment_id: str, now: float) -> Object:
    retail = f"{price.cents * 13 // 10 / 100:.2f}"
    return {
        **_made("rate", "Rate", now),
        "service": price.service.name,
        "carrier": price.service.carrier,
        "rate": price.amount,
        "currency": "USD",
        "retail_rate": retail,
        "retail_currency": "USD",
        "list_rate": price.amount,
        "list_currency": "USD",
        "billing_type": "easypost",
        "delivery_days": price.days,
        "delivery_date": None,
        "delivery_date_guaranteed": False,
        "est_delivery_days": price.days,
        "shipment_id": shipment_id,
        "carrier_account_id": prices.ACCOUNTS[price.service.carrier],
    }


def smart_rate(of: Object) -> Object:
    amounts = {name: float(of[name]) for name in ("rate", "retail_rate", "list_rate")}
    return {**of, **amounts, "time_in_transit": prices.time_in_transit(of["delivery_days"])}


def options(given: Object | None) -> Object:
    return {
        **(given or {}),
        "currency": (given or {}).get("currency", "USD"),
        "payment": {"type": "SENDER"},
        "date_advance": 0,
    }


def shipment(given: Object, now: float) -> Object:
    sender, receiver = (address(given.get(n) or {}, now) for n in ("from_address", "to_address"))
    if given.get("is_return"):
        sender, receiver = receiver, sender
    contents = given.get("customs_info")
    return {
        **_made("shp", "Shipment", now),
        "is_return": bool(given.get("is_return")),
        "messages": [],
        "options": options(given.get("options")),
        "reference": given.get("reference") or None,
        "status": "unknown",
        **_nulls("tracking_code", "batch_id", "batch_status", "batch_message"),
        "customs_info": customs_info(contents, now) if contents else None,
        "from_address": sender,
        "return_address": sender,
        "to_address": receiver,
        "buyer_address": receiver,
        **_nulls("insurance", "order_id", "postage_label", "refund_status", "scan_form"),
        **_nulls("selected_rate", "tracker"),
        "parcel": parcel(given.get("parcel") or {}, now),
        "rates": [],
        "usps_zone": prices.zone(sender, receiver),
        "forms": [],
        "fees": [],
    }


def postage_label(url: str, format: str, now: float) -> Object:
    types = {"PNG": "image/png", "PDF": "application/pdf", "ZPL": "application/zpl"}
    moment = stamp(now)
    return {
        **_made("pl", "PostageLabel", now),
        "date_advance": 0,
        "integrated_form": "none",
        "label_date": moment,
        "label_resolution": 300,
        "label_size": "4x6",
        "label_type": "default",
        "label_file_type": types[format],
        "label_url": url,
        **_nulls("label_pdf_url", "label_zpl_url", "label_epl2_url", "label_file"),
    }


def fee(kind: str, cents: int) -> Object:
    amount = f"{cents / 100:.5f}"
    return {"object": "Fee", "type": kind, "amount": amount, "charged": True, "refunded": False}


def tracker(code: str, carrier: str, shipment_id: str | None, now: float) -> Object:
    made = _made("trk", "Tracker", now)
    public = base64.urlsafe_b64encode(f"v1:{made['id']}".encode()).decode().rstrip("=")
    return {
        **made,
        "tracking_code": code,
        "status": "unknown",
        "status_detail": "unknown",
        **_nulls("signed_by", "weight", "est_delivery_date"),
        "shipment_id": shipment_id,
        "carrier": carrier,
        "tracking_details": [],
        "fees": [],
        "carrier_detail": None,
        "finalized": True,
        "is_return": False,
        "public_url": f"https://track.easypost.com/{public}",
    }


#: By status: its detail, what the carrier says, and where that usually is.
SCANS = {
    "pre_transit": ("label_created", "Shipping Label Created", ("SAN FRANCISCO", "CA", "94104")),
    "in_transit": ("arrived_at_facility", "Arrived at Facility", ("HOUSTON", "TX", "77063")),
    "out_for_delivery": ("out_for_delivery", "Out for Delivery", ("CHARLESTON", "SC", "29401")),
    "available_for_pickup": ("available_for_pickup", "Held at Post Office", (None, None, None)),
    "delivered": ("arrived_at_destination", "Delivered", ("CHARLESTON", "SC", "29401")),
    "return_to_sender": ("return", "Returned to Sender", (None, None, None)),
    "failure": ("unable_to_deliver", "Undeliverable as Addressed", (None, None, None)),
    "cancelled": ("canceled", "Shipment Cancelled", (None, None, None)),
    "unknown": ("unknown", "No information yet", (None, None, None)),
    "error": ("error", "The carrier does not know this number", (None, None, None)),
}


def tracking_detail(status: str, source: str, at: float) -> Object:
    detail, message, (city, state, code) = SCANS[status]
    return {
        "object": "TrackingDetail",
        "message": message,
        "description": "",
        "status": status,
        "status_detail": detail,
        "datetime": stamp(at),
        "source": source,
        "carrier_code": "",
        "tracking_location": _location(city, state, code),
        "est_delivery_date": None,
    }


def _location(city: str | None, state: str | None, code: str | None) -> Object:
    where = {"city": city, "state": state, "country": None, "zip": code}
    return {"object": "TrackingLocation", **where}


def carrier_detail() -> Object:
    return {
        "object": "CarrierDetail",
        "service": "First-Class Package Service",
        **_nulls("container_type", "est_delivery_date_local", "est_delivery_time_local"),
        "origin_location": "HOUSTON TX, 77001",
        "origin_tracking_location": _location("HOUSTON", "TX", "77063"),
        "destination_location": "CHARLESTON SC, 29401",
        **_nulls("destination_tracking_location", "guaranteed_delivery_date"),
        **_nulls("alternate_identifier", "initial_delivery_attempt"),
    }


def refund(of: Object, now: float) -> Object:
    return {
        **_made("rfnd", "Refund", now),
        "tracking_code": of["tracking_code"],
        "confirmation_number": None,
        "status": of["refund_status"],
        "carrier": of["selected_rate"]["carrier"],
        "shipment_id": of["id"],
    }


def batch(reference: str | None, shipments: list[str], now: float) -> Object:
    return {
        **_made("batch", "Batch", now),
        "state": "creating",
        "num_shipments": len(shipments),
        "reference": reference,
        "scan_form": None,
        "shipments": shipments,
        "pickup": None,
        "label_url": None,
    }


def scan_form(codes: list[str], sender: Object | None, batch_id: str, now: float) -> Object:
    return {
        **_made("sf", "ScanForm", now),
        "tracking_codes": codes,
        "address": sender,
        "status": "creating",
        **_nulls("message", "form_url", "form_file_type", "confirmation"),
        "batch_id": batch_id,
    }


def event(kind: str, result: Object, previous: Object, now: float) -> Object:
    moment = stamp(now).replace("Z", ".000Z")
    return {
        "description": kind,
        "mode": "test",
        "previous_attributes": previous,
        "created_at": moment,
        "pending_urls": [],
        "completed_urls": [],
        "updated_at": moment,
        "id": new_id("evt"),
        "user_id": "user_standin",
        "status": "pending",
        "object": "Event",
        "result": result,
    }
