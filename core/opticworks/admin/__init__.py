"""The staff's side of the shop, under /admin: signing in, orders, messages, plugins.

Every page needs a permission (opticworks.web.policy). Its templates skip the themes, so that a
storefront's look never reaches the screens staff work with; plugins build theirs from the same
macros (docs/admin.md).
"""

from __future__ import annotations

from pyramid.config import Configurator
from pyramid.httpexceptions import HTTPForbidden

from opticworks.admin import access, shell
from opticworks.staff import permissions

ROUTES = (
    ("admin.today", "/admin"),
    ("admin.sign_in", "/admin/sign-in"),
    ("admin.sign_out", "/admin/sign-out"),
    ("admin.forgot", "/admin/forgot"),
    ("admin.reset", "/admin/reset/{token}"),
    ("admin.email", "/admin/email/{token}"),
    ("admin.profile", "/admin/profile"),
    ("admin.orders", "/admin/orders"),
    ("admin.order", "/admin/orders/{number}"),
    ("admin.order.address", "/admin/orders/{number}/address"),
    ("admin.order.address.edit", "/admin/orders/{number}/address/edit"),
    ("admin.order.pay", "/admin/orders/{number}/pay"),
    ("admin.order.attend", "/admin/orders/{number}/payments/checked"),
    ("admin.order.fulfil", "/admin/orders/{number}/fulfil"),
    ("admin.order.parcels", "/admin/orders/{number}/parcels"),
    ("admin.order.label", "/admin/orders/{number}/parcels/{parcel}/label.{format}"),
    ("admin.order.slip", "/admin/orders/{number}/packing-slip.pdf"),
    ("admin.order.invoice", "/admin/orders/{number}/invoice"),
    ("admin.order.document", "/admin/orders/{number}/documents/{document}.pdf"),
    ("admin.order.cancel", "/admin/orders/{number}/cancel"),
    ("admin.order.refund", "/admin/orders/{number}/refund"),
    ("admin.order.refund.again", "/admin/orders/{number}/refunds/{key}/again"),
    ("admin.order.refund.dismiss", "/admin/orders/{number}/refunds/{key}/dismiss"),
    ("admin.returns", "/admin/returns"),
    ("admin.return", "/admin/returns/{number}"),
    ("admin.return.label", "/admin/returns/{number}/label"),
    ("admin.return.label.file", "/admin/returns/{number}/label.{format}"),
    ("admin.return.refund", "/admin/returns/{number}/refund"),
    ("admin.shipping", "/admin/shipping"),
    ("admin.shipping.slips", "/admin/shipping/packing-slips.pdf"),
    ("admin.shipping.new", "/admin/shipping/batches/new"),
    ("admin.shipping.batch", "/admin/shipping/batches/{batch}"),
    ("admin.shipping.batch.file", "/admin/shipping/batches/{batch}/{name}.{format}"),
    ("admin.shipping.manifest", "/admin/shipping/manifests/{manifest}.pdf"),
    ("admin.stock", "/admin/stock"),
    ("admin.stock.count", "/admin/stock/count"),
    ("admin.stock.verify", "/admin/stock/verify"),
    ("admin.stock.item", "/admin/stock/items/{sku:.+}"),
    ("admin.messages", "/admin/messages"),
    ("admin.messages.kinds", "/admin/messages/kinds"),
    ("admin.messages.kind", "/admin/messages/kinds/{kind}"),
    ("admin.messages.kind.preview", "/admin/messages/kinds/{kind}/preview"),
    ("admin.messages.kind.default", "/admin/messages/kinds/{kind}/default"),
    ("admin.messages.kind.test", "/admin/messages/kinds/{kind}/test"),
    ("admin.messages.blocked", "/admin/messages/blocked"),
    ("admin.message", "/admin/messages/{id}"),
    ("admin.message.html", "/admin/messages/{id}/html"),
    ("admin.message.send", "/admin/messages/{id}/send"),
    ("admin.jobs", "/admin/jobs"),
    ("admin.jobs.schedules", "/admin/jobs/schedules"),
    ("admin.jobs.do", "/admin/jobs/do"),
    ("admin.job", r"/admin/jobs/{id:\d{1,18}}"),
    ("admin.reconcile", "/admin/payments/reconcile"),
    ("admin.reconcile.repair", "/admin/payments/reconcile/repair"),
    ("admin.webhooks", "/admin/webhooks"),
    ("admin.webhooks.replay", "/admin/webhooks/replay"),
    ("admin.reports", "/admin/reports"),
    ("admin.pages", "/admin/pages"),
    ("admin.pages.new", "/admin/pages/new"),
    ("admin.pages.move", "/admin/pages/move"),
    ("admin.page", "/admin/pages/{slug}"),
    ("admin.page.delete", "/admin/pages/{slug}/delete"),
    ("admin.themes", "/admin/themes"),
    ("admin.theme.preview", "/admin/themes/preview"),
    ("admin.theme.use", "/admin/themes/use"),
    ("admin.settings", "/admin/settings"),
    ("admin.setting", "/admin/settings/{code}"),
    ("admin.plugins", "/admin/plugins"),
)


def includeme(config: Configurator) -> None:
    for name, pattern in ROUTES:
        config.add_route(name, pattern)
    plugins = [
        permission
        for plugin in config.registry.shop.plugins.enabled
        if plugin.info is not None
        for permission in plugin.info.permissions
    ]
    known = {permission.code for permission in permissions.known(plugins)}
    config.set_staff(known, access.loader(plugins))
    config.add_exception_view(access.forbidden, context=HTTPForbidden)
    config.add_request_method(shell.menu, "menu", reify=True)
    config.add_template_global("menu", lambda request: request.menu)
    config.add_template_global("menu_here", shell.here)
    config.add_template_global("moment", shell.moment)
    config.add_template_global("staff", shell.staff)
    config.add_template_global("flashes", shell.flashes)
    config.allow_body("admin.stock.count", 4_000_000)
    config.scan("opticworks.admin.views")
