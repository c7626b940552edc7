"""The list of products: found by words and filters, changed many at a time."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple
from urllib.parse import urlencode

from pyramid.request import Request
from sqlalchemy import Row as SqlRow

from opticworks import kernel
from opticworks.contracts import Item, Picture
from opticworks.money import Money
from opticworks.plugin import Page, admin_view
from opticworks_catalog import goods
from opticworks_catalog.admin import EDIT, READ, queries
from opticworks_catalog.models import ARCHIVED, DRAFT, PUBLISHED
from opticworks_catalog.present import product_path


class Word(NamedTuple):
    """A state as a badge shows it."""

    label: str
    tone: str


STATUS = {
    PUBLISHED: Word("Published", "good"),
    DRAFT: Word("Draft", "waiting"),
    ARCHIVED: Word("Archived", "neutral"),
}
TABS = {"": "All", PUBLISHED: "Published", DRAFT: "Drafts", ARCHIVED: "Archived"}
STOCK_CHOICES = (("in", "In stock"), ("low", "Running low"), ("out", "Nothing left"))
COLUMNS = (("title", "Product"), ("price", "Price"), ("updated", "Changed"))


@dataclass(frozen=True, slots=True, kw_only=True)
class ProductRow:
    """A product of the list; `url` is empty when the shop doesn't show it."""

    id: int
    title: str
    detail: str
    image: Picture | None
    price: str
    stock: str
    scarce: bool
    status: Word
    updated_at: datetime
    url: str


def low_stock(request: Request) -> int:
    return int(request.ctx.settings["shop"].low_stock)


@admin_view(
    "catalog.admin.products",
    READ.code,
    renderer="admin/catalog/products.pt",
    request_method=("GET", "HEAD"),
)
def products(request: Request) -> dict[str, Any]:
    filters = queries.Filters.read(request.GET)
    found = queries.find(request.db, filters, low_stock(request), request.ctx.currency)
    counts = queries.counts(request.db)
    counts[""] = sum(counts.values())
    first = (filters.page - 1) * filters.size
    last = first + len(found.rows)

    def address(**changes: Any) -> str:
        return str(request.route_path("catalog.admin.products", _query=filters.params(**changes)))

    return {
        "page": Page("Products"),
        "filters": filters,
        "rows": rows_of(request, found.rows),
        "total": found.total,
        "range": f"{first + 1}–{last} of {found.total}",
        "tabs": [
            (f"{label} {counts.get(code, 0)}", address(status=code, page=1), code == filters.status)
            for code, label in TABS.items()
            if code != ARCHIVED or counts.get(code) or filters.status == code
        ],
        "columns": [_column(name, label, filters.sort, address) for name, label in COLUMNS],
        "collections": [(one.handle, one.title) for one in queries.all_collections(request.db)],
        "stock_choices": STOCK_CHOICES,
        "sizes": [
            (str(size), address(size=size, page=1), size == filters.size) for size in queries.SIZES
        ],
        "clear": address(text="", stock="", collection="", missing="", page=1),
        "previous": address(page=filters.page - 1) if filters.page > 1 else "",
        "next": address(page=filters.page + 1) if last < found.total else "",
        "query": urlencode(filters.params(page=1)),
        "may_edit": EDIT.code in request.identity.permissions,
    }


def _column(name: str, label: str, sort: str, address: Any) -> tuple[str, str, str, str]:
    """A head of the table: its label, where it leads, how it is sorted now, its name."""
    direction = {name: "ascending", f"-{name}": "descending"}.get(sort, "")
    return label, address(sort=f"-{name}" if sort == name else name, page=1), direction, name


def rows_of(request: Request, rows: Any) -> list[ProductRow]:
    """The rows with picture and stock, in two more statements for all of them."""
    skus = {sku for row in rows for sku in row.skus or ()}
    firsts = {row.first_sku for row in rows if row.first_sku}
    items = goods.read_items(sorted(skus | firsts), request.ctx)
    parts = {part.sku for item in items.values() for part in item.components}
    items |= goods.read_items(sorted(parts - items.keys()), request.ctx)
    levels = kernel.availability(request.db, skus | parts)
    low = low_stock(request)
    return [_row(row, items, levels, low, request.ctx.locale) for row in rows]


def _row(
    row: SqlRow[Any],
    items: Mapping[str, Item],
    levels: Mapping[str, kernel.Availability],
    low: int,
    locale: str,
) -> ProductRow:
    skus = list(row.skus or ())
    free = [left_of(items[sku], items, levels) for sku in skus if sku in items]
    first = items.get(row.first_sku)
    return ProductRow(
        id=row.id,
        title=row.title,
        detail=_detail(row),
        image=first.image if first else None,
        price=_price(row, locale),
        stock=_stock(free, low),
        scarce=any(number is not None and number < low for number in free),
        status=STATUS[row.status],
        updated_at=row.updated_at,
        url=product_path(row.handle) if row.status == PUBLISHED and skus else "",
    )


def left_of(
    item: Item, items: Mapping[str, Item], levels: Mapping[str, kernel.Availability]
) -> int | None:
    """How many can be sold of an item, a bundle's as its parts allow; None when not counted."""
    if item.components:
        counted = [
            max(levels[part.sku].free, 0) // part.quantity
            for part in item.components
            if part.sku not in items or items[part.sku].stock_policy != "untracked"
        ]
        return min(counted, default=None)
    return None if item.stock_policy == "untracked" else levels[item.sku].free


def _detail(row: SqlRow[Any]) -> str:
    skus = list(row.skus or ())
    what = skus[0] if len(skus) == 1 else f"{len(skus)} variants" if skus else "Nothing to sell"
    return " · ".join(part for part in (what, row.vendor) if part)


def _price(row: SqlRow[Any], locale: str) -> str:
    if not row.prices:
        return ""
    lowest = Money(min(row.prices), row.currencies[0]).format(locale)
    return lowest if len(row.prices) == 1 else f"from {lowest}"


def _stock(free: list[int | None], low: int) -> str:
    counted = [number for number in free if number is not None]
    if not free:
        return ""
    if not counted:
        return "Not counted"
    text = f"{sum(max(number, 0) for number in counted)} left"
    if len(free) == 1:
        return text
    out = sum(1 for number in counted if number <= 0)
    few = sum(1 for number in counted if 0 < number < low)
    parts = [f"{count} {word}" for count, word in ((out, "out"), (few, "low")) if count]
    return f"{text}, {', '.join(parts)} of {len(free)}" if parts else text
