"""The mailer, with the real SDK, on the stand-in."""

from __future__ import annotations

import json
import socket
import threading
from contextlib import closing, contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import resend

from opticworks.contracts import (
    Attachment,
    BadSignature,
    NoWebhookSecret,
    ProviderError,
    ShopSettings,
)
from opticworks.testing import MailerContract
from opticworks.testing.contracts.mailer import MESSAGE, read_mail
from opticworks.testing.standins import Fault
from opticworks_resend_mail.account import Account, Pace
from opticworks_resend_mail.reports import body_of
from opticworks_resend_mail.settings import STANDIN_SECRET, ResendSettings
from opticworks_resend_mail.standin.server import sign

#: A signature made with Resend's published scheme and accepted by its SDK and by Svix's.
VECTOR = {
    "secret": "whsec_cmVzZW5kLXRlc3Qtc2lnbmluZy1zZWNyZXQtMDAwMSE=",
    "svix-id": "msg_2test0001",
    "svix-timestamp": "1700000000",
    "svix-signature": "v1,TBhCOeSaIMFWV8TEt5a2Zu0OticlvfeiJub+A2+M1e0=",
    "body": '{"type":"email.delivered","created_at":"2024-02-22T23:41:12.126Z","data":'
    '{"email_id":"56761188-7520-42d8-8898-ff6fc54ce618","to":["delivered@resend.dev"]}}',
}


class TestContract(MailerContract):
    @pytest.fixture
    def provider(self, standin: Any) -> Any:
        mailer = standin.mailer()
        mailer.standin = standin
        return mailer

    def arrived(self, provider: Any) -> Any:
        return [read_mail(mail) for mail in provider.standin.mails]

    def refused(self, provider: Any) -> str:
        return "nobody at all"

    def lost_answer(self, provider: Any) -> bool:
        quick = provider.account
        provider.account = Account(quick.key, quick.base, 1, quick.pace)
        provider.standin.app.faults.add(Fault(how="timeout", seconds=1.5))
        return True

    @contextmanager
    def vendor_down(self, provider: Any) -> Any:
        with closing(socket.socket()) as free:
            free.bind(("127.0.0.1", 0))
            base = f"http://127.0.0.1:{free.getsockname()[1]}"
            provider.account = Account("re_standin", base, 1, Pace(100))
            yield

    def webhook(self, provider: Any) -> Any:
        held = provider.standin.app.delivery
        held.url, held.held = "http://127.0.0.1:9/", True
        provider.send(MESSAGE, "key-hook")
        return signed(held.waiting[-1])


def signed(event: dict[str, Any], secret: str = STANDIN_SECRET) -> tuple[bytes, dict[str, str]]:
    body = body_of(event)
    return body, sign(body, [secret])


def event(kind: str, **data: Any) -> dict[str, Any]:
    about = {"email_id": "em_1", "to": ["ada@buyer.example"], "tags": {"message": "key-1"}, **data}
    return {
        "id": "msg_1",
        "type": f"email.{kind}",
        "created_at": "2026-05-01T10:00:00.000Z",
        "data": about,
    }


def failure(mailer: Any, message: Any = MESSAGE) -> ProviderError:
    with pytest.raises(ProviderError) as caught:
        mailer.send(message, "key")
    return caught.value


def test_a_mail_carries_key_tags_and_the_settings_sender(standin: Any) -> None:
    mailer = standin.mailer(from_name="Zoë's", from_address="mail@shop.example")
    mailer.send(replace(MESSAGE, tags={"kind": "order_placed"}), "key-1")
    (email,) = standin.received
    assert email["from"] == '"Zoë\'s" <mail@shop.example>' or email["from"].startswith("Zoë's <")
    assert {tag["name"]: tag["value"] for tag in email["tags"]} == {
        "kind": "order_placed",
        "message": "key-1",
    }


