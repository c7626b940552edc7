"""The storefront: its addresses, what its pages share, and the visitor's cart."""

from __future__ import annotations

from functools import partial

from pyramid.config import Configurator
from pyramid.request import Request
from pyramid.security import NO_PERMISSION_REQUIRED

from opticworks.pages import service as pages
from opticworks.storefront import visitor

ROUTES = (
    ("home", "/", ("GET", "HEAD")),
    ("cart", "/cart", ("GET", "HEAD")),
    ("cart.badge", "/cart/badge", ("GET", "HEAD")),
    ("cart.drawer", "/cart/drawer", ("GET", "HEAD")),
    ("cart.codes", "/cart/codes", ("POST",)),
    ("cart.code.remove", "/cart/codes/{code:.+}/remove", ("POST",)),
    ("cart.lines", "/cart/lines", ("POST",)),
    ("cart.line", "/cart/lines/{sku:.+}", ("POST",)),
    ("checkout", "/checkout", ("GET", "HEAD", "POST")),
    ("checkout.update", "/checkout/update", ("POST",)),
    ("checkout.address", "/checkout/address", ("POST",)),
    ("payment.return", "/checkout/return/{attempt}", ("GET",)),
    ("order", "/orders/{token}", ("GET", "HEAD")),
    ("order.return", "/orders/{token}/return", ("GET", "HEAD", "POST")),
    ("order.returned", "/orders/{token}/returns/{number}", ("GET", "HEAD", "POST")),
    (
        "order.returned.label",
        "/orders/{token}/returns/{number}/label.{format}",
        ("GET", "HEAD"),
    ),
    ("order.withdraw", "/orders/{token}/withdraw", ("GET", "HEAD", "POST")),
    ("order.document", "/orders/{token}/documents/{document}.pdf", ("GET", "HEAD")),
    ("page", "/pages/{slug}", ("GET", "HEAD")),
    ("mail.stop", "/mail/stop/{token}", ("GET", "HEAD", "POST")),
    ("media", "/media/{id}/{name}", ("GET", "HEAD")),
    ("robots", "/robots.txt", ("GET", "HEAD")),
    ("sitemap", "/sitemap.xml", ("GET", "HEAD")),
    ("sitemap.part", "/sitemap-{number}.xml", ("GET", "HEAD")),
    ("health", "/health", ("GET", "HEAD")),
)
FOOTER_SECONDS = 30


def footer_pages(request: Request) -> tuple[pages.Group, ...]:
    """The footer's links; read at most twice a minute per process."""
    shop = request.registry.shop
    read = partial(pages.footer, request.db)
    return tuple(shop.remember("footer_pages", FOOTER_SECONDS, read))


def plugin_problems(request: Request) -> tuple[str, ...]:
    """What the development banner says of plugins that don't run."""
    shop = request.registry.shop
    if shop.config.production:
        return ()
    return tuple(
        f"{plugin.title}: {sentence}"
        for plugin in shop.plugins
        if plugin.state not in ("enabled", "disabled")
        for sentence in plugin.problems
    )


def includeme(config: Configurator) -> None:
    for name, pattern, methods in ROUTES:
        config.add_route(name, pattern, request_method=methods)
    config.add_request_method(visitor.cart_of, "cart", reify=True)
    config.add_template_global("display", lambda request: request.ctx.display)
    config.add_template_global("footer_pages", footer_pages)
    config.add_template_global("plugin_problems", plugin_problems)
    config.scan("opticworks.storefront.views")


__all__ = ["NO_PERMISSION_REQUIRED", "includeme"]
