"""Looking at the storefront in another theme before customers do.

Staff get a signed cookie for an hour (opticworks.admin gives it). With it every page of the
storefront is rendered in that theme, marked with a bar, and never kept by a cache; nobody else
sees anything of it.
"""

from __future__ import annotations

import time
from hmac import compare_digest

from pyramid.config import Configurator
from pyramid.request import Request
from pyramid.response import Response

from opticworks.web.headers import cookie_name
from opticworks.web.keys import derive, sign
from opticworks.web.policy import is_admin
from opticworks.web.themes import ThemeError

COOKIE = "preview"
SECONDS = 3600


def _signature(request: Request, text: str) -> str:
    return sign(derive(request.registry.shop.config.secret, "theme preview"), text)


def start(request: Request, response: Response, theme: str) -> None:
    """Show the storefront in `theme` to this browser for an hour."""
    text = f"{theme}.{int(time.time()) + SECONDS}"
    response.set_cookie(
        cookie_name(request, COOKIE),
        f"{text}.{_signature(request, text)}",
        max_age=SECONDS,
        httponly=True,
        samesite="Lax",
        secure=request.scheme == "https",
    )
    _forget_pages(response)


def stop(request: Request, response: Response) -> None:
    """Show this browser what customers see."""
    if cookie_name(request, COOKIE) in request.cookies:
        name = cookie_name(request, COOKIE)
        secure = request.scheme == "https"  # a __Host- cookie is not even removed without
        response.set_cookie(name, "", max_age=0, httponly=True, samesite="Lax", secure=secure)
        _forget_pages(response)


def _forget_pages(response: Response) -> None:
    """Pages that the browser has kept are of the other theme."""
    response.headers["Clear-Site-Data"] = '"cache"'


def theme_of(request: Request, *, anywhere: bool = False) -> str:
    """The theme that this browser previews; empty for the shop's own, as for everybody else.

    Under /admin, which has no theme, it counts only when asked for `anywhere`.
    """
    text, _, signature = request.cookies.get(cookie_name(request, COOKIE), "").rpartition(".")
    if not text or (is_admin(request) and not anywhere):
        return ""
    if not compare_digest(signature.encode(), _signature(request, text).encode()):
        return ""
    code, _, until = text.rpartition(".")
    if int(until) < time.time():
        return ""
    try:
        request.registry.templates.engine(code)
    except ThemeError:
        return ""
    return str(code)


def previewed(request: Request) -> str:
    """The title of the previewed theme, for the bar on the page."""
    theme = request.registry.templates.themes.get(request.theme) if request.theme else None
    return theme.title if theme is not None else ""


def includeme(config: Configurator) -> None:
    """`request.theme`, and `theme_preview` in templates."""
    config.add_request_method(theme_of, "theme", reify=True)
    config.add_template_global("theme_preview", previewed)
