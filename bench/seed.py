"""A catalogue to measure with: products of three variants, the demo's pictures and text pages."""

from __future__ import annotations

import random
from functools import cache

from sqlalchemy import func, insert, select
from sqlalchemy.orm import Session

from opticworks import kernel
from opticworks.shop import Shop
from opticworks_catalog.demo_files import ImageFiles, read_images, read_pages
from opticworks_catalog.models import (
    PUBLISHED,
    Collection,
    CollectionProduct,
    Image,
    Option,
    OptionValue,
    Product,
    Variant,
    VariantValue,
)

PRODUCTS = 1000
COLLECTIONS = ("Presence", "Air quality", "Power", "Lighting", "Accessories")
FINISHES = (("White", "#f4f4f2"), ("Graphite", "#3a3d40"), ("Clay", "#b5745a"))
KINDS = ("Sensor", "Module", "Hub", "Switch", "Mount")
PICTURES = 4  #: per product
STOCK = 10_000_000


def handle(number: int) -> str:
    return f"bench-{KINDS[number % len(KINDS)].lower()}-{number:04}"


def title(number: int) -> str:
    return f"Bench {KINDS[number % len(KINDS)]} {number:04}"


def sku(number: int, variant: int) -> str:
    return f"BENCH-{number:04}-{variant}"


def seed(shop: Shop) -> int:
    """Fill an empty shop; says how many products it has afterwards."""
    with shop.unit() as db:
        known = db.scalar(select(func.count()).select_from(Product)) or 0
        if known >= PRODUCTS:
            return known
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
        collections = _collections(db)
        chance = random.Random(3)
        for number in range(PRODUCTS):
            _product(db, number, shop.settings["shop"].currency, chance)
        db.flush()
        ids = db.scalars(select(Product.id).order_by(Product.position)).all()
        db.execute(
            insert(CollectionProduct),
            [
                {
                    "collection_id": collections[place % len(collections)],
                    "product_id": product,
                    "position": place,
                }
                for place, product in enumerate(ids)
            ],
        )
        for number in range(PRODUCTS):
            for variant in range(len(FINISHES)):
                kernel.set_stock(db, sku(number, variant), STOCK, reason="Benchmark", actor="bench")
    with shop.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.exec_driver_sql("VACUUM ANALYZE")
    return PRODUCTS


@cache
def _pictures() -> list[tuple[str, ImageFiles]]:
    return sorted(read_images().items())


def _collections(db: Session) -> list[int]:
    rows = []
    for place, name in enumerate(COLLECTIONS):
        row = Collection(
            handle=name.lower().replace(" ", "-"),
            title=name,
            description=f"{name} for every room.",
            status=PUBLISHED,
            position=place,
        )
        row.images = [_image(*_pictures()[place], place=0)]
        rows.append(row)
    db.add_all(rows)
    db.flush()
    return [row.id for row in rows]


def _image(stem: str, files: ImageFiles, place: int) -> Image:
    return Image(
        stem=stem,
        version=files.version,
        alt=f"Picture {place + 1}",
        width=files.width,
        height=files.height,
        widths=list(files.widths),
        formats=list(files.formats),
        position=place,
    )


WORDS = (
    *("radar", "presence", "room", "light", "quiet", "quick", "steady", "warm", "kitchen"),
    *("hallway", "window", "battery", "signal", "range", "angle", "ceiling", "wall", "desk"),
    *("sleep", "still", "moving", "zone", "wire", "local", "private", "open", "exact"),
)


def _text(chance: random.Random, words: int) -> str:
    return " ".join(chance.choices(WORDS, k=words)).capitalize() + "."


def _product(db: Session, number: int, currency: str, chance: random.Random) -> None:
    values = [
        OptionValue(value=name, swatch=swatch, position=place)
        for place, (name, swatch) in enumerate(FINISHES)
    ]
    option = Option(name="Finish", position=0, values=values)
    product = Product(
        handle=handle(number),
        title=title(number),
        subtitle=_text(chance, 8),
        description="\n\n".join(_text(chance, 40) for _ in range(3)),
        highlights=[_text(chance, 6) for _ in range(4)],
        specs=[[_text(chance, 1)[:-1] + f" {n}", _text(chance, 3)] for n in range(8)],
        status=PUBLISHED,
        published_at=func.now(),
        position=number,
        options=[option],
        images=[
            _image(*_pictures()[(number + place) % len(_pictures())], place=place)
            for place in range(PICTURES)
        ],
    )
    db.add(product)
    db.flush()
    price = 1900 + chance.randrange(200) * 100
    for place, value in enumerate(values):
        product.variants.append(
            Variant(
                sku=sku(number, place),
                price=price + place * 500,
                currency=currency,
                weight=120 + place,
                position=place,
                barcode=f"{4_000_000_000_000 + number * 10 + place}",
                values=[VariantValue(option_id=option.id, value_id=value.id)],
            )
        )
