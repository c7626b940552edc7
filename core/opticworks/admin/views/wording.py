"""What messages say: subject and first words of each kind, a preview, a test; and who gets none."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pyramid.httpexceptions import HTTPNotFound, HTTPSeeOther
from pyramid.request import Request
from pyramid.response import Response
from sqlalchemy import select

from opticworks.admin import words
from opticworks.admin.shell import flash
from opticworks.admin.views.messages import FRAME_POLICY, LIST, rooms
from opticworks.audit import service as audit
from opticworks.contracts import MessageDraft, MessageKind, OrderView
from opticworks.notifications import rendering, service, wording
from opticworks.notifications.jobs import host_of
from opticworks.notifications.kinds import GROUPS, STAFF, sample_order
from opticworks.notifications.models import EVERYTHING, MARKETING
from opticworks.orders.models import Order
from opticworks.web.numbers import whole
from opticworks.web.page import Crumb, Page
from opticworks.web.policy import admin_view

KINDS = Crumb(title="What they say", path="/admin/messages/kinds")
SAMPLE = "sample"
CHOICE = 12  #: orders offered for the preview


def _kind(request: Request) -> MessageKind:
    found = wording.kinds(request.shop).get(request.matchdict["kind"])
    if found is None:
        raise HTTPNotFound("There is no such kind of message, or its plugin is not enabled.")
    return found


def _path(kind: MessageKind) -> str:
    return f"{KINDS.path}/{kind.code}"


def _subject(kind: MessageKind) -> str:
    """What audit entries about a kind are filed under."""
    return f"message {kind.code}"


def _words(request: Request, kind: MessageKind) -> wording.Words:
    gettext = request.shop.templates.gettext(request.shop.settings["shop"].locale)
    return wording.of_kind(request.db, kind, gettext)


def _typed(given: Mapping[str, str], now: wording.Words) -> wording.Words:
    """What the form says, as far as it says anything."""
    return wording.Words(
        subject=given.get("subject", now.subject),
        intro=given.get("intro", now.intro).replace("\r\n", "\n"),
        own=now.own,
        version=whole(given.get("version"), now.version, digits=9),
    )


@admin_view(
    "admin.messages.kinds",
    "messages.read",
    renderer="admin/message_kinds.pt",
    request_method=("GET", "HEAD"),
)
def kinds(request: Request) -> dict[str, Any]:
    groups: dict[str, list[tuple[MessageKind, wording.Words]]] = {name: [] for name in GROUPS}
    for kind in wording.kinds(request.shop).values():
        groups.setdefault(kind.group, []).append((kind, _words(request, kind)))
    groups[STAFF] = groups.pop(STAFF, [])
    return {"page": Page("What messages say"), "rooms": rooms("kinds"), "groups": groups}


@admin_view(
    "admin.messages.kind",
    "messages.read",
    renderer="admin/message_kind.pt",
    request_method=("GET", "HEAD"),
)
def kind(request: Request) -> dict[str, Any]:
    found = _kind(request)
    return _page(request, found, _words(request, found))


@admin_view(
    "admin.messages.kind", "messages.edit", renderer="admin/message_kind.pt", request_method="POST"
)
def save(request: Request) -> dict[str, Any] | Response:
    """Save the words, or only look at them in the preview."""
    found = _kind(request)
    typed = _typed(request.POST, _words(request, found))
    if "_preview" in request.POST:
        return _page(request, found, typed, unsaved=True)
    try:
        wording.save(request.db, found, typed.subject, typed.intro, typed.version)
    except wording.BadWording as error:
        request.response.status_int = 422
        return _page(request, found, typed, errors={error.field: str(error)}, unsaved=True)
    except wording.Changed:
        request.response.status_int = 409
        now = _words(request, found)
        typed = wording.Words(typed.subject, typed.intro, own=now.own, version=now.version)
        return _page(request, found, typed, theirs=now, unsaved=True)
    audit.record(request.db, request.identity.email, "message.reworded", _subject(found))
    flash(request, f"Saved. “{found.title}” says so from the next one on.")
    return HTTPSeeOther(_path(found))


@admin_view("admin.messages.kind.default", "messages.edit", request_method="POST")
def default(request: Request) -> Response:
    found = _kind(request)
    if wording.back_to_default(request.db, found):
        audit.record(request.db, request.identity.email, "message.default", _subject(found))
        flash(request, f"“{found.title}” has its default words again.")
    else:
        flash(request, "These are the default words already.")
    return HTTPSeeOther(_path(found))


@admin_view("admin.messages.kind.test", "messages.edit", request_method="POST")
def test(request: Request) -> Response:
    """Send the saved words, with the order of the preview, to whoever asks."""
    found = _kind(request)
    order = _order(request, request.POST.get("order", ""))
    draft, letter = _letter(request, found, _words(request, found), order)
    to = request.identity.email
    draft = MessageDraft(kind=found.code, to=to, subject=f"Test: {letter.subject}", template="")
    host = host_of(request.shop)
    if service.send_test(request.db, draft, letter.html, letter.text, host) is None:
        flash(request, "The test was not sent.", "problem")
    else:
        audit.record(request.db, to, "message.tested", _subject(found))
        flash(request, f"A test is on its way to {to}.")
    return HTTPSeeOther(_path(found))


@admin_view("admin.messages.kind.preview", "messages.read", request_method="GET")
def preview(request: Request) -> Response:
    """The mail by itself, for the frame."""
    found = _kind(request)
    typed = _typed(request.GET, _words(request, found))
    _, letter = _letter(request, found, typed, _order(request, request.GET.get("order", "")))
    response = Response(letter.html)
    response.headers["Content-Security-Policy"] = FRAME_POLICY
    return response


def _order(request: Request, number: str) -> OrderView:
    """The order of that number, or the sample."""
    shop = request.shop
    known = shop.order_view(request.db, number) if number and number != SAMPLE else None
    settings = shop.settings["shop"]
    return known or sample_order(settings.currency, shop.config.base_url, settings.locale)


def _letter(
    request: Request, kind: MessageKind, said: wording.Words, order: OrderView
) -> tuple[MessageDraft, rendering.Letter]:
    drawn = rendering.sample(request.shop, kind, order)
    if drawn is None:
        raise HTTPNotFound("This kind of message has no preview.")
    about = order if "order" in kind.variables else None  # as it is when the fact is no order's
    now = _words(request, kind)
    if not now.own and (said.subject, said.intro) == (now.subject, now.intro):
        settings = rendering.settings_of(request.shop, drawn, about)
        said = wording.of_kind(request.db, kind, request.shop.templates.gettext(settings.locale))
    draft, intro = rendering.fill(request.shop, kind, drawn, about, said)
    return draft, rendering.render(request.shop, draft, about, intro=intro)


def _page(
    request: Request,
    kind: MessageKind,
    said: wording.Words,
    *,
    errors: Mapping[str, str] | None = None,
    theirs: wording.Words | None = None,
    unsaved: bool = False,
) -> dict[str, Any]:
    given = request.POST if request.method == "POST" else request.GET
    numbers = list(request.db.scalars(select(Order.number).order_by(Order.id.desc()).limit(CHOICE)))
    chosen = given.get("order", "") or (numbers[0] if numbers else SAMPLE)
    if chosen not in (*numbers, SAMPLE):
        chosen = SAMPLE
    query = {"order": chosen}
    if unsaved:
        query |= {"subject": said.subject, "intro": said.intro}
    letter = None
    if kind.sample is not None:
        _, letter = _letter(request, kind, said, _order(request, chosen))
    return {
        "page": Page(kind.title, crumbs=(LIST, KINDS)),
        "kind": kind,
        "said": said,
        "theirs": theirs,
        "variables": wording.variables(kind),
        "errors": dict(errors or {}),
        "letter": letter,
        "orders": [(SAMPLE, "A sample order"), *((number, number) for number in numbers)],
        "chosen": chosen,
        "unsaved": unsaved,
        "frame": request.route_path("admin.messages.kind.preview", kind=kind.code, _query=query),
        "may_edit": "messages.edit" in request.identity.permissions,
        "me": request.identity.email,
        "most": (wording.MOST_SUBJECT, wording.MOST_INTRO),
    }


@admin_view(
    "admin.messages.blocked",
    "messages.read",
    renderer="admin/messages_blocked.pt",
    request_method=("GET", "HEAD"),
)
def blocked(request: Request) -> dict[str, Any]:
    return {
        "page": Page("Blocked addresses"),
        "rooms": rooms("blocked"),
        "rows": service.suppressed(request.db),
        "reasons": words.BLOCKED,
        "may_edit": "messages.edit" in request.identity.permissions,
    }


@admin_view("admin.messages.blocked", "messages.edit", request_method="POST")
def allow(request: Request) -> Response:
    """Let an address get mail again. Who unsubscribed stays so: only they may change that."""
    address = request.POST.get("address", "")
    if request.POST.get("scope") == MARKETING:
        flash(request, "Who unsubscribed can't be subscribed again by somebody else.", "problem")
    elif service.allow(request.db, address, EVERYTHING):
        audit.record(request.db, request.identity.email, "address.allowed", f"address {address}")
        flash(request, f"{address} gets mail again. What was not sent meanwhile stays unsent.")
    else:
        flash(request, "This address was not blocked.", "problem")
    return HTTPSeeOther(request.path)
