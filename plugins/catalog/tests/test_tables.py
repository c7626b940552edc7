"""The tables, their revisions and what the database refuses."""

from __future__ import annotations

import pytest
from sqlalchemy import delete, select, update
from sqlalchemy.exc import IntegrityError

from opticworks import migrations
from opticworks_catalog.models import Base, Image, Option, Product, Variant, VariantValue


def test_hook_migrations(empty_shop):
    assert migrations.pending(empty_shop) == []
    assert migrations.drift(empty_shop, "catalog") == []
    assert all(name.startswith("catalog_") for name in Base.metadata.tables)


@pytest.mark.parametrize(
    "statement",
    [
        update(Variant).where(Variant.sku == "MNT-KIT").values(sku="POE-MOD"),
        update(Variant).where(Variant.sku == "MNT-KIT").values(price=-1),
        update(Variant).where(Variant.sku == "BND-HOME").values(compare_at=100),
        update(Variant).where(Variant.sku == "MNT-KIT").values(width=None),
        update(Variant).where(Variant.sku == "MNT-KIT").values(stock_policy="maybe"),
        update(Product).where(Product.handle == "poe-module").values(handle="PoE Module"),
        update(Product).where(Product.handle == "poe-module").values(handle="mounting-kit"),
        update(Product).where(Product.handle == "poe-module").values(published_at=None),
        delete(Variant).where(Variant.sku == "MNT-KIT"),  # a part of a bundle
    ],
    ids=lambda statement: str(statement.compile().params)[:60],
)
def test_the_database_refuses_what_makes_no_sense(shop, statement):
    with pytest.raises(IntegrityError), shop.unit() as db:
        db.execute(statement)


def test_a_variant_takes_a_value_of_its_option_only(shop):
    with shop.unit() as db:
        model, colour = db.scalars(
            select(Option.id)
            .join(Product, Product.id == Option.product_id)
            .where(Product.handle == "rs-1-sensor")
            .order_by(Option.position)
        )
        taken = db.scalars(select(VariantValue).where(VariantValue.option_id == colour)).first()
    with pytest.raises(IntegrityError), shop.unit() as db:
        db.execute(
            update(VariantValue)
            .where(VariantValue.option_id == model)
            .values(value_id=taken.value_id)
        )


def test_a_deleted_product_leaves_nothing_behind(shop):
    with shop.unit() as db:
        db.delete(db.scalars(select(Product).where(Product.handle == "usb-c-cable")).one())
    with shop.unit() as db:
        product_ids = set(db.scalars(select(Product.id)))
        for model in (Variant, Option, Image):
            left = set(db.scalars(select(model.product_id).where(model.product_id.is_not(None))))
            assert left <= product_ids
        assert not db.scalars(select(Variant).where(Variant.sku.like("CBL-%"))).all()
