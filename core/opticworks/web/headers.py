"""Security headers on every answer, and what a page says about caching.

A view is marked with one of two decorators (or the view options of the same names):

    @private_page                                   an order, a cart, the checkout, the admin
    @cacheable(max_age=300, keys=("catalog",))      the same bytes for everybody

Anything unmarked is neither stored by caches nor promised to be the same for all.
"""

from __future__ import annotations

import gzip
import hashlib
import logging
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeVar

from pyramid.config import Configurator
from pyramid.request import Request
from pyramid.response import Response
from pyramid.tweens import EXCVIEW, INGRESS

from opticworks.config import LOOPBACK
from opticworks.plugins import answers
from opticworks.web.transactions import READS_ONLY

log = logging.getLogger(__name__)

View = Callable[[Any, Request], Response]
F = TypeVar("F", bound=Callable[..., Any])

BASE_POLICY: Mapping[str, tuple[str, ...]] = {
    "default-src": ("'self'",),
    "script-src": ("'self'",),
    "style-src": ("'self'",),
    "img-src": ("'self'", "data:"),
    "object-src": ("'none'",),
    "base-uri": ("'none'",),
    "frame-ancestors": ("'none'",),
    "form-action": ("'self'",),
}
DEFAULTS = {  #: of every answer that says nothing else
    "X-Content-Type-Options": "nosniff",
    "Cross-Origin-Opener-Policy": "same-origin-allow-popups",
    "Referrer-Policy": "strict-origin-when-cross-origin",
    "Cache-Control": "no-cache",
}
PERMISSIONS = "camera=(), geolocation=(), microphone=(), payment=({payment}), usb=()"
WORTH_COMPRESSING = 1400  #: bytes: what is smaller is one packet anyhow
GZIP_LEVEL = 4
HSTS = "max-age=31536000"
_PRIVATE = "opticworks.private"
_KEYS = "opticworks.surrogate_keys"


class NotCacheable(AssertionError):
    """A view declared cacheable used something that belongs to one visitor."""


@dataclass(frozen=True, slots=True)
class Caching:
    """How long caches may keep a page (seconds), and the surrogate keys it is purged by."""

    max_age: int
    keys: tuple[str, ...] = ()


def private_page(view: F) -> F:
    """Mark a view: never stored, never indexed, its address told to nobody."""
    view.private_page = True  # type: ignore[attr-defined]
    return view


def cacheable(max_age: int, keys: Iterable[str] = ()) -> Callable[[F], F]:
    """Mark a view: the same answer for everybody, kept `max_age` seconds. A shared cache can find
    it by its `keys`; nothing of ours purges by them.

    Outside production an answer that sets a cookie, or whose view used the session, the cart or
    a form token, raises NotCacheable; in production it is served uncached and logged.
    """
    caching = Caching(max_age, tuple(keys))

    def mark(view: F) -> F:
        view.cacheable = caching  # type: ignore[attr-defined]
        return view

    return mark


def surrogate_keys(request: Request, *keys: str) -> None:
    """Add keys that are only known while the view runs (`product:rs-1-sensor`)."""
    request.environ.setdefault(_KEYS, []).extend(keys)


def note_private(request: Request, what: str) -> None:
    """Say that this answer depends on the visitor: it must not be cached."""
    request.environ.setdefault(_PRIVATE, set()).add(what)


def cookie_name(request: Request, name: str) -> str:
    """Over https with the __Host- prefix, which no other host or subdomain can plant."""
    return f"__Host-{name}" if request.scheme == "https" else name


def _marking(info: Any, name: str) -> Any:
    """A view option, or the decorator's mark on the view function or on the class's method."""
    if name in info.options and info.options[name] is not None:
        return info.options[name]
    view = info.original_view
    if (attr := info.options.get("attr")) and view is not None:
        view = getattr(view, attr, None)
    return getattr(view, name, None)


def caching_view(view: View, info: Any) -> View:
    """View deriver for both marks."""
    if _marking(info, "private_page"):
        return _private(view)
    caching = _marking(info, "cacheable")
    return _cached(view, caching) if isinstance(caching, Caching) else view


caching_view.options = ("private_page", "cacheable")  # type: ignore[attr-defined]


def _private(view: View) -> View:
    def private_view(context: Any, request: Request) -> Response:
        # Noted first: the headers hold for an error page in its place too.
        request.environ["opticworks.private_page"] = True
        return view(context, request)

    return private_view


def _private_headers(request: Request) -> dict[str, str]:
    trustworthy = request.scheme == "https" or request.domain in LOOPBACK
    return {
        "Cache-Control": "no-store",
        "X-Robots-Tag": "noindex",
        # With no-referrer a form sends "Origin: null", which only Sec-Fetch-Site makes good, and
        # browsers send that to https and loopback addresses alone.
        "Referrer-Policy": "no-referrer" if trustworthy else "same-origin",
    }


def _cached(view: View, caching: Caching) -> View:
    def cached_view(context: Any, request: Request) -> Response:
        if request.method in ("GET", "HEAD"):
            request.environ[READS_ONLY] = True
        if getattr(request, "theme", ""):  # a preview that one member of staff sees, never a cache
            request.environ["opticworks.private_page"] = True
            return view(context, request)
        response = view(context, request)
        if request.method in ("GET", "HEAD") and response.status_code == 200:
            request.add_response_callback(partial(_finish, caching))
        return response

    return cached_view


