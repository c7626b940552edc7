"""The addresses of pictures that a file names: kept beside their products, fetched afterwards."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import urlsplit

from sqlalchemy import bindparam, insert, select, update
from sqlalchemy.orm import Session

from opticworks import kernel
from opticworks_catalog import images, writing
from opticworks_catalog.exchange import cells, columns
from opticworks_catalog.exchange.known import Known, Shot
from opticworks_catalog.exchange.parsing import Group
from opticworks_catalog.exchange.report import Report
from opticworks_catalog.inputs import ProductInput
from opticworks_catalog.models import Image, ImageSource

MOST_ADDRESS, MOST_ALT = 2048, 300
AT_ONCE = 4  #: pictures fetched at the same time
SECONDS = 600.0  #: for all pictures of a file together
SLOW, TRIES = 3.0, 3  #: a server that fails so slowly, so often in a row, is not asked again

Fetch = Callable[[str], bytes]


@dataclass(frozen=True, slots=True)
class Wanted:
    """A picture as a row of the file names it."""

    line: int
    address: str
    alt: str | None  #: None: the file says nothing about it


@dataclass(frozen=True, slots=True, kw_only=True)
class Pending:
    """A picture to be fetched for a product."""

    line: int
    handle: str
    product_id: int
    source_id: int
    address: str
    alt: str
    position: int
    values: tuple[tuple[str, str], ...]


def wanted(group: Group, report: Report, *, has_alt: bool) -> list[Wanted]:
    """The pictures of a product in their order, each address once."""
    found: dict[str, tuple[int, int, Wanted]] = {}
    for place, row in enumerate(group.pictures):
        address, position = row.get(columns.IMAGE), row.get(columns.IMAGE_POSITION)
        parts = urlsplit(address) if len(address) <= MOST_ADDRESS else None
        if parts is None or parts.scheme not in ("http", "https") or not parts.netloc:
            sentence = f"{cells.shown(address)} is not an address that begins with https://."
            report.add(row.line, group.handle, "picture", sentence)
            continue
        if address in found:
            line = found[address][2].line
            report.add(row.line, group.handle, "ignored", f"Line {line} has this picture already.")
            continue
        alt = " ".join(row.get(columns.IMAGE_ALT).split())
        if len(alt) > MOST_ALT:
            report.add(
                row.line, group.handle, "note", f"Its alt text was cut to {MOST_ALT} letters."
            )
            alt = alt[:MOST_ALT].rstrip()
        rank = int(position) if position.isascii() and position.isdigit() else 10**6 + place
        found[address] = rank, place, Wanted(row.line, address, alt if has_alt else None)
    return [one for _, _, one in sorted(found.values(), key=lambda entry: entry[:2])]


@dataclass(slots=True)
class Keeper:
    """Writes the addresses of a batch of products: `add` each product, then `write` once."""

    db: Session
    rows: list[dict[str, object]] = field(default_factory=list)
    moved_images: list[dict[str, object]] = field(default_factory=list)
    moved_sources: list[dict[str, object]] = field(default_factory=list)
    products: set[int] = field(default_factory=set)

    def add(self, product_id: int, known: Known | None, shots: Sequence[Wanted]) -> bool:
        """Whether anything changes. Pictures that the file doesn't name come last."""
        before = {shot.address: shot for shot in known.shots} if known else {}
        shots = [replace(one, address=_same_picture(one.address, before)) for one in shots]
        named = list(dict.fromkeys(one.address for one in shots))
        order = named + [address for address in before if address not in named]
        alts = {one.address: one.alt for one in shots if one.alt is not None}
        same = list(before) == order and all(before[a].alt == alt for a, alt in alts.items())
        if same:
            return False
        self.products.add(product_id)
        for position, address in enumerate(order):
            shot = before.get(address)
            alt = alts.get(address, shot.alt if shot else "")
            if shot is None:
                self.rows.append(
                    {
                        "product_id": product_id,
                        "address": address,
                        "alt": alt,
                        "position": position,
                    }
                )
                continue
            moved = {"key": 0, "new_alt": alt, "new_position": position}
            if shot.source_id is not None:
                self.moved_sources.append({**moved, "key": shot.source_id})
            if shot.image_id is not None:
                words = alt or (known.product.title if known and shot.source_id else "")
                self.moved_images.append({**moved, "key": shot.image_id, "new_alt": words})
        return True

    def write(self) -> None:
        for table, rows in ((Image, self.moved_images), (ImageSource, self.moved_sources)):
            if rows:
                core: Any = table.__table__
                self.db.connection().execute(
                    update(core)
                    .where(core.c.id == bindparam("key"))
                    .values(alt=bindparam("new_alt"), position=bindparam("new_position")),
                    rows,
                )
        if self.rows:
            self.db.execute(insert(ImageSource), self.rows)
        writing.touched(self.db, self.products)


