"""The WSGI application: who may call, once per idempotency key, with the faults that are wanted."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from copy import deepcopy
from http import HTTPStatus
from importlib import resources
from typing import Any

from webob import Request, Response

from opticworks.testing.standins import App, Delivery, KeyInUse, KeyOfAnother, Keys, NoSuchControl
from opticworks_stripe_payments.standin import calls, dashboard, objects
from opticworks_stripe_payments.standin.delivery import StripeDelivery
from opticworks_stripe_payments.standin.vendor import Vendor
from opticworks_stripe_payments.standin.wire import StripeError, decode, invalid

CORS = {
    "Access-Control-Allow-Methods": "GET, HEAD, PUT, PATCH, POST, DELETE",
    "Access-Control-Allow-Origin": "*",
    "Access-Control-Allow-Headers": "Authorization, Content-Type",
    "Access-Control-Max-Age": "300",
}
FILES = {
    "/stripe.js": ("stripe.js", "text/javascript"),
    "/v3/": ("stripe.js", "text/javascript"),
    "/endive/stripe.js": ("stripe.js", "text/javascript"),
    "/frame": ("frame.html", "text/html"),
    "/frame.js": ("frame.js", "text/javascript"),
    "/frame.css": ("frame.css", "text/css"),
}


class StandIn(App):
    """`app(environ, start_response)`. `calls_made` lists "METHOD path" of what arrived."""

    def __init__(self, vendor: Vendor | None = None, delivery: Delivery | None = None) -> None:
        super().__init__(vendor or Vendor(), delivery or StripeDelivery())
        self.keys = Keys(self.vendor.keys, self.vendor.lock)

    def respond(self, request: Request) -> Response:
        path = request.path_info
        if request.method == "OPTIONS":
            return Response(status=204, headers=CORS)
        if path in FILES:
            return _file(*FILES[path])
        if re.fullmatch(r"/3ds/[^/]+", path):
            return _file("challenge.html", "text/html")
        if path == "/challenge.js":
            return _file("challenge.js", "text/javascript")
        if path.startswith("/dashboard/"):
            return dashboard.respond(self.vendor, request)
        return super().respond(request)

    # --- the API ----------------------------------------------------------------------------

    def answer(self, request: Request) -> Response:
        request_id = objects.new_id("req", 14)
        try:
            status, body, first = self._once(request, request_id)
        except StripeError as error:
            status, body, first = error.status, error.body, request_id
        return _json(request, status, body, request_id, first)

    def failed(self, request: Request, status: int) -> Response:
        request_id = objects.new_id("req", 14)
        return _json(request, status, _fault_error(status).body, request_id, request_id)

    def _once(self, request: Request, request_id: str) -> tuple[int, dict[str, Any], str]:
        """Act once per idempotency key; the first answer is repeated, errors included.

        As Stripe: nothing is kept when the request was malformed, and a key whose first request
        still runs answers 409.
        """
        call, for_browsers, ids = calls.find(request.method, request.path_info)
        params = _params(request)
        browser = self._authorize(request, params, for_browsers, ids)
        key = request.headers.get("Idempotency-Key", "") if request.method == "POST" else ""
        if len(key) > 255:
            raise invalid("The idempotency key is longer than 255 characters.")

        def run() -> list[Any]:
            try:
                status, body = self._act(call, ids, dict(params), browser)
            except StripeError as error:
                if error.status in (400, 404) and "payment_intent" not in error.fields:
                    raise  # validation failed before anything was done
                status, body = error.status, error.body
            return [status, deepcopy(body), request_id]  # the object goes on, the answer stays

        try:
            asked = [request.path_info, params]
            status, body, first = self.keys.once(key, asked, run) if key else run()
        except KeyOfAnother:
            raise StripeError(
                400,
                "idempotency_error",
                "Keys for idempotent requests can only be used with the same parameters "
                "they were first used with.",
            ) from None
        except KeyInUse:
            raise StripeError(
                409,
                "invalid_request_error",
                "There is currently another in-progress request using this Idempotent Key.",
                code="idempotency_key_in_use",
            ) from None
        finally:
            with self.vendor.lock:
                self.vendor.save()
        return status, body, first

    def _act(
        self, call: calls.Call, ids: list[str], params: dict[str, Any], browser: bool
    ) -> tuple[int, dict[str, Any]]:
        wanted = params.pop("expand", [])
        with self.vendor.lock:
            answer = call(self.vendor, *ids, params)
            answer = calls.expand(self.vendor, answer, wanted)
        if browser and answer["object"] == "payment_intent":
            answer = objects.browser_safe(answer)
        return 200, answer

    def _authorize(
        self, request: Request, params: dict[str, Any], for_browsers: bool, ids: list[str]
    ) -> bool:
        """Whether a browser asks, by its publishable key. Raises StripeError for who may not."""
        key = _key(request) or str(params.get("key", ""))
        if key.startswith(("sk_live", "rk_live")):
            raise StripeError(401, "invalid_request_error", "A live key given to a stand-in.")
        if key.startswith(("sk_test_", "rk_test_")):
            if request.headers.get("Origin"):
                raise StripeError(
                    401,
                    "invalid_request_error",
                    "This integration uses a secret key in a browser. Use the publishable key.",
                    code="secret_key_required",
                )
            return False
        if not key.startswith("pk_test_"):
            said = (
                f"Invalid API Key provided: {key[:8]}****"
                if key
                else "You did not provide an API key."
            )
            raise StripeError(401, "invalid_request_error", said)
        if not for_browsers:
            raise StripeError(
                403,
                "invalid_request_error",
                "This API call cannot be made with a publishable API key.",
                code="secret_key_required",
            )
        if ids:
            intent = self.vendor.get("payment_intent", ids[0], "intent")
            if params.get("client_secret") != intent["client_secret"]:
                raise invalid(
                    "The client_secret provided does not match the client_secret associated "
                    "with this PaymentIntent.",
                    param="client_secret",
                    code="payment_intent_invalid_parameter",
                )
        return True

    # --- what tests and people turn ---------------------------------------------------------

    def turn(self, verb: str, given: dict[str, Any]) -> Any:
        """Disputes, refunds that fail, and refunds made in Stripe's own dashboard."""
        turned: dict[str, Callable[..., Any]] = {
            "end_debit": self.vendor.end_debit,
            "dispute": self.vendor.open_dispute,
            "close_dispute": self.vendor.close_dispute,
            "fail_refund": self.vendor.fail_refund,
            "finish_refund": self.vendor.finish_refund,
            "refund": lambda **params: calls.create_refund(self.vendor, params),
        }
        if verb not in turned:
            raise NoSuchControl(verb)
        try:
            return turned[verb](**given)
        except StripeError as error:
            return Response(json_body=error.body, status=error.status)


