"""Text as it is compared when somebody searches: accents folded, cut into words. Pure.

The same functions work when a product is indexed and when a query is read, so that nothing is
asked of the database's locale or of an extension.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable

#: Letters that Unicode doesn't take apart, and what a person types instead.
LETTERS = str.maketrans(
    {
        "æ": "ae", "œ": "oe", "ø": "o", "đ": "d", "ð": "d", "þ": "th", "ł": "l", "ħ": "h",
        "ŋ": "n", "ı": "i", "ĸ": "k", "ŧ": "t", "ƒ": "f", "ß": "ss",
    }
)  # fmt: skip
# Scripts that put no space between words: each character is a word of its own.
_UNSPACED = "\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7af"
_WORD = re.compile(rf"[{_UNSPACED}]|[^\W_{_UNSPACED}]+")
_COMPOUND = re.compile(r"[^\W_]+(?:[-./'\u2019+][^\W_]+)+")
MAX_WORD = 60  #: characters of a word that are compared


def fold(text: str) -> str:
    """Lower case without accents: "Größe Ærø" is "grosse aero". Characters that no word has
    (NUL among them) are left as spaces."""
    apart = unicodedata.normalize("NFKD", text).casefold().translate(LETTERS)
    kept = (c for c in unicodedata.normalize("NFKD", apart) if not unicodedata.combining(c))
    return "".join(c if c.isprintable() else " " for c in kept)


def words(text: str) -> list[str]:
    """The words of a text, folded, in their order."""
    return [word[:MAX_WORD] for word in _WORD.findall(fold(text)) if word.isalnum()]


def compounds(text: str) -> list[str]:
    """What is written with a hyphen or a dot inside, in one piece: "RS-1" is "rs1"."""
    return [code(found)[:MAX_WORD] for found in _COMPOUND.findall(fold(text))]


def code(text: str) -> str:
    """A SKU or a barcode without what people leave out or add: "rs1 pro-wht" is "rs1prowht"."""
    return "".join(_WORD.findall(fold(text)))


def grams(word: str) -> list[str]:
    """The word's trigrams with its beginning and end marked, each once."""
    padded = f"  {word} "
    return sorted({padded[i : i + 3] for i in range(len(padded) - 2)})


def slips_allowed(word: str) -> int:
    """How many slips of the finger a word of that length may hold and still be recognised."""
    if len(word) < 3 or word.isdecimal():
        return 0
    return 1 if len(word) < 6 else 2


def slips(typed: str, word: str) -> int:
    """Letters missing, added, changed or swapped with their neighbour between two words."""
    before: list[int] = []
    row = list(range(len(word) + 1))
    for i, a in enumerate(typed, 1):
        before, above, row = row, before, [i]
        for j, b in enumerate(word, 1):
            cost = min(before[j] + 1, row[j - 1] + 1, before[j - 1] + (a != b))
            if i > 1 and j > 1 and a == word[j - 2] and typed[i - 2] == b:
                cost = min(cost, above[j - 2] + 1)
            row.append(cost)
    return row[-1]


def closest(typed: str, known: Iterable[str], *, unfinished: bool = False) -> list[str]:
    """The words of `known` that were most likely meant, best first; none when none is near.

    `unfinished`: more of the word may be to come, so its beginning is compared as well.
    """
    allowed = slips_allowed(typed)
    found = []
    for word in known:
        distance = slips(typed, word)
        if unfinished and len(word) > len(typed):
            distance = min(distance, slips(typed, word[: len(typed)]))
        if distance <= allowed:
            found.append((distance, word[:1] != typed[:1], abs(len(word) - len(typed)), word))
    if not found:
        return []
    best = min(found)[0]
    return [word for distance, *_, word in sorted(found) if distance == best]
