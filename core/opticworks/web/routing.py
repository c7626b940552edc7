"""Which route a request is for, found once: by the first part of the path, and remembered.

Pyramid's own mapper tries the patterns one after the other, a hundred of them with the plugins'
and the admin's, each time it is asked; and before the router asks, whoever decides about
transactions, retries and bodies does.
"""

from __future__ import annotations

from typing import Any

from pyramid.config import Configurator
from pyramid.interfaces import IRoutesMapper
from pyramid.request import Request
from pyramid.urldispatch import Route, RoutesMapper

FOUND = "opticworks.route"  #: in a request's dictionary


def _first(pattern: str) -> str | None:
    """The first part of the paths that the pattern matches; None if that isn't always the same."""
    part = pattern.lstrip("/").partition("/")[0]
    return None if any(character in part for character in "{:*") else part


class Mapper(RoutesMapper):
    """Answers what Pyramid's mapper answers. A route that is added later is found too."""

    def __init__(self) -> None:
        super().__init__()
        self._likely: dict[str, list[Route]] = {}
        self._others: list[Route] = []
        self._indexed = False

    def connect(self, *args: Any, **kw: Any) -> Route:
        self._indexed = False
        return super().connect(*args, **kw)

    def __call__(self, request: Request) -> dict[str, Any]:
        asked = (request.environ.get("PATH_INFO"), request.method)
        known = request.__dict__.get(FOUND)
        if known is None or known[0] != asked:
            known = request.__dict__[FOUND] = (asked, self._find(request))
        found: dict[str, Any] = known[1]
        return found

    def _find(self, request: Request) -> dict[str, Any]:
        path = request.environ.get("PATH_INFO") or "/"
        if not self._indexed:
            self._index()
        if not path.startswith("/") or not path.isascii():  # to be decoded, or no path at all
            return super().__call__(request)  # type: ignore[no-any-return]
        likely = self._likely.get(path[1:].partition("/")[0], self._others)
        for route in likely:
            match = route.match(path)
            if match is not None:
                found = {"match": match, "route": route}
                if all(predicate(found, request) for predicate in route.predicates):
                    return found
        return {"route": None, "match": None}

    def _index(self) -> None:
        """Of each first part the routes that may match it, in the order they were added in."""
        routes = list(self.routelist)
        firsts = [_first(route.pattern) for route in routes]
        self._likely = {
            name: [
                route for route, first in zip(routes, firsts, strict=True) if first in (None, name)
            ]
            for name in firsts
            if name is not None
        }
        self._others = [route for route, first in zip(routes, firsts, strict=True) if first is None]
        self._indexed = True


def includeme(config: Configurator) -> None:
    """Before the first route is added."""
    config.registry.registerUtility(Mapper(), IRoutesMapper)