def _finish(caching: Caching, request: Request, response: Response) -> None:
    """Runs after every other response callback, since those may still set cookies."""
    if request.response_callbacks:
        request.add_response_callback(partial(_finish, caching))
        return
    headers = response.headerlist
    given = {name.lower() for name, _ in headers}  # read once: see headers_tween
    used = set(request.environ.get(_PRIVATE, ()))
    if "set-cookie" in given:
        used.add("a cookie")
    if used:
        name = request.matched_route.name if request.matched_route else request.path
        sentence = f"The page {name!r} is declared cacheable but used {', '.join(sorted(used))}."
        if not request.registry.shop.config.production:
            raise NotCacheable(sentence)
        log.error("%s It is served uncached.", sentence)
        response.headers["Cache-Control"] = "no-store"
        return
    response.headers["Cache-Control"] = f"public, max-age={caching.max_age}"
    keys = dict.fromkeys((*caching.keys, *request.environ.get(_KEYS, ())))
    if keys:
        headers.append(("Surrogate-Key", " ".join(keys)))
    if "etag" not in given and isinstance(response.app_iter, (list, tuple)):
        headers.append(("ETag", f'"{hashlib.sha256(response.body).hexdigest()[:32]}"'))
    _compress(request, response)
    response.conditional_response = True


def _compress(request: Request, response: Response) -> None:
    """Send a page in gzip to whom it suits, so that it needs no proxy to be light.

    Only pages that are the same for everybody: compressing a visitor's secret together with what
    an attacker may choose would tell the secret by its length (BREACH).
    """
    if not response.content_type.startswith("text/") or len(response.body) < WORTH_COMPRESSING:
        return
    response.vary = (*(response.vary or ()), "Accept-Encoding")
    # Without the header anything would be acceptable, by the letter; nobody means that.
    asked = "Accept-Encoding" in request.headers
    if asked and request.accept_encoding.acceptable_offers(["gzip"]):
        response.body = gzip.compress(response.body, GZIP_LEVEL, mtime=0)
        response.content_encoding = "gzip"
        response.etag = f"{response.etag}-gzip"


def content_policy(shop: Any, page: str) -> str:
    """The Content-Security-Policy of a page: the base, and the hosts that plugins need there."""
    policy = {directive: list(sources) for directive, sources in BASE_POLICY.items()}
    for answer in answers(shop.hooks.content_security, settings=shop.settings, page=page):
        for directive, hosts in answer.items():
            sources = policy.setdefault(directive, ["'self'"])
            if sources == ["'none'"]:
                sources.clear()
            sources.extend(host for host in hosts if host not in sources)
    return "; ".join(f"{name} {' '.join(sources)}" for name, sources in policy.items())


def permissions_policy(policy: str) -> str:
    """What a page and its frames may use. Whoever a plugin lets in as a frame may show a wallet
    there, which browsers else refuse to frames of other origins."""
    parts = (part.split(" ") for part in policy.split("; "))
    frames = next((sources for name, *sources in parts if name == "frame-src"), [])
    hosts = [f'"{host}"' for host in frames if host.startswith(("https://", "http://"))]
    return PERMISSIONS.format(payment=" ".join(["self", *hosts]))


def headers_tween_factory(handler: Any, registry: Any) -> Any:
    """Outermost tween: what holds for every answer, error pages included."""
    shop = registry.shop
    policies: dict[tuple[Any, str], dict[str, str]] = {}
    pinned: dict[str, str] = {}
    if shop.config.production and shop.config.base_url.startswith("https://"):
        pinned["Strict-Transport-Security"] = HSTS

    def defaults_of(page: str) -> dict[str, str]:
        key = (getattr(shop.settings, "version", None), page)
        if key not in policies:
            if len(policies) > 1000:  # settings changed often; the pages are few
                policies.clear()
            policy = content_policy(shop, page)
            policies[key] = {
                "Content-Security-Policy": policy,
                "Permissions-Policy": permissions_policy(policy),
                **DEFAULTS,
            }
        return policies[key]

    def headers_tween(request: Request) -> Response:
        response = handler(request)
        route = getattr(request, "matched_route", None)
        always = dict(pinned)
        if not shop.config.production:
            always["X-Robots-Tag"] = "noindex"  # robots.txt alone hides no address
        if request.environ.get("opticworks.private_page"):
            always |= _private_headers(request)
        # WebOb reads the whole list for each header that it looks up; here it is read once.
        headers = response.headerlist
        given = {name.lower() for name, _ in headers}
        for name, value in always.items():
            if name.lower() in given:
                response.headers[name] = value
            else:
                headers.append((name, value))
        for name, value in defaults_of(route.name if route is not None else "").items():
            if name.lower() not in given and name not in always:
                headers.append((name, value))
        return response

    return headers_tween


def includeme(config: Configurator) -> None:
    config.add_tween("opticworks.web.headers.headers_tween_factory", under=INGRESS, over=EXCVIEW)
    config.add_view_deriver(caching_view)
