"""Stopping marketing mail from the link in it: looked at by GET, done by POST.

Mail scanners follow every link, so looking changes nothing. A mail program's own button posts at
once (RFC 8058), without cookies and from wherever it is; the token in the address is what counts.
"""

from __future__ import annotations

from typing import Any

from pyramid.httpexceptions import HTTPNotFound
from pyramid.request import Request
from pyramid.response import Response
from pyramid.security import NO_PERMISSION_REQUIRED
from pyramid.view import view_config

from opticworks.contracts import say
from opticworks.notifications import service, unsubscribe
from opticworks.notifications.models import Message
from opticworks.web.headers import private_page
from opticworks.web.page import Page


def _message(request: Request) -> Message | None:
    """The mail that the link stood in; None for the preview's link. Raises HTTPNotFound."""
    token = request.matchdict["token"]
    if token == unsubscribe.SAMPLE:
        return None
    config = request.registry.shop.config
    found = unsubscribe.find(request.db, (config.secret, *config.old_secrets), token)
    if found is None:
        raise HTTPNotFound(
            say("This link is not complete. Open it from the mail again, or reply to that mail.")
        )
    return found


@view_config(
    route_name="mail.stop",
    request_method=("GET", "HEAD"),
    renderer="mail_stop.pt",
    permission=NO_PERMISSION_REQUIRED,
)
@private_page
def look(request: Request) -> dict[str, Any]:
    message = _message(request)
    address = message.recipient if message is not None else "ada@example.com"
    return {
        "page": Page(say("Unsubscribe"), robots="noindex"),
        "address": address,
        "stopped": service.is_suppressed(request.db, address, marketing=True),
    }


@view_config(
    route_name="mail.stop",
    request_method="POST",
    renderer="mail_stop.pt",
    permission=NO_PERMISSION_REQUIRED,
    signed_webhook=True,
)
@private_page
def stop(request: Request) -> dict[str, Any] | Response:
    message = _message(request)
    if message is not None:
        unsubscribe.stop(request.db, message)
    address = message.recipient if message is not None else "ada@example.com"
    return {
        "page": Page(say("You are unsubscribed"), robots="noindex"),
        "address": address,
        "stopped": True,
    }
