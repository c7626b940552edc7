"""What Resend reports by webhook, signed as Svix signs, read as delivery events."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import resend

from opticworks.contracts import BadSignature, DeliveryEvent, DeliveryState, NoWebhookSecret

STATES: Mapping[str, DeliveryState] = {
    "email.delivered": "delivered",
    "email.delivery_delayed": "delayed",
    "email.bounced": "bounced",
    "email.suppressed": "bounced",
    "email.complained": "complained",
    "email.failed": "failed",
    "email.opened": "opened",
}


def verified(body: bytes, headers: Mapping[str, str], secrets: tuple[str, ...]) -> dict[str, Any]:
    """The event, with its delivery's id under "id". Raises BadSignature."""
    if not secrets:
        raise NoWebhookSecret("the webhook signing secret is not set (Resend: Webhooks).")
    given = {name.lower(): value for name, value in headers.items()}
    try:
        text = body.decode()
    except UnicodeDecodeError:
        raise BadSignature("The webhook is no text.") from None
    # The SDK takes a right value under any version; only v1 is one that is known.
    ours = [each for each in given.get("svix-signature", "").split() if each.startswith("v1,")]
    options: Any = {
        "payload": text,
        "headers": {
            "id": given.get("svix-id", ""),
            "timestamp": given.get("svix-timestamp", ""),
            "signature": " ".join(ours),
        },
    }
    if not "".join(options["headers"].values()).isascii():
        raise BadSignature("The webhook's signature is none of Resend's.")
    for secret in secrets:
        try:
            options["webhook_secret"] = secret
            event: Any = resend.Webhooks.verify(options)
        except ValueError:
            continue
        if not isinstance(event, dict):
            raise BadSignature("The webhook holds no event.")
        return {**event, "id": given["svix-id"]}
    raise BadSignature("No signing secret fits the webhook, or it was signed too long ago.")


def read(event: Mapping[str, Any], key_tag: str, *, opens: bool) -> tuple[DeliveryEvent, ...]:
    """The event as a delivery event; none for kinds that say nothing about delivery."""
    kind, data = str(event.get("type", "")), event.get("data")
    state = STATES.get(kind)
    if state is None or not isinstance(data, dict) or (state == "opened" and not opens):
        return ()
    bounce = data.get("bounce")
    tags = data.get("tags")
    to = data.get("to")
    return (
        DeliveryEvent(
            id=str(event["id"]),
            ref=str(data.get("email_id", "")),
            state=state,
            recipient=str(to[0]) if isinstance(to, list) and to else str(to or ""),
            detail=_detail(data),
            occurred_at=_moment(event.get("created_at")),
            key=str(tags.get(key_tag, "")) if isinstance(tags, dict) else "",
            permanent=not isinstance(bounce, dict) or bounce.get("type") == "Permanent",
        ),
    )


def _detail(data: Mapping[str, Any]) -> str:
    """Why, in the vendor's words: its own sentence, then what the other server said."""
    for name in ("bounce", "suppressed", "failed"):
        about = data.get(name)
        if isinstance(about, dict):
            codes = about.get("diagnosticCode") or ()
            said = [codes] if isinstance(codes, str) else [str(code) for code in codes]
            parts = [str(about.get("message") or about.get("reason") or ""), *said]
            return " ".join(part for part in parts if part)[:500]
    return ""


def _moment(text: Any) -> datetime | None:
    try:
        found = datetime.fromisoformat(str(text))
    except ValueError:
        return None
    return found.astimezone(UTC) if found.tzinfo else found.replace(tzinfo=UTC)


def body_of(event: Mapping[str, Any]) -> bytes:
    """An event as Resend writes it."""
    return json.dumps({k: v for k, v in event.items() if k != "id"}).encode()
