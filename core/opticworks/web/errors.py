"""Error pages: what happened, why, and what to do, in the shop's own look.

They hold even when the database, Redis or a template is what failed: the last resort is a plain
page that needs nothing.
"""

from __future__ import annotations

import logging
import secrets
from html import escape
from typing import Any

from pyramid.config import Configurator
from pyramid.exceptions import BadCSRFToken
from pyramid.httpexceptions import HTTPError
from pyramid.renderers import render
from pyramid.request import Request
from pyramid.response import Response
from sqlalchemy.exc import InterfaceError, OperationalError
from sqlalchemy.orm import Session

from opticworks.contracts import N_, said_in, say
from opticworks.web.limits import LimitsDown
from opticworks.web.page import Page
from opticworks.web.policy import is_admin
from opticworks.web.sessions import SessionsDown

log = logging.getLogger(__name__)

#: status -> (title, what happened and what to do); a raiser's own sentence comes first.
PAGES = {
    400: (
        N_("That did not work"),
        N_("The request could not be understood. Go back and try again."),
    ),
    403: (N_("Not allowed"), N_("You may not do this here.")),
    404: (
        N_("Page not found"),
        N_("There is nothing at this address. It may have moved or been removed."),
    ),
    405: (N_("That did not work"), N_("This page can't be used that way. Go back and try again.")),
    409: (
        N_("That did not work"),
        N_("Somebody was quicker. Go back, reload the page and try again."),
    ),
    410: (N_("Gone"), N_("What was here has been removed for good. Search for something like it.")),
    411: (N_("That did not work"), N_("The request did not say how long it is.")),
    413: (N_("Too much at once"), N_("What you sent is larger than this page takes. Send less.")),
    429: (N_("Too many tries"), N_("Wait a minute, then try again.")),
    500: (
        N_("Something went wrong"),
        N_("This is our mistake, and it has been recorded. Try again soon."),
    ),
    503: (
        N_("Back in a moment"),
        N_("The shop can't answer at the moment. Try again in a minute."),
    ),
}
STALE_FORM = N_("This form was open for too long. Go back, reload the page and send it again.")
PLAIN = (
    "<!doctype html><html lang='{lang}'><head><meta charset='utf-8'>"
    "<meta name='viewport' content='width=device-width'><title>{title}</title></head>"
    "<body><main><h1>{title}</h1><p>{sentence}</p><p>{reference}</p></main></body></html>"
)


def page(request: Request, status: int, sentence: str = "", reference: str = "") -> Response:
    """The error page of that status, in the storefront's or the admin's look."""
    title, fallback = PAGES.get(status, PAGES[500 if status >= 500 else 400])
    title, sentence = say(title), say(sentence or fallback)
    values = {"status": status, "title": title, "sentence": sentence, "reference": reference}
    _use_fresh_session(request)
    try:
        template = "admin/error.pt" if is_admin(request) else "error.pt"
        meta = Page(title, robots="noindex")
        body = render(template, {**values, "page": meta}, request=request)
    except Exception:
        log.exception("The error page could not be rendered; a plain one is shown")
        named = {**values, "lang": said_in().replace("_", "-") or "en", "reference": ""}
        if reference:
            named["reference"] = say("Reference: {reference}", reference=reference)
        body = PLAIN.format(**{key: escape(str(value)) for key, value in named.items()})
    response = Response(body, status=status)
    response.headers["Cache-Control"] = "no-store"
    return response


def _use_fresh_session(request: Request) -> None:
    """The request's own transaction is over; a page about it reads through another one."""
    session = Session(request.registry.shop.engine)
    request.__dict__["db"] = session
    request.__dict__.pop("ctx", None)
    request.add_finished_callback(lambda request: session.close())


def http_error(error: HTTPError, request: Request) -> Response:
    """400 to 599 raised by a view, by Pyramid or by a guard."""
    # Pyramid's own details name views and predicates; ours are sentences.
    own = error.detail if (error.detail or "").endswith(".") else ""
    if isinstance(error, BadCSRFToken):
        own = STALE_FORM
    response = page(request, error.status_code, own)
    for name in ("Allow", "Retry-After", "Location"):
        if name in error.headers:
            response.headers[name] = error.headers[name]
    return response


def redis_down(error: Exception, request: Request) -> Response:
    log.error("%s", error)
    sentence = N_(
        "Signing in is not possible at the moment, because the server that keeps sign-ins does "
        "not answer. The shop itself sells on. Try again in a minute."
    )
    response = page(request, 503, sentence)
    response.headers["Retry-After"] = "60"
    return response


def database_down(error: Exception, request: Request) -> Response:
    log.error("The database does not answer: %s", type(error).__name__, exc_info=error)
    response = page(request, 503)
    response.headers["Retry-After"] = "30"
    return response


def unexpected(error: Exception, request: Request) -> Response:
    """A mistake of ours. The reference is in the log beside the traceback."""
    reference = secrets.token_hex(4)
    log.error("Reference %s: %s failed", reference, request.path_info, exc_info=error)
    return page(request, 500, reference=reference)


def includeme(config: Configurator) -> None:
    views: tuple[tuple[Any, Any], ...] = (
        (http_error, HTTPError),
        (redis_down, SessionsDown),
        (redis_down, LimitsDown),
        (database_down, OperationalError),
        (database_down, InterfaceError),
    )
    for view, context in views:
        config.add_exception_view(view, context=context)
    if config.registry.shop.config.mode != "test":  # in a test a mistake shows itself
        config.add_exception_view(unexpected, context=Exception)
