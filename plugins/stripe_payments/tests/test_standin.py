"""The stand-in against Stripe's own words: its specification, recordings, documented rules."""

from __future__ import annotations

import json
import threading
import time
from contextlib import nullcontext
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
import requests
import stripe
from jsonschema import Draft4Validator
from referencing import Registry, Resource
from referencing.jsonschema import DRAFT4

from opticworks.testing.standins import Switch, differences, learn
from opticworks_stripe_payments.standin.server import StandIn
from opticworks_stripe_payments.standin.vendor import Vendor

DATA = Path(__file__).parent / "data"
SPEC = json.loads((DATA / "openapi.json").read_text())


def conform(value: Any) -> Any:
    """OpenAPI 3.0's `nullable`, said in JSON Schema."""
    if isinstance(value, list):
        return [conform(each) for each in value]
    if not isinstance(value, dict):
        return value
    schema = {name: conform(each) for name, each in value.items()}
    if schema.pop("nullable", False):
        return {"anyOf": [schema, {"type": "null"}]}
    return schema


SCHEMAS = conform({"components": {"schemas": SPEC["components"]["schemas"]}})
REGISTRY: Any = Registry().with_resource("spec", Resource(contents=SCHEMAS, specification=DRAFT4))


def wrong(body: dict[str, Any]) -> list[str]:
    """Where an object differs from its schema in the specification."""
    schema = {"$ref": f"spec#/components/schemas/{body['object']}"}
    validator = Draft4Validator(schema, registry=REGISTRY)
    return [f"{list(e.absolute_path)}: {e.message[:200]}" for e in validator.iter_errors(body)]


def missing_fields(body: dict[str, Any]) -> set[str]:
    """Fields of the specification that the SDK would raise AttributeError for."""
    said = SPEC["components"]["schemas"][body["object"]]["properties"]
    plain = {name for name in said if name not in body}
    # A payment method has one field per type, of which only its own is sent.
    return plain if body["object"] != "payment_method" else set()


@pytest.fixture
def client(standin: Any) -> stripe.StripeClient:
    made: stripe.StripeClient = standin.client()
    return made


def pay(client: stripe.StripeClient, method: str = "pm_card_visa", **more: Any) -> Any:
    given = {
        "amount": 2900,
        "currency": "usd",
        "confirm": True,
        "payment_method": method,
        "return_url": "http://127.0.0.1/return",
        **more,
    }
    return client.v1.payment_intents.create(
        {name: value for name, value in given.items() if value is not None}  # type: ignore[arg-type]
    )


def test_every_object_is_what_the_specification_says(standin: Any, client: Any) -> None:
    pay(client)
    held = pay(client, capture_method="manual")
    client.v1.payment_intents.capture(held.id)
    asked = pay(client, "pm_card_authenticationRequired")
    client.v1.payment_intents.cancel(asked.id)
    with pytest.raises(stripe.CardError):
        pay(client, "pm_card_chargeDeclined")
    client.v1.refunds.create({"payment_intent": held.id, "amount": 900})
    client.v1.test_helpers.confirmation_tokens.create({"payment_method": "pm_card_visa"})
    pay(client, "pm_card_createDispute")
    away = pay(client, payment_method=None, payment_method_data={"type": "klarna"})
    assert away.next_action.type == "redirect_to_url"
    standin.app.vendor.authenticate(standin.app.vendor.get("payment_intent", away.id), True)
    client.v1.payment_method_domains.create({"domain_name": "shop.example.com"})
    kinds = standin.control("state")
    assert all(kinds.values()), f"nothing was made of {[k for k, v in kinds.items() if not v]}"
    # The specification at hand has no domains; the SDK's own class says what they have.
    (domain,) = kinds.pop("payment_method_domain").values()
    assert stripe.PaymentMethodDomain.__annotations__.keys() - {"OBJECT_NAME"} == domain.keys()
    for kind, made in kinds.items():
        for body in made.values():
            assert wrong(body) == [], kind
            assert missing_fields(body) == set(), kind


def recordings() -> list[Any]:
    return [pytest.param(path, id=path.stem) for path in sorted((DATA / "recorded").glob("*.json"))]


#: Fields whose content depends on what an account has switched on, not on the call.
ACCOUNT = {"payment_method_options", "metadata", "amount_details", "expand", "refunds"}


