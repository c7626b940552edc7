"""Writing an order down, and reading it as plugins, mails and pages see it."""

from __future__ import annotations

import secrets
import uuid
from collections.abc import Collection, Iterable, Mapping
from dataclasses import asdict, replace
from datetime import datetime, timedelta
from typing import Any, cast

from sqlalchemy import bindparam, column, func, insert, select, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Session

from opticworks import contracts as c
from opticworks.db import Write, later, write
from opticworks.money import Money
from opticworks.orders import parts as bundle
from opticworks.orders import trace as steps
from opticworks.orders.models import Order, OrderLine

ALPHABET = "23456789ABCDEFGHJKMNPQRSTVWXYZ"  #: without what people confuse: 0 O, 1 I L, U V


def new_number() -> str:
    """A short readable number that tells nothing of how many orders there are: "K7M2-9QXD"."""
    text = "".join(secrets.choice(ALPHABET) for _ in range(8))
    return f"{text[:4]}-{text[4:]}"


def create(
    db: Session,
    quote: c.Quote,
    *,
    cart_id: uuid.UUID,
    email: str,
    address: c.Address,
    now: datetime,
    shipping: dict[str, Any] | None,
    address_check: dict[str, Any] | None = None,
    locale: str = "",
) -> Order:
    """Freeze the quote as an order that awaits its payment; its lines follow (`add_lines`)."""
    order = Order(
        number=new_number(),
        token=secrets.token_urlsafe(24),
        cart_id=cart_id,
        email=email,
        customer_name=address.name,
        locale=locale,
        currency=quote.currency,
        subtotal=quote.subtotal.minor,
        discount_total=quote.discount_total.minor,
        shipping_total=quote.shipping_total.minor,
        tax_total=quote.tax_total.minor,
        total=quote.total.minor,
        quote_hash=quote.hash,
        trace=[steps.to_json(step) for step in quote.trace],
        address=address.model_dump(),
        shipping=shipping,
        address_check=address_check,
        placed_at=now,
        status="awaiting_payment",
        payment_status="unpaid",
        fulfilment_status="unfulfilled",
        cancel_reason="",
    )
    write(db, order)
    return order


_COLUMNS = (
    *("order_id", "position", "sku", "title", "options", "quantity", "unit_price", "subtotal"),
    *("discount", "tax", "tax_included", "total", "item", "components", "tracked"),
)
_ADD_LINES = Write(
    insert(OrderLine).from_select(
        _COLUMNS,
        select(*map(column, _COLUMNS)).select_from(
            func.jsonb_populate_recordset(
                text("NULL::order_line"), bindparam("lines", type_=JSONB)
            ).table_valued(*_COLUMNS)
        ),
    )
)


def add_lines(db: Session, order: Order, quote: c.Quote) -> None:
    """Freeze the quote's lines, however many, as those of its order."""
    lines = [
        {"order_id": order.id, "position": position, **_line(line, quote.trace)}
        for position, line in enumerate(quote.lines)
    ]
    later(db, _ADD_LINES, {"lines": lines})


def _line(line: c.QuoteLine, trace: Iterable[c.Adjustment]) -> dict[str, Any]:
    """The row of an order's line."""
    item = line.item
    # Each part's share of the line's money, for partial returns and revenue by product.
    shares = bundle.shares(line, trace)
    return {
        "sku": line.sku,
        "title": item.title,
        "options": item.option_text,
        "quantity": line.quantity,
        "unit_price": line.unit_price.minor,
        "subtotal": line.subtotal.minor,
        "discount": line.discount.minor,
        "tax": line.tax.minor,
        "tax_included": line.tax_included.minor,
        "total": line.total.minor,
        "item": {
            "url": item.url,
            "image": asdict(item.image) if item.image else None,
            "weight": item.weight,
            "size": item.size,
            "requires_shipping": item.requires_shipping,
            "tax_code": item.tax_code,
            "hs_code": item.hs_code,
            "origin_country": item.origin_country,
        },
        "components": [
            {
                "sku": part.sku,
                "quantity": part.quantity,
                "title": part.title,
                "options": part.options,
                "share": share.amount,
                "tax": share.tax,
                "tax_code": part.tax_code,
                "tracked": part.tracked,
                "weight": part.weight,
            }
            for part, share in zip(item.components, shares, strict=True)
        ],
        "tracked": item.stock_policy != "untracked",
    }


_BY_NUMBER = select(Order).where(Order.number == bindparam("number"))
_LOCKED = _BY_NUMBER.with_for_update().execution_options(populate_existing=True)
_BY_TOKEN = select(Order).where(Order.token == bindparam("token"))
_LINES = (
    select(OrderLine).where(OrderLine.order_id == bindparam("order")).order_by(OrderLine.position)
)


def lock(db: Session, number: str) -> Order | None:
    """The order, kept from everyone else until the transaction ends."""
    return db.scalars(_LOCKED, {"number": number}).one_or_none()


def by_number(db: Session, number: str) -> Order | None:
    return db.scalars(_BY_NUMBER, {"number": number}).one_or_none()


def by_numbers(db: Session, numbers: Collection[str]) -> list[Order]:
    """The orders of these numbers, in this order; numbers that are none are left out."""
    found = db.scalars(select(Order).where(Order.number.in_(numbers)))
    known = {order.number: order for order in found}
    return [known[number] for number in numbers if number in known]


def by_id(db: Session, order_id: int) -> Order | None:
    return db.get(Order, order_id)


def by_token(db: Session, token: str) -> Order | None:
    return db.scalars(_BY_TOKEN, {"token": token}).one_or_none()


def by_cart(db: Session, cart_id: uuid.UUID) -> Order | None:
    """The newest order of a cart, whatever became of it."""
    return db.scalars(
        select(Order).where(Order.cart_id == cart_id).order_by(Order.id.desc()).limit(1)
    ).one_or_none()


