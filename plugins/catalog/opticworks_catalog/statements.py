"""The catalogue's SQL: one statement per question, whatever the number of products.

What belongs to a product (options, variants, pictures) comes back as JSON aggregated by
PostgreSQL, so that a page of products is a single round trip. A statement is built once and takes
its values as parameters when it runs; each function names them.
"""

from __future__ import annotations

from functools import cache
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Select,
    String,
    and_,
    bindparam,
    exists,
    func,
    literal,
    or_,
    select,
    union_all,
)
from sqlalchemy.dialects.postgresql import JSONB, aggregate_order_by
from sqlalchemy.orm import aliased

from opticworks_catalog.models import (
    ACTIVE,
    PUBLISHED,
    Collection,
    CollectionProduct,
    Component,
    Image,
    ImageValue,
    Option,
    OptionValue,
    Product,
    Variant,
    VariantValue,
)

Part, PartProduct = aliased(Variant, name="part"), aliased(Product, name="part_product")


def list_of(item: ColumnElement[Any], *order: Any) -> Any:
    """A JSON array of the rows' `item`, empty when there are none."""
    return func.coalesce(func.jsonb_agg(aggregate_order_by(item, *order)), literal([], JSONB))


def object_of(**columns: Any) -> ColumnElement[Any]:
    pairs = [part for name, value in columns.items() for part in (literal(name), value)]
    return func.jsonb_build_object(*pairs)


def _image_object() -> ColumnElement[Any]:
    names = ("picture", "stem", "version", "alt", "width", "height", "widths", "formats")
    return object_of(**{name: getattr(Image, name) for name in names})


def on_sale(variant: Any, product: Any) -> ColumnElement[bool]:
    return and_(variant.status == ACTIVE, product.status == PUBLISHED)


def _variant_options(variant: Any) -> Any:
    """`[["Model", "Pro"], …]` of a variant, in the order of the options."""
    pair = func.jsonb_build_array(Option.name, OptionValue.value)
    return (
        select(list_of(pair, Option.position, Option.id))
        .select_from(VariantValue)
        .join(OptionValue, OptionValue.id == VariantValue.value_id)
        .join(Option, Option.id == OptionValue.option_id)
        .where(VariantValue.variant_id == variant.id)
        .correlate(variant)
        .scalar_subquery()
    )


def _variant_image(variant: Any) -> Any:
    """The first picture that shows the variant; the product's first when none does. As
    `ImageRecord.shows`: of each option that the picture speaks of, one of its values."""
    also_shown = aliased(ImageValue)
    has_one_of_them = exists().where(
        VariantValue.variant_id == variant.id,
        VariantValue.option_id == OptionValue.option_id,
        VariantValue.value_id == also_shown.value_id,
        also_shown.image_id == ImageValue.image_id,
    )
    shows_another = exists().where(
        ImageValue.image_id == Image.id,
        OptionValue.id == ImageValue.value_id,
        ~has_one_of_them.correlate_except(VariantValue, also_shown),
    )
    return (
        select(_image_object())
        .where(Image.product_id == variant.product_id)
        .order_by(shows_another.correlate(Image, variant), Image.position, Image.id)
        .limit(1)
        .correlate(variant)
        .scalar_subquery()
    )


def _components(variant: Any) -> Any:
    part = object_of(
        sku=Component.sku,
        quantity=Component.quantity,
        stock_policy=Part.stock_policy,
        on_sale=on_sale(Part, PartProduct),
        handle=PartProduct.handle,
        title=PartProduct.title,
        options=_variant_options(Part),
        image=_variant_image(Part),
    )
    return (
        select(list_of(part, Component.position, Component.sku))
        .select_from(Component)
        .join(Part, Part.sku == Component.sku)
        .join(PartProduct, PartProduct.id == Part.product_id)
        .where(Component.variant_id == variant.id)
        .correlate(variant)
        .scalar_subquery()
    )


