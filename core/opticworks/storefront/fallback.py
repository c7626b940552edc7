"""Included last: what answers when no page has the address, or none for what was asked of it."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

from pyramid.config import Configurator
from pyramid.httpexceptions import HTTPMethodNotAllowed, HTTPMovedPermanently, HTTPNotFound
from pyramid.interfaces import IRoutesMapper
from pyramid.predicates import RequestMethodPredicate
from pyramid.request import Request
from pyramid.response import Response

METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")


def not_found(request: Request) -> Response:
    """An address with a slash too many moves to the page; one that answers other methods says
    which; everything else is a 404."""
    from opticworks.web.errors import http_error

    path = request.path_info
    if methods := allowed(request):
        response = http_error(HTTPMethodNotAllowed(), request)
        response.headers["Allow"] = ", ".join(sorted(methods))
        return response
    if request.method in ("GET", "HEAD") and path.endswith("/") and len(path) > 1:
        shorter = quote("/" + path.strip("/"))
        mapper = request.registry.getUtility(IRoutesMapper)
        probe = Request.blank(shorter)
        probe.registry = request.registry
        if mapper(probe)["route"] is not None:
            query = f"?{request.query_string}" if request.query_string else ""
            return HTTPMovedPermanently(location=f"{shorter}{query}")
    return http_error(request.exception, request)


def allowed(request: Request) -> set[str]:
    """The methods that this address answers, if the request's is none of them; else nothing."""
    mapper = request.registry.getUtility(IRoutesMapper)
    matched = getattr(request, "matched_route", None)
    routes = [matched] if matched else mapper.get_routes()
    found: set[str] = set()
    for route in routes:
        if matched is None and route.match(request.path_info) is None:
            continue
        methods = _route_methods(route) & _view_methods(request, route.name)
        if not methods or request.method in methods:
            return set()
        found |= methods
    return found


def _route_methods(route: Any) -> set[str]:
    for predicate in route.predicates:
        if isinstance(predicate, RequestMethodPredicate):
            return set(predicate.val)
    return set(METHODS)


def _view_methods(request: Request, route: str) -> set[str]:
    """What the views of the route answer, as they were declared."""
    found: set[str] = set()
    for entry in request.registry.introspector.get_category("views") or ():
        view = entry["introspectable"]
        if view.get("route_name") == route:
            methods = view.get("request_methods") or METHODS
            found.update([methods] if isinstance(methods, str) else methods)
    return found | ({"HEAD"} if "GET" in found else set())


def includeme(config: Configurator) -> None:
    config.add_exception_view(not_found, context=HTTPNotFound)
