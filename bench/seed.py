"""A catalogue to measure with: products of three variants, the demo's pictures and text pages."""

from __future__ import annotations

import random
from functools import cache

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from opticworks import kernel
from opticworks.shop import Shop
from opticworks_catalog import writing
from opticworks_catalog.demo_files import ImageFiles, read_images, read_pages
from opticworks_catalog.inputs import Change, OptionInput, ProductInput, Saved, VariantInput
from opticworks_catalog.models import PUBLISHED, Collection, Image, Product

BATCH = 100  #: products saved together
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
        _collections(db)
        chance = random.Random(3)
        currency = shop.settings["shop"].currency
        for start in range(0, PRODUCTS, BATCH):
            numbers = range(start, start + BATCH)
            saved = writing.save_all(
                db,
                [Change(_product(number, currency, chance), position=number) for number in numbers],
            )
            for number, one in zip(numbers, saved, strict=True):
                if not isinstance(one, Saved):
                    raise SystemExit(f"{handle(number)} can't be saved: {one}")
                db.add_all(_images(number, one.product_id))
        for number in range(PRODUCTS):
            for variant in range(len(FINISHES)):
                kernel.set_stock(db, sku(number, variant), STOCK, reason="Benchmark", actor="bench")
    with shop.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.exec_driver_sql("VACUUM ANALYZE")
    return PRODUCTS


@cache
def _pictures() -> list[tuple[str, ImageFiles]]:
    return sorted(read_images().items())


def _handle(name: str) -> str:
    return name.lower().replace(" ", "-")


def _collections(db: Session) -> None:
    rows = []
    for place, name in enumerate(COLLECTIONS):
        row = Collection(
            handle=_handle(name),
            title=name,
            description=f"{name} for every room.",
            status=PUBLISHED,
            position=place,
        )
        row.images = [_image(*_pictures()[place], place=0)]
        rows.append(row)
    db.add_all(rows)
    db.flush()


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


def _images(number: int, product_id: int) -> list[Image]:
    stems = _pictures()
    images = [
        _image(*stems[(number + place) % len(stems)], place=place) for place in range(PICTURES)
    ]
    for image in images:
        image.product_id = product_id
    return images


def _product(number: int, currency: str, chance: random.Random) -> ProductInput:
    price = 1900 + chance.randrange(200) * 100
    return ProductInput(
        handle=handle(number),
        title=title(number),
        currency=currency,
        subtitle=_text(chance, 8),
        description="\n\n".join(_text(chance, 40) for _ in range(3)),
        highlights=tuple(_text(chance, 6) for _ in range(4)),
        specs=tuple((_text(chance, 1)[:-1] + f" {n}", _text(chance, 3)) for n in range(8)),
        status=PUBLISHED,
        collections=(_handle(COLLECTIONS[number % len(COLLECTIONS)]),),
        options=(OptionInput(name="Finish", values=FINISHES),),
        variants=tuple(
            VariantInput(
                sku=sku(number, place),
                values=(name,),
                price=price + place * 500,
                weight=120 + place,
                barcode=f"{4_000_000_000_000 + number * 10 + place}",
            )
            for place, (name, _) in enumerate(FINISHES)
        ),
    )
