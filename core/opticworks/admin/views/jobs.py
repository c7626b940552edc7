"""Jobs that gave up, and running one again."""

from __future__ import annotations

from typing import Any

from pyramid.httpexceptions import HTTPNotFound, HTTPSeeOther
from pyramid.request import Request
from pyramid.response import Response

from opticworks.admin.shell import flash
from opticworks.audit import service as audit
from opticworks.jobs import queue
from opticworks.web.page import Page
from opticworks.web.policy import admin_view


@admin_view("admin.jobs", "jobs.manage", renderer="admin/jobs.pt", request_method=("GET", "HEAD"))
def jobs(request: Request) -> dict[str, Any]:
    return {"page": Page("Failed jobs"), "jobs": queue.failed(request.db)}


@admin_view("admin.job.replay", "jobs.manage", request_method="POST")
def replay(request: Request) -> Response:
    text = request.matchdict["id"]
    if not (text.isascii() and text.isdigit() and len(text) < 19):
        raise HTTPNotFound("There is no such job.")
    if queue.replay(request.db, int(text)):
        audit.record(request.db, request.identity.email, "job.replayed", f"job {text}")
        flash(request, "The job runs again in a moment. It comes back here if it fails again.")
    else:
        flash(request, "This job is not failed any more, or waits already.", "problem")
    return HTTPSeeOther(request.route_path("admin.jobs"))
