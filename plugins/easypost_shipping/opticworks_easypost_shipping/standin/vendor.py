"""What EasyPost does with shipments: the state of one test account, and its rules."""

from __future__ import annotations

from copy import deepcopy
from dataclasses import dataclass
from typing import Any

from opticworks.testing.standins import Account, Object
from opticworks_easypost_shipping.standin import labels, objects, places, prices
from opticworks_easypost_shipping.standin.wire import EasyPostError, missing

KINDS = ("Address", "Shipment", "Tracker", "Refund", "Batch", "ScanForm", "Event")
CHAIN = ("pre_transit", "in_transit", "out_for_delivery", "delivered")
#: What a tracking code for tests says, by its first digit.
TEST_CODES = {
    "EZ1": "pre_transit",
    "EZ2": "in_transit",
    "EZ3": "out_for_delivery",
    "EZ4": "delivered",
    "EZ5": "return_to_sender",
    "EZ6": "failure",
    "EZ7": "unknown",
}


@dataclass
class Vendor(Account):
    """One test account. `refund_after`: seconds until a submitted refund is paid by itself."""

    kinds = KINDS

    refund_after: float | None = None
    url: str = "http://127.0.0.1"  #: where the stand-in is reached, for the addresses of files

    def get(self, kind: str, id: str) -> Object:
        try:
            return self.objects[kind][id]
        except KeyError:
            raise missing() from None

    def announce(self, kind: str, about: Object, **previous: Any) -> None:
        """Store an event with the object as it is now, and tell whoever delivers webhooks."""
        made = self.add(objects.event(kind, deepcopy(about), previous, self.clock()))
        self.announced(made)

    # --- shipments --------------------------------------------------------------------------

    def create_shipment(self, given: Object) -> Object:
        made = self.add(objects.shipment(given, self.clock()))
        self.rate(made)
        accounts = given.get("carrier_accounts")
        if given.get("service") and accounts:
            wanted = next((r for r in made["rates"] if r["service"] == given["service"]), None)
            if wanted is None:
                raise EasyPostError(422, "SHIPMENT.POSTAGE.FAILURE", "No such service.")
            self.buy(made, wanted["id"], given.get("insurance"))
        return made

    def rate(self, shipment: Object) -> None:
        """New rates, with new ids; or the reason why there are none."""
        sender, receiver = shipment["from_address"], shipment["to_address"]
        ounces = shipment["parcel"]["weight"] or 0
        confirmation = shipment["options"].get("delivery_confirmation", "")
        shipment["rates"] = [
            objects.rate(price, shipment["id"], self.clock())
            for price in prices.prices(sender, receiver, ounces, confirmation)
        ]
        why = prices.refusal(receiver, ounces)
        note = {"carrier": "USPS", "type": "rate_error", "message": why}
        shipment["messages"] = [note] if why else []

    def buy(self, shipment: Object, rate_id: str, insurance: Any) -> Object:
        if shipment["postage_label"] is not None:
            raise EasyPostError(
                422, "SHIPMENT.POSTAGE.EXISTS", "Postage already exists for this shipment."
            )
        rate = next((each for each in shipment["rates"] if each["id"] == rate_id), None)
        if rate is None:
            raise missing()
        code = self._tracking_code()
        format = shipment["options"].get("label_format", "PNG")
        cents = round(float(rate["rate"]) * 100)
        shipment.update(
            tracking_code=code,
            selected_rate=rate,
            postage_label=objects.postage_label(
                self.file_url(shipment, format), format, self.clock()
            ),
            fees=[objects.fee("LabelFee", 0), objects.fee("PostageFee", cents)],
            updated_at=objects.stamp(self.clock()),
        )
        if shipment["to_address"]["country"] == "US":
            places.verify(shipment["to_address"])  # as EasyPost does for USPS, whoever carries it
            shipment["buyer_address"] = shipment["to_address"]
        if insurance is not None:
            self.insure(shipment, insurance)
        tracker = self.add(objects.tracker(code, rate["carrier"], shipment["id"], self.clock()))
        shipment["tracker"] = tracker["id"]
        self.announce("tracker.created", tracker)
        return shipment

    def _tracking_code(self) -> str:
        """22 digits as USPS has them, the last a check digit."""
        digits = f"94001002083031{(9505000 + len(self.objects['Tracker'])) % 10**7:07d}"
        total = sum(int(d) * (3 if i % 2 == 0 else 1) for i, d in enumerate(reversed(digits)))
        return f"{digits}{-total % 10}"

    def file_url(self, shipment: Object, format: str) -> str:
        return f"{self.url}/files/postage_label/{shipment['id']}.{format.lower()}"

    def insure(self, shipment: Object, amount: Any) -> None:
        value = float(amount)
        shipment["insurance"] = f"{value:.2f}"
        shipment["fees"].append(objects.fee("InsuranceFee", max(50, round(value * 0.5))))

    def convert_label(self, shipment: Object, format: str) -> Object:
        """A further file of a label that was bought as a PNG."""
        label = shipment["postage_label"]
        if label is None:
            raise EasyPostError(422, "SHIPMENT.LABEL.MISSING", "There is no label to convert.")
        if label["label_file_type"] != "image/png" or format not in ("PDF", "ZPL"):
            raise EasyPostError(
                422, "SHIPMENT.LABEL.UNSUPPORTED", f"The label can't be converted to {format}."
            )
        label[f"label_{format.lower()}_url"] = self.file_url(shipment, format)
        return shipment

    def refund(self, shipment: Object) -> Object:
        """Ask for the postage back. The carrier decides later (`settle_refund`)."""
        if shipment["postage_label"] is None:
            raise EasyPostError(
                422, "SHIPMENT.REFUND.UNAVAILABLE", "There is no postage to refund."
            )
        if shipment["refund_status"] in ("submitted", "refunded"):
            raise EasyPostError(422, "SHIPMENT.REFUND.DUPLICATE", "A refund was requested already.")
        shipment["refund_status"] = "submitted"
        shipment["updated_at"] = objects.stamp(self.clock())
        return shipment

    def settle_refund(self, id: str, status: str = "refunded") -> Object:
        """The carrier's decision: refunded, rejected or not_applicable."""
        shipment = self.get("Shipment", id)
        shipment["refund_status"] = status
        for fee in shipment["fees"]:
            fee["refunded"] = status == "refunded"
        made = self.add(objects.refund(shipment, self.clock()))
        if status == "refunded":
            self.announce("refund.successful", made)
        return self.shown(shipment)

    def shown(self, shipment: Object) -> Object:
        """A shipment as the API shows it, its tracker whole."""
        if (
            self.refund_after is not None
            and shipment["refund_status"] == "submitted"
            and objects.stamp(self.clock() - self.refund_after) > shipment["updated_at"]
        ):
            return self.settle_refund(shipment["id"])
        tracker = shipment["tracker"]
        return {**shipment, "tracker": self.objects["Tracker"][tracker] if tracker else None}

    # --- tracking ---------------------------------------------------------------------------

    def track(self, code: str, carrier: str | None) -> Object:
        """The tracker of a number; the same one when it is asked for again."""
        for known in self.objects["Tracker"].values():
            if known["tracking_code"] == code and carrier in (None, known["carrier"]):
                return known
        made = self.add(objects.tracker(code, carrier or "USPS", None, self.clock()))
        self.announce("tracker.created", made)
        status = TEST_CODES.get(code[:3])
        if status in CHAIN:
            for each in CHAIN[: CHAIN.index(status) + 1]:
                self.advance(made["id"], each)
        elif status is not None:
            self.advance(made["id"], status)
        return made

    def advance(self, id: str, status: str | None = None, back: float = 0) -> Object:
        """The carrier scans the parcel: the next status of its way, or the one named, `back`
        seconds ago. `id` is a tracker's, a shipment's or a tracking number."""
        tracker = self._tracker(id)
        before = tracker["status"]
        if status is None:
            position = CHAIN.index(before) + 1 if before in CHAIN else 0
            status = CHAIN[min(position, len(CHAIN) - 1)]
        if status not in objects.SCANS:
            raise EasyPostError(422, "PARAMETER.INVALID", f"There is no status {status!r}.")
        at = self.clock() + len(tracker["tracking_details"]) - back
        detail = objects.tracking_detail(status, tracker["carrier"], at)
        details = [*tracker["tracking_details"], detail]
        tracker["tracking_details"] = sorted(details, key=lambda each: each["datetime"])
        if not back:
            tracker.update(status=status, status_detail=detail["status_detail"])
        tracker["updated_at"] = objects.stamp(self.clock())
        tracker["carrier_detail"] = tracker["carrier_detail"] or objects.carrier_detail()
        tracker["est_delivery_date"] = objects.stamp(self.clock() + 2 * 86_400)
        self.announce("tracker.updated", tracker, status=before)
        return tracker

    def _tracker(self, id: str) -> Object:
        if id in self.objects["Shipment"]:
            id = self.objects["Shipment"][id]["tracker"] or ""
        for tracker in self.objects["Tracker"].values():
            if id in (tracker["id"], tracker["tracking_code"]):
                return tracker
        raise missing()

    # --- batches ----------------------------------------------------------------------------

    def create_batch(self, shipments: list[Object], reference: str | None) -> Object:
        ids = [
            self.get("Shipment", each["id"])["id"]
            if set(each) == {"id"}
            else self.create_shipment(each)["id"]
            for each in shipments
        ]
        made = self.add(objects.batch(reference, ids, self.clock()))
        for id in ids:
            self.objects["Shipment"][id]["batch_id"] = made["id"]
        self.announce("batch.created", self.shown_batch(made))
        return made

    def shown_batch(self, batch: Object) -> Object:
        """A batch as the API shows it: its shipments in short, and how many stand where."""
        shown, counts = (
            [],
            dict.fromkeys(("created", "queued_for_purchase", "creation_failed"), 0)
            | {"postage_purchased": 0, "postage_purchase_failed": 0},
        )
        for id in batch["shipments"] if batch["state"] != "creating" else ():
            shipment = self.objects["Shipment"][id]
            bought = shipment["postage_label"] is not None
            status = "postage_purchased" if bought else "queued_for_purchase"
            counts["postage_purchased" if bought else "created"] += 1
            shown.append(
                {
                    "batch_status": status,
                    "batch_message": None,
                    "reference": shipment["reference"],
                    "tracking_code": shipment["tracking_code"],
                    "id": id,
                }
            )
        form = batch["scan_form"]
        return {
            **batch,
            "shipments": shown,
            "status": counts,
            "scan_form": self.objects["ScanForm"][form] if form else None,
        }

    def move_batch(self, batch: Object) -> None:
        """EasyPost works on batches by itself: each look finds it a step further."""
        following = {
            "creating": "created",
            "purchasing": "purchased",
            "label_generating": "label_generated",
        }
        state = following.get(batch["state"], batch["state"])
        if state == "created" and all(
            self.objects["Shipment"][id]["postage_label"] for id in batch["shipments"]
        ):
            state = "purchased"
        if state == "label_generated":
            batch["label_url"] = f"{self.url}/files/batch_label/{batch['id']}.pdf"
        if state != batch["state"]:
            batch["state"] = state
            self.announce("batch.updated", self.shown_batch(batch))

    def buy_batch(self, batch: Object) -> None:
        """Buys for each shipment the service that its `service` names, or else the cheapest."""
        self.move_batch(batch)
        for id in batch["shipments"]:
            shipment = self.objects["Shipment"][id]
            if shipment["postage_label"] is None and shipment["rates"]:
                cheapest = min(shipment["rates"], key=lambda rate: float(rate["rate"]))
                self.buy(shipment, cheapest["id"], None)

    def scan_form(self, ids: list[str], batch: Object | None = None) -> Object:
        shipments = [self.get("Shipment", id) for id in ids]
        if not shipments or any(each["postage_label"] is None for each in shipments):
            raise EasyPostError(
                422, "SCAN_FORM.SHIPMENT.INVALID", "A shipment without postage can't be scanned."
            )
        if any(each["scan_form"] for each in shipments):
            raise EasyPostError(
                422, "SCAN_FORM.SHIPMENT.EXISTS", "A shipment is on another form already."
            )
        batch = batch or self.create_batch([{"id": id} for id in ids], None)
        codes = [str(each["tracking_code"]) for each in shipments]
        sender = shipments[0]["from_address"]
        made = self.add(objects.scan_form(codes, sender, batch["id"], self.clock()))
        for each in shipments:
            each["scan_form"] = {"id": made["id"], "object": "ScanForm"}
        batch["scan_form"] = made["id"]
        return made

    def finish_form(self, form: Object) -> Object:
        form["status"] = "created"
        form["form_url"] = f"{self.url}/files/scan_form/{form['id']}.pdf"
        return form

    # --- files ------------------------------------------------------------------------------

    def file(self, kind: str, name: str) -> bytes:
        """A label, all labels of a batch, or a SCAN form. Raises KeyError."""
        id, _, extension = name.rpartition(".")
        if kind == "postage_label":
            shipment = self.objects["Shipment"][id]
            if shipment["postage_label"] is None:
                raise KeyError(id)
            return labels.label(shipment, extension)
        if kind == "batch_label":
            ids = self.objects["Batch"][id]["shipments"]
            return labels.pages([self.objects["Shipment"][each] for each in ids])
        form = self.objects["ScanForm"][id]
        return labels.manifest(form["tracking_codes"], form["id"])
