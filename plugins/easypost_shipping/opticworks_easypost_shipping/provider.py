"""EasyPost as a shipping provider, on EasyPost's own SDK.

EasyPost has no idempotency keys, so `prepare` makes the shipment, whose id is stored before
`buy`, and whatever is paid for is looked up there before it is asked for and after any failure.
"""

from __future__ import annotations

import logging
import re
import threading
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any, Literal

from opticworks.contracts import (
    Label,
    Parcel,
    ProviderError,
    Rate,
    RateRequest,
    ShipmentRequest,
    ShipmentState,
    TrackingUpdate,
    WebhookEvent,
)
from opticworks_easypost_shipping import rating, tracking, writing
from opticworks_easypost_shipping.batches import Batches
from opticworks_easypost_shipping.client import PATIENCE, Api, understood
from opticworks_easypost_shipping.settings import EasyPostSettings

log = logging.getLogger(__name__)

CODE = "easypost"
LOCKS = 32
STALE = timedelta(hours=24)  #: older rates are asked for again before anything is bought
VOIDS: Mapping[str, Literal["", "pending", "done", "failed"]] = {
    "submitted": "pending",
    "refunded": "done",
    "rejected": "failed",
    "not_applicable": "failed",
}
FORMATS = {"PDF": "label_pdf_url", "ZPL": "label_zpl_url"}
TYPES = {"image/png": "PNG", "application/pdf": "PDF", "application/zpl": "ZPL"}


