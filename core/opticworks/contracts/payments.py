"""Taking money: what is asked of a payment provider and what it answers."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal, Protocol, runtime_checkable

from opticworks.contracts.places import Address
from opticworks.contracts.prices import Quote
from opticworks.contracts.vendors import WebhookEvent
from opticworks.money import Money


@dataclass(frozen=True, slots=True, kw_only=True)
class PaymentOffer:
    """A way to pay, as shown in the checkout. `template` renders the provider's own fields."""

    title: str
    description: str = ""
    icon: str = ""
    template: str = ""
    data: Mapping[str, Any] = field(default_factory=dict)


CaptureMethod = Literal["automatic", "manual"]


@dataclass(frozen=True, slots=True, kw_only=True)
class PaymentIntent:
    """What is to be paid. `attempt` is our id for this try: it goes into the vendor's metadata.

    `capture` is "manual" when the money is only to be authorized, and taken by a later `capture`;
    only a provider that lists it in `capture_methods` is asked for that.
    """

    attempt: str
    order_number: str
    amount: Money
    email: str
    description: str
    return_url: str
    address: Address | None = None
    data: Mapping[str, str] = field(default_factory=dict)  #: what the provider's fields posted
    capture: CaptureMethod = "automatic"
    locale: str = ""  #: language and region of the order ("de_DE"); empty: those of the shop


PaymentState = Literal["action", "pending", "authorized", "captured", "failed", "canceled"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Instruction:
    """A fact the buyer needs to pay ("IBAN", "DE02…"); `copy` offers a copy button."""

    label: str
    value: str
    copy: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class RefundResult:
    """A refund as its vendor has it. `key` is the one it was asked with, empty when somebody made
    it at the vendor; `message` says why it failed, or what staff have to do."""

    state: Literal["pending", "done", "failed"]
    ref: str
    money: Money
    message: str = ""
    key: str = ""


DisputeStatus = Literal["needs_response", "under_review", "won", "lost"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Dispute:
    """The buyer's bank wants the money back. `money` is what it is about, `due_by` until when
    evidence counts, `url` where at the vendor staff answer it."""

    ref: str
    money: Money
    status: DisputeStatus
    reason: str = ""
    due_by: datetime | None = None
    url: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class PaymentResult:
    """A provider's answer. `action`: the browser has to do something: go to `data["redirect_url"]`,
    or what the provider's own script makes of `data`;
    `pending`: accepted, money comes later, goods are held until `expires_at`;
    `message` is for the buyer when it failed. `expires_at` of an `authorized` payment is when the
    authorization lapses. `declined` is the vendor's id of a try that was refused while the payment
    stays open for another, with the reason in `message`. `away` is the vendor's id of the try for
    which the buyer is on a wallet's or bank's own page: the goods are held longer then.

    What happened to the money since is told by every `fetch`: `captured` and `refunded` in all
    (None: this provider does not say), each refund and each dispute, whoever began it."""

    state: PaymentState
    ref: str
    money: Money
    data: Mapping[str, Any] = field(default_factory=dict)
    message: str = ""
    instructions: tuple[Instruction, ...] = ()
    expires_at: datetime | None = None
    remind_at: datetime | None = None
    captured: Money | None = None
    refunded: Money | None = None
    refunds: tuple[RefundResult, ...] = ()
    disputes: tuple[Dispute, ...] = ()
    declined: str = ""
    away: str = ""


@runtime_checkable
class PaymentProvider(Protocol):
    """One way of taking money. No session: it runs outside transactions, in any thread.

    Every call with a `key` acts once per key, however often it is repeated. Raises ProviderError
    when the vendor can't be reached, so that the caller retries with the same key.

    Any provider of any kind that does nothing real, on a stand-in or with a vendor's test key, says
    so with an attribute `test_mode = True`: every page then says it too.

    A provider that can authorize first and take the money later says so with an attribute
    `capture_methods = ("automatic", "manual")`; without one it takes the money at once.
    """

    code: str
    title: str

    def offers(self, quote: Quote) -> tuple[PaymentOffer, ...]:
        """What the checkout offers for this quote; empty where it can't be paid so. Asks nobody."""
        ...

    def start(self, intent: PaymentIntent, key: str) -> PaymentResult:
        """Begin a payment of exactly `intent.amount`; the answer's `ref` is what the other methods
        are called with. Asked for another amount with a known key, it makes no second payment."""
        ...

    def fetch(self, ref: str) -> PaymentResult:
        """All that became of a payment so far; moves nothing. A ref that the vendor does not know
        is a ProviderError that is not retryable, here and in the methods below."""
        ...

    def capture(self, ref: str, money: Money, key: str) -> PaymentResult:
        """Take an authorized payment, or a part of it. More, nothing or another currency is
        refused: by a ProviderError that is not retryable, or by the state `failed`."""
        ...

    def cancel(self, ref: str, key: str) -> PaymentResult:
        """Call an unpaid payment off and release what was authorized. What is captured already
        stays so and is answered as `captured`."""
        ...

    def refund(self, ref: str, money: Money, key: str) -> RefundResult:
        """Pay back some of what was captured, at most what is left of it; more is refused alike."""
        ...

    def read_webhook(self, body: bytes, headers: Mapping[str, str]) -> tuple[WebhookEvent, ...]:
        """Verify the raw body and answer its events. Raises BadSignature, NoWebhookSecret or
        NoWebhooks."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class ListedPayment:
    """A payment as it lies at its vendor. `attempt` and `order_number` are what our own call wrote
    into the vendor's metadata: empty for one that this shop did not make. `at` is when (UTC)."""

    result: PaymentResult
    attempt: str
    order_number: str
    at: datetime


@runtime_checkable
class ListsPayments(Protocol):
    """A payment provider that can list what lies at its vendor, for `opticworks payments
    reconcile`. Optional: a provider without it is compared payment by payment."""

    def list(self, since: datetime) -> Iterable[ListedPayment]:
        """Every payment made at the vendor since then. Raises ProviderError."""
        ...


def capture_methods(provider: PaymentProvider) -> tuple[CaptureMethod, ...]:
    """The provider's ways of taking money."""
    return getattr(provider, "capture_methods", ("automatic",))