_orders = Order.__table__.c
_OPEN = select(_orders.number).where(
    _orders.cart_id == bindparam("cart_id"), _orders.status == "awaiting_payment"
)


def open_of_cart(db: Session, cart_id: uuid.UUID) -> str:
    """The number of the cart's order that still awaits its payment, "" if there is none."""
    return db.scalar(_OPEN, {"cart_id": cart_id}) or ""


def standing_of_cart(db: Session, cart_id: uuid.UUID) -> Order | None:
    """The cart's order that was not canceled, if there is one."""
    return db.scalars(
        select(Order).where(Order.cart_id == cart_id, Order.status != "canceled")
    ).first()


def lines_of(db: Session, order_id: int) -> list[OrderLine]:
    return list(db.scalars(_LINES, {"order": order_id}))


def lines_of_orders(db: Session, order_ids: Collection[int]) -> dict[int, list[OrderLine]]:
    """The lines of each of these orders, in one statement."""
    found: dict[int, list[OrderLine]] = {order_id: [] for order_id in order_ids}
    query = select(OrderLine).where(OrderLine.order_id.in_(order_ids))
    for line in db.scalars(query.order_by(OrderLine.position)):
        found[line.order_id].append(line)
    return found


def demand(
    lines: Iterable[OrderLine],
    quantities: Mapping[int, int] | None = None,
    without: Mapping[int, Mapping[str, int]] | None = None,
) -> dict[str, int]:
    """What the lines take from stock; `quantities` (by line id) for a part of them only, and
    `without` (by line id and SKU) the parts that are missing from these bundles."""
    wanted: dict[str, int] = {}
    for line in lines:
        quantity = line.quantity if quantities is None else quantities.get(line.id, 0)
        missing = (without or {}).get(line.id, {})
        if line.components:
            for part in line.components:
                if part.get("tracked", True):
                    taken = part["quantity"] * quantity - missing.get(part["sku"], 0)
                    wanted[part["sku"]] = wanted.get(part["sku"], 0) + taken
        elif line.tracked:
            wanted[line.sku] = wanted.get(line.sku, 0) + quantity
    return {sku: quantity for sku, quantity in wanted.items() if quantity}


def link_works(order: Order, now: datetime, days: int) -> bool:
    """Whether the customer's link still shows the order."""
    return now < order.placed_at + timedelta(days=days)


def path(order: Order) -> str:
    """Where the customer sees the order; the token is the key, so it is never logged."""
    return f"/orders/{order.token}"


def view(
    order: Order,
    lines: Iterable[OrderLine],
    base_url: str,
    *,
    payment: c.PaymentView | None,
    shipments: tuple[c.ShipmentView, ...],
    shipped: Mapping[int, int],
    delivered: Mapping[int, int],
    removed: Mapping[int, int],
    refunded: Mapping[int, int],
    parts_removed: Mapping[tuple[int, str], int],
    refunds: tuple[c.RefundView, ...] = (),
    returns: tuple[c.ReturnView, ...] = (),
    disputed: bool = False,
    returned: str = "",
) -> c.OrderView:
    """The order as it stands. `shipped`, `delivered`, `removed` and `refunded` count units by line
    id, `parts_removed` parts by line id and SKU; the others are as in OrderView."""

    def money(minor: int) -> Money:
        return Money(minor, order.currency)

    return c.OrderView(
        number=order.number,
        url=base_url + path(order),
        email=order.email,
        locale=order.locale,
        status=cast(Any, order.status),
        payment_status=cast(Any, order.payment_status),
        fulfilment_status=cast(Any, order.fulfilment_status),
        placed_at=order.placed_at,
        currency=order.currency,
        lines=tuple(
            replace(
                _line_view(line, order.currency, shipped, delivered, parts_removed),
                removed=removed.get(line.id, 0),
                refunded=refunded.get(line.id, 0),
            )
            for line in lines
        ),
        refunds=refunds,
        returns=returns,
        disputed=disputed,
        trace=tuple(steps.from_json(step, order.currency) for step in order.trace),
        address=c.Address.model_validate(order.address),
        shipping_title=(order.shipping or {}).get("title", ""),
        subtotal=money(order.subtotal),
        discount_total=money(order.discount_total),
        shipping_total=money(order.shipping_total),
        tax_total=money(order.tax_total),
        total=money(order.total),
        payment=payment,
        shipments=shipments,
        cancel_reason=order.cancel_reason,
        returned=returned,
    )


def _line_view(
    line: OrderLine,
    currency: str,
    shipped: Mapping[int, int],
    delivered: Mapping[int, int],
    parts_removed: Mapping[tuple[int, str], int],
) -> c.OrderLineView:
    image = line.item.get("image")
    return c.OrderLineView(
        sku=line.sku,
        title=line.title,
        options=line.options,
        quantity=line.quantity,
        unit_price=Money(line.unit_price, currency),
        subtotal=Money(line.subtotal, currency),
        discount=Money(line.discount, currency),
        tax=Money(line.tax, currency),
        total=Money(line.total, currency),
        url=line.item.get("url", ""),
        image=c.Picture(**image) if image else None,
        shipped=shipped.get(line.id, 0),
        ships=line.ships,
        components=tuple(
            c.OrderPart(
                sku=part["sku"],
                quantity=part["quantity"],
                share=Money(part["share"], currency),
                tax=Money(part.get("tax", 0), currency),
                title=part.get("title", ""),
                options=part.get("options", ""),
                removed=max(0, parts_removed.get((line.id, part["sku"]), 0)),
            )
            for part in line.components
        ),
        delivered=delivered.get(line.id, 0),
    )
