"""A mail service in memory that sends once per key and reports what became of a mail."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC

from opticworks.contracts import (
    DeliveryEvent,
    DeliveryState,
    OutgoingMessage,
    ProviderError,
)
from opticworks.testing.fakes.vendor import FakeVendor


class FakeMailVendor(FakeVendor):
    """The vendor behind FakeMailer: `sent` holds every mail that really left, by ref.

    It takes no mail for the address `refused`.
    """

    refused = "nobody@buyer.example"

    def __init__(self, *args: object, **options: object) -> None:
        super().__init__(*args, **options)  # type: ignore[arg-type]
        self.sent: dict[str, OutgoingMessage] = {}

    def report(self, ref: str, state: DeliveryState) -> None:
        """What became of a mail: its recipient's server took it, or sent it back, …"""
        self.announce(f"mail.{state}", ref=ref, state=state, recipient=self.sent[ref].to)


class FakeMailer:
    """A mailer whose vendor sends once per key."""

    code = "fake_mail"
    title = "Test mail"
    keyed = True
    batch = 3

    def __init__(self, vendor: FakeMailVendor | None = None) -> None:
        self.vendor = vendor or FakeMailVendor()

    @property
    def outbox(self) -> list[OutgoingMessage]:
        """Every mail that left, in order."""
        return list(self.vendor.sent.values())

    def send(self, message: OutgoingMessage, key: str) -> str:
        if any("\n" in text or "\r" in text for text in self._header_texts(message)):
            raise ProviderError("A header of the message has a line break.", retryable=False)
        if message.to == self.vendor.refused:
            raise ProviderError("The vendor knows no such address.", retryable=False)

        def act() -> str:
            ref = self.vendor.new_id("mail")
            self.vendor.sent[ref] = message
            return ref

        return self.vendor.call("send", act, key)

    def send_many(self, messages: Sequence[OutgoingMessage], key: str) -> tuple[str, ...]:
        def act() -> tuple[str, ...]:
            refs = tuple(self.vendor.new_id("mail") for _ in messages)
            self.vendor.sent.update(zip(refs, messages, strict=True))
            return refs

        return self.vendor.call("send_many", act, key)

    @staticmethod
    def _header_texts(message: OutgoingMessage) -> tuple[str, ...]:
        return (message.sender, message.to, message.subject, message.reply_to)

    def read_webhook(self, body: bytes, headers: Mapping[str, str]) -> tuple[DeliveryEvent, ...]:
        event = self.vendor.verify(body, headers)
        return (
            DeliveryEvent(
                id=event.id,
                ref=event.data["ref"],
                state=event.data["state"],
                recipient=event.data["recipient"],
                occurred_at=event.at.astimezone(UTC),
            ),
        )
