"""Who is behind a request, and what happens to those who may not go on."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from urllib.parse import urlencode

from pyramid.httpexceptions import HTTPForbidden, HTTPSeeOther
from pyramid.request import Request
from pyramid.response import Response

from opticworks.contracts import Permission
from opticworks.staff import permissions, service
from opticworks.staff.models import Staff
from opticworks.web import errors
from opticworks.web.policy import ADMIN, Identity, is_admin

HIDDEN = {"Cache-Control": "no-store", "X-Robots-Tag": "noindex"}
KEY = "staff"  #: in the session: {"id": …, "epoch": …}


def loader(plugins: Sequence[Permission]) -> Callable[[Request], Identity | None]:
    """A function that finds the signed-in member of staff of a request."""

    def load(request: Request) -> Identity | None:
        known = request.session.get(KEY)
        if known is None:
            return None
        staff = service.get(request.db, known["id"], known["epoch"])
        if staff is None:
            return None
        return Identity(
            id=staff.id,
            email=staff.email,
            name=staff.name,
            role=staff.role,
            permissions=permissions.of_role(staff.role, plugins),
        )

    return load


def sign_in(request: Request, staff: Staff) -> None:
    """Remember the account in a session with a new id, so that a planted one is worth nothing."""
    request.session.invalidate()
    request.session[KEY] = {"id": staff.id, "epoch": staff.epoch}


def sign_out(request: Request) -> None:
    request.session.invalidate()


def safe_next(path: str) -> str:
    """Where to go after signing in: a page of the admin, never another site."""
    inside = path == ADMIN or path.startswith((f"{ADMIN}/", f"{ADMIN}?"))
    plain = "\\" not in path and not any(ord(sign) < 32 for sign in path)
    return path if inside and plain else ADMIN


def forbidden(error: HTTPForbidden, request: Request) -> Response:
    """Signed out: to the sign-in page. Signed in without the permission: a page that says so."""
    by_permission = getattr(error, "result", None) is not None
    if not by_permission or not is_admin(request):
        return errors.http_error(error, request)
    if request.identity is not None:
        sentence = (
            f"Your role ({request.identity.role}) does not include this. "
            "Ask an owner of the shop if you need it."
        )
        return errors.page(request, 403, sentence)
    query = {}
    if request.method == "GET" and request.path_info != ADMIN:
        query = {"next": request.path_qs}
    to = f"{ADMIN}/sign-in" + (f"?{urlencode(query)}" if query else "")
    if "HX-Request" in request.headers:  # a fragment would land inside the page
        return Response(status=204, headers={"HX-Redirect": to, **HIDDEN})
    return HTTPSeeOther(to, headers=HIDDEN)
