"""The queue of jobs: what waits, runs and failed, who works, and what staff do about it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from pyramid.httpexceptions import HTTPNotFound, HTTPSeeOther
from pyramid.request import Request
from pyramid.response import Response

from opticworks.admin import timeline, words
from opticworks.admin.shell import flash
from opticworks.audit import service as audit
from opticworks.jobs import board, defer, registry_of
from opticworks.jobs.redact import redact
from opticworks.jobs.worker import pace_of
from opticworks.web.numbers import whole
from opticworks.web.page import Crumb, Page
from opticworks.web.policy import admin_view

PAGE = 50
MOST = 5000  #: jobs that one click changes
LIST = Crumb(title="Jobs", path="/admin/jobs")
EMPTY = {
    "failed": ("Nothing got stuck", "A job that gives up after several tries shows here."),
    "waiting": ("Nothing waits", "Every job that is due has been taken by a worker."),
    "running": ("Nothing runs", "Most jobs take less than a second."),
    "scheduled": ("Nothing is scheduled", "Reminders, and jobs that are tried again later."),
}


@dataclass(frozen=True, slots=True)
class Filters:
    """Which jobs are shown, as the address says it; nonsense narrows nothing."""

    state: str = ""
    task: str = ""
    text: str = ""

    @classmethod
    def read(cls, given: Mapping[str, str]) -> Filters:
        def line(name: str) -> str:
            return " ".join(str(given.get(name, "")).replace("\x00", "").split())[:100]

        state = line("state")
        return cls(state if state in board.STATES else "", line("task"), line("q"))

    @property
    def params(self) -> dict[str, str]:
        """The address's parts, without those that narrow nothing."""
        every = {"state": self.state, "task": self.task, "q": self.text}
        return {name: value for name, value in every.items() if value}

    @property
    def which(self) -> board.Filter:
        return board.Filter(state=self.state, task=self.task, text=self.text)


def _rooms(here: str) -> list[tuple[str, str, bool]]:
    pages = (("queue", "Queue", "/admin/jobs"), ("schedules", "Schedules", "/admin/jobs/schedules"))
    return [(label, path, code == here) for code, label, path in pages]


def _told(args: Mapping[str, Any]) -> str:
    """A job's arguments in one line, without secrets and without the moment of a schedule."""
    said = (f"{name}: {value}" for name, value in args.items() if name != "timestamp")
    return redact(", ".join(said))


def _number(count: int) -> str:
    return "" if not count else f" {count if count < board.MOST else f'{board.MOST - 1}+'}"


@admin_view("admin.jobs", "jobs.manage", renderer="admin/jobs.pt", request_method=("GET", "HEAD"))
def jobs(request: Request) -> dict[str, Any]:
    filters = Filters.read(request.GET)
    last = whole(request.GET.get("before"))
    rows = board.find(request.db, filters.which, before=last, limit=PAGE + 1)
    more, rows = len(rows) > PAGE, rows[:PAGE]
    counted = board.counts(request.db, filters.which)
    live = request.GET.get("live") != "0"

    def path(**changes: Any) -> str:
        query = {**filters.params, "live": "" if live else "0", **changes}
        query = {name: value for name, value in query.items() if value}
        return str(request.route_path("admin.jobs", _query=query))

    labels = [("", "All"), *((state, words.JOB[state].label) for state in board.STATES)]
    heading, sentence = EMPTY.get(filters.state, ("No jobs here", "Nothing fits these filters."))
    return {
        "page": Page("Jobs"),
        "rooms": _rooms("queue"),
        "rows": rows,
        "told": _told,
        "words": words,
        "filters": filters,
        "tasks": [(name, name) for name in board.task_names(request.db, registry_of(request.shop))],
        "tabs": [
            (label + _number(counted.get(state, 0)), path(state=state), state == filters.state)
            for state, label in labels
        ],
        "workers": board.workers(request.db, pace_of(request.shop.config.mode).stalled_after),
        "late": board.late(request.db),
        "total": counted.get(filters.state, 0) if filters.state else sum(counted.values()),
        "here": path(before=str(last) if last else ""),
        "live": live,
        "toggle": path(live="0" if live else ""),
        "empty_heading": heading,
        "empty_sentence": sentence,
        "newer": path() if last else "",
        "older": path(before=rows[-1].id) if more else "",
    }


