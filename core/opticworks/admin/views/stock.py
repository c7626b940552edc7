"""What is on the shelf: the list, one SKU with its ledger, counting, and the proof of it all."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from pyramid.httpexceptions import HTTPNotFound, HTTPSeeOther
from pyramid.request import Request
from pyramid.response import Response
from sqlalchemy.orm import Session

from opticworks import contracts as c
from opticworks.admin import words
from opticworks.admin.shell import flash
from opticworks.audit import service as audit
from opticworks.orders.models import Order
from opticworks.pricing import service as pricing
from opticworks.stock import queries, service
from opticworks.stock.models import StockItem
from opticworks.web.numbers import whole
from opticworks.web.page import Crumb, Page
from opticworks.web.policy import admin_view

log = logging.getLogger(__name__)

LIST = Crumb(title="Stock", path="/admin/stock")
VIEWS = {"all": "All", "low": "Low", "out": "Nothing left", "held": "Kept for orders"}
COLUMNS = (
    ("sku", "SKU"),
    ("on_hand", "On the shelf"),
    ("held", "Kept for orders"),
    ("left", "Left"),
)
MOST = 10_000_000  #: more of one thing than this is a slip of the finger


@dataclass(frozen=True, slots=True)
class Row:
    """A SKU of the list. `title` is empty when no plugin knows it (any more)."""

    sku: str
    title: str
    options: str
    image: c.Picture | None
    on_hand: int
    held: int
    left: int
    backorder_limit: int
    word: words.Word


def goods(request: Request, skus: Iterable[str]) -> dict[str, c.Item]:
    """What the SKUs are called. Stock is shown without names rather than not at all."""
    try:
        return pricing.items(request.hooks, request.ctx, tuple(skus))
    except pricing.Refused:
        return {}


def find_skus(request: Request, text: str) -> set[str]:
    """SKUs of goods that the words may mean, as their plugins say."""
    found: set[str] = set()
    try:
        for answer in request.hooks.find_skus(text=text, ctx=request.ctx):
            found.update(answer or ())
    except Exception:
        log.exception("A goods plugin failed to search")
    return found


def state(item: StockItem, low: int) -> words.Word:
    left = item.on_hand - item.held
    if left <= 0:
        return words.STOCK["backorder" if left + item.backorder_limit > 0 else "out"]
    return words.STOCK["low" if left < low else "enough"]


@admin_view("admin.stock", "stock.read", renderer="admin/stock.pt", request_method=("GET", "HEAD"))
def stock(request: Request) -> dict[str, Any]:
    low = request.shop.settings["shop"].low_stock
    text = " ".join(request.GET.get("q", "").split())[:100]
    view, sort = request.GET.get("view", ""), request.GET.get("sort", "")
    view = view if view in VIEWS else "all"
    sort = sort if sort in queries.SORTS else "left"
    number = max(whole(request.GET.get("page"), digits=5), 1)
    found = queries.find(
        request.db,
        view=view,
        low=low,
        text=text,
        skus=find_skus(request, text) if text else (),
        sort=sort,
        page=number,
    )
    items = goods(request, [row.sku for row in found.rows])

    def address(**changes: Any) -> str:
        values = {"view": view, "q": text, "sort": sort, **changes}
        usual = {"view": "all", "sort": "left"}
        query = {k: v for k, v in values.items() if v and v != usual.get(k)}
        return str(request.route_path("admin.stock", _query=query))

    first = (number - 1) * queries.PAGE
    return {
        "page": Page("Stock"),
        "rows": [_row(row, items.get(row.sku), low) for row in found.rows],
        "text": text,
        "view": view,
        "sort": sort,
        "tabs": [(label, address(view=name), name == view) for name, label in VIEWS.items()],
        "columns": [_column(name, label, sort, address) for name, label in COLUMNS],
        "clear": address(q=""),
        "range": (first + 1, first + len(found.rows), found.total) if found.rows else None,
        "newer": address(page=number - 1) if number > 1 else "",
        "older": address(page=number + 1) if first + len(found.rows) < found.total else "",
        "may_edit": "stock.edit" in request.identity.permissions,
    }


def _column(name: str, label: str, sort: str, address: Any) -> tuple[str, str, str, str]:
    """A head of the table: its label, where it leads, how it is sorted now, its name."""
    direction = {name: "ascending", f"-{name}": "descending"}.get(sort, "")
    return label, address(sort=f"-{name}" if sort == name else name), direction, name


def _row(row: StockItem, item: c.Item | None, low: int) -> Row:
    return Row(
        sku=row.sku,
        title=item.title if item else "",
        options=item.option_text if item else "",
        image=item.image if item else None,
        on_hand=row.on_hand,
        held=row.held,
        left=row.on_hand - row.held,
        backorder_limit=row.backorder_limit,
        word=state(row, low),
    )


# --- one SKU --------------------------------------------------------------------------------------


class Wrong(Exception):
    """What was typed can't be done; the sentence says why and what to do."""


def typed_whole(text: str, what: str, most: int = MOST) -> int:
    """A whole number that somebody typed. Raises Wrong with a sentence about `what`."""
    text = text.strip()
    number = whole(text, -1)
    if not 0 <= number <= most:
        given = f", not {text[:20]!r}" if text else ""
        raise Wrong(f"{what} must be a whole number from 0 to {most:,}{given}.")
    return number


def text_of(request: Request, name: str, most: int = 200) -> str:
    value = request.POST.get(name, "")
    return " ".join(value.split())[:most] if isinstance(value, str) else ""


