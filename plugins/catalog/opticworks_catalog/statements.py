"""The catalogue's SQL: one statement per question, whatever the number of products.

What belongs to a product (options, variants, pictures) comes back as JSON aggregated by
PostgreSQL, so that a page of products is a single round trip. A statement is built once and takes
its values as parameters when it runs; each function names them.
"""

from __future__ import annotations

from functools import cache
from typing import Any

from sqlalchemy import (
    CTE,
    ColumnElement,
    Integer,
    Select,
    String,
    and_,
    bindparam,
    case,
    exists,
    func,
    literal_column,
    or_,
    select,
    true,
    union_all,
)
from sqlalchemy.dialects.postgresql import JSON, aggregate_order_by
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


# What is the same in every run stands in the statement as a literal: a parameter costs the same
# work again each time, and one that limits the rows keeps PostgreSQL from planning just once.
# JSON is written as text, which PostgreSQL builds faster than jsonb.


_NOTHING = literal_column("'[]'::json", JSON)


def _constant(text: str) -> ColumnElement[str]:
    return literal_column(f"'{text}'", String)


def _number(number: int) -> ColumnElement[int]:
    return literal_column(f"{number:d}", Integer)


def list_of(item: ColumnElement[Any], *order: Any) -> Any:
    """A JSON array of the rows' `item`, empty when there are none."""
    found = func.json_agg(aggregate_order_by(item, *order), type_=JSON)
    return func.coalesce(found, _NOTHING, type_=JSON)


def object_of(**columns: Any) -> ColumnElement[Any]:
    pairs = [part for name, value in columns.items() for part in (_constant(name), value)]
    return func.json_build_object(*pairs, type_=JSON)


def _image_object() -> ColumnElement[Any]:
    names = ("picture", "stem", "version", "alt", "width", "height", "widths", "formats")
    return object_of(**{name: getattr(Image, name) for name in names})


def on_sale(variant: Any, product: Any) -> ColumnElement[bool]:
    return and_(variant.status == _constant(ACTIVE), product.status == _constant(PUBLISHED))


def _variant_options(variant: Any) -> Any:
    """`[["Model", "Pro"], …]` of a variant, in the order of the options."""
    pair = func.json_build_array(Option.name, OptionValue.value)
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
        price=Part.price,
        currency=Part.currency,
        tax_code=Part.tax_code,
        weight=Part.weight,
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
    value = func.json_build_array(OptionValue.value, OptionValue.swatch)
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
        tax_code=Variant.tax_code,
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
    return Variant.status == _constant(ACTIVE), Variant.currency == bindparam("currency")


def product_images() -> Any:
    pair = func.json_build_array(Option.name, OptionValue.value)
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
        select(list_of(func.to_json(Collection.handle), Collection.position, Collection.id))
        .select_from(CollectionProduct)
        .join(Collection, Collection.id == CollectionProduct.collection_id)
        .where(
            CollectionProduct.product_id == Product.id, Collection.status == _constant(PUBLISHED)
        )
        .correlate(Product)
        .scalar_subquery()
    )


def _collections_of_any_status() -> Any:
    """Rules may name collections that have no page."""
    return (
        select(list_of(func.to_json(Collection.handle), Collection.position, Collection.id))
        .select_from(CollectionProduct)
        .join(Collection, Collection.id == CollectionProduct.collection_id)
        .where(CollectionProduct.product_id == Product.id)
        .correlate(Product)
        .scalar_subquery()
    )


def with_details(chosen: Select[Any], *, only_first: bool = False) -> Select[Any]:
    """Everything of the products of `chosen` (columns id, place, total), in order of place; with
    `only_first`, options and collections for the first alone."""
    rows = chosen.cte("chosen")

    def detail(column: Any) -> Any:
        if only_first:
            column = case((rows.c.place == _number(0), column), else_=_NOTHING)
        return column

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
            Product.vendor,
            detail(_options()).label("options"),
            _variants().label("variants"),
            product_images().label("images"),
            detail(_collection_handles()).label("collections"),
        )
        .join(rows, rows.c.id == Product.id)
        .order_by(rows.c.place)
    )


