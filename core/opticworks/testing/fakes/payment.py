"""A card vendor in memory: it asks the browser to act, authorizes, captures and refunds."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Literal

from opticworks.contracts import (
    CaptureMethod,
    Dispute,
    DisputeStatus,
    Instruction,
    ListedPayment,
    NoWebhooks,
    PaymentIntent,
    PaymentOffer,
    PaymentResult,
    PaymentState,
    ProviderError,
    Quote,
    RefundResult,
    WebhookEvent,
)
from opticworks.money import Money
from opticworks.testing.fakes.vendor import FakeVendor


@dataclass(slots=True)
class FakeRefund:
    """A refund as the vendor keeps it; `key` is empty for one made at the vendor."""

    ref: str
    minor: int
    key: str = ""
    state: Literal["pending", "done", "failed"] = "done"
    message: str = ""


@dataclass(slots=True)
class FakePayment:
    """One payment as the vendor keeps it; amounts in minor units."""

    ref: str
    attempt: str
    amount: Money
    state: PaymentState
    at: datetime
    order_number: str = ""
    return_url: str = ""
    capture: str = "automatic"
    captured: int = 0
    message: str = ""
    declined: str = ""
    away: str = ""
    refunds: list[FakeRefund] = field(default_factory=list)
    disputes: list[Dispute] = field(default_factory=list)

    @property
    def refunded(self) -> int:
        return sum(refund.minor for refund in self.refunds if refund.state != "failed")


class FakeCardVendor(FakeVendor):
    """The vendor behind FakeOnlinePayment. `pay` and `decline` are what the buyer does there."""

    def __init__(self, *args: object, **options: object) -> None:
        super().__init__(*args, **options)  # type: ignore[arg-type]
        self.payments: dict[str, FakePayment] = {}
        self.declines: list[str] = []
        #: How the next refunds begin; "pending" ones are ended by `end_refund`.
        self.refunds_begin: Literal["pending", "done", "failed"] = "done"

    def decline_next(self, message: str = "Your card was declined.") -> None:
        """Refuse the next payment at once."""
        self.declines.append(message)

    def pay(self, ref: str, *, capture: bool | None = None) -> None:
        """The buyer finished at the vendor's page; the money is taken as the shop asked for it,
        or as `capture` says."""
        with self.lock:
            payment = self.payments[ref]
            capture = payment.capture == "automatic" if capture is None else capture
            if payment.state not in ("action", "pending"):
                return
            payment.message, payment.declined = "", ""
            payment.state = "captured" if capture else "authorized"
            payment.captured = payment.amount.minor if capture else 0
            self._announce(payment)

    def decline(self, ref: str, message: str = "Your card was declined.") -> None:
        """The buyer's bank said no."""
        with self.lock:
            payment = self.payments[ref]
            if payment.state == "action":
                payment.state, payment.message = "failed", message
                self._announce(payment)

    def refuse(self, ref: str, message: str = "Your card was declined.") -> None:
        """The buyer's bank said no to this card; another may be tried on the same payment."""
        with self.lock:
            payment = self.payments[ref]
            if payment.state in ("action", "pending"):
                payment.state, payment.message = "action", message
                payment.declined, payment.away = self.new_id("try"), ""
                self._announce(payment)

    def leave(self, ref: str) -> None:
        """The buyer went to a wallet's or a bank's own page, to pay there."""
        with self.lock:
            payment = self.payments[ref]
            if payment.state == "action":
                payment.away, payment.message, payment.declined = self.new_id("away"), "", ""
                self._announce(payment)

    def promise(self, ref: str) -> None:
        """The buyer's bank will pay in some days, or not."""
        with self.lock:
            payment = self.payments[ref]
            if payment.state == "action":
                payment.state, payment.message, payment.declined = "pending", "", ""
                self._announce(payment)

    def pay_back(self, ref: str, minor: int, key: str = "") -> FakeRefund:
        """A refund, asked for by the shop or made at the vendor by hand."""
        with self.lock:
            payment = self.payments[ref]
            refund = FakeRefund(self.new_id("re"), minor, key, self.refunds_begin)
            payment.refunds.append(refund)
            self._about(payment, f"refund.{refund.state}", refund.ref)
            return refund

    def end_refund(self, refund: str, *, failed: str = "") -> None:
        """A refund arrives, or fails for that reason."""
        with self.lock:
            payment, found = next(
                (payment, each)
                for payment in self.payments.values()
                for each in payment.refunds
                if each.ref == refund
            )
            found.state, found.message = ("failed", failed) if failed else ("done", "")
            self._about(payment, f"refund.{found.state}", refund)

    def dispute(
        self, ref: str, status: DisputeStatus = "needs_response", due: datetime | None = None
    ) -> None:
        """The buyer's bank claims the payment back, or says how that ended."""
        with self.lock:
            payment = self.payments[ref]
            known = payment.disputes[0].ref if payment.disputes else self.new_id("dp")
            payment.disputes = [
                Dispute(
                    ref=known,
                    money=Money(payment.captured, payment.amount.currency),
                    status=status,
                    reason="fraudulent",
                    due_by=due,
                    url=f"https://pay.example/disputes/{known}",
                )
            ]
            self._about(payment, f"dispute.{status}", known)

    def _about(self, payment: FakePayment, kind: str, about: str) -> None:
        self.announce(kind, ref=payment.ref, attempt=payment.attempt, about=about)

    @property
    def charged(self) -> int:
        """Minor units taken from buyers and not paid back: what a test counts."""
        return sum(payment.captured - payment.refunded for payment in self.payments.values())

    def _announce(self, payment: FakePayment) -> None:
        self.announce(f"payment.{payment.state}", ref=payment.ref, attempt=payment.attempt)


