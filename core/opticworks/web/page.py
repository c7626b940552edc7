"""A page's metadata, as its view returns it and the layout prints it."""

from __future__ import annotations

import html
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from opticworks.contracts import Picture
from opticworks.web.engine import Markup

TITLE_LENGTH, SUMMARY_LENGTH = 60, 160
SHARED_WIDTH = 1200
SHARED_FORMATS = ("image/jpeg", "image/png", "image/webp")


@dataclass(frozen=True, slots=True, kw_only=True)
class Crumb:
    """One step of the way to a page."""

    title: str
    path: str


@dataclass(frozen=True, slots=True)
class Page:
    """A page's metadata.

    `title` without the shop's name (the layout adds it where it fits, unless `full_title`);
    `canonical` is an absolute address; `crumbs` leads from the home page to the page's parent;
    `image` is what is shown where the page is shared (see `share_picture`); `properties` are
    OpenGraph's beyond the usual; `json_ld` holds schema.org objects.
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
    kind: str = "website"  #: OpenGraph's type
    properties: tuple[tuple[str, str], ...] = ()

    def head_title(self, shop_name: str) -> str:
        """The text of the title element, as long as search engines show it."""
        if self.full_title or not self.title or shop_name in self.title:
            return shortened(self.title or shop_name, TITLE_LENGTH)
        named = f"{self.title} | {shop_name}"
        return named if len(named) <= TITLE_LENGTH else shortened(self.title, TITLE_LENGTH)

    @property
    def summary(self) -> str:
        """The description, as long as search engines show it."""
        return shortened(self.description, SUMMARY_LENGTH)


def shortened(text: str, length: int) -> str:
    """The text on one line, cut between words so that it is no longer than `length`."""
    text = " ".join(text.split())
    if len(text) <= length:
        return text
    cut = text[:length]
    whole = cut[: cut.rfind(" ")] if " " in cut[length // 2 :] else cut[:-1]
    return whole.rstrip(" ,;:-–") + "…"


def text_of(markup: str) -> str:
    """HTML as one line of text."""
    return " ".join(html.unescape(re.sub(r"<[^>]*>", " ", markup)).split())


def share_picture(picture: Picture, base_url: str) -> Picture:
    """The picture as other sites show it: absolute, 1200 pixels wide where there is such a file,
    in the format that most of them understand."""
    files = [
        (int(width.removesuffix("w")), address)
        for mime in SHARED_FORMATS
        for address, _, width in (
            entry.strip().partition(" ") for entry in picture.srcset.get(mime, "").split(",")
        )
        if width.removesuffix("w").isdigit()
    ]
    enough = [one for one in files if one[0] >= SHARED_WIDTH]
    width, source = min(enough, default=max(files, default=(picture.width, picture.src)))
    return Picture(
        src=source if "://" in source else base_url + source,
        width=width,
        height=max(1, round(picture.height * width / picture.width)),
        alt=picture.alt,
    )


def json_block(data: Any) -> Markup:
    """JSON for a `<script type="application/json">` block: it can't end the element."""
    text = json.dumps(data, ensure_ascii=False, separators=(",", ":"), default=str)
    for character in "<>&\u2028\u2029":
        text = text.replace(character, f"\\u{ord(character):04x}")
    return Markup(text)
