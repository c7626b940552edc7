"""Records for tests of pure rules, and counting for those of pages."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import select

from opticworks.contracts import Picture
from opticworks.money import Money
from opticworks.testing.shops import counted
from opticworks_catalog.models import Base
from opticworks_catalog.records import (
    ComponentRecord,
    ImageRecord,
    OptionRecord,
    ProductRecord,
    VariantRecord,
)


@dataclass(frozen=True)
class Level:
    """Stock of one SKU as the kernel reports it."""

    free: int
    on_hand: int = 0
    held: int = 0


def level(on_hand: int, held: int = 0, backorder: int = 0) -> Level:
    return Level(free=on_hand + backorder - held, on_hand=on_hand, held=held)


def part(sku: str, quantity: int = 1, *, on_sale: bool = True, policy: str = "deny") -> Any:
    return ComponentRecord(
        sku=sku,
        quantity=quantity,
        stock_policy=policy,
        on_sale=on_sale,
        handle=sku.lower(),
        title=f"Part {sku}",
        options="",
        image=None,
    )


def variant(sku: str, price: int = 1000, **fields: Any) -> VariantRecord:
    values: dict[str, Any] = {
        "barcode": "",
        "compare_at": None,
        "weight": 100,
        "stock_policy": "deny",
        "options": {},
        "components": (),
    }
    return VariantRecord(sku=sku, price=Money(price, "USD"), **{**values, **fields})


def image(name: str, **options: str) -> ImageRecord:
    picture = Picture(src=f"/catalog/images/{name}-800.webp", width=800, height=800, alt=name)
    return ImageRecord(picture=picture, options={name: (value,) for name, value in options.items()})


def product(*variants: VariantRecord, **fields: Any) -> ProductRecord:
    """A product whose options are those that its variants have, in the order they come."""
    options: dict[str, list[str]] = {}
    for one in variants:
        for name, value in one.options.items():
            values = options.setdefault(name, [])
            if value not in values:
                values.append(value)
    defaults: dict[str, Any] = {
        "handle": "thing",
        "title": "Thing",
        "subtitle": "A thing",
        "description": "It is **good**.",
        "highlights": (),
        "specs": (),
        "seo_title": "",
        "seo_description": "",
        "updated_at": datetime(2026, 1, 1, tzinfo=UTC),
        "options": tuple(
            OptionRecord(name=name, values=tuple((value, "") for value in values))
            for name, values in options.items()
        ),
        "variants": variants,
        "images": (),
        "collections": (),
    }
    return ProductRecord(**{**defaults, **fields})


def statements_of(browser: Any, path: str) -> list[str]:
    """What a page sends to the database the second time, when a process knows what it remembers
    for some seconds, whatever page comes by."""
    for _ in range(2):
        with counted() as statements:
            browser.get(path)
    return statements


def snapshot(shop):
    """Every row of the catalogue's tables."""
    with shop.unit() as db:
        return {
            table.name: sorted(map(str, db.execute(select(table))))
            for table in Base.metadata.sorted_tables
        }