class FakeOnlinePayment:
    """A payment provider over FakeCardVendor. `first_state` is what a new payment begins with:
    "action" sends the buyer to the vendor, the other two need nothing more of the buyer."""

    code = "fake_card"
    title = "Test card"
    capture_methods: tuple[CaptureMethod, ...] = ("automatic", "manual")

    def __init__(
        self,
        vendor: FakeCardVendor | None = None,
        first_state: Literal["action", "authorized", "captured"] = "action",
    ) -> None:
        self.vendor = vendor or FakeCardVendor()
        self.first_state = first_state

    def offers(self, quote: Quote) -> tuple[PaymentOffer, ...]:
        return (PaymentOffer(title=self.title, description="A card that exists in tests only."),)

    def start(self, intent: PaymentIntent, key: str) -> PaymentResult:
        return self._answer(self.vendor.call("start", lambda: self._create(intent), key))

    def _create(self, intent: PaymentIntent) -> FakePayment:
        vendor = self.vendor
        if intent.amount.minor <= 0:
            raise ProviderError(f"{intent.amount} is no amount to charge.", retryable=False)
        payment = FakePayment(
            ref=vendor.new_id("pay"),
            attempt=intent.attempt,
            amount=intent.amount,
            state=self.first_state,
            at=vendor.clock(),
            order_number=intent.order_number,
            return_url=intent.return_url,
            capture=intent.capture,
        )
        if payment.state == "captured" and intent.capture == "manual":
            payment.state = "authorized"
        if vendor.declines:
            payment.state, payment.message = "failed", vendor.declines.pop(0)
        elif payment.state == "captured":
            payment.captured = intent.amount.minor
        vendor.payments[payment.ref] = payment
        if payment.state != "action":
            vendor._announce(payment)
        return payment

    def fetch(self, ref: str) -> PaymentResult:
        return self._answer(self.vendor.call("fetch", lambda: self._find(ref)))

    def capture(self, ref: str, money: Money, key: str) -> PaymentResult:
        def act() -> FakePayment:
            payment = self._find(ref)
            if money.currency != payment.amount.currency:
                raise ProviderError("Another currency than authorized.", retryable=False)
            if payment.state != "authorized" or not 0 < money.minor <= payment.amount.minor:
                raise ProviderError(
                    f"{money} can't be captured from a payment that is {payment.state}.",
                    retryable=False,
                )
            payment.captured, payment.state = money.minor, "captured"
            self.vendor._announce(payment)
            return payment

        return self._answer(self.vendor.call("capture", act, key))

    def cancel(self, ref: str, key: str) -> PaymentResult:
        def act() -> FakePayment:
            payment = self._find(ref)
            if payment.state not in ("captured", "canceled"):
                payment.state, payment.declined = "canceled", ""
                self.vendor._announce(payment)
            return payment

        return self._answer(self.vendor.call("cancel", act, key))

    def refund(self, ref: str, money: Money, key: str) -> RefundResult:
        def act() -> FakeRefund:
            payment = self._find(ref)
            rest = payment.captured - payment.refunded
            if any(claim.status != "won" for claim in payment.disputes):
                raise ProviderError("It has been charged back; no refund.", retryable=False)
            if money.currency != payment.amount.currency or not 0 < money.minor <= rest:
                raise ProviderError(
                    f"{money} can't be paid back: {rest} minor units are left.", retryable=False
                )
            return self.vendor.pay_back(ref, money.minor, key)

        return self._refund(self.vendor.call("refund", act, key), money.currency)

    @staticmethod
    def _refund(refund: FakeRefund, currency: str) -> RefundResult:
        return RefundResult(
            state=refund.state,
            ref=refund.ref,
            money=Money(refund.minor, currency),
            message=refund.message,
            key=refund.key,
        )

    def list(self, since: datetime) -> Iterator[ListedPayment]:
        found = self.vendor.call("list", lambda: list(self.vendor.payments.values()))
        for payment in found:
            if payment.at >= since:
                yield ListedPayment(
                    result=self._answer(payment),
                    attempt=payment.attempt,
                    order_number=payment.order_number,
                    at=payment.at,
                )

    def read_webhook(self, body: bytes, headers: Mapping[str, str]) -> tuple[WebhookEvent, ...]:
        return (self.vendor.verify(body, headers).reported("attempt"),)

    def _find(self, ref: str) -> FakePayment:
        try:
            return self.vendor.payments[ref]
        except KeyError:
            raise ProviderError(f"There is no payment {ref!r}.", retryable=False) from None

    def _answer(self, payment: FakePayment) -> PaymentResult:
        data = {}
        if payment.state == "action":
            data = {
                "redirect_url": f"https://pay.example/{payment.ref}?return={payment.return_url}"
            }
        currency = payment.amount.currency
        minor = payment.captured if payment.state == "captured" else payment.amount.minor
        return PaymentResult(
            state=payment.state,
            ref=payment.ref,
            money=Money(minor, currency),
            data=data,
            message=payment.message,
            declined=payment.declined,
            away=payment.away if payment.state == "action" else "",
            captured=Money(payment.captured, currency),
            refunded=Money(payment.refunded, currency),
            refunds=tuple(self._refund(each, currency) for each in payment.refunds),
            disputes=tuple(payment.disputes),
        )


