"""Refuses what no view should have to look at: bodies too big, and text that is no text.

Bodies over 1 MB are answered with 413 before they are read, and forms with a file with 400; a
route that takes uploads says so and raises its own limit with the directive
`config.allow_body("catalog.upload", 20_000_000)`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pyramid.config import Configurator
from pyramid.httpexceptions import HTTPBadRequest, HTTPLengthRequired, HTTPRequestEntityTooLarge
from pyramid.request import Request
from pyramid.response import Response
from pyramid.tweens import EXCVIEW, MAIN

from opticworks.contracts import N_
from opticworks.web.transactions import route_name

DEFAULT_LIMIT = 1_000_000  #: bytes; the ini's opticworks.max_body overrides it
SWALLOWED = 4  #: times its limit, up to which an upload that is too big is taken in to say so
FORM_TYPES = frozenset({"application/x-www-form-urlencoded", "multipart/form-data"})
TOO_BIG = N_(
    "What you sent is {size} MB, and this page takes at most {limit} MB. Send less, and try again."
)
NO_FILES = N_("This form takes no files. Type the text in, and try again.")
NOT_TEXT = N_(
    "What you sent contains characters that can't be read as text. Type it again instead of "
    "pasting it, and try again."
)


def check_size(request: Request, limit: int) -> None:
    """Raises 413 for a body over `limit` bytes, 411 for one of unknown length."""
    if request.content_length is None:
        if request.headers.get("Transfer-Encoding"):
            raise HTTPLengthRequired(N_("Say how long the body is (Content-Length)."))
        return
    if request.content_length > limit:
        size, most = max(request.content_length / 1e6, 0.1), limit / 1e6
        said = request.words(TOO_BIG).format(size=f"{size:.1f}", limit=f"{most:g}")
        raise HTTPRequestEntityTooLarge(said)


def swallow(request: Request) -> None:
    """Take in and forget the body: a browser that is still sending when the server hangs up shows
    a broken connection instead of our sentence."""
    left = request.content_length or 0
    while left > 0 and (part := request.environ["wsgi.input"].read(min(left, 65_536))):
        left -= len(part)


def check_text(request: Request) -> None:
    """Raises 400 when the path, the query or a form holds what is no text."""
    try:
        parts = [request.path_info, *_texts(request.GET)]
        if request.content_type in FORM_TYPES and request.method not in ("GET", "HEAD"):
            if request.charset.upper() not in ("UTF-8", "UTF8"):
                raise ValueError(request.charset)
            parts += _texts(request.POST)
    except (ValueError, KeyError):  # no UTF-8, or parts that can't be told apart
        raise HTTPBadRequest(NOT_TEXT) from None
    # PostgreSQL can't store NUL; U+FFFD is what WebOb puts where a form's bytes are no text.
    text = "".join(parts)
    if "\0" in text or "\ufffd" in text:
        raise HTTPBadRequest(NOT_TEXT)


def check_files(request: Request) -> None:
    """Raises 400 for a file in a form that has no place for one: views read its fields as text."""
    if request.content_type != "multipart/form-data" or request.method in ("GET", "HEAD"):
        return
    if not all(isinstance(value, str) for value in request.POST.values()):
        raise HTTPBadRequest(NO_FILES)


def _texts(fields: Mapping[str, Any]) -> list[str]:
    return [part for pair in fields.items() for part in pair if isinstance(part, str)]


def guard_tween_factory(handler: Any, registry: Any) -> Any:
    """Inside the error pages, outside transactions."""
    default = int(registry.settings.get("opticworks.max_body", DEFAULT_LIMIT))
    limits: dict[str, int] = registry.body_limits

    def guard_tween(request: Request) -> Response:
        check_text_of_path(request)
        own_limit = limits.get(route_name(request)) if limits else None
        if own_limit is not None:
            return upload(request, own_limit)
        check_size(request, default)
        check_text(request)
        check_files(request)
        return handler(request)

    def upload(request: Request, limit: int) -> Response:
        if limit < (request.content_length or 0) <= SWALLOWED * limit:
            swallow(request)
        check_size(request, limit)
        came = request.environ["wsgi.input"]
        try:
            check_text(request)
            return handler(request)
        finally:
            # WebOb has copied a body that it read into a file without a name.
            if (copied := request.environ["wsgi.input"]) is not came:
                copied.close()

    return guard_tween


def check_text_of_path(request: Request) -> None:
    """Raises 400 for a path that is no UTF-8: routes can't even be matched against it."""
    try:
        request.path_info  # noqa: B018 - decoding it is the check
    except UnicodeDecodeError:
        request.environ["PATH_INFO"] = "/"  # the error page must be able to ask where it is
        raise HTTPBadRequest(N_("This address contains characters that can't be read.")) from None


def allow_body(config: Configurator, route: str, limit: int) -> None:
    """Directive: let the route of that name take bodies of up to `limit` bytes."""
    config.registry.body_limits[route] = limit


def includeme(config: Configurator) -> None:
    config.registry.body_limits = {}
    config.add_directive("allow_body", allow_body, action_wrap=False)
    config.add_tween(
        "opticworks.web.guard.guard_tween_factory",
        under=EXCVIEW,
        over=("opticworks.web.sessions.sessions_tween_factory", MAIN),
    )