@pytest.mark.parametrize("path", recordings())
def test_recorded_exchanges_answer_in_the_same_shape(standin: Any, path: Path) -> None:
    """Each recorded call that the stand-in knows, sent again; ids are translated on the way."""
    known = {"": ""}
    replayed = 0
    for exchange in json.loads(path.read_text())["exchanges"]:
        asked, recorded = exchange["request"], exchange["response"]
        route = asked["url"].removeprefix("https://api.stripe.com")
        if route.endswith("/attach"):
            # The stand-in has no customers: what was attached is used ready-made.
            ready = route.split("/")[3]
            if recorded["status"] == 200:
                known[recorded["body"]["id"]] = ready
                continue
            if not ready.startswith("pm_card"):
                answer = _send(standin, "GET", "/v1/payment_methods/invalid", [])
            else:
                form = [["amount", "100"], ["currency", "usd"], ["confirm", "true"]]
                answer = _send(
                    standin, "POST", "/v1/payment_intents", [*form, ["payment_method", ready]]
                )
        elif "invoice_payments" in route:
            if recorded["status"] != 401:
                continue
            answer = _send(standin, "GET", "/v1/payment_intents/pi_1", [], key="sk_wrong")
        elif route.startswith(("/v1/payment_intents", "/v1/refunds")):
            form = [
                [name, known.get(value, value)]
                for name, value in asked["form"]
                if name != "customer"
            ]
            answer = _send(standin, asked["method"], route, form)
        else:
            # Customers, set-ups for later, direct debits: nothing here makes these calls, and the
            # stand-in says so instead of guessing an answer.
            refused = _send(standin, asked["method"], route, asked["form"])
            assert refused.status_code in (400, 404)
            said = refused.json()["error"]["message"]
            assert "The stand-in knows" in said or "unknown parameter" in said
            replayed += 1
            continue
        replayed += 1
        assert answer.status_code == recorded["status"], answer.text
        body = answer.json()
        learn(known, recorded["body"], body)
        skip = {"request_log_url", "advice_code", "network_decline_code", "doc_url", "param"}
        said = recorded["body"]
        if "error" in said:
            said = {"error": {k: v for k, v in said["error"].items() if k not in skip}}
        assert differences(said, body, skipped=ACCOUNT) == []
        if "error" in body:
            assert body["error"]["type"] == said["error"]["type"]
            assert body["error"].get("code") == said["error"].get("code")
        elif "status" in body:
            assert body["status"] == said["status"]
    assert replayed


def _send(standin: Any, method: str, route: str, form: list[Any], key: str = "sk_test_1") -> Any:
    return requests.request(
        method,
        standin.url + route,
        data=[tuple(pair) for pair in form],
        headers={"Authorization": f"Bearer {key}"},
        timeout=10,
    )


def test_the_first_answer_to_a_key_is_repeated_errors_included(standin: Any, client: Any) -> None:
    params = {"amount": 2900, "currency": "usd"}
    first = client.v1.payment_intents.create(params, {"idempotency_key": "k1"})
    again = client.v1.payment_intents.create(params, {"idempotency_key": "k1"})
    assert again.id == first.id
    with pytest.raises(stripe.IdempotencyError):
        client.v1.payment_intents.create({**params, "amount": 3000}, {"idempotency_key": "k1"})
    declined = {**params, "confirm": True, "payment_method": "pm_card_chargeDeclined"}
    declined["return_url"] = "http://127.0.0.1/"
    for _ in range(2):
        with pytest.raises(stripe.CardError) as caught:
            client.v1.payment_intents.create(declined, {"idempotency_key": "k2"})
        assert caught.value.code == "card_declined"
    assert len(standin.control("state")["payment_intent"]) == 2


def test_what_was_malformed_is_not_kept_under_its_key(client: Any) -> None:
    with pytest.raises(stripe.InvalidRequestError):
        client.v1.payment_intents.create(
            {"amount": 0, "currency": "usd"}, {"idempotency_key": "k1"}
        )
    client.v1.payment_intents.create({"amount": 100, "currency": "usd"}, {"idempotency_key": "k1"})


CREATE = {"amount": 2900, "currency": "usd"}


@dataclass(frozen=True)
class Row:
    """A fault at "create an intent": what the SDK makes of it, and what was done in all after the
    call was repeated with its key. `calls` counts what arrived, the SDK's own repeats included."""

    fault: dict[str, Any]
    error: Any
    calls: int
    retries: int = 0


