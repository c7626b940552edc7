"""What vendors reported, and working through it again."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, time
from typing import Any
from zoneinfo import ZoneInfo

from pyramid.httpexceptions import HTTPNotFound, HTTPSeeOther
from pyramid.request import Request
from pyramid.response import Response

from opticworks.admin import words
from opticworks.admin.shell import flash
from opticworks.audit import service as audit
from opticworks.web.numbers import whole
from opticworks.web.page import Page
from opticworks.web.policy import admin_view
from opticworks.webhooks import service
from opticworks.webhooks.models import STATUSES

PAGE = 50
MOST = 5000  #: events that one click queues; the command line takes any number


@dataclass(frozen=True, slots=True)
class Filters:
    """What of the inbox is shown, as the address says it; nonsense narrows nothing."""

    status: str = ""
    provider: str = ""
    kind: str = ""
    since: date | None = None

    @classmethod
    def read(cls, given: Mapping[str, str]) -> Filters:
        def text(name: str) -> str:
            return str(given.get(name, "")).replace("\x00", "")[:100]

        try:
            since = date.fromisoformat(text("since"))
        except ValueError:
            since = None
        status = text("status")
        status = status if status in STATUSES else ""
        return cls(status, text("provider"), text("kind"), since)

    @property
    def params(self) -> dict[str, str]:
        """The address's parts, without those that narrow nothing."""
        since = self.since.isoformat() if self.since else ""
        every = {
            "status": self.status,
            "provider": self.provider,
            "kind": self.kind,
            "since": since,
        }
        return {name: value for name, value in every.items() if value}

    def which(self, zone: ZoneInfo) -> service.Filter:
        """The same for the service: a date begins at midnight of the shop."""
        since = datetime.combine(self.since, time(), zone) if self.since else None
        return service.Filter(
            status=self.status, provider=self.provider, kind=self.kind, since=since
        )


def _zone(request: Request) -> ZoneInfo:
    return ZoneInfo(request.shop.settings["shop"].timezone)


@admin_view(
    "admin.webhooks", "jobs.manage", renderer="admin/webhooks.pt", request_method=("GET", "HEAD")
)
def webhooks(request: Request) -> dict[str, Any]:
    filters = Filters.read(request.GET)
    which = filters.which(_zone(request))
    last = whole(request.GET.get("before"))
    rows = service.find(request.db, which, before=last, limit=PAGE + 1)
    more, rows = len(rows) > PAGE, rows[:PAGE]
    known = service.kinds(request.db)

    def path(**changes: Any) -> str:
        query = {**filters.params, **changes}
        query = {name: value for name, value in query.items() if value}
        return str(request.route_path("admin.webhooks", _query=query))

    return {
        "page": Page("Webhooks"),
        "rows": rows,
        "words": words,
        "filters": filters,
        "providers": [(code, code) for code in sorted({provider for provider, _ in known})],
        "kinds": [
            (kind, kind) for kind in sorted({k for p, k in known if filters.provider in ("", p)})
        ],
        "count": service.count(request.db, which) if filters.params and rows else 0,
        "most": MOST,
        "receivers": [
            (each, f"{request.shop.config.base_url}/webhooks/{each.code}")
            for each in service.receivers(request.shop)
        ],
        "tabs": [
            (label, path(status=value), value == filters.status)
            for value, label in (("", "All"), *((s, words.WEBHOOK[s].label) for s in STATUSES))
        ],
        "newer": path() if last else "",
        "older": path(before=rows[-1].id) if more else "",
    }


@admin_view("admin.webhooks.replay", "jobs.manage", request_method="POST")
def replay(request: Request) -> Response:
    """One event by its id, or all that fit the filters."""
    event, filters = whole(request.POST.get("id")), Filters.read(request.POST)
    if event:
        which, subject = service.Filter(ids=(event,)), f"webhook {event}"
    elif filters.params:
        which = filters.which(_zone(request))
        subject = "webhooks " + ", ".join(f"{k} {v}" for k, v in filters.params.items())
    else:
        raise HTTPNotFound("There is no such webhook.")
    if service.count(request.db, which) > MOST:
        flash(
            request,
            f"More than {MOST} events fit. Narrow them down, or replay them on the command line: "
            "opticworks webhooks replay",
            "problem",
        )
    elif count := service.replay(request.db, which):
        audit.record(request.db, request.identity.email, "webhook.replayed", subject, count=count)
        what = "The event is" if count == 1 else f"{count} events are"
        flash(request, f"{what} worked through again in a moment.")
    else:
        flash(request, "There was nothing to work through again.", "problem")
    return HTTPSeeOther(request.route_path("admin.webhooks", _query=filters.params))
