"""A language in which every text that is translated stands in brackets: what stands outside of
them on a page is data, or was never given to gettext."""

from __future__ import annotations

import re

from opticworks.web.translations import Words

OPEN, CLOSE = "\u27e6", "\u27e7"
_INNERMOST = re.compile(f"{OPEN}[^{OPEN}{CLOSE}]*{CLOSE}")


class Brackets(Words):
    """Says each text in brackets, paragraph by paragraph."""

    def _translated(self, text: str) -> str:
        return "\n\n".join(f"{OPEN}{part}{CLOSE}" for part in text.split("\n\n") if part)

    def plural(self, one: str, many: str, number: int, /, **values: object) -> str:
        return self._translated(super().plural(one, many, number, **values))


def outside(text: str) -> str:
    """What of a text is in no brackets."""
    while _INNERMOST.search(text):
        text = _INNERMOST.sub(" ", text)
    return text
