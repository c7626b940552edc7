"""The pictures on orders: what an order shows stays, whatever becomes of the goods."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from sqlalchemy import select

from opticworks.contracts import Ctx
from opticworks.hookspecs import hookimpl
from opticworks.orders.models import OrderLine


@hookimpl
def pictures_used(ids: Sequence[str], ctx: Ctx) -> Iterable[str]:
    """Those that stand on an order's line: its page and its mails go on showing them."""
    shown = OrderLine.item["image"]["id"].astext
    return set(ctx.db.scalars(select(shown).where(shown.in_(ids)).distinct()))
