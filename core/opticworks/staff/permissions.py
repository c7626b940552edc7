"""What staff may be allowed to do, and which role may do it."""

from __future__ import annotations

from collections.abc import Iterable

from opticworks.contracts import Permission

KERNEL = (
    Permission(code="orders.read", title="See orders and their messages"),
    Permission(code="orders.pay", title="Mark orders paid"),
    Permission(code="orders.fulfil", title="Record parcels"),
    Permission(code="orders.cancel", title="Cancel orders"),
    Permission(code="orders.refund", title="Pay money back"),
    Permission(code="returns.manage", title="Answer returns, buy their labels, receive goods"),
    Permission(code="payments.reconcile", title="Compare payments with their providers"),
    Permission(code="stock.read", title="See stock and its movements"),
    Permission(code="stock.edit", title="Change stock and count it"),
    Permission(code="messages.read", title="See every message"),
    Permission(code="messages.send", title="Send a message again"),
    Permission(code="messages.edit", title="Change what messages say, and who gets none"),
    Permission(code="jobs.manage", title="See failed jobs and webhooks and run them again"),
    Permission(code="pages.edit", title="Write the shop's text pages"),
    Permission(code="reports.read", title="See sales and orders over time"),
    Permission(code="themes.edit", title="Preview and switch the storefront's theme"),
    Permission(code="settings.edit", title="Change the settings of the shop and of plugins"),
    Permission(code="plugins.read", title="See plugins and their problems"),
)
CLERK = frozenset(
    {
        *("orders.read", "orders.fulfil", "returns.manage"),
        *("stock.read", "messages.read", "messages.send"),
    }
)
OWNER_ONLY = frozenset({"plugins.read", "settings.edit"})


def known(plugins: Iterable[Permission] = ()) -> tuple[Permission, ...]:
    """Every permission that exists: the kernel's and the enabled plugins'."""
    return (*KERNEL, *plugins)


def of_role(role: str, plugins: Iterable[Permission] = ()) -> frozenset[str]:
    """What a role may do. Plugins' permissions belong to owners and managers."""
    everything = frozenset(permission.code for permission in known(plugins))
    return {
        "owner": everything,
        "manager": everything - OWNER_ONLY,
        "clerk": CLERK,
    }.get(role, frozenset())