def reason_of(request: Request) -> str:
    """Why stock is changed, as the ledger keeps it. Raises Wrong."""
    code, note = text_of(request, "reason", 40), text_of(request, "note")
    if code not in words.STOCK_REASONS:
        raise Wrong("Choose why the stock changes; whoever reads the ledger will want to know.")
    if code == "other" and not note:
        raise Wrong("Say in the note why the stock changes.")
    label = words.STOCK_REASONS[code]
    return note if code == "other" else f"{label}: {note}" if note else label


def _item_page(request: Request, error: str = "", typed: Any = None) -> dict[str, Any]:
    sku = request.matchdict["sku"]
    counters = queries.item(request.db, sku)
    item = goods(request, [sku]).get(sku)
    if counters is None and item is None:
        raise HTTPNotFound(f"There is no SKU {sku[:80]!r}. Look for it in the list of stock.")
    if counters is None:
        counters = StockItem(sku=sku, on_hand=0, held=0, backorder_limit=0)
    before = whole(request.GET.get("before"))
    entries = queries.entries(request.db, sku, before)
    more = len(entries) > queries.PAGE
    entries = entries[: queries.PAGE]
    path = request.route_path("admin.stock.item", sku=sku)
    title = f"{item.title} {item.option_text}".strip() if item else sku
    return {
        "page": Page(sku, crumbs=(LIST,)),
        "sku": sku,
        "title": title,
        "item": item,
        "counters": counters,
        "left": counters.on_hand - counters.held,
        "word": state(counters, request.shop.settings["shop"].low_stock),
        "entries": entries,
        "kinds": words.STOCK_KINDS,
        "holds": _holds(request.db, sku),
        "newest": path if before else "",
        "older": f"{path}?before={entries[-1].id}" if more else "",
        "reasons": list(words.STOCK_REASONS.items()),
        "error": error,
        "typed": typed or {},
        "may_edit": "stock.edit" in request.identity.permissions,
        "may_cancel": "orders.cancel" in request.identity.permissions,
    }


def _holds(db: Session, sku: str) -> list[tuple[Any, words.Word | None]]:
    """Who keeps the SKU, each with the order's state in words."""
    holds = queries.holds(db, sku)
    numbers = [hold.order_number for hold in holds]
    states = {
        order.number: words.of(words.PAYMENT, order.payment_status)
        for order in db.query(Order).filter(Order.number.in_(numbers))
    }
    return [(hold, states.get(hold.order_number)) for hold in holds]


@admin_view(
    "admin.stock.item",
    "stock.read",
    renderer="admin/stock_item.pt",
    request_method=("GET", "HEAD"),
)
def item(request: Request) -> dict[str, Any]:
    return _item_page(request)


@admin_view("admin.stock.item", "stock.edit", renderer="admin/stock_item.pt", request_method="POST")
def change(request: Request) -> dict[str, Any] | Response:
    page = _item_page(request)
    sku, actor = page["sku"], request.identity.email
    try:
        if "limit" in request.POST:
            sentence = _set_limit(request, sku)
        else:
            sentence = _change(request, sku, actor)
    except (Wrong, ValueError) as error:
        request.tm.doom()  # a refusal leaves nothing behind
        request.response.status_int = 422
        typed = {name: value for name, value in request.POST.items() if isinstance(value, str)}
        return _item_page(request, str(error), typed)
    flash(request, sentence)
    return HTTPSeeOther(request.route_path("admin.stock.item", sku=sku))


def _change(request: Request, sku: str, actor: str) -> str:
    db = request.db
    what = text_of(request, "what", 10)
    quantity = typed_whole(text_of(request, "quantity", 20), "The quantity")
    reason = reason_of(request)
    if what == "set":
        seen = typed_whole(text_of(request, "seen", 20), "The stock that you saw")
        try:
            service.count_stock(db, {sku: quantity}, reason=reason, actor=actor, seen={sku: seen})
        except service.StockMoved as moved:
            raise Wrong(
                f"While this page was open the stock moved from {seen} to {moved.moves[0].now}. "
                "Nothing was changed. Look at the movements below, and set it again if it is wrong."
            ) from None
    elif what in ("add", "take"):
        delta = quantity if what == "add" else -quantity
        service.adjust_stock(db, sku, delta, reason=reason, actor=actor)
    else:
        raise Wrong("Choose whether to add, to take off or to set the stock.")
    counters = queries.item(db, sku)
    now = counters.on_hand if counters else 0
    audit.record(db, actor, "stock.changed", f"sku {sku}", on_hand=now, reason=reason)
    return f"There are {now} of {sku} on the shelf now."


def _set_limit(request: Request, sku: str) -> str:
    limit = typed_whole(text_of(request, "limit", 20), "How many may be sold beyond the shelf")
    service.set_backorder_limit(request.db, sku, limit)
    actor = request.identity.email
    audit.record(request.db, actor, "stock.backorder_limit", f"sku {sku}", limit=limit)
    if not limit:
        return f"{sku} is sold only while there is some on the shelf."
    return f"Up to {limit} of {sku} can be sold beyond what is on the shelf."


# --- the proof ------------------------------------------------------------------------------------


@admin_view(
    "admin.stock.verify",
    "stock.read",
    renderer="admin/stock_verify.pt",
    request_method=("GET", "HEAD"),
)
def verify(request: Request) -> dict[str, Any]:
    drifts = service.verify(request.db)
    return {
        "page": Page("Check the ledger", crumbs=(LIST,)),
        "drifts": drifts,
        "counters": words.STOCK_COUNTERS,
        "count": queries.counted(request.db),
        "at": request.shop.now(),
    }
