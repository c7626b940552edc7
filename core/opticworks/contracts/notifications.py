"""Messages, and the mailer that sends them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal, Protocol, runtime_checkable


@dataclass(frozen=True, slots=True, kw_only=True)
class MessageDraft:
    """A message that a fact deserves. The kernel renders `template` (themes may replace it) with
    `data`, the order and the shop, stores it once per (event, kind, recipient), and sends it."""

    kind: str
    to: str
    subject: str
    template: str
    data: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class OutgoingMessage:
    """A rendered mail; `message_id` is the same on every try (RFC 5322, with the brackets)."""

    message_id: str
    sender: str
    to: str
    subject: str
    html: str
    text: str
    reply_to: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliveryEvent:
    id: str
    ref: str
    state: Literal["delivered", "bounced", "complained"]
    recipient: str = ""
    detail: str = ""
    occurred_at: datetime | None = None


@runtime_checkable
class Mailer(Protocol):
    """Sends rendered messages. `keyed` is true when the vendor itself sends once per key;
    otherwise the kernel can only promise the same Message-ID on a repeat."""

    code: str
    title: str
    keyed: bool

    def send(self, message: OutgoingMessage, key: str) -> str: ...
    def read_webhook(
        self, body: bytes, headers: Mapping[str, str]
    ) -> tuple[DeliveryEvent, ...]: ...
