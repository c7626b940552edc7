"""Parts of pages whose HTML is remembered by everything that it is made of.

A part is a template that sees the values it is given and what every page of a theme shares (its
files, the texts of the language, the shop's settings), but no request, no session and no visitor.
Its HTML is a function of those, so what was made of equal values is used again. A price or a stock
that changed is another value, so nothing has to be purged, and a page is still put together for
each request.
"""

from __future__ import annotations

import random
import sys
import threading
from collections.abc import Hashable, Mapping
from typing import Any

from opticworks.web.engine import Engine, Markup

MOST_BYTES = 8_000_000  #: of HTML that one process keeps for a theme, as Python stores it


class Parts:
    """The parts of one theme in one language under one state of the settings."""

    def __init__(self, engine: Engine, names: Mapping[str, Any], version: object = None) -> None:
        self.engine, self.version = engine, version
        self.names = {**names, "part": self.html, "fresh": self.fresh}
        self._known: dict[Hashable, Markup] = {}
        self._keys: list[Hashable] = []  # of what is known, in any order
        self._size = 0
        self._lock = threading.Lock()

    def html(self, template: str, /, **values: Any) -> Markup:
        """The HTML of the template, which sees only `values` and what all pages share.

        Values that are equal must print alike. What can't be told apart by a hash (a list, a
        dict) is rendered each time, and in development everything is: a template may change.
        """
        if self.engine.auto_reload:
            return self._render(template, values)
        # Text and HTML of the same letters are equal to Python, and must never be here.
        key = (template, *values.items(), *map(type, values.values()))
        try:
            known = self._known.get(key)
        except TypeError:
            return self._render(template, values)
        if known is None:
            known = self._render(template, values)
            self._keep(key, known)
        return known

    def fresh(self, template: str, /, **values: Any) -> Markup:
        """The same of what belongs to one visitor: nothing of it is kept."""
        return self._render(template, values)

    def _render(self, template: str, values: Mapping[str, Any]) -> Markup:
        return Markup(self.engine.render(template, {**self.names, **values}))

    def _keep(self, key: Hashable, html: Markup) -> None:
        with self._lock:
            if key in self._known:
                return
            self._known[key] = html
            self._keys.append(key)
            self._size += sys.getsizeof(html)
            while self._size > MOST_BYTES:
                self._forget_one()

    def _forget_one(self) -> None:
        """Chance says which. If the oldest went first, whoever reads a catalogue that is larger
        than the memory from end to end, as crawlers do, would find none of it remembered."""
        at = random.randrange(len(self._keys))
        self._keys[at], self._keys[-1] = self._keys[-1], self._keys[at]
        self._size -= sys.getsizeof(self._known.pop(self._keys.pop()))
