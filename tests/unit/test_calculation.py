"""How staff read the steps of a total: in sentences, not in the words of the trace."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from opticworks.admin import calculation
from opticworks.contracts import Adjustment, ClaimRequest
from opticworks.money import Money
from opticworks.orders import trace


def step(**values: Any) -> calculation.Step:
    said = {"stage": "unit", "target": "line:LAMP", "kind": "k", "label": "1 × Lamp"}
    adjustment = Adjustment(**{**said, "amount": Money(100, "USD"), **values})  # type: ignore[arg-type]
    stored = trace.from_json(trace.to_json(adjustment), "USD")
    assert stored == adjustment
    order = SimpleNamespace(
        trace=(stored,), lines=(SimpleNamespace(sku="LAMP", title="Lamp", options="Red"),)
    )
    (told,) = calculation.of_order(order, {"taxes": "Taxes", "discounts": "Discounts"})  # type: ignore[arg-type]
    return told


def test_a_price_is_of_its_goods_and_from_the_shop() -> None:
    told = step()
    assert (told.stage, told.target, told.sku) == ("Price of the goods", "Lamp, Red", "LAMP")
    assert told.notes == ("Worked out by the shop itself.",)


def test_a_tax_names_its_rule_and_the_parts_it_is_on() -> None:
    told = step(stage="tax", source="taxes: US-CA, standard", parts=("A", "B"))
    assert told.notes == ("Worked out by Taxes: US-CA, standard.", "Only on A, B.")


def test_a_discount_says_its_code_and_what_it_uses_up() -> None:
    told = step(
        stage="shipping_discount",
        target="shipping",
        source="discounts:8",
        code="TWO",
        claims=(
            ClaimRequest(allowance="discounts:8", limit=5, scope="in all"),
            ClaimRequest(allowance="discounts:8:by:0a", limit=1, scope="per customer"),
            ClaimRequest(allowance="discounts:9", amount=2),
        ),
    )
    assert (told.stage, told.target) == ("Discount on shipping", "Shipping")
    assert told.notes == (
        "Worked out by Discounts.",
        "For the code TWO.",
        "Takes one of 5 uses in all.",
        "Takes the only use per customer.",
        "Counts as 2 uses.",
    )


def test_claims_stored_before_they_had_a_scope_are_read() -> None:
    old = trace.to_json(
        Adjustment(stage="order", target="order", kind="k", label="l", amount=Money(-1, "USD"))
    )
    (claim,) = trace.from_json({**old, "claims": [["x", 1, 5]]}, "USD").claims
    assert (claim.limit, claim.scope) == (5, "")
    assert step(target="line:GONE").target == "GONE"