FAULTS = {
    "acts and is silent": Row({"how": "timeout", "seconds": 60}, stripe.APIConnectionError, 2),
    "is silent without acting": Row({"how": "lost", "seconds": 60}, stripe.APIConnectionError, 2),
    "is slow": Row({"how": "slow", "seconds": 0.05}, None, 2),
    "409": Row({"status": 409}, stripe.APIError, 2),
    "429": Row({"status": 429}, stripe.RateLimitError, 2),
    "500": Row({"status": 500}, stripe.APIError, 2),
    "409, tried again by the SDK": Row({"status": 409}, None, 3, retries=2),
    "429, tried again as it asks": Row({"status": 429}, None, 3, retries=2),
    "500, tried again by the SDK": Row({"status": 500}, None, 3, retries=2),
}


@pytest.mark.parametrize("row", [pytest.param(row, id=name) for name, row in FAULTS.items()])
def test_whatever_goes_wrong_a_repeated_key_makes_one_intent(standin: Any, row: Row) -> None:
    standin.control("faults", match="POST /v1/payment_intents$", **row.fault)
    silent = row.error is stripe.APIConnectionError
    client = standin.client(retries=row.retries, timeout=0.3 if silent else 10)
    with pytest.raises(row.error) if row.error else nullcontext():
        client.v1.payment_intents.create(CREATE, {"idempotency_key": "k1"})
    standin.app.faults.settle()  # the silent one's key is in use before
    found = standin.client().v1.payment_intents.create(CREATE, {"idempotency_key": "k1"})
    assert list(standin.control("state")["payment_intent"]) == [found.id]
    assert standin.control("calls") == ["POST /v1/payment_intents"] * row.calls