def _same_picture(address: str, before: Mapping[str, Shot]) -> str:
    """The address under which the shop exports that picture now; another width of one of its own
    is the same picture."""
    for shot in before.values():
        if shot.picture and shot.picture in address:
            return shot.address
    return address


def pending(
    db: Session, products: dict[int, tuple[ProductInput, Sequence[Wanted]]]
) -> list[Pending]:
    """What is still to be fetched of these products' pictures, in the order of the file."""
    rows = db.execute(
        select(ImageSource).where(
            ImageSource.product_id.in_(products), ImageSource.image_id.is_(None)
        )
    ).scalars()
    sources = {(row.product_id, row.address): row for row in rows}
    found = []
    for product_id, (product, shots) in products.items():
        for one in shots:
            source = sources.get((product_id, one.address))
            if source is not None:
                found.append(
                    Pending(
                        line=one.line,
                        handle=product.handle,
                        product_id=product_id,
                        source_id=source.id,
                        address=one.address,
                        alt=source.alt,
                        position=source.position,
                        values=_values(product, one.address),
                    )
                )
    return found


def _values(product: ProductInput, address: str) -> tuple[tuple[str, str], ...]:
    """The option values that tell the variants with this picture from the others; none when
    nothing does."""
    names = [option.name for option in product.options]
    chosen = [
        (set(zip(names, v.values, strict=True)), (v.extra or {}).get(columns.VARIANT_IMAGE))
        for v in product.variants
    ]
    own = [values for values, image in chosen if image == address]
    if not own or len(own) == len(chosen):
        return ()
    common = set.intersection(*own)
    others = [values for values, image in chosen if image != address]
    if not common or any(common <= values for values in others):
        return ()
    return tuple(pair for pair in sorted(common, key=lambda pair: names.index(pair[0])))


class Fetcher:
    """Fetches pictures a few at a time, each address once, and gives up in time."""

    def __init__(self, fetch: Fetch, seconds: float = SECONDS) -> None:
        self.fetch, self.until = fetch, time.monotonic() + seconds
        self.failures: Counter[str] = Counter()

    def all(self, wanted: Sequence[Pending]) -> Iterator[tuple[Pending, bytes | str]]:
        """Each with its bytes, or with the sentence why there are none."""
        by_address: dict[str, list[Pending]] = {}
        for one in wanted:
            by_address.setdefault(one.address, []).append(one)
        waiting = iter(by_address)
        with ThreadPoolExecutor(AT_ONCE, "picture") as pool:
            running: list[tuple[str, Future[bytes | str]]] = []
            for address in waiting:
                running.append((address, pool.submit(self._one, address)))
                if len(running) >= 2 * AT_ONCE:
                    yield from self._finished(running.pop(0), by_address)
            for entry in running:
                yield from self._finished(entry, by_address)

    @staticmethod
    def _finished(
        entry: tuple[str, Future[bytes | str]], by_address: dict[str, list[Pending]]
    ) -> Iterator[tuple[Pending, bytes | str]]:
        address, future = entry
        content = future.result()
        for one in by_address[address]:
            yield one, content

    def _one(self, address: str) -> bytes | str:
        host, began = urlsplit(address).hostname or "", time.monotonic()
        if began > self.until:
            return "There was no time left to fetch it. Import the file again to go on."
        if self.failures[host] >= TRIES:
            return f"{host} did not answer for other pictures. Import the file again later."
        try:
            content = self.fetch(address)
        except kernel.BadPicture as error:
            self.failures[host] += time.monotonic() - began >= SLOW
            return str(error)
        self.failures[host] = 0
        return content


def attach(db: Session, one: Pending, content: bytes) -> None:
    """Show the picture with its product. Raises kernel.BadPicture or LookupError."""
    source = db.get(ImageSource, one.source_id, with_for_update=True)
    if source is None:
        raise LookupError("The product was changed meanwhile.")
    source.image_id = images.attach(
        db, one.product_id, content, one.alt, one.position, values=one.values
    )
    db.flush()
    writing.touched(db, [one.product_id])


def shared(db: Session, wanted: Sequence[Pending]) -> list[Pending]:
    """Use what was fetched before from the same address; the rest has still to be fetched."""
    addresses = {one.address for one in wanted}
    known = {
        row.address: row
        for row in db.scalars(
            select(ImageSource).where(
                ImageSource.address.in_(addresses), ImageSource.image_id.is_not(None)
            )
        )
    }
    left = []
    for one in wanted:
        source = known.get(one.address)
        if source is None or source.product_id == one.product_id:
            left.append(one)
            continue
        image = db.get_one(Image, source.image_id)
        own = db.get_one(ImageSource, one.source_id)
        own.image_id = images.attach_again(
            db, one.product_id, image, one.alt, one.position, one.values
        )
        writing.touched(db, [one.product_id])
    return left