def sellable() -> ColumnElement[bool]:
    """A product with a page: published, with something to sell."""
    variant = exists().where(Variant.product_id == Product.id, *sold()).correlate(Product)
    return and_(Product.status == _constant(PUBLISHED), variant)


@cache
def product_with_related(count: int) -> Select[Any]:
    """The product of `handle` at place 0, and behind it `count` others: bundles that
    contain it first, then the first of its collections, then the first of all; these without
    their options and collections. Takes `currency`."""
    main = (
        select(Product.id)
        .where(Product.handle == bindparam("handle"), sellable())
        .limit(_number(1))
        .cte("main")
    )
    near = union_all(_bundles_with(main), _mates_of(main, count)).cte("near")
    enough = select(func.count(near.c.id.distinct())).scalar_subquery() > _number(count)
    others = union_all(
        select(near.c.id, near.c.rank), _first_products(main, enough, count)
    ).subquery()
    ranked = (
        select(others.c.id, func.min(others.c.rank).label("rank"))
        .where(others.c.id != select(main.c.id).scalar_subquery())
        .group_by(others.c.id)
    )
    found = union_all(select(main.c.id, _number(0).label("rank")), ranked).subquery()
    order = (found.c.rank, Product.position, Product.id)
    place = func.row_number().over(order_by=order) - _number(1)
    chosen = (
        select(Product.id, place.label("place"), _number(0).label("total"))
        .join(found, found.c.id == Product.id)
        .order_by("place")
        .limit(_number(count + 1))
    )
    return with_details(chosen, only_first=True)


def _bundles_with(main: CTE) -> Select[int, int]:
    own, bundle = aliased(Variant), aliased(Variant)
    return (
        select(Product.id, _number(1).label("rank"))
        .join(bundle, bundle.product_id == Product.id)
        .join(Component, Component.variant_id == bundle.id)
        .join(own, own.sku == Component.sku)
        .where(own.product_id == main.c.id, sellable())
    )


def _mates_of(main: CTE, count: int) -> Select[int, int]:
    """The first products of each of its collections, as many as can be needed."""
    mine = aliased(CollectionProduct)
    first = (
        select(CollectionProduct.product_id.label("id"))
        .join(Product, Product.id == CollectionProduct.product_id)
        .where(CollectionProduct.collection_id == mine.collection_id, sellable())
        .order_by(CollectionProduct.position, CollectionProduct.product_id)
        .limit(_number(count + 1))
        .correlate(mine)
        .lateral()
    )
    return (
        select(first.c.id, _number(2).label("rank"))
        .select_from(main)
        .join(mine, mine.product_id == main.c.id)
        .join(first, true())
    )


def _first_products(main: CTE, enough: ColumnElement[bool], count: int) -> Select[int, int]:
    """The first of all, none when there are others `enough`."""
    needed = case((enough, _number(0)), else_=_number(2 * count + 1))
    first = (
        select(Product.id, _number(3).label("rank"))
        .where(sellable(), exists().select_from(main))
        .order_by(Product.position, Product.id)
        .limit(needed)
        .subquery()
    )
    return select(first.c.id, first.c.rank)


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
        .where(Collection.status == _constant(PUBLISHED))
        .order_by(Collection.position, Collection.id)
    )


#: What an Item has straight from its variant.
ITEM_COLUMNS = (
    *("sku", "price", "compare_at", "currency", "tax_code", "weight", "length", "width", "height"),
    *("hs_code", "origin_country", "stock_policy", "requires_shipping"),
)


@cache
def goods() -> Select[Any]:
    """What may be bought under the `skus`, whether it is on sale or not."""
    return (
        select(
            *(getattr(Variant, name) for name in ITEM_COLUMNS),
            Product.handle,
            Product.title,
            on_sale(Variant, Product).label("on_sale"),
            _variant_options(Variant).label("options"),
            _variant_image(Variant).label("image"),
            _components(Variant).label("components"),
            _collections_of_any_status().label("collections"),
        )
        .join(Product, Product.id == Variant.product_id)
        .where(Variant.sku.in_(bindparam("skus", expanding=True)))
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
