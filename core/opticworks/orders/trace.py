"""The steps of a calculation as they are stored with an order, and read again."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict
from decimal import Decimal
from typing import Any

from opticworks import contracts as c
from opticworks.money import Money


def to_json(adjustment: c.Adjustment) -> dict[str, Any]:
    """A step of the trace as it is stored on the order."""
    return {
        "stage": adjustment.stage,
        "target": adjustment.target,
        "kind": adjustment.kind,
        "label": adjustment.label,
        "amount": adjustment.amount.minor,
        "rate": str(adjustment.rate) if adjustment.rate is not None else None,
        "included": adjustment.included,
        "source": adjustment.source,
        "code": adjustment.code,
        "parts": list(adjustment.parts),
        **({"together": asdict(adjustment.together)} if adjustment.together else {}),
        "claims": [
            [claim.allowance, claim.amount, claim.limit, claim.scope] for claim in adjustment.claims
        ],
    }


def from_json(step: Mapping[str, Any], currency: str) -> c.Adjustment:
    """A step of the trace from what is stored on the order."""
    return c.Adjustment(
        stage=step["stage"],
        target=step["target"],
        kind=step["kind"],
        label=step["label"],
        amount=Money(step["amount"], currency),
        rate=Decimal(step["rate"]) if step["rate"] is not None else None,
        included=step["included"],
        source=step["source"],
        code=step.get("code", ""),
        parts=tuple(step.get("parts", ())),
        together=_terms(step.get("together")),
        claims=tuple(
            c.ClaimRequest(allowance=key, amount=amount, limit=limit, scope="".join(scope))
            for key, amount, limit, *scope in step.get("claims", ())
        ),
    )


def _terms(stored: Mapping[str, Any] | None) -> c.SetTerms | None:
    if stored is None:
        return None
    lists = {name: tuple(stored[name]) for name in ("buys", "gets")}
    return c.SetTerms(**{**stored, **lists})


def claims_of(trace: Iterable[c.Adjustment]) -> tuple[c.ClaimRequest, ...]:
    """What the steps claim: only of what really took something off, since nothing else is there."""
    return tuple(claim for step in trace for claim in step.claims)