def test_a_rate_limit_is_waited_out_for_as_long_as_the_vendor_asks(standin: Any) -> None:
    slept: list[float] = []
    mailer = standin.mailer()
    base = mailer.account
    pace = Pace(100, clock=lambda: 100.0, sleep=slept.append)
    mailer.account = Account(base.key, base.base, base.timeout, pace, slept.append)
    standin.app.retry_after = "3"
    standin.app.faults.add(Fault(status=429))
    assert mailer.send(MESSAGE, "key")
    assert max(slept) == 3
    # Longer than a call may wait: the job comes back when the vendor said.
    standin.app.retry_after = "30"
    standin.app.faults.add(Fault(status=429))
    with pytest.raises(ProviderError) as caught:
        mailer.send(MESSAGE, "another")
    assert (caught.value.retryable, caught.value.retry_after) == (True, 30)
    assert len(standin.mails) == 1


def test_calls_keep_the_pace_of_the_setting() -> None:
    now, slept = [100.0], []

    def sleep(seconds: float) -> None:
        slept.append(round(seconds, 3))

    pace = Pace(4, clock=lambda: now[0], sleep=sleep)
    for _ in range(3):
        pace.wait()
    assert slept == [0.25, 0.5]
    now[0] += 10
    pace.wait()
    pace.rest(2)
    pace.wait()
    assert slept == [0.25, 0.5, 2]


@pytest.mark.parametrize(
    ("status", "name", "said", "retryable", "sentence"),
    [
        (500, "application_error", "x", True, "answered with an error (500)"),
        (403, "invalid_api_key", "API key is invalid", True, "Correct it in the plugin's settings"),
        (403, "validation_error", "The a.b domain is not verified", True, "Verify its domain"),
        (429, "daily_quota_exceeded", "x", True, "quota"),
        (422, "validation_error", "Invalid `to` field.", False, "refused the mail"),
        (409, "invalid_idempotent_request", "x", False, "another mail"),
    ],
)
def test_an_error_says_what_to_do_and_whether_a_repeat_helps(
    standin: Any,
    monkeypatch: Any,
    status: int,
    name: str,
    said: str,
    retryable: bool,
    sentence: str,
) -> None:
    body = json.dumps({"statusCode": status, "name": name, "message": said}).encode()
    answer = (body, status, {"content-type": "application/json"})
    monkeypatch.setattr(resend.RequestsClient, "request", lambda *args, **given: answer)
    error = failure(standin.mailer())
    assert (error.retryable, sentence in str(error)) == (retryable, True)
    assert "re_standin" not in str(error)


def test_one_key_with_another_content_is_never_sent_again(standin: Any) -> None:
    mailer = standin.mailer()
    mailer.send(MESSAGE, "key")
    error = failure(mailer, replace(MESSAGE, subject="Another"))
    assert not error.retryable
    assert len(standin.mails) == 1