def _options() -> Any:
    value = func.jsonb_build_array(OptionValue.value, OptionValue.swatch)
    values = (
        select(list_of(value, OptionValue.position, OptionValue.id))
        .where(OptionValue.option_id == Option.id)
        .correlate(Option)
        .scalar_subquery()
    )
    return (
        select(list_of(object_of(name=Option.name, values=values), Option.position, Option.id))
        .where(Option.product_id == Product.id)
        .correlate(Product)
        .scalar_subquery()
    )


def _variants() -> Any:
    variant = object_of(
        sku=Variant.sku,
        barcode=Variant.barcode,
        price=Variant.price,
        compare_at=Variant.compare_at,
        weight=Variant.weight,
        stock_policy=Variant.stock_policy,
        options=_variant_options(Variant),
        components=_components(Variant),
    )
    return (
        select(list_of(variant, Variant.position, Variant.id))
        .where(Variant.product_id == Product.id, *sold())
        .correlate(Product)
        .scalar_subquery()
    )


def sold() -> tuple[ColumnElement[bool], ...]:
    """What a variant needs to be shown: not archived, and a price in the shop's currency."""
    return Variant.status == ACTIVE, Variant.currency == bindparam("currency")


def _images() -> Any:
    pair = func.jsonb_build_array(Option.name, OptionValue.value)
    values = (
        select(list_of(pair, Option.position))
        .select_from(ImageValue)
        .join(OptionValue, OptionValue.id == ImageValue.value_id)
        .join(Option, Option.id == OptionValue.option_id)
        .where(ImageValue.image_id == Image.id)
        .correlate(Image)
        .scalar_subquery()
    )
    return (
        select(list_of(object_of(image=_image_object(), options=values), Image.position, Image.id))
        .where(Image.product_id == Product.id)
        .correlate(Product)
        .scalar_subquery()
    )


def _collection_handles() -> Any:
    return (
        select(list_of(func.to_jsonb(Collection.handle), Collection.position, Collection.id))
        .select_from(CollectionProduct)
        .join(Collection, Collection.id == CollectionProduct.collection_id)
        .where(CollectionProduct.product_id == Product.id, Collection.status == PUBLISHED)
        .correlate(Product)
        .scalar_subquery()
    )


def with_details(chosen: Select[Any]) -> Select[Any]:
    """Everything of the products of `chosen` (columns id, place, total), in order of place."""
    rows = chosen.cte("chosen")
    return (
        select(
            rows.c.place,
            rows.c.total,
            Product.handle,
            Product.title,
            Product.subtitle,
            Product.description,
            Product.highlights,
            Product.specs,
            Product.seo_title,
            Product.seo_description,
            Product.updated_at,
            _options().label("options"),
            _variants().label("variants"),
            _images().label("images"),
            _collection_handles().label("collections"),
        )
        .join(rows, rows.c.id == Product.id)
        .order_by(rows.c.place)
    )


def sellable() -> ColumnElement[bool]:
    """A product with a page: published, with something to sell."""
    variant = exists().where(Variant.product_id == Product.id, *sold()).correlate(Product)
    return and_(Product.status == PUBLISHED, variant)


@cache
def product_with_related() -> Select[Any]:
    """The product of `handle` at place 0, and behind it others, `count` together: bundles that
    contain it first, then its neighbours in a collection, then the rest. Takes `currency`."""
    own, bundle, mate = aliased(Variant), aliased(Variant), aliased(CollectionProduct)
    main = select(Product.id).where(Product.handle == bindparam("handle"), sellable()).cte("main")
    contains_it = (
        select(bundle.product_id)
        .join(Component, Component.variant_id == bundle.id)
        .join(own, own.sku == Component.sku)
        .join(main, main.c.id == own.product_id)
    )
    same_collection = (
        select(CollectionProduct.product_id)
        .join(mate, mate.collection_id == CollectionProduct.collection_id)
        .join(main, main.c.id == mate.product_id)
    )
    # The first few of each kind are enough, however many products there are.
    kinds = union_all(
        select(main.c.id, literal(0).label("kind")),
        _first(1, Product.id.in_(contains_it)),
        _first(2, Product.id.in_(same_collection)),
        _first(3),
    ).subquery("kinds")
    best = select(kinds.c.id, func.min(kinds.c.kind).label("kind")).group_by(kinds.c.id).subquery()
    place = func.row_number().over(order_by=(best.c.kind, Product.position, Product.id)) - 1
    chosen = (
        select(Product.id, place.label("place"), literal(0).label("total"))
        .join(best, best.c.id == Product.id)
        .where(exists(select(main.c.id)))
        .order_by("place")
        .limit(bindparam("count"))
    )
    return with_details(chosen)


