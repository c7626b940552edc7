"""gettext: what the catalogues of a theme, the plugins and the kernel have for a text.

Catalogues lie beside templates: `<layer>/locale/<language>/LC_MESSAGES/opticworks.mo`, the theme's
before the plugins' before the kernel's.
"""

from __future__ import annotations

import gettext
import re
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

from babel.lists import format_list
from chameleon.i18n import simple_translate

DOMAIN = "opticworks"
MOST_WORDS = 4000  #: translations remembered, for each language
NAMED = re.compile(r"\$\{(\w+)\}")


class Words:
    """Translates into one language, and remembers what it translated: templates say the same few
    hundred texts over and over. A text that no catalogue knows stays as it is."""

    def __init__(self, locale: str = "", catalogue: gettext.NullTranslations | None = None) -> None:
        self.locale = locale
        self._catalogue = catalogue
        self._known: dict[Any, Any] = {}
        self._cut: dict[str, list[str]] = {}

    def __call__(self, text: str, **mapping: Any) -> str:
        if mapping:
            return self._filled(text, mapping)
        known: str | None = self._known.get(text)
        return self._keep(text, self._translated(text)) if known is None else known

    def plural(self, one: str, many: str, number: int, /, **values: object) -> str:
        """The form of the text that the language asks for with that number, which is `{n}` in it;
        other `{name}`s are filled in from `values`."""
        if self._catalogue is None:
            text = one if number == 1 else many
        else:
            text = self._catalogue.ngettext(one, many, number)
        return text.format(n=number, **values)

    def together(self, names: Sequence[str], /) -> str:
        """The names in one phrase: "A, B and C"."""
        return str(format_list(names, locale=self.locale or "en_GB"))

    def element(
        self,
        msgid: Any,
        domain: str | None = None,
        mapping: Mapping[str, Any] | None = None,
        default: str | None = None,
        context: str | None = None,
        target_language: str | None = None,
    ) -> Any:
        """Chameleon's `translate`: of an element's or an attribute's text, with the space around
        it."""
        if type(msgid) is not str:
            return simple_translate(msgid, mapping=mapping, default=default)
        if mapping:
            return self._filled(msgid, mapping)
        known = self._known.get((msgid, default))
        if known is None:
            said = self._spaced(msgid)
            known = self._keep((msgid, default), default if said == msgid and default else said)
        return known

    def _translated(self, text: str) -> str:
        return self._catalogue.gettext(text) if self._catalogue is not None and text else str(text)

    def _spaced(self, text: str) -> str:
        """The translation of a text that may be broken into lines, within the same space."""
        key = " ".join(text.split())
        said = self._translated(key)
        if said == key:
            return text
        head = text[: len(text) - len(text.lstrip())]
        return f"{head}{said}{text[len(text.rstrip()) :]}"

    def _filled(self, text: str, mapping: Mapping[str, Any]) -> str:
        """The translation of a text with its `${name}`s filled in."""
        cut = self._cut.get(text)
        if cut is None:
            if len(self._cut) >= MOST_WORDS:
                self._cut.clear()
            cut = self._cut[text] = NAMED.split(self._spaced(text))
        said = cut.copy()
        for at in range(1, len(said), 2):
            value = mapping.get(said[at], f"${{{said[at]}}}")
            said[at] = "" if value is None else str(value)
        return "".join(said)

    def _keep(self, key: Any, text: Any) -> Any:
        if len(self._known) >= MOST_WORDS:  # texts with names in them
            self._known.clear()
        self._known[key] = text
        return text


def translator(layers: Iterable[Any], locale: str) -> Words:
    """What translates into the locale's language, by the catalogues of these layers."""
    return _translator(tuple(layer.path / "locale" for layer in layers), locale)


@lru_cache(maxsize=32)
def _translator(folders: Sequence[Path], locale: str) -> Words:
    chain: gettext.NullTranslations | None = None
    for folder in folders:
        found = gettext.find(DOMAIN, str(folder), [locale])
        if found is None:
            continue
        with open(found, "rb") as file:
            catalogue = gettext.GNUTranslations(file)
        if chain is None:
            chain = catalogue
        else:
            chain.add_fallback(catalogue)
    return Words(locale, chain)
