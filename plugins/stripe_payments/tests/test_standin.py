"""The stand-in against Stripe's own words: its specification, recordings, documented rules."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import requests
import stripe
from jsonschema import Draft4Validator
from referencing import Registry, Resource
from referencing.jsonschema import DRAFT4

from opticworks.testing.standins import differences, learn

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
    return client.v1.payment_intents.create(
        {
            "amount": 2900,
            "currency": "usd",
            "confirm": True,
            "payment_method": method,
            "return_url": "http://127.0.0.1/return",
            **more,
        }
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
    kinds = standin.control("state")
    assert all(kinds.values()), f"nothing was made of {[k for k, v in kinds.items() if not v]}"
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


def test_an_answer_that_is_lost_after_acting_is_found_by_its_key(standin: Any) -> None:
    standin.control("faults", match="POST /v1/payment_intents$", how="timeout", seconds=1.5)
    impatient = standin.client(timeout=0.5)
    params = {"amount": 2900, "currency": "usd"}
    with pytest.raises(stripe.APIConnectionError):
        impatient.v1.payment_intents.create(params, {"idempotency_key": "k1"})
    found = impatient.v1.payment_intents.create(params, {"idempotency_key": "k1"})
    assert list(standin.control("state")["payment_intent"]) == [found.id]


@pytest.mark.parametrize(
    ("status", "error"), [(429, stripe.RateLimitError), (500, stripe.APIError)]
)
def test_faults_come_as_the_sdk_knows_them(standin: Any, status: int, error: Any) -> None:
    standin.control("faults", match="payment_intents", status=status, times=1)
    with pytest.raises(error):
        standin.client().v1.payment_intents.list()
    assert standin.client().v1.payment_intents.list().data == []


def test_the_sdk_tries_again_after_a_conflict(standin: Any) -> None:
    standin.control("faults", match="payment_intents", status=409, times=1)
    assert standin.client(retries=2).v1.payment_intents.list().data == []


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
    from opticworks_stripe_payments.standin.vendor import Vendor

    first = Vendor(tmp_path / "state.json")
    made = first.create_intent(amount=2900, currency="usd", capture_method="automatic", metadata={})
    first.confirm(made, first.method("pm_card_visa"), None)
    first.save()
    again = Vendor(tmp_path / "state.json")
    assert again.get("payment_intent", made["id"])["status"] == "succeeded"