class FakeOfflinePayment:
    """A payment provider that remembers nothing, as a bank transfer: staff record the money."""

    code = "fake_transfer"
    title = "Test transfer"

    def offers(self, quote: Quote) -> tuple[PaymentOffer, ...]:
        return (PaymentOffer(title=self.title),)

    def start(self, intent: PaymentIntent, key: str) -> PaymentResult:
        ref = f"{intent.attempt}:{intent.amount.minor}:{intent.amount.currency}"
        now = datetime.now(UTC)
        return replace(
            self._result("pending", ref),
            instructions=(Instruction(label="Reference", value=intent.order_number, copy=True),),
            remind_at=now + timedelta(days=1),
            expires_at=now + timedelta(days=2),
        )

    def fetch(self, ref: str) -> PaymentResult:
        return self._result("pending", ref)

    def capture(self, ref: str, money: Money, key: str) -> PaymentResult:
        asked = self._result("captured", ref).money
        if money.currency != asked.currency or not 0 < money.minor <= asked.minor:
            raise ProviderError(f"{money} is not what was asked for.", retryable=False)
        return PaymentResult(state="captured", ref=ref, money=money)

    def cancel(self, ref: str, key: str) -> PaymentResult:
        return self._result("canceled", ref)

    def refund(self, ref: str, money: Money, key: str) -> RefundResult:
        asked = self._result("captured", ref).money
        if money.currency != asked.currency or not 0 < money.minor <= asked.minor:
            raise ProviderError(f"{money} can't be paid back.", retryable=False)
        return RefundResult(state="done", ref=f"{ref}:{key}", money=money, key=key)

    def read_webhook(self, body: bytes, headers: Mapping[str, str]) -> tuple[WebhookEvent, ...]:
        raise NoWebhooks("The test transfer has no webhooks.")

    @staticmethod
    def _result(state: PaymentState, ref: str) -> PaymentResult:
        try:
            _, minor, currency = ref.rsplit(":", 2)
            money = Money(int(minor), currency)
        except ValueError:
            raise ProviderError(f"There is no transfer {ref!r}.", retryable=False) from None
        return PaymentResult(state=state, ref=ref, money=money)
