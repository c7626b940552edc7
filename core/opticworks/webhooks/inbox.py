"""POST /webhooks/{provider}: where vendors report to."""

from __future__ import annotations

import logging

from pyramid.config import Configurator
from pyramid.httpexceptions import HTTPNotFound
from pyramid.request import Request
from pyramid.response import Response

from opticworks import contracts as c
from opticworks.webhooks import service

log = logging.getLogger(__name__)

PATH = "/webhooks/{provider}"


def receive(request: Request) -> Response:
    """2xx once the events are stored, so that the vendor stops; 400 for what it did not sign, and
    for what can't be stored however often it comes."""
    code = request.matchdict["provider"]
    try:
        new = service.receive(request.shop, code, request.body, dict(request.headers))
    except service.NoSuchReceiver:
        raise HTTPNotFound("Nothing here takes webhooks of that name.") from None
    except c.BadSignature as error:
        log.warning("A webhook for %s was refused: %s", code, error)
        return Response("Refused: the signature could not be verified.\n", 400, charset="utf-8")
    except service.Unreadable as error:
        log.warning("A webhook for %s was refused: %s", code, error)
        return Response(f"Refused: {error}\n", 400, charset="utf-8")
    return Response(f"Stored: {new} new.\n", content_type="text/plain", charset="utf-8")


def includeme(config: Configurator) -> None:
    config.add_route("webhook", PATH)
    config.add_view(receive, route_name="webhook", request_method="POST", signed_webhook=True)
