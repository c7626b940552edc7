"""How an order's total came about, step by step, in words that staff read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal

from opticworks import contracts as c
from opticworks.money import Money

STAGES: dict[c.Stage, str] = {
    "unit": "Price of the goods",
    "product": "Discount on goods",
    "order": "Discount on the order",
    "shipping": "Shipping",
    "shipping_discount": "Discount on shipping",
    "tax": "Tax",
}
TARGETS = {"order": "The whole order", "shipping": "Shipping"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One row: `notes` are sentences on where it comes from and what it uses up; `sku` is that of
    the line it is for, if it is for one."""

    stage: str
    label: str
    rate: Decimal | None
    included: bool
    notes: tuple[str, ...]
    target: str
    sku: str
    amount: Money


def of_order(order: c.OrderView, plugins: Mapping[str, str]) -> list[Step]:
    """The order's trace. `plugins` are the titles of the installed ones by code."""
    lines = {line.sku: line for line in order.lines}
    return [_step(adjustment, lines, plugins) for adjustment in order.trace]


def _step(
    adjustment: c.Adjustment, lines: Mapping[str, c.OrderLineView], plugins: Mapping[str, str]
) -> Step:
    sku = ""
    target = TARGETS.get(adjustment.target, "")
    if not target:
        sku = adjustment.target.removeprefix("line:")
        line = lines.get(sku)
        target = ", ".join(filter(None, (line.title, line.options))) if line else sku
    notes = [_source(adjustment.source, plugins)]
    if adjustment.code:
        notes.append(f"For the code {adjustment.code}.")
    if adjustment.parts:
        notes.append(f"Only on {', '.join(adjustment.parts)}.")
    notes += [_use(claim) for claim in adjustment.claims]
    return Step(
        stage=STAGES[adjustment.stage],
        label=adjustment.label,
        rate=adjustment.rate,
        included=adjustment.included,
        notes=tuple(notes),
        target=target,
        sku=sku,
        amount=adjustment.amount,
    )


def _source(source: str, plugins: Mapping[str, str]) -> str:
    """What a source, "kernel" or "taxes: US-CA, standard", is in words. What a plugin counts a
    rule by, a number, says nothing to a person and is left out."""
    code, _, rule = (part.strip() for part in source.partition(":"))
    if code == "kernel":
        return "Worked out by the shop itself."
    name = plugins.get(code, code)
    return f"Worked out by {name}{'' if not rule or rule.isdecimal() else f': {rule}'}."


def _use(claim: c.ClaimRequest) -> str:
    scope = f" {claim.scope}" if claim.scope else ""
    if claim.limit is None:
        return f"Counts as {'one use' if claim.amount == 1 else f'{claim.amount} uses'}{scope}."
    if claim.limit == 1:
        return f"Takes the only use{scope}."
    amount = "one" if claim.amount == 1 else str(claim.amount)
    return f"Takes {amount} of {claim.limit} uses{scope}."
