"""The kernel's own entries of the admin's menu, given through the hook that plugins use."""

from __future__ import annotations

from collections.abc import Iterator

from sqlalchemy import func, select

from opticworks.admin import work
from opticworks.contracts import Attention, Ctx, MenuItem
from opticworks.hookspecs import hookimpl
from opticworks.shipping.models import ShippingProblem


@hookimpl
def admin_menu(ctx: Ctx) -> Iterator[MenuItem]:
    """From daily work to what is set up once: orders, stock, texts, settings, then repair. Counts
    are what waits for somebody."""
    waiting = work.counts(ctx.db)
    yield MenuItem(label="Today", path="/admin", position=0, permission="staff", icon="house")
    yield MenuItem(
        label="Orders",
        path="/admin/orders",
        position=10,
        permission="orders.read",
        icon="package",
        count=waiting["to_ship"],
    )
    yield MenuItem(
        label="Returns",
        path="/admin/returns",
        position=15,
        permission="orders.read",
        icon="rotate-ccw",
        count=waiting["returns"],
    )
    yield MenuItem(
        label="Shipping",
        path="/admin/shipping",
        position=16,
        permission="orders.fulfil",
        icon="truck",
    )
    yield MenuItem(
        label="Stock",
        path="/admin/stock",
        position=25,
        permission="stock.read",
        icon="boxes",
    )
    yield MenuItem(
        label="Messages",
        path="/admin/messages",
        position=60,
        permission="messages.read",
        icon="mail",
        count=waiting["failed_messages"],
    )
    yield MenuItem(
        label="Jobs",
        path="/admin/jobs",
        position=80,
        permission="jobs.manage",
        icon="list-restart",
        count=waiting["failed_jobs"],
    )
    yield MenuItem(
        label="Webhooks",
        path="/admin/webhooks",
        position=85,
        permission="jobs.manage",
        icon="inbox",
        count=waiting["stuck_webhooks"],
    )
    yield MenuItem(
        label="Reconcile",
        path="/admin/payments/reconcile",
        position=82,
        permission="payments.reconcile",
        icon="scale",
    )
    yield MenuItem(
        label="Reports",
        path="/admin/reports",
        position=55,
        permission="reports.read",
        icon="chart",
    )
    yield MenuItem(
        label="Pages",
        path="/admin/pages",
        position=50,
        permission="pages.edit",
        icon="file-text",
    )
    yield MenuItem(
        label="Themes",
        path="/admin/themes",
        position=52,
        permission="themes.edit",
        icon="palette",
    )
    yield MenuItem(
        label="Settings",
        path="/admin/settings",
        position=70,
        permission="settings.edit",
        icon="settings",
    )
    yield MenuItem(
        label="Plugins",
        path="/admin/plugins",
        position=75,
        permission="plugins.read",
        icon="blocks",
    )


@hookimpl
def attention(ctx: Ctx) -> Iterator[Attention]:
    """Parcels that come back or did not arrive, labels that nobody could buy by a rule."""
    waiting = select(func.count()).where(ShippingProblem.closed_at.is_(None))
    yield Attention(
        label="Trouble with parcels",
        count=ctx.db.scalar(waiting) or 0,
        path="/admin/orders?tab=parcels",
        permission="orders.fulfil",
        icon="truck",
    )
