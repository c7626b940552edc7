"""The class of all requests, with what was added by `config.add_request_method`."""

from __future__ import annotations

from typing import Any

from pyramid.interfaces import IRequestExtensions
from pyramid.request import Request
from pyramid.router import Router
from webob.multidict import GetDict


class ShopRequest(Request):
    """Pyramid's request, which goes as soon as it has been answered."""

    @property
    def GET(self) -> GetDict:
        """The fields of the query. WebOb's belong to the request that they are kept in, so that
        both would wait for the collector; most requests have none."""
        return super().GET if self.environ.get("QUERY_STRING") else GetDict([], {})


def use_one_class(app: Router) -> None:
    """To be called once, when the application has been made.

    Pyramid makes a new class for each request to put its methods into. The interpreter then knows
    nothing about it, looks every attribute up anew, and has it to collect afterwards.
    """
    extensions = app.registry.queryUtility(IRequestExtensions)
    added: dict[str, Any] = {**extensions.methods, **extensions.descriptors}
    app.request_factory = type("Request", (ShopRequest,), {**added, "__module__": __name__})
    app.request_extensions = None
