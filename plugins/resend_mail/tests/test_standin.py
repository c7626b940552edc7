"""The stand-in against Resend's own specification, asked through the real SDK."""

from __future__ import annotations

import json
import re
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

import pytest
import resend
from jsonschema import Draft202012Validator
from referencing import Registry, Resource
from referencing.jsonschema import DRAFT202012

from opticworks.testing.contracts.mailer import MESSAGE
from opticworks.testing.standins import Fault, Switch
from opticworks_resend_mail.standin.server import CALLS, StandIn
from opticworks_resend_mail.standin.vendor import Vendor

SPEC = json.loads((Path(__file__).parent / "data" / "openapi.json").read_text())
REGISTRY: Any = Registry().with_resource("spec", Resource(contents=SPEC, specification=DRAFT202012))


def wrong(body: Any, schema: Any) -> list[str]:
    """Where a body differs from the specification."""
    schema = json.loads(json.dumps(schema).replace('"#/components', '"spec#/components'))
    validator = Draft202012Validator(schema, registry=REGISTRY)
    return [f"{list(e.absolute_path)}: {e.message[:200]}" for e in validator.iter_errors(body)]


def schema_of(method: str, path: str, part: str = "response") -> Any:
    for pattern, verbs in SPEC["paths"].items():
        if re.fullmatch(re.sub(r"\{\w+\}", "[^/]+", pattern), path) and method in verbs:
            if part == "request":
                return verbs[method]["requestBody"]["content"]["application/json"]["schema"]
            answer = verbs[method]["responses"]["200"]
            return answer["content"]["application/json"]["schema"]
    raise LookupError(f"{method} {path} is not in the specification")


def call(url: str, method: str, path: str, body: Any = None, **headers: str) -> Any:
    given = {"Authorization": "Bearer re_standin", "User-Agent": "test", **headers}
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(f"{url}{path}", data, given, method=method.upper())
    try:
        with urllib.request.urlopen(request, timeout=5) as answer:
            return answer.status, json.loads(answer.read())
    except urllib.error.HTTPError as error:
        return error.code, json.loads(error.read())


MAIL = {
    "from": "Shop <shop@shop.example>",
    "to": ["delivered@resend.dev"],
    "subject": "Hello",
    "html": "<p>Hello</p>",
    "tags": [{"name": "message", "value": "key-1"}],
}


def test_every_call_answers_as_specified(standin: Any) -> None:
    domain = standin.app.vendor.add_domain("shop.example", "pending")
    later = {**MAIL, "scheduled_at": "2100-01-01T00:00:00+00:00"}
    asked = [
        ("post", f"/domains/{domain['id']}/verify", None),
        ("get", "/domains", None),
        ("get", f"/domains/{domain['id']}", None),
        ("post", "/emails", MAIL),
        ("post", "/emails/batch", [MAIL, MAIL]),
        ("get", "/emails", None),
    ]
    for method, path, body in asked:
        if body is not None:
            assert wrong(body, schema_of(method, path, "request")) == []
        status, answer = call(standin.url, method, path, body)
        assert (status, wrong(answer, schema_of(method, path))) == (200, []), path
    id = standin.received[0]["id"]
    status, answer = call(standin.url, "get", f"/emails/{id}")
    assert (status, wrong(answer, schema_of("get", f"/emails/{id}"))) == (200, [])
    assert answer["last_event"] == "delivered"
    status, answer = call(standin.url, "post", "/emails", later)
    assert (status, answer["name"]) == (422, "validation_error")  # 30 days ahead at most
    assert len(CALLS) == 9


def test_what_the_mailer_sends_is_what_the_specification_takes(standin: Any) -> None:
    mailer = standin.mailer()
    params = mailer._params(MESSAGE, "key-1")
    assert wrong(params, schema_of("post", "/emails", "request")) == []


