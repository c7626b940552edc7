"""Form tokens bound to a signed cookie: no session and no Redis, so a dead Redis stops no sale.

Views opt in with `require_csrf=True`; templates write the hidden field with `csrf()`. Where a
request comes from is checked by `opticworks.web.origin`, on every unsafe request.
"""

from __future__ import annotations

import secrets
from hmac import compare_digest

from pyramid.config import Configurator
from pyramid.interfaces import ICSRFStoragePolicy
from pyramid.request import Request
from pyramid.response import Response
from zope.interface import implementer

from opticworks.web.headers import cookie_name, note_private
from opticworks.web.keys import derive, sign

TOKEN = "opticworks.form_token"  #: of a request, once it was asked for


@implementer(ICSRFStoragePolicy)
class SignedCookieCSRF:
    """The cookie holds `<nonce>.<signature>`, the form another signature of the same nonce."""

    def __init__(self, secret: str) -> None:
        self._key = derive(secret, "csrf")

    def _token(self, nonce: str) -> str:
        return sign(self._key, f"form:{nonce}")

    def _nonce(self, request: Request) -> str:
        """The nonce of a cookie that we signed, or empty."""
        nonce, _, signature = request.cookies.get(cookie_name(request, "form"), "").partition(".")
        good = compare_digest(signature.encode(), sign(self._key, f"cookie:{nonce}").encode())
        return nonce if nonce and good else ""

    def new_csrf_token(self, request: Request) -> str:
        note_private(request, "form token")
        nonce = secrets.token_urlsafe(24)
        value = f"{nonce}.{sign(self._key, f'cookie:{nonce}')}"
        name = cookie_name(request, "form")
        request.cookies[name] = value

        def set_cookie(request: Request, response: Response) -> None:
            secure = request.scheme == "https"
            response.set_cookie(name, value, httponly=True, samesite="Lax", secure=secure)

        request.add_response_callback(set_cookie)
        return self._token(nonce)

    def get_csrf_token(self, request: Request) -> str:
        """The token of this browser's forms: one of a page is that of all of them."""
        known: str | None = request.__dict__.get(TOKEN)
        if known is None:
            note_private(request, "form token")
            nonce = self._nonce(request)
            known = self._token(nonce) if nonce else self.new_csrf_token(request)
            request.__dict__[TOKEN] = known
        return known

    def check_csrf_token(self, request: Request, token: str) -> bool:
        nonce = self._nonce(request)
        return bool(nonce) and compare_digest(token.encode(), self._token(nonce).encode())


def includeme(config: Configurator) -> None:
    config.set_csrf_storage_policy(SignedCookieCSRF(config.registry.shop.config.secret))
    # Pyramid's own origin check is replaced by opticworks.web.origin.
    config.set_default_csrf_options(require_csrf=False, check_origin=False)
