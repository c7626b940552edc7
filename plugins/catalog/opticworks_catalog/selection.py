"""Which variant a choice of options leads to. Pure: options are names and values, in order.

Variants need not cover every combination, so a choice leads to the variant that is closest to
it, and what cannot be kept gives way from the last option to the first.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol, TypeVar


class HasOptions(Protocol):
    @property
    def options(self) -> Mapping[str, str]: ...


V = TypeVar("V", bound=HasOptions)


def closest(variants: Sequence[V], wanted: Mapping[str, str], names: Sequence[str]) -> V:
    """The variant that keeps the most of `wanted`; an earlier option weighs more than a later
    one when two keep equally many, and an earlier variant wins what is still equal.

    Raises ValueError when there is no variant at all.
    """
    if not variants:
        raise ValueError("A product without variants has nothing to select.")

    def kept(variant: V) -> tuple[int, tuple[bool, ...]]:
        same = tuple(name in wanted and variant.options.get(name) == wanted[name] for name in names)
        return sum(same), same

    return max(variants, key=kept)  # max() keeps the first of equals


def after_choosing(
    variants: Sequence[V], current: V, name: str, value: str, names: Sequence[str]
) -> V | None:
    """The variant shown after choosing `value` of option `name` on the page of `current`.

    None when no variant has that value, which is then no choice at all.
    """
    having = [variant for variant in variants if variant.options.get(name) == value]
    return closest(having, {**current.options, name: value}, names) if having else None
