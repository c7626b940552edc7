"""Bundles that cost so many percent less than their parts: their prices follow the parts'. And
which variants can't go, because a bundle is made of them."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from opticworks_catalog.inputs import Change
from opticworks_catalog.models import Component, Variant

# Bundles with percent off that belong to these products, or that have a part of one of them.
_BUNDLES = """
    SELECT bundle.id FROM catalog_variant bundle
    WHERE bundle.percent_off IS NOT NULL AND (
        bundle.product_id = ANY(:products) OR EXISTS (
            SELECT FROM catalog_component c JOIN catalog_variant part ON part.sku = c.sku
            WHERE c.variant_id = bundle.id AND part.product_id = ANY(:products)))
"""

# A bundle that is made at this moment waits for whoever changes a part's price; who comes later
# sees the bundle.
_HOLD_PARTS = text(
    f"""
    SELECT part.id FROM catalog_variant part
    WHERE part.sku IN (SELECT c.sku FROM catalog_component c WHERE c.variant_id IN ({_BUNDLES}))
    ORDER BY part.id FOR SHARE
    """
)

# round() of a numeric goes away from zero at a half, as money does. While a part is still priced in
# another currency than the bundle, its price can't follow.
_PRICE = text(
    f"""
    UPDATE catalog_variant bundle
    SET price = new.price, compare_at = CASE WHEN new.whole > new.price THEN new.whole END
    FROM (
        SELECT b.id, sum(part.price * c.quantity) AS whole,
               round(sum(part.price * c.quantity) * (100 - b.percent_off) / 100) AS price
        FROM catalog_variant b
        JOIN catalog_component c ON c.variant_id = b.id
        JOIN catalog_variant part ON part.sku = c.sku
        WHERE b.id IN ({_BUNDLES})
        GROUP BY b.id
        HAVING bool_and(part.currency = b.currency)
    ) AS new
    WHERE bundle.id = new.id AND (bundle.price, bundle.compare_at) IS DISTINCT FROM
        (new.price::bigint, CASE WHEN new.whole > new.price THEN new.whole END::bigint)
    RETURNING bundle.product_id
    """
)


_ANY = text(f"SELECT EXISTS ({_BUNDLES})")
_TURN = text("SELECT pg_advisory_xact_lock(6543002)")  # any constant of our own


def take_turns(db: Session, changes: Sequence[Change]) -> None:
    """Let those who change the same bundles' prices do it one after another: call it before
    anything is locked, or two of them wait for each other's parts."""
    coming = any(v.percent_off is not None for c in changes for v in c.product.variants)
    ids = [change.product_id for change in changes if change.product_id is not None]
    if coming or (ids and db.scalar(_ANY, {"products": ids})):
        db.execute(_TURN)


def price_again(db: Session, product_ids: Collection[int]) -> set[int]:
    """Work out the prices of bundles that depend on these products anew; the products whose
    bundles cost something else now."""
    products = {"products": sorted(product_ids)}
    if not db.execute(_HOLD_PARTS, products).all():
        return set()
    return set(db.scalars(_PRICE, products))


def needing(db: Session, skus: Collection[str]) -> dict[str, str]:
    """Of these variants those that bundles besides them are made of, each with one such bundle."""
    rows = db.execute(
        select(Component.sku, Variant.sku)
        .join(Variant, Variant.id == Component.variant_id)
        .where(Component.sku.in_(skus), Variant.sku.not_in(skus))
        .order_by(Component.sku, Variant.sku)
    )
    found: dict[str, str] = {}
    for part, bundle in rows:
        found.setdefault(part, bundle)
    return found
