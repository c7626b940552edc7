"""What vendors reported, and working through it again."""

from __future__ import annotations

from typing import Any

from pyramid.httpexceptions import HTTPNotFound, HTTPSeeOther
from pyramid.request import Request
from pyramid.response import Response

from opticworks.admin import words
from opticworks.admin.shell import flash
from opticworks.audit import service as audit
from opticworks.web.page import Page
from opticworks.web.policy import admin_view
from opticworks.webhooks import service
from opticworks.webhooks.models import STATUSES

PAGE = 50
LIST = "/admin/webhooks"


@admin_view(
    "admin.webhooks", "jobs.manage", renderer="admin/webhooks.pt", request_method=("GET", "HEAD")
)
def webhooks(request: Request) -> dict[str, Any]:
    status = _status(request.GET.get("status", ""))
    before = request.GET.get("before", "")
    last = int(before) if before.isascii() and before.isdigit() and len(before) < 19 else 0
    rows = service.find(request.db, service.Filter(status=status), before=last, limit=PAGE + 1)
    more, rows = len(rows) > PAGE, rows[:PAGE]

    def path(**params: Any) -> str:
        query = {name: value for name, value in params.items() if value}
        return str(request.route_path("admin.webhooks", _query=query))

    return {
        "page": Page("Webhooks"),
        "rows": rows,
        "words": words,
        "status": status,
        "receivers": [
            (each, f"{request.shop.config.base_url}/webhooks/{each.code}")
            for each in service.receivers(request.shop)
        ],
        "tabs": [
            (label, path(status=value), value == status)
            for value, label in (("", "All"), *((s, words.WEBHOOK[s].label) for s in STATUSES))
        ],
        "newer": path(status=status) if last else "",
        "older": path(status=status, before=rows[-1].id) if more else "",
    }


@admin_view("admin.webhooks.replay", "jobs.manage", request_method="POST")
def replay(request: Request) -> Response:
    """One event by its id, or all of a state that went wrong."""
    text, status = request.POST.get("id", ""), _status(request.POST.get("status", ""))
    if text.isascii() and text.isdigit() and len(text) < 19:
        which, subject = service.Filter(ids=(int(text),)), f"webhook {text}"
    elif status in ("failed", "unmatched"):
        which, subject = service.Filter(status=status), f"webhooks {status}"
    else:
        raise HTTPNotFound("There is no such webhook.")
    count = service.replay(request.db, which)
    if count:
        audit.record(request.db, request.identity.email, "webhook.replayed", subject, count=count)
        what = "The event is" if count == 1 else f"{count} events are"
        flash(request, f"{what} worked through again in a moment.")
    else:
        flash(request, "There was nothing to work through again.", "problem")
    return HTTPSeeOther(f"{LIST}?status={status}" if status else LIST)


def _status(text: str) -> str:
    return text if text in STATUSES else ""