def test_two_accounts_in_two_threads_never_mix_their_keys(standin: Any) -> None:
    seen: list[str] = []
    original = resend.RequestsClient.request

    def noting(self: Any, method: str, url: str, headers: Any, *args: Any, **given: Any) -> Any:
        seen.append(headers["Authorization"] + " " + json.dumps(given.get("json"))[:200])
        return original(self, method, url, headers, *args, **given)

    resend.RequestsClient.request = noting  # type: ignore[method-assign]
    try:
        mailers = [standin.mailer(api_key=f"re_{n}", from_name=f"n{n}") for n in range(2)]
        threads = [
            threading.Thread(target=mailer.send, args=(MESSAGE, f"{n}-{i}"))
            for i in range(5)
            for n, mailer in enumerate(mailers)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    finally:
        resend.RequestsClient.request = original  # type: ignore[method-assign]
    assert len(seen) == 10
    assert all(("re_0" in each) == ("n0 <" in each) for each in seen)


def test_a_mail_for_later_waits_at_the_vendor_and_can_be_called_off(standin: Any) -> None:
    mailer = standin.mailer(waits="resend")
    assert mailer.schedules
    later = datetime.now(UTC) + timedelta(days=2)
    refs = [mailer.send(replace(MESSAGE, send_at=later), f"key-{n}") for n in range(2)]
    assert {email["last_event"] for email in standin.received} == {"scheduled"}
    mailer.call_off(refs[0])
    standin.app.vendor.clock = lambda: later.timestamp() + 60
    assert standin.app.vendor.release_due() == 1
    assert [email["last_event"] for email in standin.received] == ["canceled", "delivered"]


def test_a_batch_refuses_what_the_vendor_would_drop(standin: Any) -> None:
    slip = replace(MESSAGE, attachments=(Attachment(filename="a.pdf", content=b"x"),))
    with pytest.raises(ProviderError) as caught:
        standin.mailer().send_many([MESSAGE, slip], "key")
    assert not caught.value.retryable
    assert standin.mails == []


def test_the_published_vector_is_accepted_in_its_time_and_under_v1_only(
    standin: Any, monkeypatch: Any
) -> None:
    mailer = standin.mailer(webhook_secret=f"whsec_b2xk, {VECTOR['secret']}")
    headers = {name: value for name, value in VECTOR.items() if name.startswith("svix")}
    body = VECTOR["body"].encode()
    for seconds, accepted in ((0, True), (300, True), (-300, True), (301, False), (-301, False)):
        at = 1700000000 + seconds
        monkeypatch.setattr("resend.webhooks._webhooks.time.time", lambda at=at: float(at))
        if accepted:
            (found,) = mailer.read_webhook(body, headers)
            assert (found.id, found.state) == ("msg_2test0001", "delivered")
            assert found.ref == "56761188-7520-42d8-8898-ff6fc54ce618"
        else:
            with pytest.raises(BadSignature):
                mailer.read_webhook(body, headers)
    monkeypatch.setattr("resend.webhooks._webhooks.time.time", lambda: 1700000000.0)
    second = {**headers, "svix-signature": headers["svix-signature"].replace("v1,", "v2,")}
    with pytest.raises(BadSignature):
        mailer.read_webhook(body, second)
    both = {**headers, "svix-signature": f"v1,AAAA {headers['svix-signature']}"}
    assert mailer.read_webhook(body, both)


def test_reports_are_read_with_our_key_and_what_they_say_of_the_address(standin: Any) -> None:
    mailer = standin.mailer()
    soft = {"type": "Transient", "subType": "MailboxFull", "message": "Full.", "diagnosticCode": ""}
    hard = {**soft, "type": "Permanent", "diagnosticCode": ["smtp; 550 5.1.1 unknown"]}
    for bounce, permanent in ((soft, False), (hard, True)):
        (found,) = mailer.read_webhook(*signed(event("bounced", bounce=bounce)))
        assert (found.state, found.permanent, found.key) == ("bounced", permanent, "key-1")
        assert found.detail.startswith("Full.")
    assert mailer.read_webhook(*signed(event("clicked"))) == ()
    assert mailer.read_webhook(*signed(event("opened"))) == ()
    (opened,) = standin.mailer(opens=True).read_webhook(*signed(event("opened")))
    assert opened.state == "opened"


def test_without_a_secret_every_webhook_is_refused(standin: Any) -> None:
    with pytest.raises(NoWebhookSecret):
        standin.mailer(webhook_secret="").read_webhook(*signed(event("delivered")))


@pytest.mark.parametrize(
    ("given", "mode", "word"),
    [
        ({}, "production", "API key is missing"),
        ({"api_key": "sk_live_1"}, "production", "begin with re_"),
        ({"api_key": "re_1", "webhook_secret": "whsec_!"}, "production", "webhook signing secret"),
        ({"api_key": "re_1", "api_base": "http://127.0.0.1:1"}, "production", "stand-in"),
        ({"api_key": "re_1", "api_base": "http://mail.example"}, "development", "api_base"),
        ({"api_key": "re_1"}, "production", "example.com"),
    ],
)
def test_what_keeps_mail_from_leaving_is_said(given: Any, mode: str, word: str) -> None:
    settings = ResendSettings.model_validate(given)
    said = " ".join(settings.problems(ShopSettings(), mode))
    assert word in said
    assert "re_1" not in said


def test_production_with_a_key_and_a_domain_has_no_problems() -> None:
    settings = ResendSettings.model_validate({"api_key": "re_1", "from_address": "a@shop.test"})
    assert list(settings.problems(ShopSettings(), "production")) == []
