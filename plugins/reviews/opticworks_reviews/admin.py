"""The admin's screens: reviews to look at, one review with its history, and who is asked."""

from __future__ import annotations

from typing import Any, NamedTuple

from pyramid.config import Configurator
from pyramid.httpexceptions import HTTPNotFound, HTTPSeeOther
from pyramid.request import Request as WebRequest
from pyramid.response import Response
from sqlalchemy import func, or_, select

from opticworks import kernel
from opticworks.contracts import Permission
from opticworks.plugin import Crumb, Page, admin_view, flash, whole
from opticworks_reviews import asking, writing
from opticworks_reviews.models import (
    ASKED,
    PLANNED,
    PUBLISHED,
    REJECTED,
    REMINDED,
    STOPPED,
    WAITING,
    WRITTEN,
    Request,
    Review,
)

READ = Permission(code="reviews.read", title="See reviews and who is asked for one")
EDIT = Permission(code="reviews.edit", title="Publish, reject and answer reviews")
PATH = "/admin/reviews"
LIST = Crumb(title="Reviews", path=PATH)
PER_PAGE, MOST_ANSWER, MOST_NOTE = 50, 2000, 300
SEE = ("GET", "HEAD")
ONE = f"{PATH}/{{id:\\d{{1,18}}}}"
ROUTES = {
    "reviews.admin.list": PATH,
    "reviews.admin.bulk": f"{PATH}/bulk",
    "reviews.admin.requests": f"{PATH}/requests",
    "reviews.admin.stop": f"{PATH}/requests/{{number:[A-Z0-9-]{{1,20}}}}/stop",
    "reviews.admin.review": ONE,
    "reviews.admin.decide": f"{ONE}/decide",
    "reviews.admin.answer": f"{ONE}/answer",
}
RULE = (
    "A low rating is no reason to keep a review back: the law forbids it (16 CFR 465 in the US, "
    "the UCPD in the EU). They stand here by age, whatever their stars."
)


class Word(NamedTuple):
    """A state as a badge shows it."""

    label: str
    tone: str


STATUS = {
    WAITING: Word("Waiting", "waiting"),
    PUBLISHED: Word("Published", "good"),
    REJECTED: Word("Rejected", "bad"),
}
STATE = {
    PLANNED: Word("Planned", "waiting"),
    ASKED: Word("Asked", "good"),
    REMINDED: Word("Reminded", "good"),
    WRITTEN: Word("Written", "good"),
    STOPPED: Word("Not asked", "neutral"),
}
#: What happened to a review: words, and the icon of the timeline.
DONE = {
    "written": ("Written", "pencil"),
    "changed": ("Changed by its writer", "pencil"),
    PUBLISHED: ("Published", "check"),
    REJECTED: ("Rejected", "x"),
    WAITING: ("Put back to wait", "rotate-ccw"),
    "answered": ("Answered", "mail"),
    "answer_removed": ("Answer taken away", "x"),
}


class Entry(NamedTuple):
    """One thing that happened, for the timeline."""

    at: Any
    title: str
    icon: str
    detail: str
    actor: str
    path: str = ""
    tone: str = "neutral"


def includeme(config: Configurator) -> None:
    for name, pattern in ROUTES.items():
        config.add_route(name, pattern)
    config.scan("opticworks_reviews.admin")


# --- the list -----------------------------------------------------------------------------------


