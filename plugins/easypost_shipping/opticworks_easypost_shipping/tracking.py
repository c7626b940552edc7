"""What carriers report, and EasyPost's webhooks about it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from easypost.errors.general.signature_verification_error import SignatureVerificationError
from easypost.util import validate_webhook

from opticworks.contracts import BadSignature, NoWebhookSecret, TrackingUpdate, WebhookEvent
from opticworks_easypost_shipping.settings import EasyPostSettings

HEADER = "X-Hmac-Signature"
#: EasyPost's statuses that have another name here, or none.
STATUSES: Mapping[str, str] = {"cancelled": "canceled", "error": "unknown"}
PARCELS = frozenset({"Tracker", "Shipment", "Refund"})
KNOWN = frozenset(
    {
        *("unknown", "pre_transit", "in_transit", "out_for_delivery", "available_for_pickup"),
        *("delivered", "return_to_sender", "failure", "canceled"),
    }
)


def history(tracker: Any) -> tuple[TrackingUpdate, ...]:
    """Everything that a tracker knows, oldest first."""
    if tracker is None:
        return ()
    given = [_update(detail) for detail in tracker.get("tracking_details") or ()]
    updates = [update for update in given if update is not None]
    current, moment = status(tracker.get("status")), moment_of(tracker.get("updated_at"))
    if current != "unknown" and moment and all(update.status != current for update in updates):
        # Some carriers tell where a parcel is without telling how it came there.
        updates.append(TrackingUpdate(status=current, occurred_at=moment))
    return tuple(sorted(updates, key=lambda update: update.occurred_at))


def _update(detail: Any) -> TrackingUpdate | None:
    moment = moment_of(detail.get("datetime"))
    if moment is None:
        return None
    place = detail.get("tracking_location")
    parts = [place.get(name) for name in ("city", "state", "country")] if place else []
    return TrackingUpdate(
        status=status(detail.get("status")),
        occurred_at=moment,
        description=str(detail.get("message") or detail.get("description") or "")[:300],
        location=", ".join(str(part) for part in parts if part)[:200],
    )


def status(given: Any) -> Any:
    """EasyPost's status in our words; one that is new to us is "unknown"."""
    word = STATUSES.get(str(given), str(given))
    return word if word in KNOWN else "unknown"


def moment_of(text: Any) -> datetime | None:
    """A time as EasyPost writes it, in UTC; None for what is none."""
    try:
        moment = datetime.fromisoformat(str(text))
    except ValueError:
        return None
    return moment.replace(tzinfo=moment.tzinfo or UTC).astimezone(UTC)


def read_webhook(
    body: bytes, headers: Mapping[str, str], settings: EasyPostSettings
) -> tuple[WebhookEvent, ...]:
    """Verified with any of the secrets; an event of the other mode is refused."""
    secrets = settings.webhook_secrets
    if not secrets:
        raise NoWebhookSecret("the webhook secret is not set (EasyPost: Webhooks).")
    given = next((value for name, value in headers.items() if name.lower() == HEADER.lower()), "")
    if not given.isascii():  # which the SDK's comparison stumbles over
        raise BadSignature("The webhook's signature is none of EasyPost's.")
    event = _verified(body, given, secrets)
    if not isinstance(event, dict) or not event.get("id"):
        raise BadSignature("The webhook is no event of EasyPost's.")
    if event.get("mode") != ("production" if settings.live else "test"):
        raise BadSignature("The event belongs to EasyPost's other mode (test or production).")
    # Batches and forms are followed by asking: what is told of them speaks of no parcel.
    about = (event.get("result") or {}).get("object")
    return (_event(event),) if about in PARCELS else ()


def _verified(body: bytes, signature: str, secrets: tuple[str, ...]) -> Any:
    for secret in secrets:
        try:
            return validate_webhook(body, {HEADER: signature}, secret)
        except SignatureVerificationError:
            continue
        except ValueError:  # signed, and yet no JSON
            break
    raise BadSignature("No webhook secret fits the webhook's signature.")


def _event(event: Mapping[str, Any]) -> WebhookEvent:
    about = event.get("result") or {}
    own = about.get("object") == "Shipment"
    ref = about.get("id") if own else about.get("shipment_id") or about.get("id")
    kept = {"object": about.get("object"), "status": about.get("status")}
    number = {"tracking_code": about.get("tracking_code"), "carrier": about.get("carrier")}
    return WebhookEvent(
        id=str(event["id"]),
        kind=str(event.get("description") or ""),
        ref=str(ref or ""),
        attempt=str(about.get("reference") or ""),
        occurred_at=moment_of(event.get("created_at")),
        data={name: value for name, value in {**kept, **number}.items() if value},
    )
