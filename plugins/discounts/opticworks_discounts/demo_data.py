"""A few codes to try out, in a shop that is not for real customers."""

from __future__ import annotations

from decimal import Decimal

from opticworks.contracts import Ctx
from opticworks.money import exponent
from opticworks_discounts import writing
from opticworks_discounts.models import BUY_GET, CODE, FIXED, FREE_SHIPPING, PERCENT, Discount


def load(ctx: Ctx) -> None:
    """WELCOME10, SAVE20, FREESHIP, VIP25 and FREEKIT, in the shop's currency."""
    unit = 10 ** exponent(ctx.currency)
    common = {"method": CODE, "currency": ctx.currency}
    for code, discount in (
        (
            "WELCOME10",
            Discount(
                title="Welcome", kind=PERCENT, percent=Decimal(10), customer_limit=1, **common
            ),
        ),
        (
            "SAVE20",
            Discount(
                title="Twenty off a big order",
                kind=FIXED,
                amount=20 * unit,
                minimum=150 * unit,
                **common,
            ),
        ),
        (
            "FREESHIP",
            Discount(
                title="Free standard shipping",
                kind=FREE_SHIPPING,
                minimum=40 * unit,
                methods=["us-standard"],
                **common,
            ),
        ),
        (
            "VIP25",
            Discount(
                title="For friends of the house",
                kind=PERCENT,
                percent=Decimal(25),
                exclusive=True,
                total_limit=100,
                **common,
            ),
        ),
        (
            "FREEKIT",
            Discount(
                title="A mounting kit with two sensors",
                kind=BUY_GET,
                percent=Decimal(100),
                buy_quantity=2,
                buy_groups=["collection:sensors"],
                get_quantity=1,
                skus=["MNT-KIT"],
                **common,
            ),
        ),
    ):
        writing.add(ctx.db, discount, code)
