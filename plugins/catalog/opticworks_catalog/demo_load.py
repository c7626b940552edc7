"""Loads the demo catalogue: products, their stock, and the shop's text pages.

Loading again adds what is missing and leaves alone what is there, edited or not.
"""

from __future__ import annotations

import logging

from sqlalchemy import select
from sqlalchemy.orm import Session

from opticworks import kernel
from opticworks.contracts import Ctx
from opticworks.money import Money
from opticworks_catalog.demo_files import (
    Catalogue,
    CollectionEntry,
    ImageFiles,
    ProductEntry,
    VariantEntry,
    read_catalogue,
    read_images,
    read_pages,
)
from opticworks_catalog.finding import index
from opticworks_catalog.models import (
    PUBLISHED,
    Choice,
    Collection,
    CollectionProduct,
    Component,
    Image,
    Option,
    OptionValue,
    Product,
    Variant,
    VariantValue,
)

log = logging.getLogger(__name__)

Values = dict[tuple[str, str], OptionValue]
Images = dict[str, ImageFiles]


def load(ctx: Ctx) -> None:
    """Store the demo's files."""
    catalogue, images = read_catalogue(), read_images()
    if missing := sorted(catalogue.stems - set(images)):
        log.warning("The demo catalogue goes without these pictures: %s", ", ".join(missing))
    db: Session = ctx.db
    collections = _load_collections(db, catalogue, images)
    known = set(db.scalars(select(Product.handle)))
    # Bundles last: their parts have to be there.
    places = sorted(enumerate(catalogue.products), key=lambda place: place[1].is_bundle)
    for position, entry in places:
        if entry.handle not in known:
            _load_product(ctx, entry, position, collections, images)
    new = db.scalars(select(Product.id).where(Product.handle.not_in(known)))
    index.refresh(db, new, index.language_of(ctx.locale))
    for page in read_pages():
        kernel.put_page(
            db,
            page.slug,
            title=page.title,
            description=page.description,
            body=page.body,
            position=page.position,
            group=page.footer,
        )


def _load_collections(db: Session, catalogue: Catalogue, images: Images) -> dict[str, Collection]:
    collections = {one.handle: one for one in db.scalars(select(Collection))}
    for position, entry in enumerate(catalogue.collections):
        if entry.handle not in collections:
            collections[entry.handle] = _collection(entry, position, images)
            db.add(collections[entry.handle])
    db.flush()
    return collections


def _collection(entry: CollectionEntry, position: int, images: Images) -> Collection:
    collection = Collection(
        handle=entry.handle,
        title=entry.title,
        description=entry.description,
        status=PUBLISHED,
        position=position,
        seo_title=entry.seo_title,
        seo_description=entry.seo_description,
    )
    if image := _image(entry.image, entry.title, 0, images):
        collection.images.append(image)
    return collection


def _load_product(
    ctx: Ctx,
    entry: ProductEntry,
    position: int,
    collections: dict[str, Collection],
    images: Images,
) -> None:
    product = Product(
        handle=entry.handle,
        title=entry.title,
        subtitle=entry.subtitle,
        description=entry.description.strip(),
        highlights=list(entry.highlights),
        specs=[list(pair) for pair in entry.specs],
        status=PUBLISHED,
        position=position,
        seo_title=entry.seo_title,
        seo_description=entry.seo_description,
        published_at=ctx.now,
    )
    values = _add_options(product, entry)
    for place, picture in enumerate(entry.images):
        if image := _image(picture.file, picture.alt, place, images):
            image.values = [values[choice] for choice in picture.options.items()]
            product.images.append(image)
    for place, variant in enumerate(entry.variants):
        product.variants.append(_variant(variant, place, values, ctx.currency))
    ctx.db.add(product)
    ctx.db.flush()
    ctx.db.add_all(
        Choice(
            value_id=values[option.name, value.value].id,
            sku=value.brings.sku,
            quantity=value.brings.quantity,
            surcharge=Money.parse(value.brings.surcharge, ctx.currency).minor,
        )
        for option in entry.options
        for value in option.values
        if value.brings
    )
    for handle in entry.collections:
        ctx.db.add(
            CollectionProduct(
                collection_id=collections[handle].id, product_id=product.id, position=position
            )
        )
    for variant in entry.variants:
        if variant.stock is not None:
            kernel.set_stock(
                ctx.db, variant.sku, variant.stock, reason="Demo catalogue", actor="catalog"
            )


def _add_options(product: Product, entry: ProductEntry) -> Values:
    values: Values = {}
    for place, option in enumerate(entry.options):
        row = Option(name=option.name, position=place)
        product.options.append(row)
        for order, value in enumerate(option.values):
            values[option.name, value.value] = OptionValue(
                value=value.value, swatch=value.swatch, position=order
            )
            row.values.append(values[option.name, value.value])
    return values


def _variant(entry: VariantEntry, position: int, values: Values, currency: str) -> Variant:
    length, width, height = entry.size_mm or (None, None, None)
    before = entry.compare_at
    return Variant(
        sku=entry.sku,
        barcode=entry.barcode,
        price=Money.parse(entry.price, currency).minor,
        compare_at=None if before is None else Money.parse(before, currency).minor,
        currency=currency,
        weight=entry.weight_g,
        length=length,
        width=width,
        height=height,
        hs_code=entry.hs_code,
        origin_country=entry.origin_country,
        tax_code=entry.tax_code,
        stock_policy=entry.stock_policy,
        position=position,
        values=[VariantValue(value=values[choice]) for choice in entry.options.items()],
        components=[
            Component(sku=part.sku, quantity=part.quantity, position=place)
            for place, part in enumerate(entry.components)
        ],
    )


def _image(stem: str, alt: str, position: int, images: Images) -> Image | None:
    files = images.get(stem)
    if files is None:
        return None
    return Image(
        stem=stem,
        version=files.version,
        alt=alt,
        width=files.width,
        height=files.height,
        widths=list(files.widths),
        formats=list(files.formats),
        position=position,
    )
