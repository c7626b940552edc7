"""Included last: what answers when no page has the address."""

from __future__ import annotations

from urllib.parse import quote

from pyramid.config import Configurator
from pyramid.httpexceptions import HTTPMovedPermanently, HTTPNotFound
from pyramid.interfaces import IRoutesMapper
from pyramid.request import Request
from pyramid.response import Response


def not_found(request: Request) -> Response:
    """An address with a slash too many moves to the page; everything else is a 404."""
    path = request.path_info
    if request.method in ("GET", "HEAD") and path.endswith("/") and len(path) > 1:
        shorter = quote("/" + path.strip("/"))
        mapper = request.registry.getUtility(IRoutesMapper)
        probe = Request.blank(shorter)
        probe.registry = request.registry
        if mapper(probe)["route"] is not None:
            query = f"?{request.query_string}" if request.query_string else ""
            return HTTPMovedPermanently(location=f"{shorter}{query}")
    from opticworks.web.errors import http_error

    return http_error(request.exception, request)


def includeme(config: Configurator) -> None:
    config.add_exception_view(not_found, context=HTTPNotFound)
