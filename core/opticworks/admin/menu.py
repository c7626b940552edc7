"""The kernel's own entries of the admin's menu, given through the hook that plugins use."""

from __future__ import annotations

from collections.abc import Iterator

from sqlalchemy import func, select

from opticworks.admin import work
from opticworks.contracts import Attention, Ctx, MenuItem
from opticworks.hookspecs import hookimpl
from opticworks.shipping.models import ShippingProblem

#: Label, path, position, permission, icon, and which count of `work.counts` waits there: from
#: daily work to what is set up once, then repair.
_ENTRIES = (
    ("Today", "/admin", 0, "staff", "house", ""),
    ("Orders", "/admin/orders", 10, "orders.read", "package", "to_ship"),
    ("Returns", "/admin/returns", 15, "orders.read", "rotate-ccw", "returns"),
    ("Shipping", "/admin/shipping", 16, "orders.fulfil", "truck", ""),
    ("Stock", "/admin/stock", 25, "stock.read", "boxes", ""),
    ("Pages", "/admin/pages", 50, "pages.edit", "file-text", ""),
    ("Themes", "/admin/themes", 52, "themes.edit", "palette", ""),
    ("Reports", "/admin/reports", 55, "reports.read", "chart", ""),
    ("Messages", "/admin/messages", 60, "messages.read", "mail", "failed_messages"),
    ("Settings", "/admin/settings", 70, "settings.edit", "settings", ""),
    ("Plugins", "/admin/plugins", 75, "plugins.read", "blocks", ""),
    ("Jobs", "/admin/jobs", 80, "jobs.manage", "list-restart", "failed_jobs"),
    ("Reconcile", "/admin/payments/reconcile", 82, "payments.reconcile", "scale", ""),
    ("Webhooks", "/admin/webhooks", 85, "jobs.manage", "inbox", "stuck_webhooks"),
)


@hookimpl
def admin_menu(ctx: Ctx) -> Iterator[MenuItem]:
    """The entries, each with what waits there for somebody."""
    waiting = work.counts(ctx.db)
    for label, path, position, permission, icon, count in _ENTRIES:
        yield MenuItem(
            label=label,
            path=path,
            position=position,
            permission=permission,
            icon=icon,
            count=waiting[count] if count else None,
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
