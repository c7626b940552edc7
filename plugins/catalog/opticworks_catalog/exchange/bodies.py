"""Descriptions: HTML in the file, Markdown in the shop."""

from __future__ import annotations

from functools import cache, lru_cache
from typing import TYPE_CHECKING, Any

import nh3

from opticworks import kernel

if TYPE_CHECKING:
    from bs4 import BeautifulSoup, Tag


@cache
def _converter() -> Any:
    # Imported by the first description: most web processes never convert one, and the two
    # libraries are 9 MB of memory.
    from markdownify import MarkdownConverter

    return MarkdownConverter(
        heading_style="ATX",
        bullets="-",
        newline_style="backslash",
        strip=["img"],
        escape_misc=True,
        autolinks=False,
        table_infer_header=True,
    )


@lru_cache(maxsize=4096)
def to_markdown(html: str) -> str:
    """What the HTML says, as Markdown. Scripts and styles are dropped, pictures too."""
    from bs4 import BeautifulSoup

    soup = BeautifulSoup(nh3.clean(html), "html.parser")
    for item in soup.find_all("li"):
        _give_a_list(soup, item)
    markdown: str = _converter().convert_soup(soup)
    return markdown.strip()


def _give_a_list(soup: BeautifulSoup, item: Tag) -> None:
    """Put an item that stands in no list, with those that follow it, into one."""
    from bs4 import Tag
    from bs4.element import NavigableString

    if item.parent is None or item.parent.name in ("ul", "ol", "menu"):
        return
    new = soup.new_tag("ul")
    item.insert_before(new)
    follower: object = item
    while (isinstance(follower, Tag) and follower.name == "li") or (
        isinstance(follower, NavigableString) and not follower.strip()
    ):
        following = follower.next_sibling
        new.append(follower.extract())
        follower = following


def to_html(markdown: str) -> str:
    """A description as an export writes it."""
    return kernel.to_html(markdown).strip()


def exported(markdown: str, original: str) -> str:
    """The HTML to write: the original that the description was made from, while it is."""
    if original and to_markdown(original) == markdown:
        return original
    return to_html(markdown)


def imported(html: str) -> tuple[str, str]:
    """The description, and the HTML to keep because the description doesn't give it back."""
    markdown = to_markdown(html)
    return markdown, "" if to_html(markdown) == html else html
