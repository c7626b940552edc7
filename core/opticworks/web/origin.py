"""Refuses every unsafe request that the shop's own pages did not send.

Pyramid's own check does nothing on plain http; this one holds for http and https alike, and for
every view except those declared with `signed_webhook=True`, whose sender signs the body instead.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

from pyramid.config import Configurator
from pyramid.httpexceptions import HTTPForbidden
from pyramid.request import Request
from pyramid.response import Response
from pyramid.viewderivers import INGRESS

from opticworks.contracts import N_

SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
DEFAULT_PORTS = {"http": 80, "https": 443}
FOREIGN = N_(
    "This request did not come from a page of this shop, so it was not carried out. "
    "Open the page in the shop and try again."
)
View = Callable[[Any, Request], Response]


def origin_of(url: str) -> str:
    """scheme://host[:port] of an address, default ports left out; empty if it is none."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return ""
    if parts.scheme not in DEFAULT_PORTS or not parts.hostname:
        return ""
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    suffix = "" if port in (None, DEFAULT_PORTS[parts.scheme]) else f":{port}"
    return f"{parts.scheme}://{host}{suffix}"


def own_origins(request: Request) -> set[str]:
    """The shop's configured address; outside production also the one it was asked under."""
    config = request.registry.shop.config
    origins = {origin_of(config.base_url)}
    if not config.production:
        origins.add(origin_of(request.host_url))
    return origins - {""}


def is_own(request: Request) -> bool:
    """Did one of the shop's own pages send this request?

    A form on a page with `Referrer-Policy: no-referrer` sends `Origin: null`; the browser's
    Sec-Fetch-Site, which no script can set, then says what the origin does not.
    """
    site = request.headers.get("Sec-Fetch-Site", "")
    if site in ("cross-site", "same-site"):
        return False
    origin = request.headers.get("Origin")
    if origin == "null":
        return bool(site == "same-origin")
    source = origin if origin is not None else request.headers.get("Referer", "")
    return origin_of(source) in own_origins(request)


def origin_view(view: View, info: Any) -> View:
    """View deriver: the check in front of every view, permission checks included."""
    if info.exception_only or info.options.get("signed_webhook"):
        return view

    def checked(context: Any, request: Request) -> Response:
        if request.method not in SAFE_METHODS and not is_own(request):
            raise HTTPForbidden(FOREIGN)
        return view(context, request)

    return checked


origin_view.options = ("signed_webhook",)  # type: ignore[attr-defined]


def includeme(config: Configurator) -> None:
    config.add_view_deriver(origin_view, under=INGRESS, over="secured_view")
