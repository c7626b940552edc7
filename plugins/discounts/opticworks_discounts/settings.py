"""Settings of the discounts."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field


class DiscountsSettings(BaseModel):
    """What holds for all discounts together."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    most_percent: int = Field(
        100,
        title="Most that discounts may take off an order (%)",
        description="Of the goods, all discounts together. An order with more is not accepted: "
        "a guard against a slip of the pen. 100 allows everything.",
        ge=1,
        le=100,
    )
    alert_uses: int = Field(
        10,
        title="Tell staff of unusual use from so many uses a day",
        description="A code that is used that often in 24 hours, and three times as often as "
        "usual, is shown on the first page. 0: never.",
        ge=0,
        le=10**6,
    )