@admin_view("reviews.admin.list", READ.code, renderer="admin/reviews/list.pt", request_method=SEE)
def overview(request: WebRequest) -> dict[str, Any]:
    tab = request.GET.get("tab", WAITING)
    tab = tab if tab in STATUS or tab == "all" else WAITING
    query, stars = request.GET.get("q", "").strip()[:80], request.GET.get("stars", "")
    stars = stars if stars in ("1", "2", "3", "4", "5") else ""
    page = _number(request.GET.get("page", ""))
    statement = select(Review)
    if tab != "all":
        statement = statement.where(Review.status == tab)
    if stars:
        statement = statement.where(Review.stars == int(stars))
    if query:
        statement = statement.where(_matches(query))
    order = Review.id.asc() if tab == WAITING else Review.id.desc()
    rows = list(
        request.db.scalars(
            statement.order_by(order).limit(PER_PAGE + 1).offset((page - 1) * PER_PAGE)
        )
    )

    def address(**changes: Any) -> str:
        given = {"tab": tab, "q": query, "stars": stars, **changes}
        return str(request.route_path("reviews.admin.list", _query=_kept(given)))

    waiting = writing.count_waiting(request.db)
    labels = {WAITING: f"Waiting ({waiting})", PUBLISHED: "Published", REJECTED: "Rejected"}
    return {
        "page": Page("Reviews"),
        "tab": tab,
        "tabs": [
            *((label, address(tab=code, page=""), code == tab) for code, label in labels.items()),
            ("All", address(tab="all", page=""), tab == "all"),
        ],
        "query": query,
        "stars": stars,
        "rows": rows[:PER_PAGE],
        "words": STATUS,
        "reasons": list(writing.REASONS.items()),
        "rule": RULE,
        "newer": address(page=page - 1) if page > 1 else "",
        "older": address(page=page + 1) if len(rows) > PER_PAGE else "",
        "may_edit": EDIT.code in request.identity.permissions,
    }


def _number(text: str) -> int:
    """A page's number as an address says it; 1 for what is none."""
    return max(whole(text, digits=5), 1)


def _kept(values: dict[str, Any]) -> dict[str, str]:
    return {name: str(value) for name, value in values.items() if value}


def _matches(query: str) -> Any:
    """By product, SKU, order, name, address or words of the review."""
    columns = (
        *(Review.title, Review.sku, Review.order_number, Review.name, Review.email),
        *(Review.headline, Review.body),
    )
    return or_(*(column.icontains(query, autoescape=True) for column in columns))


@admin_view("reviews.admin.bulk", EDIT.code, request_method="POST")
def bulk(request: WebRequest) -> Response:
    ids = {whole(text) for text in request.POST.getall("id")} - {0}
    to, note = _decision(request)
    back = HTTPSeeOther(request.route_path("reviews.admin.list"))
    if to is None or not ids:
        flash(request, note or "Choose reviews first.", "problem")
        return back
    rows = select(Review).where(Review.id.in_(sorted(ids))).order_by(Review.id).with_for_update()
    done = sum(_decide(request, row, to, note) for row in request.db.scalars(rows))
    word = STATUS[to].label.lower()
    flash(request, f"1 review is {word}." if done == 1 else f"{done} reviews are {word}.")
    return back


def _decision(request: WebRequest) -> tuple[str | None, str]:
    """What is to become of reviews and why; or None and what is wrong."""
    to = request.POST.get("do", "")
    if to != REJECTED:
        return (to, "") if to in STATUS else (None, "Choose what to do.")
    reason = request.POST.get("reason", "")
    note = " ".join(request.POST.get("note", "").split())[:MOST_NOTE]
    if reason not in writing.REASONS:
        return None, "Choose why it is rejected. Nothing was changed."
    if reason == "other" and not note:
        return None, "Say why it is rejected. Nothing was changed."
    return REJECTED, f"{writing.REASONS[reason]}: {note}" if note else writing.REASONS[reason]


def _decide(request: WebRequest, row: Review, to: str, note: str) -> bool:
    actor = request.identity.email
    if not writing.decide(request.db, row, to, actor, request.ctx.now, note_=note):
        return False
    kernel.audit(request.db, actor, f"review.{to}", f"review {row.id}", why=note, stars=row.stars)
    return True


# --- one review ---------------------------------------------------------------------------------


def _find(request: WebRequest) -> Review:
    number = int(request.matchdict["id"])
    row: Review | None = request.db.get(Review, number)
    if row is None:
        raise HTTPNotFound("There is no such review. Look for it in the list.")
    return row


