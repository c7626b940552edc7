"""The contract of PaymentProvider."""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from opticworks.contracts import (
    BadSignature,
    CaptureMethod,
    ListedPayment,
    ListsPayments,
    NoWebhookSecret,
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


class PaymentProviderContract(WebhookContract):
    """Subclass it with a fixture `provider`. Set `offline` for a method whose money staff record
    (a bank transfer): it has no memory, so that the order's own ledger knows more than `fetch`.

    Otherwise override `authorize(provider, ref)`: the buyer does what the vendor asks for, up to
    an authorization that can be captured. What else lies behind a provider is told by the methods
    that answer None here; cases that need one of them are skipped without it.
    """

    offline = False
    capture: CaptureMethod = "automatic"  #: what payments are asked for, see PaymentIntent

    def decline(self, provider: Any, ref: str) -> bool:
        """The buyer's bank refuses a started payment; False where no bank is asked."""
        return False

    def lost_answer(self, provider: Any) -> AbstractContextManager[Any] | None:
        """A context in which the vendor acts, and its answer is lost on the way back."""
        return None

    def secrets(self, provider: Any) -> tuple[str, ...]:
        """What may be read nowhere: keys, signing secrets."""
        return ()

    def stale_webhook(self, provider: Any) -> tuple[bytes, dict[str, str]] | None:
        """A webhook that its vendor signed an hour ago."""
        return None

    def without_webhook_secret(self, provider: Any) -> Any:
        """The same provider before anybody set its signing secret."""
        return None

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
            capture=self.capture,
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

    def _authorized(self, provider: Any, attempt: str = "att-1") -> str:
        ref = self._started(provider, attempt).ref
        self.authorize(provider, ref)
        return ref

    def _losing(self, provider: Any) -> AbstractContextManager[Any]:
        lost = self.lost_answer(provider)
        if lost is None:
            pytest.skip("There is no vendor whose answer could be lost.")
        return lost

    def _listed(self, provider: Any, since: datetime | None = None) -> list[ListedPayment]:
        if not isinstance(provider, ListsPayments):
            pytest.skip("It can't list what lies at its vendor.")
        return list(provider.list(since or datetime.now(UTC) - timedelta(hours=1)))

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

    def test_offers_can_be_shown_and_hold_no_secret(self, provider: Any) -> None:
        for offer in provider.offers(sample_quote(AMOUNT)):
            shown = json.dumps(dict(offer.data)) + offer.title + offer.description
            assert json.loads(json.dumps(dict(offer.data))) == dict(offer.data)
            assert not [secret for secret in self.secrets(provider) if secret in shown]

    def test_offers_are_made_without_asking_the_vendor(self, provider: Any) -> None:
        down = self.vendor_down(provider)
        if down is None:
            pytest.skip("There is no vendor that could be asked.")
        with down:
            assert provider.offers(sample_quote(AMOUNT))

    def test_errors_tell_no_secret(self, provider: Any) -> None:
        down = self.vendor_down(provider)
        if down is None:
            pytest.skip("There is no vendor that could be out of reach.")
        with down, pytest.raises(ProviderError) as caught:
            self.ask(provider)
        assert not [secret for secret in self.secrets(provider) if secret in str(caught.value)]

    def test_start_answers_a_ref_and_exactly_the_amount(self, provider: Any) -> None:
        result = self._started(provider)
        assert isinstance(result, PaymentResult)
        assert result.state in OPEN
        assert result.ref
        assert result.money == AMOUNT

    def test_start_repeated_with_its_key_is_the_same_payment(self, provider: Any) -> None:
        first, again = self._started(provider), self._started(provider)
        assert (again.ref, again.state, again.money) == (first.ref, first.state, first.money)

    def test_start_repeated_with_another_amount_is_no_second_payment(self, provider: Any) -> None:
        self._online_only()
        first = self._started(provider)
        other = self.intent(amount=AMOUNT + PART)
        if not is_refused(lambda: provider.start(other, "start-att-1")):
            again = provider.start(other, "start-att-1")
            assert (again.ref, again.money) == (first.ref, first.money)

    def test_start_whose_answer_was_lost_is_one_payment(self, provider: Any) -> None:
        with self._losing(provider), pytest.raises(ProviderError) as caught:
            self._started(provider)
        assert caught.value.retryable
        ref = self._started(provider).ref
        assert [listed.result.ref for listed in self._listed(provider)] == [ref]

    @pytest.mark.parametrize("money", [Money(0, "USD"), -AMOUNT])
    def test_start_refuses_to_charge_nothing(self, provider: Any, money: Money) -> None:
        self._online_only()
        assert is_refused(lambda: provider.start(self.intent(amount=money), "start-nothing"))

    @pytest.mark.parametrize("money", [Money(500, "JPY"), Money(12_340, "KWD")])
    def test_amounts_are_counted_in_the_units_of_their_currency(
        self, provider: Any, money: Money
    ) -> None:
        started = provider.start(self.intent(amount=money), "start-foreign")
        assert started.money == money
        assert provider.fetch(started.ref).money == money

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

    @pytest.mark.parametrize("verb", ["fetch", "capture", "cancel", "refund"])
    def test_an_unknown_ref_is_refused_for_good(self, provider: Any, verb: str) -> None:
        arguments = {"fetch": (), "cancel": ("key",)}.get(verb, (PART, "key"))
        with pytest.raises(ProviderError) as caught:
            getattr(provider, verb)("no-such-payment", *arguments)
        assert not caught.value.retryable

    def test_fetch_moves_nothing(self, provider: Any) -> None:
        ref = self._authorized(provider)
        first = provider.fetch(ref)
        assert {
            (again.state, again.money) for again in at_once(lambda: provider.fetch(ref), 4)
        } == {(first.state, first.money)}

    def test_a_declined_payment_says_why_and_took_nothing(self, provider: Any) -> None:
        ref = self._started(provider).ref
        if not self.decline(provider, ref):
            pytest.skip("No bank is asked.")
        declined = provider.fetch(ref)
        assert declined.state in ("action", "failed")
        assert declined.message.strip()
        assert is_refused(lambda: provider.refund(ref, PART, "refund-declined"))

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

    def test_capture_of_a_part_takes_that_part(self, provider: Any) -> None:
        ref = self._authorized(provider)
        captured = provider.capture(ref, PART, "capture-part")
        assert (captured.state, captured.money) == ("captured", PART)
        if not self.offline:
            assert provider.fetch(ref).money == PART

    def test_capture_before_the_buyer_paid_is_refused(self, provider: Any) -> None:
        self._online_only()
        ref = self._started(provider).ref
        assert is_refused(lambda: provider.capture(ref, AMOUNT, "capture-early"))

    def test_capture_after_cancel_is_refused(self, provider: Any) -> None:
        self._online_only()
        ref = self._authorized(provider)
        provider.cancel(ref, "cancel-1")
        assert is_refused(lambda: provider.capture(ref, AMOUNT, "capture-late"))

    def test_capture_with_one_key_in_many_threads_takes_it_once(self, provider: Any) -> None:
        ref = self._authorized(provider)
        answers = at_once(lambda: provider.capture(ref, AMOUNT, "capture-1"))
        assert {(each.state, each.money) for each in answers} == {("captured", AMOUNT)}

    def test_capture_with_another_key_takes_nothing_more(self, provider: Any) -> None:
        self._online_only()
        ref = self._captured(provider).ref
        if not is_refused(lambda: provider.capture(ref, AMOUNT, "capture-2")):
            assert provider.fetch(ref).state == "captured"
        assert provider.fetch(ref).money == AMOUNT

    def test_capture_whose_answer_was_lost_is_made_good_by_its_key(self, provider: Any) -> None:
        ref = self._authorized(provider)
        with self._losing(provider), pytest.raises(ProviderError) as caught:
            provider.capture(ref, AMOUNT, "capture-1")
        assert caught.value.retryable
        again = provider.capture(ref, AMOUNT, "capture-1")
        assert (again.state, again.money) == ("captured", AMOUNT)

    def test_capture_leaves_other_payments_alone(self, provider: Any) -> None:
        self._online_only()
        other = self._authorized(provider, "att-2")
        self._captured(provider)
        assert provider.fetch(other).state == "authorized"

    # --- cancel ---------------------------------------------------------------------------------

    def test_cancel_calls_an_unpaid_payment_off(self, provider: Any) -> None:
        ref = self._started(provider).ref
        result = provider.cancel(ref, "cancel-1")
        assert (result.state, result.ref) == ("canceled", ref)

    def test_cancel_repeated_with_its_key_is_no_error(self, provider: Any) -> None:
        ref = self._started(provider).ref
        states = {provider.cancel(ref, "cancel-1").state for _ in range(2)}
        assert states == {"canceled"}

    def test_cancel_releases_what_was_authorized(self, provider: Any) -> None:
        self._online_only()
        ref = self._authorized(provider)
        assert provider.cancel(ref, "cancel-1").state == "canceled"
        assert provider.fetch(ref).state == "canceled"

    def test_fetch_sees_that_it_was_called_off(self, provider: Any) -> None:
        self._online_only()
        ref = self._started(provider).ref
        provider.cancel(ref, "cancel-1")
        assert provider.fetch(ref).state == "canceled"

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

    @pytest.mark.parametrize(
        "money", [AMOUNT + Money(1, "USD"), Money(5000, "EUR"), -PART, Money(0, "USD")]
    )
    def test_refund_refuses_more_than_was_taken(self, provider: Any, money: Money) -> None:
        captured = self._captured(provider)
        assert is_refused(lambda: provider.refund(captured.ref, money, "refund-wrong"))

    def test_refunds_together_never_exceed_what_was_taken(self, provider: Any) -> None:
        self._online_only()
        captured = self._captured(provider)
        provider.refund(captured.ref, AMOUNT, "refund-all")
        assert is_refused(lambda: provider.refund(captured.ref, PART, "refund-more"))

    def test_refunds_go_up_to_the_last_cent(self, provider: Any) -> None:
        ref = self._captured(provider).ref
        parts = [PART, Money(1, "USD"), AMOUNT - PART - Money(1, "USD")]
        for number, part in enumerate(parts):
            refund = provider.refund(ref, part, f"refund-{number}")
            assert (refund.state in ("pending", "done"), refund.money) == (True, part)

    def test_refund_of_what_was_never_captured_is_refused(self, provider: Any) -> None:
        self._online_only()
        ref = self._authorized(provider)
        assert is_refused(lambda: provider.refund(ref, PART, "refund-early"))
        provider.cancel(ref, "cancel-1")
        assert is_refused(lambda: provider.refund(ref, PART, "refund-canceled"))

    def test_refund_with_one_key_in_many_threads_pays_back_once(self, provider: Any) -> None:
        ref = self._captured(provider).ref
        answers = at_once(lambda: provider.refund(ref, PART, "refund-1"))
        assert len({refund.ref for refund in answers}) == 1
        assert provider.refund(ref, AMOUNT - PART, "refund-rest").state in ("pending", "done")

    def test_refund_whose_answer_was_lost_pays_back_once(self, provider: Any) -> None:
        ref = self._captured(provider).ref
        with self._losing(provider), pytest.raises(ProviderError) as caught:
            provider.refund(ref, PART, "refund-1")
        assert caught.value.retryable
        provider.refund(ref, PART, "refund-1")
        assert provider.refund(ref, AMOUNT - PART, "refund-rest").state in ("pending", "done")

    def test_fetch_tells_of_each_refund_by_its_key(self, provider: Any) -> None:
        self._online_only()
        ref = self._captured(provider).ref
        if provider.fetch(ref).captured is None:
            pytest.skip("This provider does not say what became of the money.")
        asked = {"refund-1": PART, "refund-2": Money(1, "USD")}
        made = [provider.refund(ref, money, key) for key, money in asked.items()]
        fetched = provider.fetch(ref)
        assert (fetched.captured, fetched.refunded) == (AMOUNT, PART + Money(1, "USD"))
        assert {refund.key: refund.money for refund in fetched.refunds} == asked
        assert [refund.ref for refund in fetched.refunds] == [refund.ref for refund in made]
        assert fetched.disputes == ()

    # --- what lies at the vendor ----------------------------------------------------------------

    def test_a_list_names_our_attempt_and_order(self, provider: Any) -> None:
        refs = [self._started(provider, attempt).ref for attempt in ("att-1", "att-2")]
        listed = {each.result.ref: each for each in self._listed(provider)}
        assert sorted(listed) == sorted(refs)
        assert [listed[ref].attempt for ref in refs] == ["att-1", "att-2"]
        assert {each.order_number for each in listed.values()} == {"OW-10042"}
        assert all(is_utc(each.at) for each in listed.values())

    def test_a_list_says_of_each_payment_what_fetch_says(self, provider: Any) -> None:
        self._started(provider, "att-2")
        if not self.offline:
            self._captured(provider)
        for each in self._listed(provider):
            fetched = provider.fetch(each.result.ref)
            assert (each.result.state, each.result.money) == (fetched.state, fetched.money)

    def test_a_list_leaves_out_what_is_older(self, provider: Any) -> None:
        self._started(provider)
        assert self._listed(provider, datetime.now(UTC) + timedelta(minutes=5)) == []

    # --- webhooks -------------------------------------------------------------------------------

    def webhook_ref(self, provider: Any) -> tuple[str, str]:
        """(ref, attempt) that the webhook of `webhook()` is about."""
        raise NotImplementedError

    def test_a_webhook_names_the_payment_by_ref_and_our_attempt(self, provider: Any) -> None:
        body, headers = self._genuine(provider)
        ref, attempt = self.webhook_ref(provider)
        (event,) = provider.read_webhook(body, headers)
        assert (event.ref, event.attempt) == (ref, attempt)

    def test_what_a_webhook_tells_can_be_stored(self, provider: Any) -> None:
        (event,) = provider.read_webhook(*self._genuine(provider))
        assert json.loads(json.dumps(dict(event.data))) == dict(event.data)
        assert "@" not in json.dumps(dict(event.data)), "It keeps somebody's address."

    def test_refuses_a_webhook_that_is_no_text(self, provider: Any) -> None:
        _, headers = self._genuine(provider)
        with pytest.raises(BadSignature):
            provider.read_webhook(b"\xff\xfe{}", headers)

    def test_refuses_a_webhook_that_was_signed_long_ago(self, provider: Any) -> None:
        stale = self.stale_webhook(provider)
        if stale is None:
            pytest.skip("It has no webhooks.")
        with pytest.raises(BadSignature):
            provider.read_webhook(*stale)

    def test_refuses_every_webhook_without_a_secret(self, provider: Any) -> None:
        genuine = self._genuine(provider)
        unset = self.without_webhook_secret(provider)
        if unset is None:
            pytest.skip("Its webhooks need no secret.")
        with pytest.raises(NoWebhookSecret):
            unset.read_webhook(*genuine)
