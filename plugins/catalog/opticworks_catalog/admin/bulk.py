"""What is done to many products at once: each is done or left as it is, and both are said."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import parse_qsl, urlencode

from pyramid.httpexceptions import HTTPSeeOther
from pyramid.request import Request
from pyramid.response import Response
from sqlalchemy import select
from sqlalchemy.orm import Session

from opticworks import kernel
from opticworks.plugin import Crumb, Page, admin_view, flash, whole
from opticworks_catalog import writing
from opticworks_catalog.admin import EDIT, PATH, queries
from opticworks_catalog.admin.listing import low_stock
from opticworks_catalog.models import ARCHIVED, DRAFT, PUBLISHED, Product
from opticworks_catalog.writing import Change, ProductInput, Saved

LIST = Crumb(title="Products", path=PATH)
SHOWN = 5  #: failures named in a message
DONE = {
    "publish": "published",
    "unpublish": "taken out of the shop",
    "archive": "archived",
    "restore": "drafts again",
    "collect": "in the collection",
    "delete": "deleted",
}


@dataclass(slots=True)
class Report:
    """How it went: titles of what was done, and a sentence for each that was not."""

    done: list[str] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)


def change(db: Session, ids: Sequence[int], edit: Callable[[ProductInput], ProductInput]) -> Report:
    """Save each of these products as `edit` makes it, in a fixed number of statements."""
    known = writing.read_many(db, ids)
    changes = [Change(edit(known[key]), key) for key in ids if key in known]
    report = Report()
    for one, answer in zip(changes, writing.save_all(db, changes), strict=True):
        if isinstance(answer, Saved):
            report.done.append(one.product.title)
        else:
            report.failed.append(f"{one.product.title}: {next(iter(answer.values()))}")
    return report


def remove(db: Session, ids: Sequence[int]) -> Report:
    """Delete these products, each by itself: one that is part of a bundle stays."""
    report = Report()
    rows = db.execute(select(Product.id, Product.title).where(Product.id.in_(ids))).all()
    for key, title in rows:
        try:
            writing.delete(db, key)
            report.done.append(title)
        except writing.Invalid as error:
            report.failed.append(f"{title}: {error}")
    return report


def chosen(request: Request) -> list[int]:
    """The products that were ticked, or all that the list's filters find."""
    if request.POST.get("all") == "1":
        query = request.POST.get("query", "")
        params = dict(parse_qsl(query[:2000])) if isinstance(query, str) else {}
        filters = queries.Filters.read(params)
        return queries.ids_of(request.db, filters, low_stock(request), request.ctx.currency)
    ids = {whole(text) for text in request.POST.getall("id")}
    return sorted(ids - {0})[: queries.MOST_AT_ONCE]


@admin_view("catalog.admin.products.bulk", EDIT.code, request_method="GET")
def nothing_to_see(request: Request) -> Response:
    return HTTPSeeOther(PATH)


@admin_view(
    "catalog.admin.products.bulk",
    EDIT.code,
    renderer="admin/catalog/delete_many.pt",
    request_method="POST",
)
def bulk(request: Request) -> dict[str, Any] | Response:
    query = request.POST.get("query", "")
    params = dict(parse_qsl(query[:2000])) if isinstance(query, str) else {}
    back = f"{PATH}?{urlencode(params)}" if params else PATH
    ids, verb = chosen(request), request.POST.get("do", "")
    if not ids:
        return _answer(request, back, "Choose products first: tick the boxes beside them.")
    if verb == "delete":
        expected = f"delete {len(ids)}"
        if _typed(request) != expected:
            return _confirm(request, ids, back, expected)
        report = remove(request.db, ids)
    elif (edit := _edit(request, verb)) is not None:
        report = change(request.db, ids, edit)
    else:
        return _answer(request, back, "Choose what to do with these products.")
    if report.done:
        kernel.audit(
            request.db,
            request.identity.email,
            f"catalog.{verb}",
            "products",
            count=len(report.done),
            titles=report.done[:50],
        )
        many = "1 product is" if len(report.done) == 1 else f"{len(report.done)} products are"
        flash(request, f"{many} {DONE[verb]}.")
    if report.failed:
        rest = len(report.failed) - SHOWN
        more = f" And {rest} more." if rest > 0 else ""
        sentence = f"Failed for {len(report.failed)}: {' '.join(report.failed[:SHOWN])}{more}"
        flash(request, sentence, "problem")
    return HTTPSeeOther(back)


def _typed(request: Request) -> str:
    value = request.POST.get("confirm", "")
    return value.strip().casefold() if isinstance(value, str) else ""


def _answer(request: Request, back: str, sentence: str) -> Response:
    flash(request, sentence, "problem")
    return HTTPSeeOther(back)


def _edit(request: Request, verb: str) -> Callable[[ProductInput], ProductInput] | None:
    """What the button means; None when it means nothing."""
    status = {"publish": PUBLISHED, "unpublish": DRAFT, "archive": ARCHIVED, "restore": DRAFT}
    if verb in status:
        return lambda product: replace(product, status=status[verb])
    handle = request.POST.get("collection", "")
    if verb == "collect" and handle and isinstance(handle, str):
        return lambda product: replace(
            product, collections=tuple(dict.fromkeys((*product.collections, handle)))
        )
    return None


def _confirm(request: Request, ids: list[int], back: str, expected: str) -> dict[str, Any]:
    titles = request.db.scalars(
        select(Product.title).where(Product.id.in_(ids)).order_by(Product.title).limit(50)
    ).all()
    return {
        "page": Page("Delete products", crumbs=(LIST,)),
        "ids": ids,
        "titles": titles,
        "expected": expected,
        "back": back,
        "query": request.POST.get("query", ""),
        "error": "Nothing was deleted: what you typed is not it." if _typed(request) else "",
        "effects": [
            ("trash-2", "Their pages, variants, prices and pictures are removed for good."),
            ("package", "Orders stay as they are: each keeps its own record of what was sold."),
            ("boxes", "The ledger of their stock stays."),
            ("archive", "To keep them out of sight instead, archive them."),
        ],
    }
