"""Bank transfer: the contract, its settings, what the buyer reads, and the reminder."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import pytest
from pydantic import ValidationError

import opticworks_manual_payments as plugin
from opticworks import events
from opticworks.contracts import PaymentIntent, ProviderError, ShopSettings
from opticworks.money import Money
from opticworks.testing import PaymentProviderContract
from opticworks.testing.contracts.common import sample_quote
from opticworks.testing.contracts.payment import AMOUNT
from opticworks_manual_payments.provider import BankTransfer
from opticworks_manual_payments.settings import BankTransferSettings

NOW = datetime(2026, 3, 1, 4, 30, tzinfo=UTC)  # still 28 February in New York
SHOP = ShopSettings()


def provider(**settings: Any) -> BankTransfer:
    return BankTransfer(BankTransferSettings(**settings), SHOP, clock=lambda: NOW)


def intent(number: str = "OW-10042") -> PaymentIntent:
    return PaymentIntent(
        attempt="att-7f",
        order_number=number,
        amount=AMOUNT,
        email="ada@example.com",
        description="",
        return_url="",
    )


def said(transfer: BankTransfer) -> dict[str, str]:
    return {fact.label: fact.value for fact in transfer.start(intent(), "key").instructions}


class TestBankTransfer(PaymentProviderContract):
    offline = True

    @pytest.fixture
    def provider(self) -> BankTransfer:
        return BankTransfer(BankTransferSettings(), SHOP)


# --- what the buyer reads -----------------------------------------------------------------------


def test_instructions_tell_everything_that_the_bank_asks_for() -> None:
    assert said(provider(note="Please send no cash.")) == {
        "Amount": "$134.95",
        "Reference": "OW-10042",
        "Pay by": "March 3, 2026",
        "Account holder": "OpticWorks Inc.",
        "Account number": "000123456789",
        "Routing number": "110000000",
        "BIC": "GGEXUS6SXXX",
        "Bank": "Golden Gate Example Bank, San Francisco",
        "Note": "Please send no cash.",
    }


def test_an_iban_stands_in_place_of_account_and_routing_number() -> None:
    facts = said(provider(iban="de89370400440532013000"))
    assert facts["IBAN"] == "DE89 3704 0044 0532 0130 00"
    assert not {"Account number", "Routing number"} & facts.keys()


def test_what_is_typed_into_a_bank_form_can_be_copied() -> None:
    facts = provider().start(intent(), "key").instructions
    copied = {fact.label for fact in facts if fact.copy}
    assert copied == {
        "Amount",
        "Reference",
        "Account holder",
        "Account number",
        "Routing number",
        "BIC",
    }


def test_the_hold_ends_and_the_reminder_comes_after_the_days_set() -> None:
    result = provider(hold_days=7, remind_after_days=5).start(intent(), "key")
    assert result.expires_at == datetime(2026, 3, 8, 4, 30, tzinfo=UTC)
    assert result.remind_at == datetime(2026, 3, 6, 4, 30, tzinfo=UTC)


@pytest.mark.parametrize(("days", "words"), [(2, "within 2 days"), (5, "within 5 days")])
def test_the_offer_says_how_long_the_items_are_held(days: int, words: str) -> None:
    (offer,) = provider(hold_days=days, remind_after_days=1).offers(sample_quote(AMOUNT))
    assert words in offer.description


# --- money recorded by staff --------------------------------------------------------------------


def test_a_part_payment_is_recorded_as_what_it_is() -> None:
    transfer = provider()
    ref = transfer.start(intent(), "key").ref
    assert transfer.capture(ref, Money(5000, "USD"), "cap").money == Money(5000, "USD")


def test_a_refund_says_that_the_money_goes_back_by_hand() -> None:
    transfer = provider()
    ref = transfer.start(intent(), "key").ref
    refund = transfer.refund(ref, Money(5000, "USD"), "ref")
    assert refund.state == "done"
    assert "$50.00" in refund.message
    assert "by hand" in refund.message


def test_another_currency_is_refused_with_a_sentence() -> None:
    transfer = provider()
    ref = transfer.start(intent(), "key").ref
    with pytest.raises(ProviderError, match=r"order is in USD.*payment in EUR"):
        transfer.capture(ref, Money(13495, "EUR"), "cap")


def test_a_ref_holds_an_attempt_of_any_form() -> None:
    transfer = provider()
    odd = PaymentIntent(
        attempt="a_USD_1",
        order_number="OW-1",
        amount=Money(700, "JPY"),
        email="",
        description="",
        return_url="",
    )
    assert transfer.fetch(transfer.start(odd, "key").ref).money == Money(700, "JPY")


# --- settings -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({"iban": "DE88370400440532013000"}, "no valid IBAN"),
        ({"iban": "12345"}, "no valid IBAN"),
        ({"routing_number": "110000001"}, "no valid routing number"),
        ({"routing_number": "1100"}, "no valid routing number"),
        ({"bic": "NOT A BIC"}, "no valid BIC"),
        ({"hold_days": 2, "remind_after_days": 2}, "reminder must come before"),
        ({"hold_days": 0}, "greater than or equal to 1"),
        ({"hold_dayz": 3}, "not permitted"),
    ],
)
def test_wrong_settings_are_refused_with_a_sentence(
    settings: dict[str, Any], sentence: str
) -> None:
    with pytest.raises(ValidationError, match=sentence):
        BankTransferSettings(**settings)


def problems(mode: str, **settings: Any) -> list[str]:
    bank = BankTransferSettings(**settings)
    return list(plugin.problems({"manual_payments": bank, "shop": SHOP, "mode": mode}))


@pytest.mark.parametrize("mode", ["development", "test"])
def test_the_sample_account_will_do_outside_production(mode: str) -> None:
    assert problems(mode) == []


def test_hook_problems_refuses_the_sample_account_in_production() -> None:
    (sentence,) = problems("production")
    assert "sample account" in sentence


def test_an_account_of_its_own_will_do_in_production() -> None:
    assert problems("production", account_holder="Acme", iban="DE89370400440532013000") == []


def test_missing_bank_details_are_named_one_by_one() -> None:
    found = problems("production", account_holder="", bank="", account_number="")
    assert found == [
        "The account holder is missing.",
        "The bank is missing.",
        "The bank account is missing: set the IBAN, or account number and routing number.",
    ]


# --- the reminder -------------------------------------------------------------------------------


def reminder_event(**order: Any) -> events.Event:
    fields: dict[str, Any] = {
        "number": "OW-10042",
        "email": "ada@example.com",
        "status": "awaiting_payment",
        "payment_status": "pending",
        "payment": SimpleNamespace(provider="bank_transfer"),
        **order,
    }
    return events.Event(1, events.PAYMENT_REMINDER, "OW-10042", NOW, {}, SimpleNamespace(**fields))


def test_hook_messages_reminds_the_buyer_once_per_event() -> None:
    (draft,) = plugin.messages(reminder_event(), None)  # type: ignore[arg-type]
    assert draft.to == "ada@example.com"
    (kind,) = plugin.message_kinds()
    assert draft.kind == kind.code
    assert draft.template == "manual_payments/reminder.pt"


@pytest.mark.parametrize(
    "order",
    [
        {"payment_status": "paid"},
        {"status": "canceled"},
        {"payment": SimpleNamespace(provider="stripe")},
        {"payment": None},
    ],
)
def test_who_paid_canceled_or_pays_otherwise_is_not_reminded(order: dict[str, Any]) -> None:
    assert list(plugin.messages(reminder_event(**order), None)) == []  # type: ignore[arg-type]


def test_other_events_are_left_to_the_kernel() -> None:
    canceled = events.Event(2, events.ORDER_CANCELED, "OW-10042", NOW, {"reason": "expired"})
    assert list(plugin.messages(canceled, None)) == []  # type: ignore[arg-type]


def test_hook_message_kinds_draws_a_sample_of_the_reminder() -> None:
    (kind,) = plugin.message_kinds()
    assert kind.sample is not None
    drawn = kind.sample(SimpleNamespace(email="ada@example.com"))
    assert (drawn.kind, drawn.to) == (kind.code, "ada@example.com")
    assert set(re.findall(r"{(\w+)}", kind.subject + kind.intro)) <= kind.variables.keys()
