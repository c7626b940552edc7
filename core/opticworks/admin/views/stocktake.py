"""A stocktake: paste or upload what was counted, look at what would change, then write it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from pyramid.httpexceptions import HTTPSeeOther
from pyramid.request import Request
from pyramid.response import Response

from opticworks.admin import stocktake, words
from opticworks.admin.shell import flash
from opticworks.admin.views.stock import LIST, Wrong, goods, reason_of, text_of
from opticworks.audit import service as audit
from opticworks.stock import service
from opticworks.web.page import Page
from opticworks.web.policy import admin_view

SHOWN = 500  #: lines of a preview; a longer one is summed up


@dataclass(frozen=True, slots=True)
class Line:
    """A SKU of the preview: what is written down now, what was counted."""

    sku: str
    title: str
    now: int
    counted: int

    @property
    def delta(self) -> int:
        return self.counted - self.now


def _page(request: Request, **values: Any) -> dict[str, Any]:
    return {
        "page": Page("Count the stock", crumbs=(LIST,)),
        "text": "",
        "reason": "count",
        "note": "",
        "reasons": list(words.STOCK_REASONS.items()),
        "lines": None,
        "problems": (),
        "error": "",
        "moved": 0,
        "unknown": 0,
        "units": 0,
        "seen": "",
        "rest": 0,
        **values,
    }


@admin_view(
    "admin.stock.count",
    "stock.edit",
    renderer="admin/stock_count.pt",
    request_method=("GET", "HEAD"),
)
def count_form(request: Request) -> dict[str, Any]:
    return _page(request)


@admin_view(
    "admin.stock.count", "stock.edit", renderer="admin/stock_count.pt", request_method="POST"
)
def count(request: Request) -> dict[str, Any] | Response:
    typed = {
        "text": request.POST.get("text", "") if isinstance(request.POST.get("text"), str) else "",
        "reason": text_of(request, "reason", 40) or "count",
        "note": text_of(request, "note"),
    }
    try:
        typed["text"] = _uploaded(request) or typed["text"]
        counted, problems = stocktake.read(typed["text"])
        reason = reason_of(request)
    except (Wrong, ValueError) as error:
        request.response.status_int = 422
        return _page(request, **typed, error=str(error))
    if problems:
        request.response.status_int = 422
        return _page(request, **typed, problems=problems)
    counts = {line.sku: line.quantity for line in counted}
    if text_of(request, "do", 10) != "write":
        return _preview(request, counts, typed)
    return _write(request, counts, typed, reason)


def _uploaded(request: Request) -> str:
    """The text of an uploaded file; empty when there is none. Raises ValueError."""
    file = request.POST.get("file")
    if file is None or isinstance(file, (str, bytes)):
        return ""
    content: bytes = file.file.read()
    return stocktake.decode(content) if content else ""


def _preview(request: Request, counts: dict[str, int], typed: dict[str, str]) -> dict[str, Any]:
    levels = service.availability(request.db, counts)
    changed = [sku for sku in counts if counts[sku] != levels[sku].on_hand]
    items = goods(request, counts)
    lines = [
        Line(sku, items[sku].title if sku in items else "", levels[sku].on_hand, counts[sku])
        for sku in changed
    ]
    return _page(
        request,
        **typed,
        lines=sorted(lines, key=lambda line: -abs(line.delta))[:SHOWN],
        rest=max(len(lines) - SHOWN, 0),
        moved=len(lines),
        same=len(counts) - len(lines),
        units=sum(line.delta for line in lines),
        unknown=sum(1 for sku in counts if sku not in items),
        seen=json.dumps({sku: levels[sku].on_hand for sku in counts}, separators=(",", ":")),
    )


def _write(
    request: Request, counts: dict[str, int], typed: dict[str, str], reason: str
) -> dict[str, Any] | Response:
    actor = request.identity.email
    try:
        changes = service.count_stock(
            request.db, counts, reason=reason, actor=actor, seen=_seen(request, counts)
        )
    except service.StockMoved as moved:
        request.tm.doom()
        request.response.status_int = 409
        names = ", ".join(move.sku for move in moved.moves[:5])
        sentence = (
            f"While you looked at this, the stock of {names} moved. Nothing was written. Check "
            "these lines against the shelf, and write again."
            if names
            else "Look at what changes before it is written."
        )
        return {**_preview(request, counts, typed), "error": sentence}
    except ValueError as error:
        request.tm.doom()  # a refusal leaves nothing behind
        request.response.status_int = 422
        return {**_preview(request, counts, typed), "error": str(error)}
    audit.record(request.db, actor, "stock.counted", "stock", skus=len(changes), reason=reason)
    many = "1 SKU was" if len(changes) == 1 else f"{len(changes)} SKUs were"
    flash(request, f"{many} changed to what was counted.")
    return HTTPSeeOther(request.route_path("admin.stock"))


def _seen(request: Request, counts: dict[str, int]) -> dict[str, int]:
    """What the preview showed: a stock that moved since is not overwritten."""
    try:
        seen = json.loads(request.POST.get("seen", ""))
    except (TypeError, ValueError):
        seen = None
    whole = isinstance(seen, dict) and all(type(was) is int for was in seen.values())
    if not whole or set(seen) != set(counts):
        raise service.StockMoved(())
    return dict(seen)
