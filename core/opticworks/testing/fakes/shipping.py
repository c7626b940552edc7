"""A carrier broker in memory: rates, labels, tracking; it sells twice if asked twice."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any, Literal

from opticworks.contracts import (
    Label,
    ManifestState,
    ProviderError,
    Rate,
    RateRequest,
    ShipmentRequest,
    ShipmentState,
    TrackingUpdate,
    WebhookEvent,
)
from opticworks.money import Money
from opticworks.testing.fakes.vendor import FakeVendor

#: (code, title, days, price per started kilogram in minor units)
SERVICES = (("ground", "Fake Ground", 4, 700), ("air", "Fake Air", 1, 2100))
MAX_WEIGHT = 30_000
#: A page of 4 by 6 inches with nothing on it.
LABEL_PDF = b"""%PDF-1.4
1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj
2 0 obj<</Type/Pages/Kids[3 0 R]/Count 1>>endobj
3 0 obj<</Type/Page/Parent 2 0 R/MediaBox[0 0 288 432]>>endobj
xref
0 4
0000000000 65535 f 
0000000009 00000 n 
0000000052 00000 n 
0000000101 00000 n 
trailer<</Size 4/Root 1 0 R>>
startxref
164
%%EOF
"""
#: By format; the picture and the ZPL show nothing either.
LABELS = {"PDF": LABEL_PDF, "PNG": b"\x89PNG\r\n\x1a\n", "ZPL": b"^XA^XZ"}


@dataclass(slots=True)
class FakeShipment:
    ref: str
    reference: str
    rates: tuple[Rate, ...]
    label: Label | None = None
    void: Literal["", "pending", "done", "failed"] = ""
    tracking: list[TrackingUpdate] = field(default_factory=list)


class FakeCarrierVendor(FakeVendor):
    """The vendor behind FakeShipping, without idempotency keys, like many of its kind.

    `bought` counts the labels paid for, `forms` holds what is on each form for a carrier;
    `served` are the countries it ships to.
    """

    def __init__(self, *args: object, served: tuple[str, ...] = ("US", "CA"), **options: object):
        super().__init__(*args, **options)  # type: ignore[arg-type]
        self.served = served
        self.shipments: dict[str, FakeShipment] = {}
        self.bought = 0
        self.options: dict[str, Any] = {}  #: of the label that was bought last
        self.forms: dict[str, tuple[str, ...]] = {}

    def scan(self, ref: str, status: Any, description: str = "") -> None:
        """The carrier scanned the parcel; the event carries our shipment's reference."""
        with self.lock:
            shipment = self.shipments[ref]
            at = self.clock() + timedelta(seconds=len(shipment.tracking))
            shipment.tracking.append(
                TrackingUpdate(status=status, occurred_at=at, description=description)
            )
            self.announce("tracker.updated", ref=ref, reference=shipment.reference, status=status)

    def rates_for(self, country: str, weight: int, currency: str) -> tuple[Rate, ...]:
        if country not in self.served or weight > MAX_WEIGHT:
            return ()
        kilograms = max(1, -(-weight // 1000))
        return tuple(
            Rate(
                code=code,
                title=title,
                amount=Money(price * kilograms, currency),
                carrier="Fake Carrier",
                service=code,
                min_days=days,
                max_days=days + 1,
                ref=f"rate_{code}",
            )
            for code, title, days, price in SERVICES
        )


class FakeShipping:
    """A shipping provider over FakeCarrierVendor, with labels."""

    code = "fake_carrier"
    title = "Test carrier"
    labels = True

    def __init__(self, vendor: FakeCarrierVendor | None = None) -> None:
        self.vendor = vendor or FakeCarrierVendor()

    def rates(self, request: RateRequest) -> tuple[Rate, ...]:
        lines = sum(line.weight * line.quantity for line in request.lines)
        weight = sum(parcel.weight for parcel in request.parcels) or lines
        country, currency = request.destination.country, request.goods_value.currency
        return self.vendor.call("rates", lambda: self.vendor.rates_for(country, weight, currency))

    def prepare(self, shipment: ShipmentRequest) -> ShipmentState:
        def act() -> FakeShipment:
            currency = shipment.lines[0].unit_price.currency if shipment.lines else "USD"
            made = FakeShipment(
                ref=self.vendor.new_id("shp"),
                reference=shipment.reference,
                rates=self.vendor.rates_for(
                    shipment.destination.country, shipment.parcel.weight, currency
                ),
            )
            self.vendor.shipments[made.ref] = made
            return made

        return self._state(self.vendor.call("prepare", act))

    def buy(self, ref: str, rate: Rate, options: Mapping[str, Any], key: str) -> Label:
        """The label of that shipment. A repeat looks first whether it was bought already, and
        makes the format that is wanted now."""
        wanted = str(options.get("label_format") or "PDF")

        def act() -> Label:
            shipment = self._find(ref)
            if shipment.label is not None:
                files = {**shipment.label.files, wanted: LABELS[wanted]}
                shipment.label = replace(shipment.label, files=files)
                return shipment.label
            if rate.ref not in {offered.ref for offered in shipment.rates}:
                raise ProviderError("That rate is not offered any more.", retryable=False)
            self.vendor.bought += 1
            self.vendor.options = dict(options)
            number = f"FAKE{self.vendor.bought:010d}"
            shipment.label = Label(
                ref=ref,
                carrier=rate.carrier,
                service=rate.service,
                tracking_number=number,
                cost=rate.amount,
                tracking_url=f"https://track.example/{number}",
                files={wanted: LABELS[wanted]},
            )
            return shipment.label

        return self.vendor.call("buy", act)

    def fetch(self, ref: str) -> ShipmentState:
        return self._state(self.vendor.call("fetch", lambda: self._find(ref)))

    def void(self, ref: str, key: str) -> Literal["pending", "done", "failed"]:
        def act() -> Literal["pending", "done", "failed"]:
            shipment = self._find(ref)
            if shipment.label is None:
                return "failed"
            if shipment.void != "done":
                used = any(update.status != "pre_transit" for update in shipment.tracking)
                shipment.void = "failed" if used else "done"
            return "done" if shipment.void == "done" else "failed"

        return self.vendor.call("void", act)

    def manifest(self, refs: Sequence[str], key: str) -> ManifestState:
        """A form with these parcels; it refuses one that is on a form already."""

        def act() -> ManifestState:
            if any(self._find(ref).label is None for ref in refs):
                raise ProviderError("A parcel without a label is on no form.", retryable=False)
            if any(ref in form for ref in refs for form in self.vendor.forms.values()):
                raise ProviderError("A parcel is on another form already.", retryable=False)
            form = self.vendor.new_id("form")
            self.vendor.forms[form] = tuple(refs)
            return self._form(form)

        return self.vendor.call("manifest", act)

    def find_manifest(self, refs: Sequence[str]) -> ManifestState | None:
        def act() -> ManifestState | None:
            known = (form for form, on in self.vendor.forms.items() if set(refs) & set(on))
            form = next(known, None)
            return self._form(form) if form is not None else None

        return self.vendor.call("find_manifest", act)

    def fetch_manifest(self, ref: str) -> ManifestState:
        def act() -> ManifestState:
            if ref not in self.vendor.forms:
                raise ProviderError(f"There is no form {ref!r}.", retryable=False)
            return self._form(ref)

        return self.vendor.call("fetch_manifest", act)

    @staticmethod
    def _form(ref: str) -> ManifestState:
        return ManifestState(ref=ref, state="ready", file=LABEL_PDF)

    def track(self, ref: str) -> tuple[TrackingUpdate, ...]:
        return self.vendor.call("track", lambda: tuple(self._find(ref).tracking))

    def read_webhook(self, body: bytes, headers: Mapping[str, str]) -> tuple[WebhookEvent, ...]:
        return (self.vendor.verify(body, headers).reported("reference"),)

    def _find(self, ref: str) -> FakeShipment:
        try:
            return self.vendor.shipments[ref]
        except KeyError:
            raise ProviderError(f"There is no shipment {ref!r}.", retryable=False) from None

    @staticmethod
    def _state(shipment: FakeShipment) -> ShipmentState:
        return ShipmentState(
            ref=shipment.ref, rates=shipment.rates, label=shipment.label, void=shipment.void
        )
