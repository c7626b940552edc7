"""Signing in and out."""

from __future__ import annotations

from typing import Any

from pyramid.httpexceptions import HTTPSeeOther
from pyramid.request import Request
from pyramid.response import Response
from pyramid.security import NO_PERMISSION_REQUIRED

from opticworks.admin import access
from opticworks.staff import service
from opticworks.staff.passwords import Busy
from opticworks.web import preview
from opticworks.web.limits import client_address
from opticworks.web.page import Page
from opticworks.web.policy import admin_view

WRONG = "This e-mail address and password don't belong together. Check both and try again."


def _page(request: Request, error: str = "", status: int = 200) -> dict[str, Any]:
    request.response.status_int = status
    return {
        "page": Page("Sign in", robots="noindex"),
        "error": error,
        "email": request.POST.get("email", "")[:200] if request.method == "POST" else "",
        "next": access.safe_next(request.params.get("next", "")),
    }


@admin_view(
    "admin.sign_in",
    NO_PERMISSION_REQUIRED,
    request_method=("GET", "HEAD"),
    renderer="admin/sign_in.pt",
)
def show(request: Request) -> dict[str, Any] | Response:
    if request.identity is not None:
        return HTTPSeeOther(access.safe_next(request.params.get("next", "")))
    return _page(request)


@admin_view(
    "admin.sign_in", NO_PERMISSION_REQUIRED, request_method="POST", renderer="admin/sign_in.pt"
)
def sign_in(request: Request) -> dict[str, Any] | Response:
    try:
        staff = service.authenticate(
            request.db,
            request.limits,
            request.POST.get("email", "")[:320],
            request.POST.get("password", "")[:1000],
            address=client_address(request),
            now=request.shop.now(),
        )
    except service.TooManyTries as error:
        request.response.headers["Retry-After"] = str(error.wait)
        return _page(request, str(error), 429)
    except Busy as error:
        return _page(request, str(error), 503)
    if staff is None:
        return _page(request, WRONG, 422)
    access.sign_in(request, staff)
    return HTTPSeeOther(access.safe_next(request.POST.get("next", "")))


@admin_view("admin.sign_out", NO_PERMISSION_REQUIRED, request_method="POST")
def sign_out(request: Request) -> Response:
    access.sign_out(request)
    response = HTTPSeeOther(request.route_path("admin.sign_in"))
    preview.stop(request, response)
    return response