def _key(request: Request) -> str:
    kind, _, value = request.headers.get("Authorization", "").partition(" ")
    if kind == "Bearer":
        return str(value)
    if kind == "Basic" and request.authorization:
        import base64

        return base64.b64decode(value).decode().partition(":")[0]
    return ""


def _params(request: Request) -> dict[str, Any]:
    fields = request.GET if request.method == "GET" else request.POST
    params = decode((name, str(value)) for name, value in fields.items())
    wanted = params.get("expand", [])
    if not isinstance(wanted, list):
        raise invalid("Invalid expand: it must be a list.", param="expand")
    return params


def _fault_error(status: int) -> StripeError:
    kinds = {
        409: ("invalid_request_error", "lock_timeout", "This object cannot be accessed right now."),
        429: ("invalid_request_error", "rate_limit", "Too many requests hit the API too quickly."),
    }
    type, code, message = kinds.get(status, ("api_error", "", "An unknown error occurred."))
    return StripeError(status, type, message, code=code or None)


def _json(
    request: Request, status: int, body: dict[str, Any], request_id: str, first: str
) -> Response:
    response = Response(
        json.dumps(body).encode(),
        status=f"{status} {HTTPStatus(status).phrase}",
        content_type="application/json",
        headers=CORS,
    )
    response.headers["Request-Id"] = request_id
    response.headers["Stripe-Version"] = request.headers.get("Stripe-Version", objects.API_VERSION)
    response.headers["Cache-Control"] = "no-cache, no-store"
    if request.method == "POST":
        response.headers["Stripe-Should-Retry"] = "true" if status in (409, 429) else "false"
        if key := request.headers.get("Idempotency-Key"):
            response.headers["Idempotency-Key"] = key
            response.headers["Original-Request"] = first
            if first != request_id:
                response.headers["Idempotent-Replayed"] = "true"
    if status == 500:
        response.headers.pop("Stripe-Should-Retry", None)
    return response


def _file(name: str, content_type: str) -> Response:
    text = resources.files(__package__).joinpath("browser", name).read_text(encoding="utf-8")
    return Response(
        text,
        content_type=content_type,
        charset="utf-8",
        headers={**CORS, "Cache-Control": "no-store"},
    )
