"""The pictures of a product or a collection, as staff see them and change their order."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from sqlalchemy import select
from sqlalchemy.orm import Session, selectinload

from opticworks import kernel
from opticworks.contracts import Picture
from opticworks_catalog.images import picture
from opticworks_catalog.models import Collection, Image, Option, Product

What = Literal["products", "collections"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """A picture of the panel. `values` are ids of option values, `variants` the same in words;
    `ready` is false while its files are being made."""

    id: int
    picture: Picture
    alt: str
    place: int
    values: frozenset[int]
    variants: str
    ready: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Panel:
    """`options` are (name, ((value's id, value), …)) of what a picture may be tied to."""

    what: What
    id: int
    title: str
    path: str
    pictures: tuple[Shown, ...]
    options: tuple[tuple[str, tuple[tuple[int, str], ...]], ...]

    def find(self, id: int) -> Shown | None:
        return next((one for one in self.pictures if one.id == id), None)


def owner_of(db: Session, what: str, id: int) -> Product | Collection | None:
    return db.get(Product, id) if what == "products" else db.get(Collection, id)


def images_of(db: Session, what: str, id: int) -> list[Image]:
    """In the order in which they are shown."""
    mine = Image.product_id if what == "products" else Image.collection_id
    statement = (
        select(Image)
        .where(mine == id)
        .order_by(Image.position, Image.id)
        .options(selectinload(Image.values))
        .execution_options(populate_existing=True)
    )
    return list(db.scalars(statement))


def read(db: Session, what: What, id: int) -> Panel | None:
    """The panel; None if there is no such product or collection."""
    owner = owner_of(db, what, id)
    if owner is None:
        return None
    rows = images_of(db, what, id)
    kept = kernel.pictures(db, [row.picture for row in rows if row.picture])
    options = _options(db, id) if what == "products" else ()
    names = {key: value for _, values in options for key, value in values}
    shown: list[Shown] = []
    for row in rows:
        view = picture(_as_mapping(row), kept)
        if view is None:  # its files were thrown away: all that is left to do is to remove it
            view = Picture(src="", width=row.width, height=row.height, alt=row.alt)
        values = frozenset(value.id for value in row.values)
        shown.append(
            Shown(
                id=row.id,
                picture=view,
                alt=row.alt,
                place=len(shown) + 1,
                values=values,
                variants=", ".join(name for key, name in names.items() if key in values),
                ready=bool(view.srcset),
            )
        )
    return Panel(
        what=what,
        id=id,
        title=owner.title,
        path=f"/admin/catalog/{what}/{id}/pictures",
        pictures=tuple(shown),
        options=options,
    )


def _as_mapping(row: Image) -> dict[str, object]:
    names = ("picture", "stem", "version", "alt", "width", "height", "widths", "formats")
    return {name: getattr(row, name) for name in names}


def _options(db: Session, id: int) -> tuple[tuple[str, tuple[tuple[int, str], ...]], ...]:
    statement = (
        select(Option)
        .where(Option.product_id == id)
        .order_by(Option.position, Option.id)
        .options(selectinload(Option.values))
    )
    return tuple(
        (option.name, tuple((value.id, value.value) for value in option.values))
        for option in db.scalars(statement)
    )


def put_in_order(db: Session, images: Sequence[Image], wanted: Sequence[int]) -> bool:
    """Show the images in the order of these ids; those not named keep their order behind them.
    Whether anything changed."""
    places = {id: place for place, id in enumerate(wanted)}
    ordered = sorted(images, key=lambda image: places.get(image.id, len(places)))
    changed = [image.id for image in ordered] != [image.id for image in images]
    for place, image in enumerate(ordered):
        if image.position != place:
            image.position = place
    db.flush()
    return changed


def moved(images: Sequence[Image], id: int, steps: int) -> list[int]:
    """The order of ids after moving one by so many places, never beyond an end."""
    ids = [image.id for image in images]
    place = ids.index(id)
    ids.insert(max(0, min(len(ids) - 1, place + steps)), ids.pop(place))
    return ids
