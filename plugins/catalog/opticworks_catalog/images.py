"""Pictures of products and collections: which are shown where, and those of the demo.

The kernel keeps pictures and makes their files; an `Image` says where one is shown, with which
words and for which variants. The demo's come with the package instead, rendered beforehand:
their files are named `<stem>-<width>.<format>`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import InstrumentedAttribute, Session

from opticworks import kernel
from opticworks.contracts import Ctx, Picture
from opticworks_catalog.models import Collection, Image, Option, OptionValue, Product

MIME_TYPES = {
    "avif": "image/avif",
    "webp": "image/webp",
    "jpg": "image/jpeg",
    "png": "image/png",
}
FILE_NAME = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*-[1-9][0-9]{0,4}\.(?P<format>avif|webp|jpg|png)")
FALLBACK_WIDTH = 800
DEMO_FOLDER = Path(__file__).parent / "demo" / "images"


def image_path(stem: str, width: int, format: str, version: str = "") -> str:
    """The address of one file; with a version it may be cached for ever."""
    stem, version = _around(stem, version)
    return f"{stem}{width}.{format}{version}"


def _around(stem: str, version: str) -> tuple[str, str]:
    """What stands before the width, and behind the format, in the addresses of its files."""
    return f"/catalog/images/{stem}-", f"?v={version}" if version else ""


def picture(row: Mapping[str, Any], kept: Mapping[str, Picture]) -> Picture | None:
    """A Picture of an image's row: every width in every format, the best format first. `kept` are
    the kernel's; None for one that is gone."""
    if row["picture"]:
        found = kept.get(row["picture"])
        return replace(found, alt=row["alt"]) if found else None
    widths: Sequence[int] = sorted(row["widths"])
    formats = [name for name in MIME_TYPES if name in row["formats"]]

    stem, version = _around(row["stem"], row["version"])
    fallback = min(widths, key=lambda width: (abs(width - FALLBACK_WIDTH), -width))
    return Picture(
        src=image_path(row["stem"], fallback, formats[-1], row["version"]),
        width=row["width"],
        height=row["height"],
        alt=row["alt"],
        srcset={
            MIME_TYPES[name]: ", ".join(
                [f"{stem}{width}.{name}{version} {width}w" for width in widths]
            )
            for name in formats
        },
    )


def find_file(name: str, media: Path) -> tuple[Path, str] | None:
    """The file of that name and its MIME type, or None: a name is never a way out of the folder."""
    match = FILE_NAME.fullmatch(name)
    if match is None:
        return None
    for folder in (media, DEMO_FOLDER):
        path = folder / name
        if path.is_file():
            return path, MIME_TYPES[match["format"]]
    return None


CODE = "catalog"
ALT_LENGTH = 300


def attach(
    db: Session,
    product_id: int,
    content: bytes,
    alt: str = "",
    position: int | None = None,
    values: Iterable[tuple[str, str]] = (),
    *,
    name: str = "",
) -> int:
    """Show a picture with a product; answers the image's id.

    `alt` says what is seen (the product's title when it is empty); without a `position` it comes
    last; `values` are (option, value) pairs, none for every variant. The same bytes again change
    what is different and nothing else. Raises kernel.BadPicture with a sentence, and LookupError
    for a product or a value that doesn't exist.
    """
    product = db.get(Product, product_id)
    if product is None:
        raise LookupError(f"There is no product {product_id}.")
    shown = _option_values(db, product, values)
    words = plain_words(alt) or product.title
    ref = kernel.add_picture(db, content, name=name, alt=words, owner=CODE)
    kept = (ref.id, ref.width, ref.height)
    return _tied(db, _show(db, Image.product_id, product.id, kept, words, position), shown)


def attach_again(
    db: Session,
    product_id: int,
    other: Image,
    alt: str = "",
    position: int | None = None,
    values: Iterable[tuple[str, str]] = (),
) -> int:
    """Show the kept picture of another image with a product too; otherwise like `attach`."""
    product = db.get(Product, product_id)
    if product is None or other.picture is None:
        raise LookupError(f"There is no product {product_id}, or no kept picture.")
    shown = _option_values(db, product, values)
    words = plain_words(alt) or product.title
    kept = (other.picture, other.width, other.height)
    return _tied(db, _show(db, Image.product_id, product.id, kept, words, position), shown)


def _tied(db: Session, image: Image, shown: list[OptionValue]) -> int:
    """Tie the image to these option values; its id."""
    if {one.id for one in image.values} != {one.id for one in shown}:
        image.values = shown
    db.flush()
    return image.id


def attach_to_collection(
    db: Session,
    collection_id: int,
    content: bytes,
    alt: str = "",
    position: int | None = None,
    *,
    name: str = "",
) -> int:
    """Show a picture with a collection, whose first one is shown; answers the image's id."""
    collection = db.get(Collection, collection_id)
    if collection is None:
        raise LookupError(f"There is no collection {collection_id}.")
    words = plain_words(alt) or collection.title
    ref = kernel.add_picture(db, content, name=name, alt=words, owner=CODE)
    kept = (ref.id, ref.width, ref.height)
    return _show(db, Image.collection_id, collection.id, kept, words, position).id


def _show(
    db: Session,
    owner: InstrumentedAttribute[int | None],
    owner_id: int,
    kept: tuple[str, int, int],
    words: str,
    position: int | None,
) -> Image:
    """The image of a kept picture (id, width, height) where it is shown, made if need be."""
    id, width, height = kept
    image = db.scalar(select(Image).where(owner == owner_id, Image.picture == id))
    if image is None:
        last = db.scalar(select(func.max(Image.position)).where(owner == owner_id))
        image = Image(picture=id, position=0 if last is None else last + 1)
        setattr(image, owner.key, owner_id)
        db.add(image)
    image.alt, image.width, image.height = words, width, height
    if position is not None:
        image.position = position
    db.flush()
    return image


def plain_words(alt: str) -> str:
    """What was typed as one line that fits."""
    return " ".join(alt.replace("\0", "").split())[:ALT_LENGTH]


def _option_values(
    db: Session, product: Product, wanted: Iterable[tuple[str, str]]
) -> list[OptionValue]:
    pairs = list(dict.fromkeys(wanted))
    if not pairs:
        return []
    rows = db.execute(
        select(Option.name, OptionValue)
        .join(Option, Option.id == OptionValue.option_id)
        .where(Option.product_id == product.id)
    )
    known = {(name, value.value): value for name, value in rows}
    for option, value in pairs:
        if (option, value) not in known:
            raise LookupError(f"{product.title} has no option {option} = {value}.")
    return [known[pair] for pair in pairs]


def used(ids: Sequence[str], ctx: Ctx) -> set[str]:
    """Which of the kernel's pictures the catalogue shows, drafts included."""
    found = ctx.db.scalars(select(Image.picture).where(Image.picture.in_(ids)).distinct())
    return {id for id in found if id}