class Inbox:
    """Takes webhooks as a shop would, and refuses the first `refusing` of them."""

    def __init__(self, refusing: int = 0) -> None:
        self.refusing = refusing
        self.bodies: list[tuple[bytes, str]] = []
        app = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                app.bodies.append((body, self.headers["Stripe-Signature"]))
                refuse = len(app.bodies) <= app.refusing
                self.send_response(500 if refuse else 200)
                self.end_headers()

            def log_message(self, *args: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/webhooks/stripe"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def kinds(self, count: int) -> list[str]:
        """The kinds of the first events, once so many have come."""
        until = time.monotonic() + 60
        while len(self.bodies) < count and time.monotonic() < until:
            time.sleep(0.01)
        time.sleep(0.05)  # one too many would come now
        return [json.loads(body)["type"] for body, _ in self.bodies]


ONE = ["payment_intent.created", "charge.succeeded", "payment_intent.succeeded"]


@pytest.mark.parametrize(
    ("switches", "refusing", "release", "comes"),
    [
        pytest.param({}, 0, None, ONE, id="at once"),
        pytest.param({"delay": 0.2}, 0, None, ONE, id="late"),
        pytest.param({"copies": 2}, 0, None, ONE * 2, id="doubled"),
        pytest.param({}, 1, None, [*ONE, "again"], id="refused once, sent again"),
        pytest.param({"held": True}, 0, {}, ONE, id="held back"),
        pytest.param({"held": True}, 0, {"shuffled": True}, ONE, id="in another order"),
        pytest.param({"held": True}, 0, {"dropped": True}, [], id="never"),
    ],
)
def test_webhooks_come_as_they_are_told_to_and_signed_with_every_secret(
    standin: Any, client: Any, switches: Any, refusing: int, release: Any, comes: list[str]
) -> None:
    inbox = Inbox(refusing)
    secrets = ["whsec_old", "whsec_new"]
    standin.control("webhooks", url=inbox.url, secrets=secrets, **switches)
    began = time.monotonic()
    pay(client)
    if switches.get("held"):
        assert inbox.kinds(0) == []
        assert standin.control("release", **release)["released"] == len(ONE)
    came = inbox.kinds(len(comes))
    if "again" in comes:
        assert len(came) == len(comes)
        assert sorted(set(came)) == sorted(ONE)
    else:
        assert sorted(came) == sorted(comes)
    assert time.monotonic() - began >= switches.get("delay", 0)
    for body, signature in inbox.bodies:
        for secret in secrets:
            stripe.WebhookSignature.verify_header(body.decode(), signature, secret, 300)
    standin.control("webhooks", url="")
    inbox.server.shutdown()
    inbox.server.server_close()


def test_money_is_never_paid_back_twice(client: Any) -> None:
    paid = pay(client)
    client.v1.refunds.create({"payment_intent": paid.id, "amount": 2000})
    with pytest.raises(stripe.InvalidRequestError, match="greater than unrefunded"):
        client.v1.refunds.create({"payment_intent": paid.id, "amount": 1000})
    client.v1.refunds.create({"payment_intent": paid.id})
    with pytest.raises(stripe.InvalidRequestError, match="already been refunded"):
        client.v1.refunds.create({"payment_intent": paid.id})


def test_a_refund_may_fail_later_and_the_money_is_back(standin: Any, client: Any) -> None:
    paid = pay(client, "pm_card_refundFail")
    made = client.v1.refunds.create({"payment_intent": paid.id})
    assert made.status == "pending"
    standin.control("fail_refund", id=made.id)
    assert client.v1.refunds.retrieve(made.id).status == "failed"
    assert client.v1.refunds.create({"payment_intent": paid.id}).amount == 2900


def test_a_token_is_good_for_one_intent(client: Any) -> None:
    token = client.v1.test_helpers.confirmation_tokens.create({"payment_method": "pm_card_visa"})
    params = {
        "amount": 2900,
        "currency": "usd",
        "confirm": True,
        "confirmation_token": token.id,
        "return_url": "http://127.0.0.1/",
    }
    assert client.v1.payment_intents.create(params).status == "succeeded"
    with pytest.raises(stripe.InvalidRequestError, match="already been used"):
        client.v1.payment_intents.create(params)


def test_a_browser_may_only_confirm_its_own_intent(standin: Any, client: Any) -> None:
    intent = client.v1.payment_intents.create({"amount": 2900, "currency": "usd"})
    route = f"{standin.url}/v1/payment_intents/{intent.id}"
    origin = {"Origin": "http://shop.example"}

    def ask(method: str, path: str, **fields: Any) -> int:
        where = {"params": fields} if method == "GET" else {"data": fields}
        answer = requests.request(method, path, headers=origin, timeout=10, **where)  # type: ignore[arg-type]
        return answer.status_code

    secret = intent.client_secret
    assert ask("GET", route, key="pk_test_1", client_secret=secret) == 200
    assert ask("GET", route, key="pk_test_1", client_secret="guessed") == 400
    assert ask("GET", route, key="sk_test_1", client_secret=secret) == 401
    assert ask("POST", f"{route}/capture", key="pk_test_1", client_secret=secret) == 403
    seen = requests.get(
        route, params={"key": "pk_test_1", "client_secret": secret}, timeout=10
    ).json()
    assert "metadata" not in seen
    assert "customer" not in seen


def test_what_was_paid_outlives_the_process(tmp_path: Path) -> None:
    first = Vendor(tmp_path / "state.json")
    made = first.create_intent(amount=2900, currency="usd", capture_method="automatic", metadata={})
    first.confirm(made, first.method("pm_card_visa"), None)
    first.save()
    again = Vendor(tmp_path / "state.json")
    assert again.get("payment_intent", made["id"])["status"] == "succeeded"


def test_keys_are_known_again_after_a_restart(
    listening: tuple[Switch, str], standin: Any, tmp_path: Path
) -> None:
    """A shop that was killed with its stand-in repeats its payment and its refund."""
    state = tmp_path / "state.json"
    said = []
    for _ in range(2):
        listening[0].app = StandIn(Vendor(state))
        client = standin.client().v1
        intent = client.payment_intents.create(
            {"amount": 2900, "currency": "usd"}, {"idempotency_key": "attempt"}
        )
        if not said:
            standin.confirm(intent.id)
        refund = client.refunds.create(
            {"payment_intent": intent.id, "amount": 900}, {"idempotency_key": "refund"}
        )
        said.append((intent.id, intent.status, refund.id))
    assert said[0] == said[1], "the first answers, though the payment has gone on"
    kept = Vendor(state).objects
    assert [len(kept[kind]) for kind in ("payment_intent", "charge", "refund")] == [1, 1, 1]
    with pytest.raises(stripe.IdempotencyError):
        client.refunds.create(
            {"payment_intent": intent.id, "amount": 800}, {"idempotency_key": "refund"}
        )
