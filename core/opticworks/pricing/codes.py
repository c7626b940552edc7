"""Codes on a cart: how two of them are compared, and what became of each in a quote."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence

from opticworks import contracts as c
from opticworks.money import Money

LONGEST = 60  #: characters of a code


def clean_code(text: str) -> str:
    """A code as it was meant: without what surrounds it, or came along invisibly."""
    shown = "".join(ch for ch in unicodedata.normalize("NFKC", text) if ch.isprintable())
    return " ".join(shown.split())[:LONGEST]


def fold_code(text: str) -> str:
    """What all spellings of one code have in common: letters and digits, without case and
    accents. Spaces and dashes are how people read it out."""
    plain = unicodedata.normalize("NFKD", clean_code(text).casefold())
    letters = "".join(ch for ch in plain if ch.isalnum())
    return unicodedata.normalize("NFKC", letters).casefold()


def unknown(code: str) -> str:
    """The one answer to whatever is no code; it tells nothing of those that exist."""
    return c.say(
        "“{code}” is not a code we know, or it can't be used now. Check how it is written.",
        code=code,
    )


class Codes:
    """What the discount plugins say of each code on a cart, gathered over one calculation."""

    def __init__(self, codes: Sequence[str], currency: str) -> None:
        self._written = {fold_code(code): code for code in codes}
        self._zero = Money.zero(currency)
        self._refused: dict[str, c.Refusal] = {}
        self._given: dict[str, c.Adjustment] = {}
        self._amounts: dict[str, Money] = {}

    def hear(self, answer: c.Adjustment | c.Refusal) -> None:
        """A plugin's answer; a later one on the same code counts."""
        if not isinstance(answer, c.Adjustment | c.Refusal):
            raise TypeError(f"{answer!r} is neither an adjustment nor a refusal.")
        key = fold_code(answer.code)
        if not key:
            return
        if isinstance(answer, c.Refusal):
            self._refused[key] = answer
            self._given.pop(key, None)
        else:
            self._given[key] = answer
            self._refused.pop(key, None)

    def count(self, discount: c.Adjustment, amount: Money) -> None:
        """The discount really took that amount off."""
        key = fold_code(discount.code)
        self._amounts[key] = self._amounts.get(key, self._zero) + amount

    @property
    def refusals(self) -> tuple[c.Refusal, ...]:
        return tuple(self._refused.values())

    def states(self, *, known: bool) -> tuple[c.CodeState, ...]:
        """Each code as it stands, in the order they came. `known` is false when a plugin failed,
        so that silence does not mean that nobody knows a code."""
        return tuple(self._state(key, code, known) for key, code in self._written.items())

    def _state(self, key: str, code: str, known: bool) -> c.CodeState:
        refusal, given = self._refused.get(key), self._given.get(key)
        if refusal is not None:
            return c.CodeState(
                code=refusal.code,
                state="waiting" if refusal.waits else "refused",
                sentence=refusal.sentence,
                missing=refusal.missing,
            )
        if given is not None:
            amount = self._amounts.get(key, self._zero)
            return c.CodeState(code=given.code, state="applied", label=given.label, amount=amount)
        return c.CodeState(
            code=code, state="refused" if known else "waiting", sentence=unknown(code)
        )
