"""gettext for text that no request is behind: mails.

Catalogues lie beside templates: `<layer>/locale/<language>/LC_MESSAGES/opticworks.mo`, the theme's
before the plugins' before the kernel's.
"""

from __future__ import annotations

import gettext
from collections.abc import Callable, Iterable, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

DOMAIN = "opticworks"


def translator(layers: Iterable[Any], locale: str) -> Callable[[str], str]:
    """A function that translates a text into the locale's language, by the catalogues of these
    layers; one that no catalogue knows stays as it is."""
    return _translator(tuple(layer.path / "locale" for layer in layers), locale)


@lru_cache(maxsize=32)
def _translator(folders: Sequence[Path], locale: str) -> Callable[[str], str]:
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
    if chain is None:
        return str
    known = chain
    return lambda text: known.gettext(text) if text else text
