"""Every mail the shop has written, and sending one again."""

from __future__ import annotations

from typing import Any

from pyramid.httpexceptions import HTTPNotFound, HTTPSeeOther
from pyramid.request import Request
from pyramid.response import Response
from sqlalchemy import select

from opticworks.admin import timeline, words
from opticworks.admin.shell import flash
from opticworks.audit import service as audit
from opticworks.notifications import service
from opticworks.notifications.models import STATUSES, Message, StoredEvent
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
    query = select(Message, StoredEvent.subject.label("about")).join(
        StoredEvent, StoredEvent.id == Message.event_id
    )
    if status:
        query = query.where(Message.status == status)
    before = request.GET.get("before", "")
    if before.isascii() and before.isdigit() and len(before) < 19:
        query = query.where(Message.id < int(before))
    rows = request.db.execute(query.order_by(Message.id.desc()).limit(PAGE + 1)).all()
    more, rows = len(rows) > PAGE, rows[:PAGE]

    def path(**params: Any) -> str:
        query = {name: value for name, value in params.items() if value}
        return str(request.route_path("admin.messages", _query=query))

    return {
        "page": Page("Messages"),
        "rows": rows,
        "words": words,
        "status": status,
        "tabs": [
            (label, path(status=value), value == status)
            for value, label in (("", "All"), *((s, words.MESSAGE[s].label) for s in STATUSES))
        ],
        "newer": path(status=status) if before else "",
        "older": path(status=status, before=rows[-1].Message.id) if more else "",
    }


def _find(request: Request) -> tuple[Message, str]:
    row = request.db.execute(
        select(Message, StoredEvent.subject)
        .join(StoredEvent, StoredEvent.id == Message.event_id)
        .where(Message.public_id == request.matchdict["id"])
    ).first()
    if row is None:
        raise HTTPNotFound("There is no such message. Look for it in the list of messages.")
    return row[0], row[1]


@admin_view(
    "admin.message", "messages.read", renderer="admin/message.pt", request_method=("GET", "HEAD")
)
def message(request: Request) -> dict[str, Any]:
    found, about = _find(request)
    return {
        "page": Page(found.subject, crumbs=(LIST,)),
        "message": found,
        "about": about,
        "words": words,
        "may_send": "messages.send" in request.identity.permissions
        and found.status in ("sent", "failed"),
    }


@admin_view("admin.message.html", "messages.read", request_method="GET")
def html(request: Request) -> Response:
    found, _ = _find(request)
    response = Response(found.html)
    response.headers["Content-Security-Policy"] = FRAME_POLICY
    return response


@admin_view("admin.message.send", "messages.send", request_method="POST")
def send(request: Request) -> Response:
    """A failed one is tried again; one that was sent goes out as a new mail."""
    found, about = _find(request)
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
        flash(request, "This message is waiting or blocked, so it was not sent again.", "problem")
    back = request.POST.get("back", "")
    inside = back.startswith("/admin/orders/") and "\\" not in back and back.isprintable()
    return HTTPSeeOther(back if inside else f"/admin/messages/{found.public_id}")
