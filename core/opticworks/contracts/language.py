"""Sentences that customers read, said in Python: in the language of the page that is being made.

`say("Only {n} left", n=3)` is English, or what the catalogues have for it while a page is made
that is read in another language. Text that is kept before it is known who reads it is marked with
`N_` and translated when it is shown.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from contextvars import ContextVar
from typing import Protocol


class Words(Protocol):
    """One language: what the catalogues of a theme, the plugins and the kernel have for a text."""

    locale: str

    def __call__(self, text: str) -> str: ...

    def plural(self, one: str, many: str, number: int, /, **values: object) -> str: ...

    def together(self, names: Sequence[str], /) -> str: ...


#: What the page that is being made is said in; None is English as it stands in the code.
speaking: ContextVar[Words | None] = ContextVar("speaking", default=None)


def N_(text: str) -> str:
    """Mark a text for the catalogues that is translated only when it is shown: the words of a
    message, which are written before it is known in which language they are read."""
    return text


def say(text: str, /, **values: object) -> str:
    """`text` in the language of the page, its `{name}`s filled in from `values`."""
    words = speaking.get()
    if words is not None:
        text = words(text)
    return text.format(**values) if values else text


def say_number(one: str, many: str, number: int, /, **values: object) -> str:
    """`one` or `many`, as the language of the page asks for with that number; `{n}` in them is
    the number. Languages with more forms than two have them in their catalogue."""
    words = speaking.get()
    if words is None:
        return (one if number == 1 else many).format(n=number, **values)
    return words.plural(one, many, number, **values)


def said_together(names: Iterable[str]) -> str:
    """The names in one phrase: "A, B and C"."""
    words, listed = speaking.get(), [*names]
    if words is not None:
        return words.together(listed)
    return " and ".join(part for part in (", ".join(listed[:-1]), *listed[-1:]) if part)


def said_in() -> str:
    """The locale that sentences are said in, "" for English as it stands in the code: for the key
    of what is remembered and holds sentences."""
    words = speaking.get()
    return "" if words is None else words.locale
