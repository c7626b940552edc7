"""Our parcels in EasyPost's terms: inches, ounces, addresses, customs forms."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import ROUND_CEILING, Decimal
from typing import Any

from opticworks.contracts import Address, Customs, Parcel, ShipmentRequest, ShippingLine
from opticworks_easypost_shipping.settings import EasyPostSettings

GRAMS = Decimal("28.349523125")  #: in an ounce
MILLIMETRES = Decimal("25.4")  #: in an inch
TENTH = Decimal("0.1")
#: Places of the US that mail reaches through customs: military mail and some territories.
THROUGH_CUSTOMS = frozenset({"AA", "AE", "AP", "AS", "FM", "GU", "MH", "MP", "PW", "VI"})
CONFIRMATIONS = {"signature": "SIGNATURE", "adult": "ADULT_SIGNATURE"}


def ounces(grams: int) -> float:
    """Rounded up to a tenth, so that no postage is short."""
    return float((Decimal(max(grams, 1)) / GRAMS).quantize(TENTH, ROUND_CEILING))


def inches(millimetres: int) -> float:
    return float((Decimal(millimetres) / MILLIMETRES).quantize(TENTH, ROUND_CEILING))


def address(given: Address, email: str = "") -> dict[str, Any]:
    fields = {
        "name": given.name,
        "company": given.company,
        "street1": given.line1,
        "street2": given.line2,
        "city": given.city,
        "state": given.state,
        "zip": given.postal_code,
        "country": given.country,
        "phone": given.phone,
        "email": email,
    }
    return {name: value for name, value in fields.items() if value}


def is_enough(destination: Address) -> bool:
    """Whether carriers can tell where that is: in the US by its ZIP, elsewhere by its city too."""
    return bool(destination.postal_code or (destination.country != "US" and destination.city))


def parcel(given: Parcel) -> dict[str, Any]:
    sizes = zip(("length", "width", "height"), given.size or (), strict=False)
    return {**{name: inches(value) for name, value in sizes}, "weight": ounces(given.weight)}


def shipment(request: ShipmentRequest, settings: EasyPostSettings) -> dict[str, Any]:
    """What `POST /shipments` is given. `reference` is ours, `invoice_number` the order's.

    The label is made as a PNG, the one format that EasyPost turns into the others afterwards.
    Addresses of a return stay as they were on the way out: EasyPost turns them round.
    """
    options = {"label_format": "PNG", "invoice_number": request.order_number}
    confirmation = CONFIRMATIONS.get(request.options.get("signature", "none"))
    if confirmation:
        options["delivery_confirmation"] = confirmation
    given: dict[str, Any] = {
        "to_address": address(request.destination, request.email),
        "from_address": address(request.origin),
        "parcel": parcel(request.parcel),
        "reference": request.reference,
        "options": options,
    }
    if request.is_return:
        given["is_return"] = True
    if crosses_a_border(request.origin, request.destination):
        given["customs_info"] = customs(request, settings)
    return given


def crosses_a_border(origin: Address, destination: Address) -> bool:
    return origin.country != destination.country or any(
        place.country == "US" and place.state in THROUGH_CUSTOMS for place in (origin, destination)
    )


def customs(request: ShipmentRequest, settings: EasyPostSettings) -> dict[str, Any]:
    declared = request.customs or Customs()
    contents = "returned_goods" if request.is_return else declared.contents
    items = [_item(line, request.origin.country) for line in request.lines]
    return {
        "eel_pfc": settings.eel_pfc,
        "customs_certify": True,
        "customs_signer": declared.signer or request.origin.name or request.origin.company,
        "contents_type": contents,
        "contents_explanation": declared.explanation,
        "restriction_type": "none",
        "non_delivery_option": settings.non_delivery,
        "customs_items": _within(items, ounces(request.parcel.weight)),
    }


def _item(line: ShippingLine, country: str) -> dict[str, Any]:
    """Weight and value are those of the whole line."""
    value = line.unit_price * line.quantity
    return {
        "description": line.title[:255],
        "quantity": line.quantity,
        "weight": ounces(line.weight * line.quantity),
        "value": float(value.to_decimal()),
        "currency": value.currency,
        "hs_tariff_number": line.hs_code,
        "origin_country": line.origin_country or country,
    }


def _within(items: Sequence[Mapping[str, Any]], most: float) -> list[dict[str, Any]]:
    """Carriers refuse contents that are declared heavier than their parcel."""
    total = sum(item["weight"] for item in items)
    share = min(1.0, most / total) if total else 1.0
    return [{**item, "weight": round(item["weight"] * share, 2)} for item in items]
