"""One transaction per request, except for the views that call a provider.

Those open short units of work themselves (`shop.unit()`): inside pyramid_tm a conflict would
run them again, and a retried view with a provider call inside charges twice.
"""

from __future__ import annotations

from typing import Any

import transaction
from pyramid.config import Configurator
from pyramid.interfaces import IRoutesMapper
from pyramid.request import Request
from pyramid.tweens import EXCVIEW, MAIN
from pyramid_retry import mark_error_retryable
from sqlalchemy import event
from sqlalchemy.engine import ExceptionContext
from sqlalchemy.orm import Session

from opticworks.db import reading_session, request_session

READS_ONLY = "opticworks.reads_only"  #: in a request's environ, before its session is made
RETRIED_BODY = 1_000_000  #: bytes

#: Names of routes whose views call a provider, or must answer whatever the database says.
OUTSIDE_TRANSACTIONS = frozenset(
    {
        "health",
        "assets",
        "media",
        "checkout",
        "checkout.update",
        "checkout.address",
        "payment.return",
        "webhook",
        "admin.reconcile",
        "admin.reconcile.repair",
        "admin.order.address",
        "admin.order.address.edit",
        "admin.order.pay",
        "admin.order.cancel",
        "admin.order.fulfil",
        "admin.order.parcels",
        "admin.shipping",
        "admin.shipping.new",
        "admin.shipping.batch",
        "admin.order.refund",
        "admin.order.refund.again",
        "admin.return.label",
        "admin.return.refund",
    }
)


def route_name(request: Request) -> str:
    """The matching route's name; known before routing has happened, "" if there is none."""
    mapper = request.registry.queryUtility(IRoutesMapper)
    try:
        route = mapper(request)["route"] if mapper is not None else None
    except UnicodeDecodeError:  # a path that is no text; opticworks.web.guard answers it
        return ""
    return route.name if route is not None else ""


def activate(request: Request) -> bool:
    """pyramid_tm's and pyramid_retry's question: does this request get a transaction?"""
    return route_name(request) not in OUTSIDE_TRANSACTIONS


def attempts(request: Request) -> int:
    """How often a request may run. A big body runs once: to run it again it would be copied
    whole, before anything could refuse it."""
    small = (request.content_length or 0) <= RETRIED_BODY
    # What is copied for another try stays in memory: WebOb never closes the file it would make.
    request.request_body_tempfile_limit = RETRIED_BODY
    return 3 if small and activate(request) else 1


def manager(request: Request) -> Any:
    return transaction.TransactionManager(explicit=True)


def session_of(request: Request) -> Session:
    """`request.db`: the request's session. Outside a transaction, and on a page that is the same
    for everybody (`@cacheable`), it reads through `shop.reader`, where nothing can be written."""
    shop = request.registry.shop
    if request.environ.get("tm.active") and not request.environ.get(READS_ONLY):
        session = request_session(shop.engine, request.tm)
    else:
        session = reading_session(shop.reader)
    request.add_finished_callback(lambda request: session.close())
    return session


def only_reads(request: Request) -> None:
    """Said by a view before it reads anything: it won't write, so it needs no transaction."""
    request.environ[READS_ONLY] = True


def run_again(context: ExceptionContext) -> None:
    """A reader's connection that died since its last use: the page reads through a new one."""
    if context.is_disconnect and context.sqlalchemy_exception is not None:
        mark_error_retryable(context.sqlalchemy_exception)


def includeme(config: Configurator) -> None:
    config.add_settings(
        {
            "tm.manager_hook": manager,
            "tm.activate_hook": activate,
            # It would look at the session on every request, and only for a note in a log.
            "tm.annotate_user": False,
            "retry.attempts": 3,
            "retry.activate_hook": attempts,
        }
    )
    config.include("pyramid_retry")
    config.include("pyramid_tm")
    # Overrides pyramid_tm's own place, outside the error pages: an error while committing must
    # have a page too.
    config.add_tween("pyramid_tm.tm_tween_factory", under=EXCVIEW, over=MAIN)
    config.add_request_method(session_of, "db", reify=True)
    event.listen(config.registry.shop.reader, "handle_error", run_again)
