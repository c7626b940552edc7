"""What the list of products shows: filters, sorting and pages, in a few statements for any size."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, case, exists, func, or_, select
from sqlalchemy.orm import Session, aliased

from opticworks import kernel
from opticworks.plugin import whole
from opticworks_catalog.models import (
    ACTIVE,
    PRODUCT_STATUSES,
    PUBLISHED,
    Collection,
    CollectionProduct,
    Component,
    Image,
    Product,
    Variant,
)
from opticworks_catalog.statements import escaped

SIZES = (25, 50, 100)
STOCK = ("in", "low", "out")
SORTS = ("-updated", "updated", "title", "-title", "price", "-price")
MOST_AT_ONCE = 5000  #: products that one bulk action takes


@dataclass(frozen=True, slots=True, kw_only=True)
class Filters:
    """What the list's address says; what it can't mean is left out."""

    text: str = ""
    status: str = ""
    stock: str = ""
    collection: str = ""
    missing: str = ""  #: "picture" or "price" (in the shop's currency): only products without one
    sort: str = "-updated"
    size: int = 25
    page: int = 1

    @classmethod
    def read(cls, params: Mapping[str, str]) -> Filters:
        def one_of(name: str, known: Sequence[str], default: str = "") -> str:
            value = params.get(name, "")
            return value if value in known else default

        size, page = params.get("size", ""), params.get("page", "")
        return cls(
            text=" ".join(params.get("q", "").split())[:100],
            status=one_of("status", PRODUCT_STATUSES),
            stock=one_of("stock", STOCK),
            collection=params.get("collection", "")[:255],
            missing=one_of("missing", ("picture", "price")),
            sort=one_of("sort", SORTS, "-updated"),
            size=int(size) if size in map(str, SIZES) else 25,
            page=max(whole(page, digits=5), 1),
        )

    def params(self, **changes: Any) -> dict[str, str]:
        """The address again, with changes; what is usual is left out."""
        wanted, usual = replace(self, **changes), Filters()
        names = {"text": "q"}
        return {
            names.get(name, name): str(getattr(wanted, name))
            for name in Filters.__slots__
            if getattr(wanted, name) != getattr(usual, name)
        }

    @property
    def narrowed(self) -> bool:
        """Is anything chosen besides the status?"""
        return bool(self.text or self.stock or self.collection or self.missing)


def _conditions(filters: Filters, low: int, currency: str) -> list[ColumnElement[bool]]:
    found: list[ColumnElement[bool]] = []
    if filters.status:
        found.append(Product.status == filters.status)
    if filters.text:
        found.append(_matches(filters.text))
    if filters.missing == "picture":
        found.append(~exists().where(Image.product_id == Product.id))
    if filters.missing == "price":
        found.append(_unpriced(currency))
    if filters.collection:
        found.append(
            exists().where(
                CollectionProduct.product_id == Product.id,
                CollectionProduct.collection_id == Collection.id,
                Collection.handle == filters.collection,
            )
        )
    if filters.stock:
        found.append(_in_stock(filters.stock, low))
    return found


def _unpriced(currency: str) -> ColumnElement[bool]:
    """Has it an active variant with a price in another currency only, which nobody sees?"""
    return exists().where(
        Variant.product_id == Product.id,
        Variant.status == ACTIVE,
        Variant.currency != currency,
    )


def count_unpriced(db: Session, currency: str) -> int:
    """How many published products customers see nothing or not all of for want of a price."""
    query = select(func.count()).select_from(Product)
    return int(db.scalar(query.where(Product.status == PUBLISHED, _unpriced(currency))) or 0)


def _matches(text: str) -> ColumnElement[bool]:
    """Title, handle, SKU, barcode or vendor, as a person types or pastes it."""
    like = f"%{escaped(text)}%"
    variant = exists().where(
        Variant.product_id == Product.id,
        or_(Variant.sku.ilike(like), Variant.barcode.ilike(like)),
    )
    return or_(
        Product.title.ilike(like), Product.handle.ilike(like), Product.vendor.ilike(like), variant
    )


def _in_stock(state: str, low: int) -> ColumnElement[bool]:
    """By what can be sold of the active variants, a bundle's by its parts: "in" has one that can
    be bought, "out" has none, "low" has one of which fewer than `low` are left."""

    def has(below: int) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
        """Has the product a variant with fewer than `below`, and one with as many or more?"""
        own, part = kernel.stock_levels(), kernel.stock_levels()
        made = aliased(Variant)
        few = func.coalesce(own.c.free, 0) < below
        short_of_part = (
            exists()
            .where(
                Component.variant_id == Variant.id,
                made.sku == Component.sku,
                made.stock_policy != "untracked",
                ~exists().where(
                    part.c.sku == Component.sku, part.c.free >= below * Component.quantity
                ),
            )
            .correlate(Variant)
        )
        is_bundle = exists().where(Component.variant_id == Variant.id).correlate(Variant)
        scarce = case(
            (is_bundle, short_of_part), (Variant.stock_policy == "untracked", False), else_=few
        )
        variants = (
            select(Variant.id)
            .outerjoin(own, own.c.sku == Variant.sku)
            .where(Variant.product_id == Product.id, Variant.status == ACTIVE)
            .correlate(Product)
        )
        return variants.where(scarce).exists(), variants.where(~scarce).exists()

    if state == "low":
        return has(low)[0]
    available = has(1)[1]
    return available if state == "in" else ~available


@dataclass(frozen=True, slots=True)
class Found:
    """A page of the list: rows of products, and how many there are in all."""

    rows: Sequence[Any]
    total: int


def find(db: Session, filters: Filters, low: int, currency: str) -> Found:
    """The page that the filters ask for: each product with its active variants' SKUs, prices and
    policies, in one statement."""
    active = and_(Variant.product_id == Product.id, Variant.status == ACTIVE)
    lowest = select(func.min(Variant.price)).where(active).correlate(Product).scalar_subquery()
    order: dict[str, tuple[Any, ...]] = {
        "updated": (Product.updated_at, Product.id),
        "title": (func.lower(Product.title), Product.id),
        "price": (lowest.nulls_last(), Product.id),
    }
    name = filters.sort.removeprefix("-")
    keys = order[name]
    if filters.sort.startswith("-"):
        first = lowest.desc().nulls_last() if name == "price" else keys[0].desc()
        keys = (first, Product.id.desc())
    chosen = (
        select(Product.id, func.count().over().label("total"))
        .where(*_conditions(filters, low, currency))
        .order_by(*keys)
        .limit(filters.size)
        .offset((filters.page - 1) * filters.size)
    )
    # What is shown is looked up for the page's products alone.
    page = db.execute(chosen).all()
    if not page:
        return Found([], 0)
    rows = {row.id: row for row in db.execute(_details([row.id for row in page]))}
    return Found([rows[row.id] for row in page], page[0].total)


def _details(ids: Sequence[int]) -> Select[Any]:
    def variants(column: Any) -> Any:
        return (
            select(func.array_agg(func.distinct(column)))
            .where(Variant.product_id == Product.id, Variant.status == ACTIVE)
            .correlate(Product)
            .scalar_subquery()
        )

    skus = (
        select(func.array_agg(Variant.sku))
        .where(Variant.product_id == Product.id, Variant.status == ACTIVE)
        .correlate(Product)
        .scalar_subquery()
    )
    first = (
        select(Variant.sku)
        .where(Variant.product_id == Product.id)
        .order_by(Variant.position, Variant.id)
        .limit(1)
        .correlate(Product)
        .scalar_subquery()
    )
    return select(
        Product.id,
        Product.handle,
        Product.title,
        Product.status,
        Product.vendor,
        Product.updated_at,
        skus.label("skus"),
        first.label("first_sku"),
        variants(Variant.price).label("prices"),
        variants(Variant.currency).label("currencies"),
    ).where(Product.id.in_(ids))


def ids_of(db: Session, filters: Filters, low: int, currency: str) -> list[int]:
    """Every product that the filters find, whatever page it is on; at most MOST_AT_ONCE."""
    query = select(Product.id).where(*_conditions(filters, low, currency)).order_by(Product.id)
    return list(db.scalars(query.limit(MOST_AT_ONCE)))


def skus_like(db: Session, text: str, limit: int) -> list[str]:
    """SKUs of variants whose SKU, barcode or product's title contain the text, the SKU first."""
    like = f"%{escaped(text)}%"
    query = (
        select(Variant.sku)
        .join(Product, Product.id == Variant.product_id)
        .where(or_(Variant.sku.ilike(like), Variant.barcode.ilike(like), Product.title.ilike(like)))
        .order_by(Variant.sku.ilike(like).desc(), Variant.sku)
    )
    return list(db.scalars(query.limit(limit)))


def counts(db: Session) -> dict[str, int]:
    """How many products there are of each status."""
    rows = db.execute(select(Product.status, func.count()).group_by(Product.status))
    return {status: number for status, number in rows}  # noqa: C416


def all_collections(db: Session) -> list[Any]:
    """Every collection, drafts included: id, handle, title, status."""
    query = select(Collection.id, Collection.handle, Collection.title, Collection.status)
    return list(db.execute(query.order_by(Collection.position, Collection.id)))