def test_events_are_as_specified_and_follow_the_address(standin: Any) -> None:
    held = standin.app.delivery
    held.url, held.held = "http://127.0.0.1:9/", True
    said = {
        "delivered": ["email.sent", "email.delivered"],
        "bounced+label": ["email.sent", "email.bounced"],
        "complained": ["email.sent", "email.delivered", "email.complained"],
        "suppressed": ["email.suppressed"],
    }
    for name, kinds in said.items():
        held.waiting.clear()
        call(standin.url, "post", "/emails", {**MAIL, "to": f"{name}@resend.dev"})
        assert [event["type"] for event in held.waiting] == kinds
        for event in held.waiting:
            body = {key: value for key, value in event.items() if key != "id"}
            hook = SPEC["webhooks"][event["type"]]["post"]["requestBody"]
            assert wrong(body, hook["content"]["application/json"]["schema"]) == []
            assert body["data"]["tags"] == {"message": "key-1"}


@pytest.mark.parametrize(
    ("changes", "headers", "status", "name"),
    [
        ({}, {"Authorization": ""}, 401, "missing_api_key"),
        ({}, {"Authorization": "Bearer sk_1"}, 403, "invalid_api_key"),
        ({"subject": ""}, {}, 422, "missing_required_field"),
        ({"to": "nobody at all"}, {}, 422, "validation_error"),
        ({"tags": [{"name": "a b", "value": "c"}]}, {}, 422, "validation_error"),
        ({"from": "Shop <shop@other.example>"}, {}, 403, "validation_error"),
        ({}, {"Idempotency-Key": "k" * 257}, 400, "invalid_idempotency_key"),
    ],
)
def test_refusals_carry_status_name_and_sentence(
    standin: Any, changes: Any, headers: Any, status: int, name: str
) -> None:
    standin.app.vendor.add_domain("shop.example")
    got, answer = call(standin.url, "post", "/emails", {**MAIL, **changes}, **headers)
    assert (got, answer["statusCode"], answer["name"]) == (status, status, name)
    assert answer["message"]
    assert standin.mails == []


def test_a_key_is_answered_once_and_its_faults_leave_nothing(standin: Any) -> None:
    standin.app.faults.add(Fault(match="POST /emails$", status=500))
    once = {"Idempotency-Key": "k-1"}
    assert call(standin.url, "post", "/emails", MAIL, **once)[0] == 500
    first = call(standin.url, "post", "/emails", MAIL, **once)
    assert call(standin.url, "post", "/emails", MAIL, **once) == first
    status, answer = call(standin.url, "post", "/emails", {**MAIL, "subject": "x"}, **once)
    assert (status, answer["name"]) == (409, "invalid_idempotent_request")
    assert len(standin.mails) == 1


def test_a_key_is_known_again_after_a_restart(
    listening: tuple[Switch, str], standin: Any, tmp_path: Path
) -> None:
    """A worker that was killed repeats its mail to a stand-in that was restarted with it."""
    state, once = tmp_path / "state.json", {"Idempotency-Key": "k-1"}
    answers = []
    for _ in range(2):
        listening[0].app = StandIn(Vendor(state))
        answers.append(call(standin.url, "post", "/emails", MAIL, **once))
    assert answers[0] == answers[1]
    assert len(Vendor(state).emails) == 1
    status, answer = call(standin.url, "post", "/emails", {**MAIL, "subject": "x"}, **once)
    assert (status, answer["name"]) == (409, "invalid_idempotent_request")


def test_more_than_the_limit_is_asked_to_wait_and_the_sdk_sees_how_long(standin: Any) -> None:
    standin.app.limit = 1
    account = standin.mailer().account
    assert account.ask(resend.Domains.list)["data"] == []
    started = len(standin.app.calls_made)
    assert account.ask(resend.Domains.list)["data"] == []  # waited out by itself
    assert len(standin.app.calls_made) > started + 1


def test_what_was_received_outlives_the_process_and_lies_in_the_mailbox(tmp_path: Path) -> None:
    vendor = Vendor(tmp_path / "state.json", mailbox=tmp_path / "mail")
    StandIn(vendor)
    vendor.receive(MAIL)
    vendor.save()
    assert [email["subject"] for email in Vendor(tmp_path / "state.json").emails.values()] == [
        "Hello"
    ]
    (letter,) = (tmp_path / "mail" / "new").iterdir()
    assert b"Subject: Hello" in letter.read_bytes()
