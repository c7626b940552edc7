"""A product with what a file tells beside it: its stock, and where its pictures come from."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from sqlalchemy import select
from sqlalchemy.orm import Session

from opticworks import kernel
from opticworks_catalog import writing
from opticworks_catalog.images import picture
from opticworks_catalog.inputs import ProductInput, VariantInput
from opticworks_catalog.models import Image, ImageSource, ImageValue, Option, OptionValue

Choices = frozenset[tuple[str, str]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Shot:
    """A picture of a product: its address, and the options it shows (none: every variant).
    `image_id` is None while it has not been fetched; `picture` is the kernel's number of one that
    was put in by hand and has an address of this shop."""

    address: str
    alt: str
    position: int
    image_id: int | None = None
    source_id: int | None = None
    shows: Choices = frozenset()
    picture: str = ""


@dataclass(frozen=True, slots=True)
class Known:
    """What the shop has of a product. `levels` are by SKU; a SKU may be missing."""

    product_id: int
    product: ProductInput
    shots: tuple[Shot, ...] = ()
    levels: Mapping[str, kernel.Availability] = field(default_factory=dict)

    def picture_of(self, variant: VariantInput) -> str:
        """The address of the first picture that is of this variant and not of all."""
        names = [option.name for option in self.product.options]
        choices = set(zip(names, variant.values, strict=False))
        for shot in self.shots:
            if shot.shows and shot.shows <= choices:
                return shot.address
        return ""


def read_known(db: Session, product_ids: Collection[int], base_url: str) -> dict[int, Known]:
    """Those products by id, in a number of statements that doesn't grow with them."""
    products = writing.read_many(db, product_ids)
    shots = _shots(db, products, base_url)
    skus = {v.sku for product in products.values() for v in product.variants if not v.components}
    levels = kernel.availability(db, skus)
    return {
        key: Known(
            key,
            product,
            shots.get(key, ()),
            {v.sku: levels[v.sku] for v in product.variants if v.sku in levels},
        )
        for key, product in products.items()
    }


def _shots(
    db: Session, products: Mapping[int, ProductInput], base_url: str
) -> dict[int, tuple[Shot, ...]]:
    sources = list(
        db.scalars(
            select(ImageSource)
            .where(ImageSource.product_id.in_(products))
            .order_by(ImageSource.position, ImageSource.id)
        )
    )
    fetched: dict[int, list[ImageSource]] = defaultdict(list)
    found: dict[int, list[Shot]] = defaultdict(list)
    for source in sources:
        if source.image_id is not None:
            fetched[source.image_id].append(source)
            continue
        found[source.product_id].append(
            Shot(
                address=source.address,
                alt=source.alt,
                position=source.position,
                source_id=source.id,
            )
        )
    for image, address, shows in _images(db, products):
        title = products[image.product_id or 0].title
        of_image: Sequence[ImageSource | None] = fetched.get(image.id) or (None,)
        for one in of_image:
            found[image.product_id or 0].append(
                Shot(
                    address=one.address if one else f"{base_url}{address}",
                    alt=one.alt if one and image.alt == (one.alt or title) else image.alt,
                    position=image.position,
                    image_id=image.id,
                    source_id=one.id if one else None,
                    shows=shows,
                    picture="" if one else image.picture or "",
                )
            )
    return {
        key: tuple(sorted(shots, key=lambda shot: (shot.position, shot.source_id or 0)))
        for key, shots in found.items()
    }


def _images(
    db: Session, products: Mapping[int, ProductInput]
) -> Iterable[tuple[Image, str, Choices]]:
    images = list(
        db.scalars(
            select(Image).where(Image.product_id.in_(products)).order_by(Image.position, Image.id)
        )
    )
    shows: dict[int, set[tuple[str, str]]] = defaultdict(set)
    rows = (
        select(ImageValue.image_id, Option.name, OptionValue.value)
        .join(OptionValue, OptionValue.id == ImageValue.value_id)
        .join(Option, Option.id == OptionValue.option_id)
        .where(ImageValue.image_id.in_([image.id for image in images]))
    )
    for image_id, name, value in db.execute(rows):
        shows[image_id].add((name, value))
    names = ("picture", "stem", "version", "alt", "width", "height", "widths", "formats")
    kept = kernel.pictures(db, {image.picture for image in images if image.picture})
    for image in images:
        shown = picture({name: getattr(image, name) for name in names}, kept)
        if shown is not None:
            yield image, shown.src, frozenset(shows.get(image.id, ()))
