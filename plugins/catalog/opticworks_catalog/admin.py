"""The admin's list of products: what there is, what it costs and how much is left."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple
from urllib.parse import urlencode

from pyramid.config import Configurator
from pyramid.request import Request
from sqlalchemy import Row

from opticworks import kernel
from opticworks.contracts import Permission
from opticworks.money import Money
from opticworks.plugin import Page, admin_view
from opticworks_catalog import statements
from opticworks_catalog.models import ACTIVE, PUBLISHED
from opticworks_catalog.present import product_path

PATH = "/admin/catalog/products"
PER_PAGE = 100
READ = Permission(code="catalog.read", title="See products and their stock")


class Word(NamedTuple):
    """A state as a badge shows it."""

    label: str
    tone: str


@dataclass(frozen=True, slots=True, kw_only=True)
class VariantRow:
    """A line of the list; `url` is empty when the shop doesn't show it."""

    title: str
    options: str
    sku: str
    price: Money
    stock: str
    status: Word
    url: str


def includeme(config: Configurator) -> None:
    config.add_route("catalog.admin.products", PATH)
    config.scan("opticworks_catalog.admin")


@admin_view(
    "catalog.admin.products",
    READ.code,
    renderer="admin/catalog/products.pt",
    request_method=("GET", "HEAD"),
)
def products(request: Request) -> dict[str, Any]:
    query = request.GET.get("q", "").strip()[:80]
    number = _page_number(request.GET.get("page", ""))
    found = request.db.execute(
        statements.every_variant(),
        {
            "pattern": f"%{statements.escaped(query)}%",
            "limit": PER_PAGE + 1,
            "offset": (number - 1) * PER_PAGE,
        },
    ).all()
    shown = found[:PER_PAGE]
    levels = kernel.availability(request.db, {row.sku for row in shown})
    return {
        "page": Page("Products"),
        "query": query,
        "rows": [_row(row, levels[row.sku]) for row in shown],
        "previous": _address(query, number - 1) if number > 1 else "",
        "next": _address(query, number + 1) if len(found) > PER_PAGE else "",
    }


def _page_number(text: str) -> int:
    return int(text) if text.isascii() and text.isdigit() and 0 < len(text) < 6 else 1


def _address(query: str, number: int) -> str:
    return f"{PATH}?{urlencode({'q': query, 'page': number})}"


def _row(row: Row[Any], level: kernel.Availability) -> VariantRow:
    live = row.product_status == PUBLISHED and row.variant_status == ACTIVE
    return VariantRow(
        title=row.title,
        options=" / ".join(value for _, value in row.options),
        sku=row.sku,
        price=Money(row.price, row.currency),
        stock=_stock(row, level),
        status=_status(row),
        url=product_path(row.handle, row.sku) if live else "",
    )


def _stock(row: Row[Any], level: kernel.Availability) -> str:
    if row.is_bundle:
        return "From its parts"
    if row.stock_policy == "untracked":
        return "Not counted"
    held = f", {level.held} held" if level.held else ""
    return f"{level.on_hand} on hand{held}"


def _status(row: Row[Any]) -> Word:
    if row.variant_status != ACTIVE:
        return Word("Archived", "neutral")
    return (
        Word("Published", "good") if row.product_status == PUBLISHED else Word("Draft", "waiting")
    )
