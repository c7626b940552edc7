"""Stripe as a payment provider, on the stand-in and the real SDK."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import click
import pytest
import requests
import stripe
from click.testing import CliRunner

from opticworks.contracts import BadSignature, NoWebhookSecret, PaymentIntent, ProviderError
from opticworks.money import Money
from opticworks.testing import PaymentProviderContract
from opticworks.testing.contracts.common import sample_quote
from opticworks.testing.contracts.payment import AMOUNT
from opticworks_stripe_payments import commands, problems
from opticworks_stripe_payments.amounts import Unpayable, from_stripe, to_stripe
from opticworks_stripe_payments.cli import EVENTS
from opticworks_stripe_payments.provider import StripePayments
from opticworks_stripe_payments.settings import StripeSettings
from opticworks_stripe_payments.standin.delivery import sign

SECRET = "whsec_standin"


class TestContract(PaymentProviderContract):
    capture = "manual"

    @pytest.fixture
    def provider(self, standin: Any) -> Any:
        made = standin.provider()
        made.standin = standin
        return made

    def authorize(self, provider: Any, ref: str) -> None:
        provider.standin.confirm(ref)

    @contextmanager
    def vendor_down(self, provider: Any) -> Iterator[None]:
        working = provider._client
        provider._client = stripe.StripeClient(
            "sk_test_standin",
            base_addresses={"api": "http://127.0.0.1:9"},
            http_client=stripe.RequestsClient(timeout=1),
        )
        yield
        provider._client = working

    def decline(self, provider: Any, ref: str) -> bool:
        with pytest.raises(stripe.CardError):
            provider.standin.confirm(ref, "pm_card_chargeDeclined")
        return True

    @contextmanager
    def lost_answer(self, provider: Any) -> Iterator[None]:
        """Stripe acts, and is silent for longer than anybody waits."""
        patient = provider._client
        provider._client = provider.standin.client(timeout=0.4)
        provider.standin.control("faults", match="POST", how="timeout", seconds=60)
        yield
        provider._client = patient
        provider.standin.app.faults.settle()  # the silent request's key is in use before

    def secrets(self, provider: Any) -> tuple[str, ...]:
        return ("sk_test_standin", SECRET)

    def stale_webhook(self, provider: Any) -> tuple[bytes, dict[str, str]]:
        return signed(json.dumps(EVENT).encode(), at=time.time() - 3600)

    def without_webhook_secret(self, provider: Any) -> Any:
        return provider.standin.provider(webhook_secret="")

    def webhook(self, provider: Any) -> tuple[bytes, dict[str, str]]:
        provider.start(self.intent("att-hook"), "start-att-hook")
        events = list(provider.standin.app.vendor.objects["event"].values())
        return signed(provider.standin.app.delivery.body_of(events[-1]))

    def webhook_ref(self, provider: Any) -> tuple[str, str]:
        (made,) = provider.standin.app.vendor.objects["payment_intent"].values()
        return made["id"], "att-hook"


def signed(
    body: bytes, secrets: tuple[str, ...] = (SECRET,), at: float | None = None
) -> tuple[bytes, dict[str, str]]:
    stamp = int(time.time() if at is None else at)
    return body, {"Stripe-Signature": sign(body, list(secrets), stamp)}


def intent(amount: Money = AMOUNT, attempt: str = "att-1") -> PaymentIntent:
    return PaymentProviderContract().intent(attempt, amount)


@pytest.fixture
def provider(standin: Any) -> StripePayments:
    made: StripePayments = standin.provider()
    return made


def test_the_intent_carries_the_order_and_our_attempt(standin: Any, provider: Any) -> None:
    result = provider.start(intent(), "key-1")
    (made,) = standin.control("state")["payment_intent"].values()
    assert made["metadata"] == {"order": "OW-10042", "attempt": "att-1"}
    assert made["amount"] == AMOUNT.minor
    assert result.state == "action"
    assert result.data["client_secret"] == made["client_secret"]


def test_a_decline_says_the_providers_sentence_and_leaves_the_payment_open(
    standin: Any, provider: Any
) -> None:
    ref = provider.start(intent(), "key-1").ref
    with pytest.raises(stripe.CardError):
        standin.confirm(ref, "pm_card_chargeDeclinedInsufficientFunds")
    declined = provider.fetch(ref)
    assert (declined.state, declined.message) == ("action", "Your card has insufficient funds.")
    standin.confirm(ref)
    assert provider.fetch(ref).state == "captured"


def test_a_bank_that_asks_the_buyer_is_still_an_action(standin: Any, provider: Any) -> None:
    ref = provider.start(intent(), "key-1").ref
    standin.confirm(ref, "pm_card_authenticationRequired")
    assert provider.fetch(ref).state == "action"


def test_a_charge_whose_answer_was_lost_is_made_once(standin: Any) -> None:
    settings = standin.settings()
    impatient = StripePayments(settings)
    impatient._client = standin.client(retries=2, timeout=0.5)
    # Silent until the client has gone, and not for long after: its key is in use before.
    standin.control("faults", match="POST /v1/payment_intents$", how="timeout", seconds=0.6)
    assert impatient.start(intent(), "key-1").state == "action"
    assert len(standin.control("state")["payment_intent"]) == 1


def test_what_stripe_is_asked_is_once_per_call(standin: Any, provider: Any) -> None:
    provider.start(intent(), "key-1")
    assert standin.control("calls") == ["POST /v1/payment_intents"]


@pytest.mark.parametrize(
    ("status", "retryable"), [(429, True), (500, True), (401, True), (400, False)]
)
def test_errors_say_whether_trying_again_helps_and_nothing_secret(
    standin: Any, status: int, retryable: bool
) -> None:
    provider = StripePayments(standin.settings())
    provider._client = standin.client()
    standin.control("faults", match=".*", status=status, times=1)
    with pytest.raises(ProviderError) as caught:
        provider.start(intent(), "key-1")
    assert caught.value.retryable is retryable
    assert "sk_test" not in str(caught.value)


@pytest.mark.parametrize(
    ("money", "units"),
    [
        (Money(1999, "USD"), 1999),
        (Money(500, "JPY"), 500),
        (Money(500, "ISK"), 50_000),
        (Money(12_340, "KWD"), 12_340),
    ],
)
def test_amounts_are_counted_as_stripe_counts(money: Money, units: int) -> None:
    assert to_stripe(money) == units
    assert from_stripe(units, money.currency.lower()) == money


def test_an_amount_that_no_card_can_be_charged_is_not_offered(provider: Any) -> None:
    with pytest.raises(Unpayable):
        to_stripe(Money(12_345, "KWD"))
    assert provider.offers(sample_quote(Money(12_345, "KWD"))) == ()
    assert provider.offers(sample_quote(Money(0, "USD"))) == ()
    (offer,) = provider.offers(sample_quote(AMOUNT))
    assert "sk_test" not in json.dumps(dict(offer.data))


EVENT = {
    "id": "evt_1",
    "object": "event",
    "created": 1_700_000_000,
    "livemode": False,
    "type": "payment_intent.succeeded",
    "data": {"object": {"id": "pi_1", "object": "payment_intent", "metadata": {"attempt": "a-1"}}},
}


def test_the_published_vector_is_verified() -> None:
    """A body and signature that Stripe's own library made: see the plugin's README."""
    body = (
        b'{"id":"evt_test_1","object":"event","type":"payment_intent.succeeded","data":'
        b'{"object":{"id":"pi_test_1","object":"payment_intent","amount":1099}}}'
    )
    digest = "9f1e742b5dd16066a020a9fb8a83c8867b4984582da6cb190d9c6af2c27ffdf8"
    assert sign(body, ["whsec_test_secret"], 1_700_000_000) == f"t=1700000000,v1={digest}"


def test_a_webhook_signed_with_any_secret_of_a_rollover_is_read(standin: Any) -> None:
    both = standin.provider(webhook_secret="whsec_new, whsec_old")
    body = json.dumps(EVENT).encode()
    for secrets in (("whsec_old",), ("whsec_new",), ("whsec_older", "whsec_new")):
        (event,) = both.read_webhook(*signed(body, secrets))
        assert (event.id, event.ref, event.attempt) == ("evt_1", "pi_1", "a-1")


@pytest.mark.parametrize("seconds", [-301, 400])
def test_a_webhook_of_another_time_is_refused(provider: Any, seconds: int) -> None:
    body = json.dumps(EVENT).encode()
    with pytest.raises(BadSignature):
        provider.read_webhook(*signed(body, at=time.time() + seconds))


@pytest.mark.parametrize("header", ["t=1,v1=\xe9", "t=,v1=", "t=nan,v1=a", "v1", "\x00", ",=,"])
def test_a_signature_that_is_none_is_refused_like_a_wrong_one(provider: Any, header: str) -> None:
    with pytest.raises(BadSignature):
        provider.read_webhook(json.dumps(EVENT).encode(), {"Stripe-Signature": header})


def test_an_event_of_the_other_mode_is_refused(provider: Any) -> None:
    with pytest.raises(BadSignature, match="other mode"):
        provider.read_webhook(*signed(json.dumps({**EVENT, "livemode": True}).encode()))


@pytest.mark.parametrize(
    "body",
    [
        b"{",
        b"[]",
        b"null",
        json.dumps({**EVENT, "data": {}}).encode(),
        json.dumps({**EVENT, "data": {"object": None}}).encode(),
        json.dumps({**EVENT, "created": "yesterday"}).encode(),
        json.dumps({**EVENT, "created": 10**20}).encode(),
        json.dumps({"id": "evt_1", "object": "v2.core.event", "livemode": False}).encode(),
    ],
)
def test_a_signed_body_of_another_shape_is_refused(provider: Any, body: bytes) -> None:
    """An endpoint that was registered for "thin" events, say: an answer, not an error page."""
    with pytest.raises(BadSignature, match="no event"):
        provider.read_webhook(*signed(body))


def test_without_a_signing_secret_nothing_is_read(standin: Any) -> None:
    with pytest.raises(NoWebhookSecret, match="webhook signing secret"):
        standin.provider(webhook_secret="").read_webhook(*signed(json.dumps(EVENT).encode()))


KEYS = {"publishable_key": "pk_test_1", "secret_key": "sk_test_1"}


@pytest.mark.parametrize(
    ("given", "mode", "said"),
    [
        ({}, "production", "keys are missing"),
        (KEYS, "production", ""),
        ({**KEYS, "secret_key": "rk_live_1"}, "production", "don't belong together"),
        ({**KEYS, "secret_key": "secret"}, "production", "begin with sk_"),
        ({**KEYS, "webhook_secret": "abc"}, "test", "whsec_"),
        ({**KEYS, "api_base": "http://127.0.0.1:1"}, "test", ""),
        ({**KEYS, "api_base": "http://127.0.0.1:1"}, "production", "stand-in"),
        ({**KEYS, "script": "http://127.0.0.1:1/stripe.js"}, "production", "stand-in"),
        ({**KEYS, "api_base": "https://evil.example"}, "development", "this machine"),
    ],
)
def test_what_keeps_payments_from_being_taken_is_said(
    given: dict[str, str], mode: str, said: str
) -> None:
    sentences = list(StripeSettings.model_validate(given).problems(mode))
    if said:
        assert any(said in sentence for sentence in sentences)
    else:
        assert sentences == []
    assert not any("sk_test_1" in sentence for sentence in sentences)


def test_a_long_list_comes_page_by_page(
    standin: Any, provider: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("opticworks_stripe_payments.listing.PAGE", 2)
    refs = [provider.start(intent(attempt=f"att-{n}"), f"key-{n}").ref for n in range(5)]
    listed = provider.list(datetime.now(UTC) - timedelta(hours=1))
    assert [each.result.ref for each in listed] == refs[::-1]
    assert standin.control("calls").count("GET /v1/payment_intents") == 3


@pytest.mark.parametrize(
    ("secret", "said"),
    [("", "every webhook is refused"), ("whsec_a,whsec_b", "2 signing secrets are set")],
)
def test_listen_url_says_what_to_register_and_no_secret(
    make_shop: Any, open_shop: Any, secret: str, said: str
) -> None:
    keys = {"publishable_key": "pk_test_1", "secret_key": "sk_test_1", "webhook_secret": secret}
    shop = make_shop(("stripe_payments",), settings={"stripe_payments": keys})
    group = click.Group("opticworks")
    commands(cli=group)
    told = CliRunner().invoke(group, ["stripe", "listen-url"], obj=open_shop(shop))
    assert told.exit_code == 0, told.output
    for part in ("http://localhost/webhooks/stripe", stripe.api_version, said, *EVENTS):
        assert part in told.output
    assert "stripe listen --forward-to" in told.output
    assert "whsec_a" not in told.output
    assert "sk_test_1" not in told.output


def test_before_keys_are_set_the_commands_say_what_is_missing(
    make_shop: Any, open_shop: Any
) -> None:
    shop = make_shop(("stripe_payments",), mode="development")
    group = click.Group("opticworks")
    commands(cli=group)
    for verb, code in (("listen-url", 0), ("register-domain", 1)):
        told = CliRunner().invoke(group, ["stripe", verb], obj=open_shop(shop))
        assert told.exit_code == code, told.output
        assert "Set the publishable key and the secret key" in told.output
        assert ("http://localhost/webhooks/stripe" in told.output) is (code == 0)


def test_a_stand_in_takes_no_money_in_production_but_for_a_bench_that_its_ini_allows() -> None:
    def said(own: StripeSettings, **more: Any) -> list[str]:
        return list(problems({"stripe_payments": own, "mode": "production", **more}))

    keys = {"publishable_key": "pk_test_1", "secret_key": "sk_test_1"}
    here = "http://127.0.0.1:8420"
    (refused,) = said(StripeSettings.model_validate({**keys, "api_base": here}))
    assert "stand-in, which takes no money" in refused
    assert said(StripeSettings(), standins={"stripe": here}) == []  # config lets a bench name one
    assert said(StripeSettings.model_validate({**keys, "api_base": here}), standins={}) == [refused]


def test_one_fetch_tells_what_was_done_at_stripe(standin: Any) -> None:
    """By hand in the dashboard, and by the buyer's bank: refunds that fail later, disputes."""
    provider = standin.provider()
    ref = provider.start(intent(), "start-1").ref
    standin.confirm(ref, "pm_card_refundFail")
    ours = provider.refund(ref, Money(500, "USD"), "key-1")
    assert (ours.state, ours.key) == ("pending", "key-1")
    made = standin.control("refund", payment_intent=ref, amount="200")
    standin.control("finish_refund", id=made["id"])
    standin.control("fail_refund", id=ours.ref)
    first, second = provider.fetch(ref).refunds
    assert (first.key, first.state, first.money) == ("key-1", "failed", Money(500, "USD"))
    assert "expired or was canceled" in first.message
    assert (second.key, second.state, second.money) == ("", "done", Money(200, "USD"))
    assert provider.fetch(ref).refunded == Money(200, "USD")

    claimed = standin.control("dispute", intent_id=ref)
    (dispute,) = provider.fetch(ref).disputes
    said = (dispute.ref, dispute.status, dispute.reason)
    assert said == (claimed["id"], "needs_response", "fraudulent")
    assert dispute.money == provider.fetch(ref).captured - Money(200, "USD")
    assert dispute.due_by > datetime.now(UTC)
    (listed,) = provider.list(datetime.now(UTC) - timedelta(hours=1))
    (there,) = listed.result.disputes
    assert (there.ref, there.money, there.status) == (dispute.ref, dispute.money, dispute.status)
    with pytest.raises(ProviderError, match="charged back") as caught:
        provider.refund(ref, Money(100, "USD"), "key-2")
    assert not caught.value.retryable
    # The link leads to a page where staff of a test shop decide how it ends.
    page = requests.get(dispute.url, timeout=10)
    assert "The shop wins" in page.text
    requests.post(dispute.url, {"do": "won", "id": dispute.ref}, timeout=10)
    assert [each.status for each in provider.fetch(ref).disputes] == ["won"]
    assert provider.refund(ref, Money(100, "USD"), "key-3").money == Money(100, "USD")


def test_a_link_to_the_dashboard_is_of_the_right_mode() -> None:
    keys = {"publishable_key": "pk_live_1", "secret_key": "sk_live_1"}
    live = StripeSettings.model_validate(keys)
    assert live.dashboard("disputes/du_1") == "https://dashboard.stripe.com/disputes/du_1"
    test = StripeSettings.model_validate({**keys, "secret_key": "sk_test_1"})
    assert test.dashboard("disputes/du_1") == "https://dashboard.stripe.com/test/disputes/du_1"