class EasyPostShipping(Batches):
    """One EasyPost account. Thread-safe; built anew when the settings change."""

    code = CODE
    title = "EasyPost"
    labels = True

    def __init__(self, settings: EasyPostSettings) -> None:
        self.settings = settings
        self.test_mode = not settings.live  #: labels carry no postage
        self._api = Api(settings)
        self._locks = [threading.Lock() for _ in range(LOCKS)]

    # --- rates ------------------------------------------------------------------------------

    @understood
    def rates(self, request: RateRequest) -> tuple[Rate, ...]:
        """What the carriers ask for all parcels together, cheapest first; nothing for a place of
        which too little is known to ask."""
        if not writing.is_enough(request.destination):
            return ()
        weight = sum(line.weight * line.quantity for line in request.lines)
        parcels = request.parcels or (Parcel(weight=weight),)
        if len(parcels) == 1:
            return self._rates(request, parcels[0])
        with ThreadPoolExecutor(len(parcels), thread_name_prefix="easypost") as pool:
            return rating.together(list(pool.map(lambda p: self._rates(request, p), parcels)))

    def _rates(self, request: RateRequest, parcel: Parcel) -> tuple[Rate, ...]:
        given = {
            "to_address": writing.address(request.destination),
            "from_address": writing.address(request.origin),
            "parcel": writing.parcel(parcel),
        }
        made = self._api.act(lambda client: client.shipment.create(**given), request.deadline)
        found = rating.rates(made.rates, self.settings, request.goods_value.currency)
        if not found:
            log.info("EasyPost has no rate: %s", _why_none(made))
        return self._smart(made.id, found, request.deadline)

    def _smart(self, ref: str, found: tuple[Rate, ...], seconds: float) -> tuple[Rate, ...]:
        """The rates with SmartRate's days, where the settings ask for them and EasyPost knows."""
        if not found or not self.settings.percentile:
            return found
        try:
            smart = self._api.act(lambda client: client.shipment.get_smart_rates(ref), seconds)
        except ProviderError as error:
            log.warning("EasyPost tells no percentiles: %s", error)
            return found
        return rating.with_percentiles(found, smart, self.settings.percentile)

    # --- labels -----------------------------------------------------------------------------

    @understood
    def prepare(self, shipment: ShipmentRequest) -> ShipmentState:
        """A shipment at EasyPost, with its rates. Repeated it makes another one: as long as
        nothing is bought, that costs nothing."""
        given = writing.shipment(shipment, self.settings)
        made = self._api.act(lambda client: client.shipment.create(**given))
        state = self._state(made)
        if not state.rates:
            raise ProviderError(f"No carrier takes this parcel: {_why_none(made)}", retryable=False)
        if self.settings.percentile:
            smart = self._smart(made.id, state.rates, PATIENCE)
            state = ShipmentState(ref=state.ref, rates=smart)
        return state

    @understood
    def buy(self, ref: str, rate: Rate, options: Mapping[str, Any], key: str) -> Label:
        """The label of that shipment, bought at most once: the one that is there already, or a
        new one for no more than `rate` says."""
        params: dict[str, Any] = {}
        if options.get("insurance"):
            params["insurance"] = _dollars(options["insurance"], rate)
        with self._lock(ref):
            found = self._shipment(ref)
            if found.get("postage_label") is None:
                _check_signature(found, options)
                chosen = {"id": self._current(found, rate)}
                found = self._bought(ref, {"rate": chosen, **params})
            return self._label(found, str(options.get("label_format") or "PNG"))

    def _bought(self, ref: str, params: dict[str, Any]) -> Any:
        """Buy, and after any failure look whether it was bought all the same."""
        try:
            return self._api.act(lambda client: client.shipment.buy(ref, **params))
        except ProviderError as error:
            log.warning("Looking whether %s was bought: %s", ref, error)
            try:
                found = self._shipment(ref)
            except ProviderError as unknown:
                raise ProviderError(
                    "Whether the label was bought is not known yet; it is looked up before "
                    f"anything is bought again. {unknown}"
                ) from error
            if found.get("postage_label") is None:
                raise
            return found

    def _current(self, shipment: Any, rate: Rate) -> str:
        """The id of that rate at EasyPost today, asked for anew if it is old. Raises
        ProviderError when it is gone or costs more."""
        offered = {str(each.id): each for each in shipment.rates}
        known = offered.get(rate.ref)
        moment = tracking.moment_of(known.get("created_at")) if known is not None else None
        if known is not None and moment is not None and datetime.now(UTC) - moment < STALE:
            return rate.ref
        if moment is not None:
            answer = self._api.read(lambda client: client.shipment.regenerate_rates(shipment.id))
            shipment = answer
        again = rating.rates(shipment.rates, self.settings)
        same = next((each for each in again if each.code == rate.code), None)
        if same is None:
            raise ProviderError(
                "That rate is not offered any more. Choose another.", retryable=False
            )
        if same.amount > rate.amount:
            raise ProviderError(
                f"{rate.title} costs {same.amount.format()} now, not {rate.amount.format()}. "
                "Ask for rates again.",
                retryable=False,
            )
        return same.ref

    @understood
    def fetch(self, ref: str) -> ShipmentState:
        return self._state(self._shipment(ref))

    @understood
    def void(self, ref: str, key: str) -> Literal["pending", "done", "failed"]:
        """Ask for the postage back, once; after a rejection, once more."""
        with self._lock(ref):
            found = self._shipment(ref)
            if found.get("postage_label") is None or found.refund_status == "not_applicable":
                return "failed"
            if found.refund_status not in ("submitted", "refunded"):
                found = self._refunded(ref)
        state = VOIDS.get(str(found.refund_status), "pending")
        return state or "pending"

    def _refunded(self, ref: str) -> Any:
        try:
            return self._api.act(lambda client: client.shipment.refund(ref))
        except ProviderError:
            found = self._shipment(ref)
            if found.refund_status not in ("submitted", "refunded"):
                raise
            return found

    def _shipment(self, ref: str) -> Any:
        _check(ref, "shp")
        return self._api.read(lambda client: client.shipment.retrieve(ref))

    def _lock(self, ref: str) -> threading.Lock:
        return self._locks[hash(ref) % LOCKS]

    def _state(self, shipment: Any) -> ShipmentState:
        bought = shipment.get("postage_label") is not None
        return ShipmentState(
            ref=shipment.id,
            rates=rating.rates(shipment.rates, self.settings),
            label=self._label(shipment) if bought else None,
            void=VOIDS.get(str(shipment.get("refund_status") or ""), ""),
        )

    def _label(self, shipment: Any, wanted: str = "PNG") -> Label:
        """The label with the files that there are; `wanted` is made first if it is missing."""
        if wanted in FORMATS and not shipment.postage_label.get(FORMATS[wanted]):
            shipment = self._converted(shipment, wanted)
        paper, chosen = shipment.postage_label, shipment.selected_rate
        urls = {TYPES.get(str(paper.label_file_type), "PNG"): paper.label_url}
        urls |= {name: paper.get(field) for name, field in FORMATS.items()}
        tracker = shipment.get("tracker")
        return Label(
            ref=shipment.id,
            carrier=rating.carrier_name(str(chosen.carrier)),
            service=str(chosen.service),
            tracking_number=str(shipment.tracking_code or ""),
            cost=_cost(shipment),
            tracking_url=str((tracker.get("public_url") if tracker else "") or ""),
            files={name: self._api.file(url) for name, url in urls.items() if url},
        )

    def _converted(self, shipment: Any, wanted: str) -> Any:
        """The shipment with the label in a further format. A label that can't be converted is a
        label all the same."""
        try:
            return self._api.read(
                lambda client: client.shipment.label(shipment.id, file_format=wanted)
            )
        except ProviderError as error:
            log.warning("The label of %s stays a PNG: %s", shipment.id, error)
            return shipment

    # --- tracking ---------------------------------------------------------------------------

    @understood
    def track(self, ref: str) -> tuple[TrackingUpdate, ...]:
        """All that is known of a shipment's parcel, or of a tracker's (see `watch`)."""
        if ref.startswith("trk_"):
            _check(ref, "trk")
            return tracking.history(self._api.read(lambda client: client.tracker.retrieve(ref)))
        return tracking.history(self._shipment(ref).get("tracker"))

    @understood
    def watch(self, number: str, carrier: str) -> str:
        """The ref of a tracker for a parcel whose label was bought elsewhere. EasyPost answers
        the same one when it is asked again."""
        given = {"tracking_code": number, **({"carrier": carrier} if carrier else {})}
        return str(self._api.read(lambda client: client.tracker.create(**given)).id)

    def read_webhook(self, body: bytes, headers: Mapping[str, str]) -> tuple[WebhookEvent, ...]:
        """Verified with any of the secrets; an event of the other mode is refused."""
        return tracking.read_webhook(body, headers, self.settings)


