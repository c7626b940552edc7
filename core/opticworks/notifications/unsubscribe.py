"""Stopping marketing mail with one click (RFC 8058), without signing in."""

from __future__ import annotations

import hmac
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from opticworks.notifications.models import MARKETING, Message
from opticworks.notifications.service import suppress
from opticworks.web.keys import derive, sign

PATH = "/mail/stop/{token}"
SAMPLE = "sample"  #: in place of a token, in previews


def token(secret: str, public_id: str) -> str:
    """What stands in the link of that message; nobody else can make it."""
    return f"{public_id}.{sign(derive(secret, 'unsubscribe'), public_id)[:24]}"


def link(shop: Any, public_id: str) -> str:
    """The address that stops marketing mail to whoever got that message."""
    own = token(shop.config.secret, public_id) if public_id else SAMPLE
    return f"{shop.config.base_url}{PATH.format(token=own)}"


def headers(shop: Any, public_id: str) -> dict[str, str]:
    """List-Unsubscribe, and that a mail program may post to it."""
    return {
        "List-Unsubscribe": f"<{link(shop, public_id)}>",
        "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
    }


def find(db: Session, secrets: tuple[str, ...], given: str) -> Message | None:
    """The message whose link that is, under the root secret or a former one; None for others."""
    public_id = given.partition(".")[0]
    if not public_id.isascii() or not given.isascii():
        return None
    if not any(hmac.compare_digest(token(secret, public_id), given) for secret in secrets):
        return None
    return db.scalar(select(Message).where(Message.public_id == public_id))


def stop(db: Session, message: Message) -> bool:
    """No more marketing for its recipient; False if that held already. Order mails go on."""
    return suppress(db, message.recipient, "unsubscribed", MARKETING)
