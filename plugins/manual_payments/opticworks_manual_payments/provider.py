"""Bank transfer as a payment provider: no vendor, no network, no memory of its own."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from babel.dates import format_date

from opticworks.contracts import (
    N_,
    Instruction,
    NoWebhooks,
    PaymentIntent,
    PaymentOffer,
    PaymentResult,
    ProviderError,
    Quote,
    RefundResult,
    ShopSettings,
    WebhookEvent,
    say,
    say_number,
)
from opticworks.money import Money
from opticworks_manual_payments.settings import BankTransferSettings

CODE = "bank_transfer"
_REF = re.compile(r"bt_(?P<attempt>.+)_(?P<currency>[A-Z]{3})_(?P<minor>\d+)")


class BankTransfer:
    """Money that a person sends and staff find on the account.

    Nothing is remembered here: a ref is made of our attempt and the amount, so the same start
    gives the same ref in every process, and the order's own ledger says whether it was paid.
    `fetch` therefore answers "pending" until staff record the money with `capture`.
    """

    code = CODE
    title = N_("Bank transfer")

    def __init__(
        self,
        settings: BankTransferSettings,
        shop: ShopSettings,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._settings = settings
        self._shop = shop
        self._clock = clock

    def offers(self, quote: Quote) -> tuple[PaymentOffer, ...]:
        """One offer for every quote."""
        return (
            PaymentOffer(
                title=say(self.title),
                description=say_number(
                    "Pay from your bank account within a day. We hold your items and ship them "
                    "when the money has arrived.",
                    "Pay from your bank account within {n} days. We hold your items and ship them "
                    "when the money has arrived.",
                    self._settings.hold_days,
                ),
                icon="landmark",
            ),
        )

    def start(self, intent: PaymentIntent, key: str) -> PaymentResult:
        """Instructions and deadlines, counted from now."""
        now = self._clock()
        expires = now + timedelta(days=self._settings.hold_days)
        return PaymentResult(
            state="pending",
            ref=f"bt_{intent.attempt}_{intent.amount.currency}_{intent.amount.minor}",
            money=intent.amount,
            instructions=tuple(self._instructions(intent, expires)),
            expires_at=expires,
            remind_at=now + timedelta(days=self._settings.remind_after_days),
        )

    def _instructions(self, intent: PaymentIntent, expires: datetime) -> Iterator[Instruction]:
        bank = self._settings
        locale = intent.locale or self._shop.locale
        pay_by = format_date(expires.astimezone(ZoneInfo(self._shop.timezone)), "long", locale)
        yield Instruction(label=N_("Amount"), value=intent.amount.format(locale), copy=True)
        yield Instruction(label=N_("Reference"), value=intent.order_number, copy=True)
        yield Instruction(label=N_("Pay by"), value=pay_by)
        facts = [
            (N_("Account holder"), bank.account_holder),
            (N_("IBAN"), bank.iban),
            (N_("Account number"), "" if bank.iban else bank.account_number),
            (N_("Routing number"), "" if bank.iban else bank.routing_number),
            (N_("BIC"), bank.bic),
        ]
        for label, value in facts:
            if value:
                yield Instruction(label=label, value=value, copy=True)
        if bank.bank:
            yield Instruction(label=N_("Bank"), value=bank.bank)
        if bank.note:
            yield Instruction(label=N_("Note"), value=bank.note)

    def fetch(self, ref: str) -> PaymentResult:
        """Still pending: an account statement can't be asked, so only staff know more."""
        return PaymentResult(state="pending", ref=ref, money=_money_of(ref))

    def capture(self, ref: str, money: Money, key: str) -> PaymentResult:
        """Staff found `money` on the account. Raises ProviderError for another currency."""
        expected = _money_of(ref)
        if money.currency != expected.currency:
            raise ProviderError(
                f"The order is in {expected.currency}, so a payment in {money.currency} can't be "
                "recorded for it. Record what the bank credited in the order's currency.",
                retryable=False,
            )
        if money.minor <= 0:
            raise ProviderError("A payment must be more than zero.", retryable=False)
        if money > expected:
            raise ProviderError(
                f"That is more than the {expected.format()} asked for. Record the asked amount "
                "and pay the rest back.",
                retryable=False,
            )
        return PaymentResult(state="captured", ref=ref, money=money)

    def cancel(self, ref: str, key: str) -> PaymentResult:
        """Nothing has to be called off anywhere: the buyer just shouldn't pay any more."""
        return PaymentResult(state="canceled", ref=ref, money=_money_of(ref))

    def refund(self, ref: str, money: Money, key: str) -> RefundResult:
        """Recorded as done: staff send the money back by hand, and the message says so."""
        expected = _money_of(ref)
        if money.currency != expected.currency or not 0 < money.minor <= expected.minor:
            raise ProviderError(
                f"Of {expected.format()}, {money.format()} can't be paid back.", retryable=False
            )
        return RefundResult(
            state="done",
            ref=f"{ref}_refund_{key}",
            money=money,
            message=f"Send {money.format(self._shop.locale)} to the buyer's bank account by hand. "
            "The shop can't do it for you.",
            key=key,
        )

    def read_webhook(self, body: bytes, headers: Mapping[str, str]) -> tuple[WebhookEvent, ...]:
        """Always NoWebhooks: no bank calls here, so whoever does is not a bank."""
        raise NoWebhooks("Bank transfers have no webhooks.")


def _money_of(ref: str) -> Money:
    match = _REF.fullmatch(ref)
    if match is None:
        raise ProviderError(f"{ref!r} is no bank transfer of this shop.", retryable=False)
    return Money(int(match["minor"]), match["currency"])
