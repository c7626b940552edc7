"""A page's metadata, as its view returns it and the layout prints it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from opticworks.contracts import Picture
from opticworks.web.engine import Markup


@dataclass(frozen=True, slots=True, kw_only=True)
class Crumb:
    """One step of the way to a page."""

    title: str
    path: str


@dataclass(frozen=True, slots=True)
class Page:
    """A page's metadata.

    `title` without the shop's name (the layout adds it, unless `full_title`); `canonical` is an
    absolute address; `crumbs` leads from the home page to the page's parent; `json_ld` holds
    schema.org objects.
    """

    title: str
    description: str = ""
    canonical: str = ""
    robots: str = ""
    crumbs: tuple[Crumb, ...] = ()
    image: Picture | None = None
    json_ld: tuple[Mapping[str, Any], ...] = ()
    full_title: bool = False
    section: str = ""  #: what a navigation marks as current: a path

    def head_title(self, shop_name: str) -> str:
        """The text of the title element."""
        if self.full_title or not self.title or shop_name in self.title:
            return self.title or shop_name
        return f"{self.title} | {shop_name}"


def json_block(data: Any) -> Markup:
    """JSON for a `<script type="application/json">` block: it can't end the element."""
    text = json.dumps(data, ensure_ascii=False, separators=(",", ":"), default=str)
    for character in "<>&\u2028\u2029":
        text = text.replace(character, f"\\u{ord(character):04x}")
    return Markup(text)
