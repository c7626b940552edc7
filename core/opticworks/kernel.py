"""The verbs a plugin may call on what the kernel keeps. Everything else of it is private.

Each works in the caller's transaction (`ctx.db`, `request.db`, or `shop.unit()` in a job).
"""

from __future__ import annotations

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from opticworks.audit.service import record as audit
from opticworks.media.fetch import fetch_picture
from opticworks.media.recognise import MAX_BYTES as MOST_PICTURE_BYTES
from opticworks.media.recognise import BadPicture
from opticworks.media.service import PictureRef, add_picture, pictures
from opticworks.notifications.service import emit
from opticworks.orders.models import Order, OrderLine
from opticworks.pages.service import put_page, text_pages, to_html
from opticworks.pricing.codes import clean_code, fold_code
from opticworks.returns.models import VOID, Return, ReturnLine
from opticworks.stock.claims import Use, grant, used, uses, uses_between
from opticworks.stock.service import (
    Availability,
    StockMoved,
    adjust_stock,
    availability,
    count_stock,
    set_backorder_limit,
    set_stock,
    stock_levels,
)

__all__ = [
    "MOST_PICTURE_BYTES",
    "Availability",
    "BadPicture",
    "PictureRef",
    "StockMoved",
    "Use",
    "add_picture",
    "adjust_stock",
    "audit",
    "availability",
    "clean_code",
    "count_stock",
    "emit",
    "fetch_picture",
    "fold_code",
    "grant",
    "orders_with",
    "pictures",
    "put_page",
    "returned",
    "set_backorder_limit",
    "set_stock",
    "stock_levels",
    "text_pages",
    "to_html",
    "used",
    "uses",
    "uses_between",
]


def orders_with(db: Session, sku: str, email: str) -> list[str]:
    """Numbers of the paid orders of that e-mail address that contain the SKU, newest first."""
    return list(
        db.scalars(
            select(Order.number)
            .join(OrderLine, OrderLine.order_id == Order.id)
            .where(
                OrderLine.sku == sku,
                func.lower(Order.email) == email.strip().lower(),
                Order.payment_status == "paid",
            )
            .order_by(Order.id.desc())
        )
    )


def returned(db: Session, number: str) -> dict[str, int]:
    """Units of each SKU of an order that its customer sent back, is sending back, or withdrew
    from before they left. What was only asked for, or declined, is not counted."""
    back = func.coalesce(ReturnLine.received, ReturnLine.quantity - ReturnLine.unsent)
    rows = db.execute(
        select(OrderLine.sku, func.sum(back + ReturnLine.unsent))
        .join(ReturnLine, ReturnLine.order_line_id == OrderLine.id)
        .join(Return, Return.id == ReturnLine.return_id)
        .join(Order, Order.id == Return.order_id)
        .where(Order.number == number, Return.state.not_in(("requested", *VOID)))
        .group_by(OrderLine.sku)
    )
    return {sku: int(units) for sku, units in rows if units}