@admin_view(
    "reviews.admin.review", READ.code, renderer="admin/reviews/review.pt", request_method=SEE
)
def review(request: WebRequest) -> dict[str, Any]:
    row = _find(request)
    entries = [
        Entry(each.at, *DONE.get(each.action, (each.action, "pencil")), each.note, each.actor)
        for each in writing.decisions(request.db, row)
    ]
    following = (
        select(Review.id).where(Review.status == WAITING, Review.id != row.id).order_by(Review.id)
    )
    return {
        "page": Page(f"Review of {row.title}", crumbs=(LIST,)),
        "heading": row.title,
        "review": row,
        "order_there": request.registry.shop.order_view(request.db, row.order_number) is not None,
        "word": STATUS[row.status],
        "entries": entries,
        "reasons": list(writing.REASONS.items()),
        "rule": RULE,
        "next_id": request.db.scalar(following.limit(1)),
        "most_answer": MOST_ANSWER,
        "may_edit": EDIT.code in request.identity.permissions,
    }


@admin_view("reviews.admin.decide", EDIT.code, request_method="POST")
def decide(request: WebRequest) -> Response:
    row = _find(request)
    before = row.status
    to, note = _decision(request)
    if to is None:
        flash(request, note, "problem")
    elif _decide(request, row, to, note):
        undo = (request.path, {"do": before}) if before != REJECTED else None
        flash(request, f"The review is {STATUS[to].label.lower()}.", undo=undo)
    return HTTPSeeOther(request.route_path("reviews.admin.review", id=row.id))


@admin_view("reviews.admin.answer", EDIT.code, request_method="POST")
def answer(request: WebRequest) -> Response:
    row = _find(request)
    text = request.POST.get("answer", "").replace("\r\n", "\n").strip()
    if len(text) > MOST_ANSWER:
        flash(
            request,
            f"The answer has {len(text)} characters; {MOST_ANSWER} are the most. It was not kept.",
            "problem",
        )
    elif text != row.answer:
        writing.answer(request.db, row, text, request.identity.email, request.ctx.now)
        kernel.audit(
            request.db, request.identity.email, "review.answered", f"review {row.id}", text=text
        )
        flash(request, "The answer was saved." if text else "The answer was taken away.")
    return HTTPSeeOther(request.route_path("reviews.admin.review", id=row.id))


# --- who is asked -------------------------------------------------------------------------------


@admin_view(
    "reviews.admin.requests", READ.code, renderer="admin/reviews/requests.pt", request_method=SEE
)
def requests(request: WebRequest) -> dict[str, Any]:
    page = _number(request.GET.get("page", ""))
    statement = select(Request).order_by(Request.created_at.desc(), Request.order_number)
    rows = list(request.db.scalars(statement.limit(PER_PAGE + 1).offset((page - 1) * PER_PAGE)))
    counts = dict(
        request.db.execute(select(Request.state, func.count()).group_by(Request.state)).all()
    )

    def address(number: int) -> str:
        return str(request.route_path("reviews.admin.requests", _query={"page": number}))

    return {
        "page": Page("Requests", crumbs=(LIST,)),
        "rows": rows[:PER_PAGE],
        "words": STATE,
        "why": asking.WORDS,
        "summary": " · ".join(
            f"{word.label}: {counts[state]}" for state, word in STATE.items() if state in counts
        ),
        "asks": request.ctx.settings["reviews"].ask,
        "open": (PLANNED, ASKED),
        "newer": address(page - 1) if page > 1 else "",
        "older": address(page + 1) if len(rows) > PER_PAGE else "",
        "may_edit": EDIT.code in request.identity.permissions,
    }


@admin_view("reviews.admin.stop", EDIT.code, request_method="POST")
def stop(request: WebRequest) -> Response:
    """The customer has complained: nobody asks them for a review of that order."""
    number = request.matchdict["number"]
    if request.db.get(Request, number) is None:
        raise HTTPNotFound("Nobody is asked about this order.")
    asking.stop_asking(request.db, number, "complaint")
    kernel.audit(request.db, request.identity.email, "review.not_asked", f"order {number}")
    flash(request, f"The buyer of {number} is not asked for a review.")
    return HTTPSeeOther(request.route_path("reviews.admin.requests"))
