"""The plain-text part of a mail, made from its HTML so that the two always say the same."""

from __future__ import annotations

import re
from html.parser import HTMLParser


def _tags(names: str) -> frozenset[str]:
    return frozenset(names.split())


_BLOCKS = _tags(
    "address article blockquote body div dl dd dt footer h1 h2 h3 h4 h5 h6 header hr li main ol p"
    " section table tbody tfoot thead tr ul"
)
_SPACED = _tags("h1 h2 h3 h4 p ul ol blockquote hr")
_VOID = _tags("area base br col embed hr img input link meta source track wbr")
_HIDDEN = _tags("head script style template title")


class _Writer(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.lines: list[str] = [""]
        self.hidden: list[str] = []
        self.links: list[tuple[str, int]] = []

    def line(self) -> None:
        if self.lines[-1].strip():
            self.lines.append("")

    def space(self) -> None:
        self.line()
        if len(self.lines) > 1 and self.lines[-2]:
            self.lines.append("")

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        hides = (
            tag in _HIDDEN
            or "preheader" in (given.get("class") or "").split()
            or given.get("aria-hidden") == "true"
        )
        if self.hidden or hides:
            if tag not in _VOID:
                self.hidden.append(tag)
            return
        if tag == "br":
            self.lines.append("")
        elif tag in ("td", "th"):
            if self.lines[-1].strip():
                self.lines[-1] = self.lines[-1].rstrip() + "  "
        elif tag in _SPACED or "gap" in (given.get("class") or "").split():
            self.space()
        elif tag in _BLOCKS:
            self.line()
        if tag == "li":
            self.lines[-1] += "- "
        elif tag == "hr":
            self.lines[-1] += "-" * 40
            self.space()
        elif tag == "a":
            self.links.append((given.get("href") or "", len("".join(self.lines))))

    def handle_endtag(self, tag: str) -> None:
        if self.hidden:
            while self.hidden and self.hidden.pop() != tag:
                pass
            return
        if tag == "a" and self.links:
            self._link(*self.links.pop())
        elif tag in _SPACED:
            self.space()
        elif tag in _BLOCKS:
            self.line()

    def _link(self, address: str, start: int) -> None:
        label = "".join(self.lines)[start:].strip()
        plain = address.removeprefix("mailto:")
        if not plain or not label or plain in label or plain.startswith("#"):
            return
        self.lines[-1] = f"{self.lines[-1].rstrip()}: {plain}"

    def handle_data(self, data: str) -> None:
        if self.hidden:
            return
        words = re.sub(r"[\s\u00a0]+", " ", data)
        if not self.lines[-1] or self.lines[-1].endswith(" "):
            words = words.lstrip()
        self.lines[-1] += words


def to_text(html: str) -> str:
    """What the HTML says, as lines of text. Links keep their address; cells of a table row are
    two spaces apart; what only a mail program's preview shows (class "preheader") and what is
    decoration (`aria-hidden`) is left out."""
    writer = _Writer()
    writer.feed(html)
    writer.close()
    text = "\n".join(line.strip() for line in writer.lines)
    return re.sub(r"\n{3,}", "\n\n", text).strip() + "\n" if text.strip() else ""
