"""Descriptions: HTML in the file, Markdown in the shop."""

from __future__ import annotations

from functools import lru_cache

import nh3
from bs4 import BeautifulSoup, Tag
from bs4.element import NavigableString
from markdownify import MarkdownConverter

from opticworks import kernel

_converter = MarkdownConverter(
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
    soup = BeautifulSoup(nh3.clean(html), "html.parser")
    for item in soup.find_all("li"):
        _give_a_list(soup, item)
    markdown: str = _converter.convert_soup(soup)
    return markdown.strip()


def _give_a_list(soup: BeautifulSoup, item: Tag) -> None:
    """Put an item that stands in no list, with those that follow it, into one."""
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