@admin_view("admin.job", "jobs.manage", renderer="admin/job.pt", request_method=("GET", "HEAD"))
def job(request: Request) -> dict[str, Any]:
    found = board.get(request.db, int(request.matchdict["id"]))
    if found is None:
        raise HTTPNotFound("There is no such job. Jobs that ended well are removed after a week.")
    entries = []
    for kind, at in board.history(request.db, found.id):
        title, icon, tone = words.JOB_EVENT.get(kind, (kind, "circle", "neutral"))
        entries.append(timeline.Entry(at, title, icon, tone=tone))
    return {
        "page": Page(found.task, crumbs=(LIST,)),
        "job": found,
        "told": [
            (name, redact(str(value))) for name, value in found.args.items() if name != "timestamp"
        ],
        "words": words,
        "entries": entries[::-1],
    }


@admin_view("admin.jobs.do", "jobs.manage", request_method="POST")
def do(request: Request) -> Response:
    """Run again or cancel what is ticked, or all that fits the filters."""
    verb = request.POST.get("do", "")
    if verb not in ("again", "cancel"):
        raise HTTPNotFound("There is nothing like that to do with a job.")
    filters = Filters.read(request.POST)
    ids = _chosen(request, filters)
    back = whole(request.POST.get("back"))
    to = f"{LIST.path}/{back}" if back else request.route_path("admin.jobs", _query=filters.params)
    if not ids:
        flash(request, "Tick the jobs first.", "problem")
        return HTTPSeeOther(to)
    done = (board.run_again if verb == "again" else board.cancel)(request.db, ids)
    deed = "job.replayed" if verb == "again" else "job.cancelled"
    if not done:
        flash(request, _NOTHING[verb], "problem")
        return HTTPSeeOther(to)
    subject = f"job {done[0]}" if len(done) == 1 else "jobs"
    audit.record(request.db, request.identity.email, deed, subject, jobs=done[:100])
    many, are = ("The job", "is") if len(done) == 1 else (f"{len(done)} jobs", "are")
    sentence = _DONE[verb].format(many=many, are=are)
    if left := len(ids) - len(done):
        sentence += f" {left} had changed meanwhile and stay as they are."
    flash(request, sentence)
    return HTTPSeeOther(to)


_DONE = {
    "again": "{many} will run in a moment, with all tries.",
    "cancel": "{many} {are} cancelled. What is running ends by itself, and is not tried again.",
}
_NOTHING = {
    "again": "Nothing to run: it is done, runs already, or waits already.",
    "cancel": "Nothing to cancel: it is done already.",
}


def _chosen(request: Request, filters: Filters) -> list[int]:
    if request.POST.get("all") == "1":
        which = replace(filters, state=filters.state or "failed").which
        return [row.id for row in board.find(request.db, which, limit=MOST)]
    given = request.POST.getall("id")[:MOST]
    return [id for each in given if (id := whole(each))]


@admin_view(
    "admin.jobs.schedules",
    "jobs.manage",
    renderer="admin/job_schedules.pt",
    request_method=("GET", "HEAD"),
)
def schedules(request: Request) -> dict[str, Any]:
    found = board.schedules(request.db, registry_of(request.shop), request.shop.now())
    return {"page": Page("Schedules"), "rooms": _rooms("schedules"), "rows": found, "words": words}


@admin_view("admin.jobs.schedules", "jobs.manage", request_method="POST")
def run_now(request: Request) -> Response:
    """Run a scheduled task once, now, beside its schedule."""
    name = request.POST.get("task", "")
    spec = registry_of(request.shop).get(name)
    if spec is None or not spec.schedule:
        raise HTTPNotFound("There is no such schedule.")
    if defer(request.db, name, queueing_lock=f"schedule:{name}") is None:
        flash(request, f"{name} waits to be run already.", "problem")
    else:
        audit.record(request.db, request.identity.email, "job.started", f"task {name}")
        flash(request, f"{name} runs in a moment.")
    return HTTPSeeOther(request.path)
