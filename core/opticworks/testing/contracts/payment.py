"""The contract of PaymentProvider."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from opticworks.contracts import (
    PaymentIntent,
    PaymentOffer,
    PaymentProvider,
    PaymentResult,
    ProviderError,
    RefundResult,
)
from opticworks.money import Money
from opticworks.testing.contracts.common import (
    ADDRESS,
    WebhookContract,
    at_once,
    is_utc,
    sample_quote,
)

AMOUNT = Money(13495, "USD")
PART = Money(5000, "USD")
OPEN = ("action", "pending", "authorized", "captured")
MONEY_IS_SAFE = ("authorized", "captured")


def is_refused(call: Callable[[], PaymentResult | RefundResult]) -> bool:
    """Whether the provider said no for good: by its answer, or by an error not worth a retry."""
    try:
        return call().state == "failed"
    except ProviderError as error:
        return not error.retryable


class PaymentContract(WebhookContract):
    """Subclass it with a fixture `provider`. Set `offline` for a method whose money staff record
    (a bank transfer): it has no memory, so that the order's own ledger knows more than `fetch`.

    Otherwise override `authorize(provider, ref)`: the buyer does what the vendor asks for, up to
    an authorization that can be captured.
    """

    offline = False

    def authorize(self, provider: Any, ref: str) -> None:
        """Take a started payment to "authorized", as the buyer and the vendor would."""
        if not self.offline:
            raise NotImplementedError("Override authorize() in the subclass, or set offline.")

    def intent(self, attempt: str = "att-1", amount: Money = AMOUNT) -> PaymentIntent:
        return PaymentIntent(
            attempt=attempt,
            order_number="OW-10042",
            amount=amount,
            email="ada@example.com",
            description="Order OW-10042",
            return_url="http://127.0.0.1/checkout/return",
            address=ADDRESS,
        )

    def ask(self, provider: Any) -> object:
        return provider.start(self.intent("att-down"), "key-down")

    def _started(self, provider: Any, attempt: str = "att-1") -> PaymentResult:
        result: PaymentResult = provider.start(self.intent(attempt), f"start-{attempt}")
        return result

    def _captured(self, provider: Any) -> PaymentResult:
        ref = self._started(provider).ref
        self.authorize(provider, ref)
        result: PaymentResult = provider.capture(ref, AMOUNT, "capture-1")
        return result

    def _online_only(self) -> None:
        if self.offline:
            pytest.skip("An offline method remembers nothing; the order's ledger does.")

    # --- offers and start -----------------------------------------------------------------------

    def test_has_every_method_of_the_contract(self, provider: Any) -> None:
        assert isinstance(provider, PaymentProvider)

    def test_offers_are_a_tuple_of_offers_with_titles(self, provider: Any) -> None:
        offers = provider.offers(sample_quote(AMOUNT))
        assert isinstance(offers, tuple)
        assert offers
        assert all(isinstance(offer, PaymentOffer) and offer.title.strip() for offer in offers)

    def test_start_answers_a_ref_and_exactly_the_amount(self, provider: Any) -> None:
        result = self._started(provider)
        assert isinstance(result, PaymentResult)
        assert result.state in OPEN
        assert result.ref
        assert result.money == AMOUNT

    def test_start_repeated_with_its_key_is_the_same_payment(self, provider: Any) -> None:
        first, again = self._started(provider), self._started(provider)
        assert (again.ref, again.state, again.money) == (first.ref, first.state, first.money)

    def test_start_with_one_key_in_many_threads_is_one_payment(self, provider: Any) -> None:
        assert len({result.ref for result in at_once(lambda: self._started(provider))}) == 1

    def test_two_attempts_are_two_payments(self, provider: Any) -> None:
        assert self._started(provider, "att-1").ref != self._started(provider, "att-2").ref

    def test_what_start_answers_can_be_stored(self, provider: Any) -> None:
        result = self._started(provider)
        assert json.loads(json.dumps(dict(result.data))) == dict(result.data)
        assert isinstance(result.instructions, tuple)
        assert len(result.ref) <= 255

    def test_deadlines_are_utc_and_the_reminder_comes_first(self, provider: Any) -> None:
        result = self._started(provider)
        moments = [m for m in (result.remind_at, result.expires_at) if m is not None]
        assert all(is_utc(moment) for moment in moments)
        assert moments == sorted(moments)
        assert result.remind_at is None or result.expires_at is not None

    def test_a_payment_that_comes_later_says_how_to_pay_and_until_when(self, provider: Any) -> None:
        result = self._started(provider)
        if result.state != "pending":
            pytest.skip("The buyer pays at once.")
        assert result.expires_at is not None
        if self.offline:
            said = {instruction.value for instruction in result.instructions}
            assert "OW-10042" in said, "The reference is missing, so nobody can match the money."

    def test_an_action_says_what_the_browser_has_to_do(self, provider: Any) -> None:
        result = self._started(provider)
        if result.state != "action":
            pytest.skip("The buyer has nothing to do.")
        assert result.data
        target = result.data.get("redirect_url")
        assert target is None or str(target).startswith(("https://", "http://127.0.0.1"))

    # --- fetch ----------------------------------------------------------------------------------

    def test_fetch_knows_a_started_payment(self, provider: Any) -> None:
        started = self._started(provider)
        fetched = provider.fetch(started.ref)
        assert (fetched.ref, fetched.money) == (started.ref, AMOUNT)
        assert fetched.state == started.state

    def test_fetch_of_an_unknown_ref_is_a_provider_error(self, provider: Any) -> None:
        with pytest.raises(ProviderError):
            provider.fetch("no-such-payment")

    def test_fetch_sees_that_the_buyer_paid(self, provider: Any) -> None:
        self._online_only()
        ref = self._started(provider).ref
        self.authorize(provider, ref)
        fetched = provider.fetch(ref)
        assert fetched.state in MONEY_IS_SAFE
        assert fetched.money == AMOUNT

    # --- capture --------------------------------------------------------------------------------

    def test_capture_takes_exactly_the_amount(self, provider: Any) -> None:
        captured = self._captured(provider)
        assert (captured.state, captured.money) == ("captured", AMOUNT)

    def test_capture_repeated_with_its_key_takes_it_once(self, provider: Any) -> None:
        first = self._captured(provider)
        again = provider.capture(first.ref, AMOUNT, "capture-1")
        assert (again.state, again.ref, again.money) == ("captured", first.ref, AMOUNT)

    def test_fetch_sees_what_was_captured(self, provider: Any) -> None:
        self._online_only()
        captured = self._captured(provider)
        fetched = provider.fetch(captured.ref)
        assert (fetched.state, fetched.money) == ("captured", AMOUNT)

    @pytest.mark.parametrize(
        "money", [AMOUNT + Money(1, "USD"), Money(13495, "EUR"), Money(0, "USD"), -AMOUNT]
    )
    def test_capture_refuses_more_nothing_or_another_currency(
        self, provider: Any, money: Money
    ) -> None:
        ref = self._started(provider).ref
        self.authorize(provider, ref)
        assert is_refused(lambda: provider.capture(ref, money, "capture-wrong"))

    # --- cancel ---------------------------------------------------------------------------------

    def test_cancel_calls_an_unpaid_payment_off(self, provider: Any) -> None:
        ref = self._started(provider).ref
        result = provider.cancel(ref, "cancel-1")
        assert (result.state, result.ref) == ("canceled", ref)

    def test_cancel_repeated_with_its_key_is_no_error(self, provider: Any) -> None:
        ref = self._started(provider).ref
        states = {provider.cancel(ref, "cancel-1").state for _ in range(2)}
        assert states == {"canceled"}

    def test_cancel_after_capture_says_that_the_money_was_taken(self, provider: Any) -> None:
        self._online_only()
        captured = self._captured(provider)
        assert provider.cancel(captured.ref, "cancel-late").state == "captured"
        assert provider.fetch(captured.ref).state == "captured"

    # --- refund ---------------------------------------------------------------------------------

    def test_refund_answers_a_ref_and_exactly_the_amount(self, provider: Any) -> None:
        captured = self._captured(provider)
        refund = provider.refund(captured.ref, PART, "refund-1")
        assert isinstance(refund, RefundResult)
        assert refund.state in ("pending", "done")
        assert refund.ref
        assert refund.money == PART

    def test_refund_repeated_with_its_key_pays_back_once(self, provider: Any) -> None:
        captured = self._captured(provider)
        refs = {provider.refund(captured.ref, PART, "refund-1").ref for _ in range(2)}
        assert len(refs) == 1

    def test_two_refunds_are_two(self, provider: Any) -> None:
        captured = self._captured(provider)
        refs = {provider.refund(captured.ref, PART, f"refund-{i}").ref for i in range(2)}
        assert len(refs) == 2

    @pytest.mark.parametrize("money", [AMOUNT + Money(1, "USD"), Money(5000, "EUR"), -PART])
    def test_refund_refuses_more_than_was_taken(self, provider: Any, money: Money) -> None:
        captured = self._captured(provider)
        assert is_refused(lambda: provider.refund(captured.ref, money, "refund-wrong"))

    def test_refunds_together_never_exceed_what_was_taken(self, provider: Any) -> None:
        self._online_only()
        captured = self._captured(provider)
        provider.refund(captured.ref, AMOUNT, "refund-all")
        assert is_refused(lambda: provider.refund(captured.ref, PART, "refund-more"))

    # --- webhooks -------------------------------------------------------------------------------

    def webhook_ref(self, provider: Any) -> tuple[str, str]:
        """(ref, attempt) that the webhook of `webhook()` is about."""
        raise NotImplementedError

    def test_a_webhook_names_the_payment_by_ref_and_our_attempt(self, provider: Any) -> None:
        body, headers = self._genuine(provider)
        ref, attempt = self.webhook_ref(provider)
        (event,) = provider.read_webhook(body, headers)
        assert (event.ref, event.attempt) == (ref, attempt)
