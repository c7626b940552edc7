"""Messages, and the mailer that sends them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal, Protocol, runtime_checkable


@dataclass(frozen=True, slots=True)
class Phrase:
    """Words with something in them that differs: `text`, marked with N_, is translated first, and
    then its `{name}`s are filled in from `values`."""

    text: str
    values: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Attachment:
    """A file that goes with a mail: an invoice, a packing slip."""

    filename: str
    content: bytes
    content_type: str = "application/octet-stream"


@dataclass(frozen=True, slots=True, kw_only=True)
class MessageKind:
    """One kind of message whose subject and first words staff may change.

    `subject` and `intro` are the defaults; in them `{name}` stands for one of `variables` (name:
    what it is, for staff), whose values come from `MessageDraft.words` or, for `shop`, `order`,
    `name` and `total`, from the kernel. `group` heads its part of the list; `staff` mails go to
    the shop's own people. `sample` draws one for the preview from an order.
    """

    code: str
    title: str
    group: str
    subject: str
    intro: str
    variables: Mapping[str, str] = field(default_factory=dict)
    marketing: bool = False
    staff: bool = False
    sample: Callable[[Any], MessageDraft] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class MessageDraft:
    """A message that a fact deserves. The kernel renders `template` (themes may replace it) with
    `data`, the order and the shop, stores it once per (event, kind, recipient), and sends it.

    A kind that the hook `message_kinds` names takes its subject and `intro` from there, or from
    what staff wrote, with the values of `words`; `subject` then may be left out.

    `marketing` mail is not needed for an order: it carries an unsubscribe link that one click
    obeys, and nobody who used it gets any more. `send_at` keeps it until then. A `confidential`
    one carries a secret: staff never see its text in the log, and it is not kept once sent.
    """

    kind: str
    to: str
    subject: str = ""
    template: str
    data: Mapping[str, Any] = field(default_factory=dict)
    words: Mapping[str, str | Phrase] = field(default_factory=dict)
    marketing: bool = False
    attachments: tuple[Attachment, ...] = ()
    send_at: datetime | None = None
    confidential: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class OutgoingMessage:
    """A rendered mail; `message_id` is the same on every try (RFC 5322, with the brackets).

    `tags` are for the vendor's own lists: letters, digits, "_" and "-". `send_at` is given to
    mailers with `schedules` only.
    """

    message_id: str
    sender: str
    to: str
    subject: str
    html: str
    text: str
    reply_to: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)
    attachments: tuple[Attachment, ...] = ()
    tags: Mapping[str, str] = field(default_factory=dict)
    send_at: datetime | None = None


DeliveryState = Literal["delivered", "delayed", "bounced", "complained", "opened", "failed"]


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliveryEvent:
    """What a vendor reports of a mail. `ref` is its id of the mail, `key` the one it was sent
    with, if the vendor tells. A bounce that is not `permanent` says nothing about the address."""

    id: str
    ref: str
    state: DeliveryState
    recipient: str = ""
    detail: str = ""
    occurred_at: datetime | None = None
    key: str = ""
    permanent: bool = True


@runtime_checkable
class Mailer(Protocol):
    """Sends rendered messages. `keyed` is true when the vendor itself sends once per key;
    otherwise the kernel can only promise the same Message-ID on a repeat.

    A mailer with `schedules = True` keeps a message until its `send_at` itself; for any other
    the kernel waits. One with `send_many(messages, key)` takes several at once, all or none of
    them, once per key, and answers with a ref for each; see `BatchMailer`.
    """

    code: str
    title: str
    keyed: bool

    def send(self, message: OutgoingMessage, key: str) -> str:
        """Send it and answer the vendor's ref for it. Raises ProviderError, not retryable where
        the recipient is refused for good."""
        ...

    def read_webhook(self, body: bytes, headers: Mapping[str, str]) -> tuple[DeliveryEvent, ...]:
        """Verify the raw body and answer what became of which mail. Raises BadSignature,
        NoWebhookSecret or NoWebhooks."""
        ...


@runtime_checkable
class BatchMailer(Mailer, Protocol):
    """A mailer that takes up to `batch` messages without attachments in one call."""

    batch: int

    def send_many(self, messages: Sequence[OutgoingMessage], key: str) -> tuple[str, ...]:
        """Send all or none of them, and answer a ref for each in their order."""
        ...
