"""The mailbox in the browser: for the developer on this machine, and nobody else."""

from __future__ import annotations

from typing import Any

from pyramid.httpexceptions import HTTPNotFound
from pyramid.request import Request
from pyramid.response import Response

from opticworks.plugin import Page, private_page
from opticworks_smtp_mail import mail_folder
from opticworks_smtp_mail.mailbox import Letter, Mailbox

LOCAL_CLIENTS = frozenset({"127.0.0.1", "::1", "::ffff:127.0.0.1"})
LOCAL_NAMES = frozenset({"127.0.0.1", "localhost", "[::1]", "::1"})

#: A mail is foreign HTML: it runs nothing, sends nothing and loads only pictures of the shop.
#: Its links open in a new tab.
MAIL_POLICY = (
    "default-src 'none'; style-src 'unsafe-inline'; img-src 'self' data:; frame-ancestors 'self'; "
    "base-uri 'self'; sandbox allow-popups allow-popups-to-escape-sandbox"
)


def from_this_machine(request: Request) -> bool:
    """Whether a browser on this machine asks. The name in the address counts too: a foreign page
    could point a name of its own at 127.0.0.1."""
    return request.remote_addr in LOCAL_CLIENTS and request.domain in LOCAL_NAMES


def _mailbox(request: Request) -> Mailbox:
    if not from_this_machine(request):
        raise HTTPNotFound()
    return Mailbox(mail_folder(request.shop.settings))


def _letter(request: Request) -> Letter:
    letter = _mailbox(request).letter(request.matchdict["id"])
    if letter is None:
        raise HTTPNotFound("There is no such mail in the mailbox.")
    return letter


def _page(title: str) -> Page:
    return Page(title, robots="noindex")


@private_page
def list_mails(request: Request) -> dict[str, Any]:
    """Every mail, newest first, and the newest one opened."""
    letters = _mailbox(request).letters()
    return {
        "page": _page("Mailbox"),
        "letters": letters,
        "letter": letters[0] if letters else None,
        "host": request.shop.settings["smtp_mail"].host,
    }


@private_page
def show_mail(request: Request) -> dict[str, Any]:
    """One mail beside the list."""
    letter = _letter(request)
    return {
        "page": _page(str(letter.mail["Subject"] or "No subject")),
        "letters": _mailbox(request).letters(),
        "letter": letter,
        "host": request.shop.settings["smtp_mail"].host,
    }


@private_page
def show_html(request: Request) -> Response:
    """The HTML part by itself, shut in by its own policy."""
    html = _letter(request).part("html").replace("<head>", '<head><base target="_blank">', 1)
    response = Response(html, content_type="text/html", charset="utf-8")
    response.headers["Content-Security-Policy"] = MAIL_POLICY
    return response


@private_page
def show_source(request: Request) -> Response:
    """The whole mail as it would be sent."""
    return Response(
        _letter(request).mail.as_bytes().decode("utf-8", "replace"),
        content_type="text/plain",
        charset="utf-8",
    )


def includeme(config: Any) -> None:
    """Called outside production only."""
    pages = (
        ("smtp_mail.list", "/dev/mail", list_mails, "smtp_mail/mailbox.pt"),
        ("smtp_mail.show", "/dev/mail/{id}", show_mail, "smtp_mail/mailbox.pt"),
        ("smtp_mail.html", "/dev/mail/{id}/html", show_html, None),
        ("smtp_mail.source", "/dev/mail/{id}/source", show_source, None),
    )
    for name, pattern, view, renderer in pages:
        config.add_route(name, pattern)
        config.add_view(view, route_name=name, renderer=renderer, request_method="GET")