def _first(kind: int, *conditions: ColumnElement[bool]) -> Select[Any]:
    first = (
        select(Product.id)
        .where(sellable(), *conditions)
        .order_by(Product.position, Product.id)
        .limit(bindparam("count"))
        .subquery()
    )
    return select(first.c.id, literal(kind).label("kind"))


@cache
def collections() -> Select[Any]:
    """Every published collection, in order."""
    image = (
        select(_image_object())
        .where(Image.collection_id == Collection.id)
        .order_by(Image.position, Image.id)
        .limit(1)
        .correlate(Collection)
        .scalar_subquery()
    )
    return (
        select(
            Collection.handle,
            Collection.title,
            Collection.description,
            Collection.seo_title,
            Collection.seo_description,
            image.label("image"),
        )
        .where(Collection.status == PUBLISHED)
        .order_by(Collection.position, Collection.id)
    )


@cache
def goods() -> Select[Any]:
    """What may be bought under the `skus`, whether it is on sale or not."""
    return (
        select(
            Variant,
            Product.handle,
            Product.title,
            on_sale(Variant, Product).label("on_sale"),
            _variant_options(Variant).label("options"),
            _variant_image(Variant).label("image"),
            _components(Variant).label("components"),
        )
        .join(Product, Product.id == Variant.product_id)
        .where(Variant.sku.in_(bindparam("skus", expanding=True)))
    )


@cache
def every_variant() -> Select[Any]:
    """Every variant, drafts included, whose product's title or SKU is like `pattern`, in order.
    Takes `limit` and `offset`."""
    pattern = bindparam("pattern", type_=String)
    is_bundle = exists().where(Component.variant_id == Variant.id).correlate(Variant)
    return (
        select(
            Product.handle,
            Product.title,
            Product.status.label("product_status"),
            Variant.sku,
            Variant.price,
            Variant.currency,
            Variant.status.label("variant_status"),
            Variant.stock_policy,
            is_bundle.label("is_bundle"),
            _variant_options(Variant).label("options"),
        )
        .join(Product, Product.id == Variant.product_id)
        .where(or_(Product.title.ilike(pattern), Variant.sku.ilike(pattern)))
        .order_by(Product.position, Product.id, Variant.position, Variant.id)
        .limit(bindparam("limit"))
        .offset(bindparam("offset"))
    )


@cache
def skus_like() -> Select[Any]:
    """SKUs of variants whose product's title, own options or barcode are like `pattern`. Takes
    `limit`."""
    pattern = bindparam("pattern", type_=String)
    named = (
        exists()
        .where(
            VariantValue.variant_id == Variant.id,
            OptionValue.id == VariantValue.value_id,
            OptionValue.value.ilike(pattern),
        )
        .correlate(Variant)
    )
    return (
        select(Variant.sku)
        .join(Product, Product.id == Variant.product_id)
        .where(or_(Product.title.ilike(pattern), Variant.barcode.ilike(pattern), named))
        .order_by(Variant.sku)
        .limit(bindparam("limit"))
    )


def escaped(text: str) -> str:
    """What a person typed, for a LIKE pattern: their % and _ mean themselves."""
    for character in "\\%_":
        text = text.replace(character, f"\\{character}")
    return text
