"""The own account: name, address, password; and a forgotten password, before signing in."""

from __future__ import annotations

from typing import Any

from pyramid.httpexceptions import HTTPNotFound, HTTPSeeOther
from pyramid.request import Request
from pyramid.response import Response
from pyramid.security import NO_PERMISSION_REQUIRED

from opticworks.admin import access
from opticworks.admin.shell import flash
from opticworks.staff import accounts
from opticworks.staff.models import Staff
from opticworks.staff.passwords import Busy
from opticworks.staff.service import StaffError, TooManyTries
from opticworks.web.limits import client_address
from opticworks.web.page import Page
from opticworks.web.policy import admin_view

ON_ITS_WAY = (
    "If there is an account with this address, a mail is on its way to it. The link works for an "
    "hour. Look in the spam folder too."
)
DEAD = "This link does not work any more: it was used, it is too old, or a newer one was sent."
NOT_YOURS = "This is not your password."


def _door(request: Request, title: str, error: str = "", status: int = 200, **more: Any) -> Any:
    request.response.status_int = status
    return {"page": Page(title, robots="noindex"), "error": error, "said": "", "email": "", **more}


def _secrets(request: Request) -> tuple[str, ...]:
    config = request.shop.config
    return (config.secret, *config.old_secrets)


def _wait(request: Request, error: TooManyTries) -> str:
    request.response.headers["Retry-After"] = str(error.wait)
    return str(error)


@admin_view(
    "admin.forgot",
    NO_PERMISSION_REQUIRED,
    request_method=("GET", "HEAD"),
    renderer="admin/forgot.pt",
)
def forgot(request: Request) -> Any:
    return _door(request, "Forgot the password?")


@admin_view(
    "admin.forgot", NO_PERMISSION_REQUIRED, request_method="POST", renderer="admin/forgot.pt"
)
def send_link(request: Request) -> Any:
    email = " ".join(request.POST.get("email", "").replace("\x00", "").split())[:320]
    title = "Forgot the password?"
    if "@" not in email:
        return _door(request, title, "Write your e-mail address.", 422, email=email)
    try:
        accounts.ask_reset(request.db, request.limits, email, address=client_address(request))
    except TooManyTries as error:
        return _door(request, title, _wait(request, error), 429, email=email)
    return _door(request, "Look into your mail", said=ON_ITS_WAY)


@admin_view(
    "admin.reset",
    NO_PERMISSION_REQUIRED,
    request_method=("GET", "HEAD"),
    renderer="admin/reset.pt",
)
def choose(request: Request) -> Any:
    try:
        staff = accounts.find_reset(
            request.db, _secrets(request), request.matchdict["token"], now=request.shop.now()
        )
    except accounts.BadLink:
        return _door(request, "Choose a new password", DEAD, 410, good=False)
    return _door(request, "Choose a new password", good=True, email=staff.email)


@admin_view("admin.reset", NO_PERMISSION_REQUIRED, request_method="POST", renderer="admin/reset.pt")
def reset(request: Request) -> Any:
    title, token = "Choose a new password", request.matchdict["token"]
    password = request.POST.get("password", "")[:1000]
    try:
        staff = accounts.reset(
            request.db, _secrets(request), token, password, now=request.shop.now()
        )
    except accounts.BadLink:
        return _door(request, title, DEAD, 410, good=False)
    except StaffError as error:
        return _door(request, title, str(error), 422, good=True)
    except Busy as error:
        return _door(request, title, str(error), 503, good=True)
    access.sign_in(request, staff)
    flash(request, "Your new password holds. Every other device was signed out.")
    return HTTPSeeOther(request.route_path("admin.today"))


@admin_view(
    "admin.email",
    NO_PERMISSION_REQUIRED,
    request_method=("GET", "HEAD"),
    renderer="admin/email_confirm.pt",
)
def look_at_address(request: Request) -> Any:
    """Programs that look at every link of a mail change nothing."""
    title, token = "Confirm your address", request.matchdict["token"]
    try:
        _, email = accounts.find_email(request.db, _secrets(request), token, now=request.shop.now())
    except accounts.BadLink:
        return _door(request, title, DEAD, 410, good=False)
    return _door(request, title, good=True, email=email)


@admin_view(
    "admin.email",
    NO_PERMISSION_REQUIRED,
    request_method="POST",
    renderer="admin/email_confirm.pt",
)
def confirm_address(request: Request) -> Any:
    title, token = "Confirm your address", request.matchdict["token"]
    try:
        staff = accounts.confirm_email(request.db, _secrets(request), token, now=request.shop.now())
    except accounts.BadLink:
        return _door(request, title, DEAD, 410, good=False)
    except StaffError as error:
        return _door(request, title, str(error), 422, good=False)
    return _door(request, title, said=f"You sign in with {staff.email} now.", good=False)


def _own(request: Request) -> Staff:
    staff: Staff | None = request.db.get(Staff, request.identity.id)
    if staff is None:
        raise HTTPNotFound("This account is gone.")
    return staff


def _profile(request: Request, errors: dict[str, str] | None = None, status: int = 200) -> Any:
    request.response.status_int = status
    typed = request.POST if errors else {}
    return {
        "page": Page("Your account"),
        "account": _own(request),
        "errors": errors or {},
        "typed": {name: typed[name] for name in ("name", "email") if name in typed},
    }


@admin_view("admin.profile", renderer="admin/profile.pt", request_method=("GET", "HEAD"))
def profile(request: Request) -> Any:
    return _profile(request)


@admin_view("admin.profile", renderer="admin/profile.pt", request_method="POST")
def change(request: Request) -> dict[str, Any] | Response:
    verb = request.POST.get("do", "")
    if verb not in _CHANGES:
        raise HTTPNotFound("There is nothing like that to change.")
    field, deed = _CHANGES[verb]
    staff = _own(request)
    guarded = {"email": "email-password", "password": "own-password"}.get(verb)
    try:
        typed = request.POST.get(guarded, "")[:1000] if guarded else ""
        if guarded and not accounts.check_own(request.limits, staff, typed):
            return _profile(request, {guarded: NOT_YOURS}, 422)
        sentence = deed(request, staff)
    except StaffError as error:
        return _profile(request, {field: str(error)}, 422)
    except TooManyTries as error:
        return _profile(request, {"": _wait(request, error)}, 429)
    except Busy as error:
        return _profile(request, {"": str(error)}, 503)
    flash(request, sentence)
    return HTTPSeeOther(request.path)


def _rename(request: Request, staff: Staff) -> str:
    accounts.rename(request.db, staff, request.POST.get("name", "").replace("\x00", ""))
    return "Your name is saved."


def _ask_email(request: Request, staff: Staff) -> str:
    email = request.POST.get("email", "").replace("\x00", "")[:320]
    email = accounts.ask_email(request.db, staff, email, now=request.shop.now())
    return f"A mail is on its way to {email}. Open its link within a day."


def _password(request: Request, staff: Staff) -> str:
    password = request.POST.get("new-password", "")[:1000]
    accounts.change_password(request.db, staff, password, now=request.shop.now())
    access.sign_in(request, staff)  # the change signs everybody out; not whoever made it
    return "Your new password holds. Other devices were signed out."


_CHANGES = {
    "name": ("name", _rename),
    "email": ("email", _ask_email),
    "password": ("new-password", _password),
}
