"""The WSGI application: who may call, the API, and the files that it names."""

from __future__ import annotations

import base64
import json
from typing import Any

from webob import Request, Response

from opticworks.testing.standins import App, Delivery, NoSuchControl
from opticworks_easypost_shipping.standin import calls
from opticworks_easypost_shipping.standin.delivery import EasyPostDelivery
from opticworks_easypost_shipping.standin.labels import TYPES
from opticworks_easypost_shipping.standin.vendor import Vendor
from opticworks_easypost_shipping.standin.wire import EasyPostError

FAILURES = {
    429: ("RATE_LIMITED", "You have exceeded the rate limit. Please slow down."),
    500: ("INTERNAL_SERVER_ERROR", "We're sorry, something went wrong."),
    503: ("SERVICE_UNAVAILABLE", "The service is unavailable. Please try again later."),
}


class StandIn(App):
    """`app(environ, start_response)`. `calls_made` lists "METHOD path" of what arrived."""

    def __init__(self, vendor: Vendor | None = None, delivery: Delivery | None = None) -> None:
        super().__init__(vendor or Vendor(), delivery or EasyPostDelivery())

    def respond(self, request: Request) -> Response:
        self.vendor.url = request.host_url
        if request.path_info.startswith("/files/"):
            return self._file(request.path_info)
        return super().respond(request)

    def answer(self, request: Request) -> Response:
        try:
            _authorize(request)
            status, call, ids = calls.find(request.method, request.path_info)
            with self.vendor.lock:
                try:
                    text = json.dumps(call(self.vendor, *ids, _params(request)))
                finally:
                    self.vendor.save()
        except EasyPostError as error:
            return Response(json_body=error.body, status=error.status)
        return Response(text.encode(), status=status, content_type="application/json")

    def failed(self, request: Request, status: int) -> Response:
        code, message = FAILURES.get(status, ("ERROR", "An error occurred."))
        return Response(
            json_body={"error": {"code": code, "message": message, "errors": []}}, status=status
        )

    def turn(self, verb: str, given: dict[str, Any]) -> Any:
        """`advance`: the carrier scans a parcel. `settle_refund`: it decides about a void."""
        turned = {"advance": self.vendor.advance, "settle_refund": self.vendor.settle_refund}
        if verb not in turned:
            raise NoSuchControl(verb)
        try:
            return turned[verb](**given)
        except EasyPostError as error:
            return Response(json_body=error.body, status=error.status)

    def _file(self, path: str) -> Response:
        kind, _, name = path.removeprefix("/files/").partition("/")
        try:
            with self.vendor.lock:
                content = self.vendor.file(kind, name)
        except KeyError:
            return Response("There is no such file.", status=404, content_type="text/plain")
        return Response(content, content_type=TYPES[name.rpartition(".")[2]])


def _authorize(request: Request) -> None:
    """Raises EasyPostError for who may not call."""
    kind, _, value = request.headers.get("Authorization", "").partition(" ")
    if kind == "Basic":
        value = base64.b64decode(value).decode().partition(":")[0]
    if not value.startswith("EZTK"):
        raise EasyPostError(401, "APIKEY.INACTIVE", "This api key is no longer active.")


def _params(request: Request) -> dict[str, Any]:
    if request.method == "GET":
        return dict(request.GET)
    if not request.body:
        return {}
    try:
        params = json.loads(request.body)
    except ValueError:
        params = None
    if not isinstance(params, dict):
        raise EasyPostError(400, "BAD_REQUEST", "The request body is no JSON object.")
    return params
