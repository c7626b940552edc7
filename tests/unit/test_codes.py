"""Codes on a cart: how they are read, what becomes of them, and when shipping is asked about."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest

from opticworks import contracts as c
from opticworks.money import Money
from opticworks.pricing import service as pricing
from opticworks.pricing.codes import clean_code, fold_code

from .test_pricing import basket, ctx, hooks, item, off, rate


@pytest.mark.parametrize(
    "text",
    [
        "SAVE10",
        " save10 ",
        "Save 10",
        "save-10",
        "ＳＡＶＥ１０",
        "sa\u200bve10",
        "SAVE–10",
        "sävé10",
    ],
)
def test_every_spelling_is_one_code(text: str) -> None:
    assert fold_code(text) == "save10"


@pytest.mark.parametrize(("one", "other"), [("STRASSE", "straße"), ("ﬁx", "FIX"), ("É", "e\u0301")])
def test_letters_of_all_kinds_fold(one: str, other: str) -> None:
    assert fold_code(one) == fold_code(other)


def test_what_is_shown_is_what_was_typed_without_what_nobody_sees() -> None:
    assert clean_code("  Sommer\u200b \t 10\n") == "Sommer 10"
    assert fold_code("!!! --") == ""
    assert len(clean_code("x" * 500)) == 60


def quote(discounts: Any, *codes: str, shipping: Any = lambda lines: None) -> c.Quote:
    wanted = basket(("A", 1, 1000))
    return pricing.quote(
        hooks(discounts=discounts) if isinstance(discounts, list) else discounts,
        ctx(),
        replace(wanted, codes=codes),
        {"A": item()},
        shipping,
    )


def test_each_code_says_what_it_does_or_why_not() -> None:
    answers = [
        off(100, code="TEN"),
        c.Refusal(code="LATER", sentence="LATER is for more.", missing="Add $5.00.", waits=True),
        c.Refusal(code="OVER", sentence="OVER has ended."),
    ]
    states = {state.code: state for state in quote(answers, "ten", "later", "over", "none").codes}
    assert [state.state for state in states.values()] == [
        "applied",
        "waiting",
        "refused",
        "refused",
    ]
    assert states["TEN"].amount == Money(-100, "USD")
    assert states["LATER"].missing == "Add $5.00."
    assert "“none” is not a code we know" in states["none"].sentence


def test_a_plugin_that_fails_makes_no_code_unknown() -> None:
    def fail(**arguments: Any) -> Any:
        raise RuntimeError("broken")

    broken = hooks()
    broken.discounts = fail
    assert [state.state for state in quote(broken, "TEN").codes] == ["waiting"]


def test_shipping_is_asked_about_again_once_it_is_chosen_and_only_then() -> None:
    asked: list[str] = []

    def discounts(draft: c.Draft, ctx: c.Ctx) -> list[list[Any]]:
        asked.append(draft.shipping.code if draft.shipping else "")
        amount = draft.shipping.amount.minor // 2 if draft.shipping else 0
        return [[off(amount, "shipping", "shipping_discount", code="HALF"), off(50)]]

    plugins = SimpleNamespace(**{**vars(hooks()), "discounts": discounts})
    priced = quote(plugins, "HALF", shipping=lambda lines: rate(600))
    assert asked == ["", "t:std"]
    assert priced.shipping_total == Money(300, "USD")
    assert priced.discount_total == Money(-50, "USD")
    assert priced.codes[0].amount == Money(-300, "USD")
    asked.clear()
    assert quote(plugins, "HALF").codes[0].state == "applied"
    assert asked == [""]
    asked.clear()
    quote([off(50)], shipping=lambda lines: rate(600))
    assert asked == []


def test_what_takes_nothing_off_claims_nothing() -> None:
    claim = (c.ClaimRequest(allowance="x", limit=1),)
    answers = [
        off(5000, label="A", claims=claim),
        off(100, label="B", claims=(c.ClaimRequest(allowance="y"),)),
        off(0, label="C", claims=(c.ClaimRequest(allowance="z"),)),
    ]
    priced = quote(answers)
    assert {claim.allowance for step in priced.trace for claim in step.claims} == {"x"}