def _check(ref: str, kind: str) -> None:
    """Nothing but an id may become part of an address."""
    if not re.fullmatch(f"{kind}_[0-9A-Za-z]+", ref):
        raise ProviderError(f"{ref[:60]!r} is no shipment of EasyPost's.", retryable=False)


def _why_none(shipment: Any) -> str:
    said = [f"{each.get('carrier')}: {each.get('message')}" for each in shipment.messages or ()]
    if said:
        return "; ".join(dict.fromkeys(said))[:300]
    if shipment.rates:
        return "none of the carriers and services in the settings has a usable rate."
    return "no carrier of the account has a rate for it."


def _check_signature(shipment: Any, options: Mapping[str, Any]) -> None:
    """Who must sign is part of a rate, so it can't be changed once rates were asked for."""
    wanted = writing.CONFIRMATIONS.get(str(options.get("signature") or "none"))
    prepared = shipment.options.get("delivery_confirmation") if shipment.get("options") else None
    if wanted and wanted != prepared:
        raise ProviderError(
            "This shipment was rated without that signature. Ask for rates again.",
            retryable=False,
        )


def _dollars(minor: int, rate: Rate) -> str:
    if rate.amount.currency != "USD":
        raise ProviderError("EasyPost insures parcels in US dollars only.", retryable=False)
    return f"{minor // 100}.{minor % 100:02d}"


def _cost(shipment: Any) -> Any:
    """What the rate said, and the insurance that was bought with it."""
    chosen = shipment.selected_rate
    cost = rating.price(chosen.rate, chosen.currency)
    for fee in shipment.get("fees") or ():
        if fee.get("type") == "InsuranceFee":
            cost += rating.price(fee.amount, cost.currency)
    return cost
