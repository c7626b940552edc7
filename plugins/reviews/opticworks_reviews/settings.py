"""Settings of the reviews."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field, model_validator


class ReviewsSettings(BaseModel):
    """When buyers are asked, and what becomes of what they write."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    ask: bool = Field(
        True,
        title="Ask buyers for a review by mail",
        description="Once per order, whoever bought: unhappy buyers are asked like happy ones.",
    )
    days_after_delivery: int = Field(
        7, title="Days after delivery", description="Of the last parcel.", ge=1, le=90
    )
    days_after_shipping: int = Field(
        21,
        title="Days after shipping, where the carrier reports no delivery",
        ge=1,
        le=120,
    )
    reminder_days: int = Field(
        7,
        title="Days until the one reminder",
        description="0: no reminder. A review, a return, a refund, a dispute or a complaint stops "
        "both mails.",
        ge=0,
        le=60,
    )
    from_hour: int = Field(
        9,
        title="Send from this hour",
        description="On the clock where the parcel went; else on the shop's.",
        ge=0,
        le=23,
    )
    until_hour: int = Field(20, title="Send until this hour", ge=1, le=24)
    publish_up_to: int = Field(
        0,
        title="Publish at once what has up to so many stars",
        description="0: staff look at every review first. 5: every review is shown at once. In "
        "between, only those with more stars wait: a low rating never waits longer than a high "
        "one. What contains a link or an address always waits.",
        ge=0,
        le=5,
    )
    edit_days: int = Field(30, title="Days in which a review may be changed", ge=1, le=365)
    per_page: int = Field(6, title="Reviews on a page", ge=2, le=20)
    incentive: str = Field(
        "",
        title="What buyers get for a review",
        description="Shown in the mail, and on each review that is written meanwhile, for "
        "instance: “The writer got a $5 coupon for an honest review.” It must be given for any "
        "review, whatever its stars. Empty: nothing.",
        max_length=200,
    )

    @model_validator(mode="after")
    def _hours(self) -> ReviewsSettings:
        if self.until_hour - self.from_hour < 2:
            raise ValueError("Leave two hours or more in a day in which mail may be sent.")
        return self
