"""Every mail the shop has written, and sending one again."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

from pyramid.httpexceptions import HTTPNotFound, HTTPSeeOther
from pyramid.request import Request
from pyramid.response import Response
from sqlalchemy import or_, select

from opticworks.admin import timeline, words
from opticworks.admin.shell import flash
from opticworks.audit import service as audit
from opticworks.notifications import service
from opticworks.notifications.models import STATUSES, Message, StoredEvent
from opticworks.web.numbers import whole
from opticworks.web.page import Crumb, Page
from opticworks.web.policy import admin_view

PAGE = 50
LIST = Crumb(title="Messages", path="/admin/messages")
#: The mail is shown inside a frame, where nothing of it may run or call home.
FRAME_POLICY = (
    "default-src 'none'; style-src 'unsafe-inline'; img-src 'self' data:; "
    "frame-ancestors 'self'; sandbox"
)


@admin_view(
    "admin.messages", "messages.read", renderer="admin/messages.pt", request_method=("GET", "HEAD")
)
def messages(request: Request) -> dict[str, Any]:
    status = request.GET.get("status", "")
    status = status if status in STATUSES else ""
    query = select(
        Message, StoredEvent.subject.label("about"), StoredEvent.kind.label("fact")
    ).join(StoredEvent, StoredEvent.id == Message.event_id)
    if status:
        query = query.where(Message.status == status)
    wanted = " ".join(request.GET.get("q", "").split())[:100]
    if wanted:
        query = query.where(
            or_(
                Message.recipient.icontains(wanted, autoescape=True),
                StoredEvent.subject == wanted.upper(),
            )
        )
    if before := whole(request.GET.get("before")):
        query = query.where(Message.id < before)
    rows = request.db.execute(query.order_by(Message.id.desc()).limit(PAGE + 1)).all()
    more, rows = len(rows) > PAGE, rows[:PAGE]

    def path(**params: Any) -> str:
        query = {name: value for name, value in params.items() if value}
        return str(request.route_path("admin.messages", _query=query))

    return {
        "page": Page("Messages"),
        "rooms": rooms("log"),
        "wanted": wanted,
        "about_path": about_path,
        "rows": rows,
        "words": words,
        "status": status,
        "tabs": [
            (label, path(status=value, q=wanted), value == status)
            for value, label in (("", "All"), *((s, words.MESSAGE[s].label) for s in STATUSES))
        ],
        "newer": path(status=status, q=wanted) if before else "",
        "older": path(status=status, q=wanted, before=rows[-1].Message.id) if more else "",
    }


def rooms(here: str) -> list[tuple[str, str, bool]]:
    """The pages about messages, as tabs."""
    pages = (
        ("log", "Log", "/admin/messages"),
        ("kinds", "What they say", "/admin/messages/kinds"),
        ("blocked", "Blocked addresses", "/admin/messages/blocked"),
    )
    return [(label, path, code == here) for code, label, path in pages]


def about_path(fact: str, about: str) -> str:
    """The admin's page of what a message is about."""
    if fact == service.TEST_SENT:
        return f"/admin/messages/kinds/{about}"
    if fact.startswith("account."):
        return ""
    room = "stock/items" if fact.startswith("stock.") else "orders"
    return f"/admin/{room}/{quote(about)}"


def _find(request: Request) -> tuple[Message, str, str]:
    row = request.db.execute(
        select(Message, StoredEvent.subject, StoredEvent.kind)
        .join(StoredEvent, StoredEvent.id == Message.event_id)
        .where(Message.public_id == request.matchdict["id"])
    ).first()
    if row is None:
        raise HTTPNotFound("There is no such message. Look for it in the list of messages.")
    return row[0], row[1], row[2]


@admin_view(
    "admin.message", "messages.read", renderer="admin/message.pt", request_method=("GET", "HEAD")
)
def message(request: Request) -> dict[str, Any]:
    found, about, fact = _find(request)
    blocked = service.is_blocked(request.db, found)
    return {
        "page": Page(found.subject, crumbs=(LIST,)),
        "message": found,
        "about": about,
        "about_path": about_path(fact, about),
        "words": words,
        "mailer": _title(request, found.mailer),
        "files": service.attachments(request.db, found),
        "entries": _timeline(request, found),
        "blocked": blocked,
        "may_send": "messages.send" in request.identity.permissions
        and not found.confidential
        and not blocked
        and found.status in (*service.SENT, *service.UNSENT),
    }


def _title(request: Request, code: str) -> str:
    mailer = request.shop.providers.mailers().get(code)
    return mailer.title if mailer is not None else code


def _timeline(request: Request, message: Message) -> list[timeline.Entry]:
    """What happened to it, the latest first."""
    found = [timeline.Entry(message.created_at, "Written", "pencil")]
    for event in service.history(request.db, message):
        title, icon, tone = words.MESSAGE_EVENT.get(event.kind, (event.kind, "circle", "neutral"))
        found.append(timeline.Entry(event.at, title, icon, event.detail, tone=tone))
    return found[::-1]


@admin_view("admin.message.html", "messages.read", request_method="GET")
def html(request: Request) -> Response:
    found, _, _ = _find(request)
    if found.confidential:
        raise HTTPNotFound("This mail holds a link that opens an account, and is not shown.")
    response = Response(found.html)
    response.headers["Content-Security-Policy"] = FRAME_POLICY
    return response


@admin_view("admin.message.send", "messages.send", request_method="POST")
def send(request: Request) -> Response:
    """One that never left is tried again; one that was sent goes out as a new mail."""
    found, about, _ = _find(request)
    blocked = service.is_blocked(request.db, found)
    done = service.resend(request.db, found.public_id) or service.send_copy(
        request.db, found.public_id
    )
    if done:
        actor = request.identity.email
        audit.record(
            request.db, actor, "message.sent_again", timeline.subject(about), mail=found.subject
        )
        flash(request, f"“{found.subject}” is on its way to {found.recipient} again.")
    else:
        reason = f"{found.recipient} is blocked" if blocked else "This message is waiting"
        flash(request, f"{reason}, so nothing was sent.", "problem")
    back = request.POST.get("back", "")
    inside = back.startswith("/admin/orders/") and "\\" not in back and back.isprintable()
    return HTTPSeeOther(back if inside else f"/admin/messages/{found.public_id}")
