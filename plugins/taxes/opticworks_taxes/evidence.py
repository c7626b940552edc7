"""What was checked of the VAT ID of an order, and when: kept as long as the order."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from sqlalchemy import func, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from opticworks.contracts import Attention, Ctx, OrderView
from opticworks.events import ORDER_PLACED, Event
from opticworks.plugin import defer
from opticworks_taxes import vat, vies
from opticworks_taxes.models import VatCheck

TASK = "taxes.ask_vies"


def note(event: Event, ctx: Ctx) -> None:
    """Keep what an order's reverse charge stands on; have VIES asked if the shop wants that."""
    if event.kind != ORDER_PLACED or event.order is None:
        return
    number = number_of(event.order)
    if not number:
        return
    new = ctx.db.scalar(
        insert(VatCheck)
        .values(
            order_number=event.order.number,
            vat_id=number,
            checked=vat.CHECKED,
            checked_at=event.order.placed_at,
        )
        .on_conflict_do_nothing()
        .returning(VatCheck.order_number)
    )
    if new is not None and ctx.settings["taxes"].vies:
        defer(ctx.db, TASK, number=new)


def number_of(order: OrderView) -> str:
    """The VAT ID that the order's reverse charge rests on; empty where there is none."""
    number = vat.read(order.address.vat_id) if order.address.vat_id else ""
    relieved = any(step.kind == "relief" and number in step.label for step in order.trace)
    return number if number and relieved else ""


def ask_vies(shop: Any, number: str) -> None:
    """Ask about the VAT ID of that order, and keep the answer. Tried again by the worker."""
    settings = shop.settings["taxes"]
    with shop.unit() as db:
        row = db.get(VatCheck, number)
        if row is None or row.vies_at is not None:
            return
        vat_id = row.vat_id
    answer = vies.ask(settings.vies_url, vat_id, vat.read(shop.settings["shop"].origin.vat_id))
    with shop.unit("taxes_vies") as db:
        db.execute(
            update(VatCheck)
            .where(VatCheck.order_number == number, VatCheck.vies_at.is_(None))
            .values(
                vies_at=shop.now(),
                valid=answer.valid,
                name=answer.name,
                address=answer.address,
                reference=answer.reference,
            )
        )


def of_order(db: Session, number: str) -> VatCheck | None:
    return db.get(VatCheck, number)


def attention(ctx: Ctx, path: str, permission: str) -> Iterable[Attention]:
    """Orders without VAT whose VAT ID is not registered, until somebody has seen to them."""
    open_ones = select(func.count()).where(VatCheck.valid.is_(False), VatCheck.seen_by == "")
    yield Attention(
        label="VAT IDs that are not registered",
        count=ctx.db.scalar(open_ones) or 0,
        path=path,
        permission=permission,
        icon="percent",
    )
