"""Files for tests of import and export."""

from __future__ import annotations

import csv
import io
from pathlib import Path
from typing import Any

from opticworks import kernel
from opticworks_catalog.exchange.dumping import dump
from opticworks_catalog.exchange.loading import Wish, load

FILES = Path(__file__).parent / "files"
REAL = {
    name: (FILES / f"{name}.csv").read_bytes()
    for name in ("apparel", "home-and-garden", "jewelery")
}


def unreachable(address: str) -> bytes:
    raise kernel.BadPicture("There is no network here.")


def run(shop: Any, content: bytes | str, *, fetch: Any = unreachable, **wish: Any) -> Any:
    """Import the file without a network, and answer the report."""
    if isinstance(content, str):
        content = content.encode()
    return load(shop, content, Wish(**{"actor": "test", **wish}), fetch=fetch)


def exported(shop: Any) -> str:
    with shop.unit() as db:
        return "".join(dump(db, shop.config.base_url))


def table(*rows: dict[str, str], **columns: str) -> str:
    """A file with these rows; `columns` are what every one of them says."""
    names = list(dict.fromkeys([*columns, *(name for row in rows for name in row)]))
    buffer = io.StringIO(newline="")
    writer = csv.DictWriter(buffer, names, restval="", lineterminator="\r\n")
    writer.writeheader()
    writer.writerows([{**columns, **row} for row in rows])
    return buffer.getvalue()


def cells(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text, newline="")))
