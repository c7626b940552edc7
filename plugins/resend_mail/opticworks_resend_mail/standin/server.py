"""The WSGI application: who may call, once per idempotency key, with the faults that are wanted."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import re
import time
from collections.abc import Callable, Mapping
from typing import Any

from webob import Request, Response

from opticworks.testing.standins import App, Delivery, KeyInUse, KeyOfAnother, Keys, Object
from opticworks_resend_mail.reports import body_of
from opticworks_resend_mail.standin.vendor import Refused, Vendor, checked

Act = Callable[..., Object]

MOST_BODY = 100_000_000  #: bytes


def sign(body: bytes, secrets: list[str]) -> dict[str, str]:
    """Svix's headers: one v1 per secret, as during a rollover. A repeat has the same id."""
    id = f"msg_{hashlib.sha256(body).hexdigest()[:27]}"
    stamp = str(int(time.time()))
    content = f"{id}.{stamp}.".encode() + body
    signatures = [f"v1,{base64.b64encode(_mac(secret, content)).decode()}" for secret in secrets]
    return {"svix-id": id, "svix-timestamp": stamp, "svix-signature": " ".join(signatures)}


def _mac(secret: str, content: bytes) -> bytes:
    key = base64.b64decode(secret.removeprefix("whsec_"))
    return hmac.new(key, content, hashlib.sha256).digest()


class Reports(Delivery):
    """Resend's webhooks, which Svix delivers."""

    def headers(self, body: bytes) -> dict[str, str]:
        agent = {"Content-Type": "application/json", "User-Agent": "Svix-Webhooks/1.0"}
        return {**agent, **sign(body, self.secrets)}

    def body_of(self, event: Object) -> bytes:
        return body_of(event)


class StandIn(App):
    """`limit` are the requests a second that are answered (0: all), `retry_after` what a refused
    one is told."""

    def __init__(self, vendor: Vendor | None = None, delivery: Reports | None = None) -> None:
        super().__init__(vendor or Vendor(), delivery or Reports())
        self.keys = Keys(self.vendor.keys, self.vendor.lock)
        self.limit = 0
        self.retry_after = "1"
        self._recent: list[float] = []

    def answer(self, request: Request) -> Response:
        # Mails stay in memory: WebOb never closes the file it would make of a big body.
        request.request_body_tempfile_limit = MOST_BODY
        try:
            _authorize(request)
            self._slow_down()
            return _response(200, self._once(request))
        except Refused as error:
            return _response(error.status, error.body, error.headers)

    def failed(self, request: Request, status: int) -> Response:
        error = self._fault(status)
        return _response(error.status, error.body, error.headers)

    def _once(self, request: Request) -> Object:
        act, ids = find(request.method, request.path_info)
        params = _json(request)
        key = request.headers.get("Idempotency-Key", "")

        def run() -> Object:
            with self.vendor.lock:
                return act(self.vendor, *ids, params)

        keyed = key and act in (send, send_batch)
        try:
            return self._keyed(key, [request.path_info, params], run) if keyed else run()
        finally:
            with self.vendor.lock:
                self.vendor.save()

    def _keyed(self, key: str, asked: Any, run: Callable[[], Object]) -> Object:
        """What was answered to that key, or what `run` answers."""
        if len(key) > 256:
            raise Refused(400, "invalid_idempotency_key", "The key must be between 1-256 chars.")
        try:
            answer: Object = self.keys.once(key, asked, run)
        except KeyOfAnother:
            raise Refused(
                409,
                "invalid_idempotent_request",
                "Same idempotency key used with a different request payload.",
            ) from None
        except KeyInUse:
            raise Refused(
                409,
                "concurrent_idempotent_requests",
                "Same idempotency key used while original request is still in progress.",
            ) from None
        return answer

    def _slow_down(self) -> None:
        now = time.monotonic()
        self._recent = [moment for moment in self._recent if now - moment < 1]
        if self.limit and len(self._recent) >= self.limit:
            raise self._fault(429)
        self._recent.append(now)

    def _fault(self, status: int) -> Refused:
        if status == 429:
            said = {"ratelimit-limit": "2", "ratelimit-remaining": "0", "ratelimit-reset": "1"}
            name, message = "rate_limit_exceeded", "Too many requests. Make fewer a second."
            return Refused(429, name, message, {**said, "retry-after": self.retry_after})
        return Refused(status, "application_error", "An unexpected error occurred.")

    def turn(self, verb: str, given: dict[str, Any]) -> Any:
        """The rate, domains, mails whose time has come, and what becomes of a mail."""
        if verb == "limit":
            self.limit = int(given.get("limit", self.limit))
            self.retry_after = str(given.get("retry_after", self.retry_after))
            return {"limit": self.limit, "retry_after": self.retry_after}
        if verb == "domain":
            return self.vendor.add_domain(**given)
        if verb == "happen":  # {"id", "what": "opened", …}
            self.vendor.happen(self.vendor.email(given.pop("id")), given.pop("what"), **given)
            return {}
        if verb == "due":
            return {"released": self.vendor.release_due()}
        return super().turn(verb, given)


def send(vendor: Vendor, params: Any) -> Object:
    vendor.check_sender(params if isinstance(params, dict) and params.get("from") else {"from": ""})
    return {"id": vendor.receive(params)["id"]}


def send_batch(vendor: Vendor, params: Any) -> Object:
    """All or none: the first that is refused refuses the batch (strict, the default)."""
    if not isinstance(params, list) or not 0 < len(params) <= 100:
        raise Refused(422, "validation_error", "A batch has 1 to 100 emails.")
    for each in params:
        vendor.check_sender(checked(each, vendor.moment))
    return {"data": [{"id": vendor.receive(each, batch=True)["id"]} for each in params]}


def _shown(email: Object) -> Object:
    return {name: value for name, value in email.items() if value not in (None, "")}


def list_emails(vendor: Vendor, params: Any) -> Object:
    found = [_shown(email) for email in reversed(vendor.emails.values())]
    return {"object": "list", "has_more": False, "data": found}


def list_domains(vendor: Vendor, params: Any) -> Object:
    listed = [
        {name: value for name, value in each.items() if name not in ("records", "object")}
        for each in vendor.domains.values()
    ]
    return {"object": "list", "has_more": False, "data": listed}


def verify_domain(vendor: Vendor, id: str, params: Any) -> Object:
    domain = vendor.domain(id)
    domain["status"] = "verified"
    for record in domain["records"]:
        record["status"] = "verified"
    return {"object": "domain", "id": id}


CALLS: tuple[tuple[str, str, Act], ...] = (
    ("POST", r"/emails", send),
    ("POST", r"/emails/batch", send_batch),
    ("GET", r"/emails", list_emails),
    ("GET", r"/emails/([^/]+)", lambda vendor, id, params: _shown(vendor.email(id))),
    ("PATCH", r"/emails/([^/]+)", lambda vendor, id, params: vendor.update(id, params)),
    ("POST", r"/emails/([^/]+)/cancel", lambda vendor, id, params: vendor.cancel(id)),
    ("GET", r"/domains", list_domains),
    ("GET", r"/domains/([^/]+)", lambda vendor, id, params: vendor.domain(id)),
    ("POST", r"/domains/([^/]+)/verify", verify_domain),
)


def find(method: str, path: str) -> tuple[Act, list[str]]:
    """The call of that method and path, and the ids in it. Raises Refused."""
    known = False
    for verb, pattern, act in CALLS:
        match = re.fullmatch(pattern, path)
        if match and verb == method:
            return act, list(match.groups())
        known = known or bool(match)
    if known:
        raise Refused(405, "method_not_allowed", "Method is not allowed for this path.")
    raise Refused(404, "not_found", "The requested endpoint does not exist.")


def _authorize(request: Request) -> None:
    if not request.headers.get("User-Agent"):
        raise Refused(403, "validation_error", "error code: 1010")
    kind, _, key = request.headers.get("Authorization", "").partition(" ")
    if kind != "Bearer" or not key:
        raise Refused(401, "missing_api_key", "Missing API key in the authorization header.")
    if not key.startswith("re_"):
        raise Refused(403, "invalid_api_key", "API key is invalid")


def _json(request: Request) -> Any:
    if not request.body:
        return {}
    try:
        return json.loads(request.body)
    except ValueError:
        raise Refused(400, "validation_error", "The body is no JSON.") from None


def _response(status: int, body: Object, headers: Mapping[str, str] | None = None) -> Response:
    response = Response(json_body=body, status=status, headers=dict(headers or {}))
    response.content_type, response.charset = "application/json", "utf-8"
    return response
