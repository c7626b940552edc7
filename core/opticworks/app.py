"""The web application: `main()` for pserve, and one ordered list of what is included."""

from __future__ import annotations

import logging
import re
from collections.abc import Collection
from typing import Any

from pyramid.config import Configurator
from pyramid.interfaces import IRoutesMapper
from pyramid.router import Router

from opticworks.boot import boot
from opticworks.config import ConfigError
from opticworks.plugins import Plugin
from opticworks.shop import Shop
from opticworks.web import memory, requests

log = logging.getLogger(__name__)


def main(global_config: dict[str, str], **settings: str) -> Router:
    """paste.app_factory. A shop that can't start ends the process with a sentence, no traceback."""
    try:
        app = make_app(open_shop({**global_config, **settings}))
    except ConfigError as error:
        raise SystemExit(f"The shop did not start. {error}") from error
    if app.shop.config.production:
        # Compiling takes a lot of memory for a moment: once here, instead of in each worker.
        app.shop.templates.engine().compile()
        memory.settle()
    return app


def open_shop(settings: dict[str, str]) -> Shop:
    """The shop with its tables ready: development migrates by itself, production only checks."""
    shop = boot(settings, progress=log.info)
    if shop.config.production:
        if waiting := memory.apart(lambda: _pending(shop)):
            raise ConfigError(
                f"The tables of {', '.join(waiting)} are not up to date. "
                "Run 'opticworks --ini production.ini migrate' first."
            )
        check_production(shop)
    else:
        from opticworks import migrations

        migrations.upgrade(shop, log.info)
    return shop


def _pending(shop: Shop) -> list[str]:
    from opticworks import migrations

    try:
        return migrations.pending(shop)
    finally:
        shop.engine.dispose()


def check_production(shop: Shop) -> None:
    """Refuse to start a production shop that still holds demo accounts."""
    from opticworks.staff.service import demo_accounts

    with shop.unit() as db:
        accounts = demo_accounts(db)
    if accounts:
        raise ConfigError(
            f"The database holds the demo account {accounts[0]}. Remove demo accounts with "
            "'opticworks staff deactivate' or use a fresh database."
        )


def make_app(shop: Shop) -> Router:
    """The WSGI application of a shop.

    A plugin whose includeme fails is left out in development: the Configurator is built anew
    without it, since a half-run includeme leaves its routes behind. In production it is fatal
    unless its ini line says `optional`.
    """
    while True:
        config = Configurator(settings={"opticworks.mode": shop.config.mode})
        failed = _configure(config, shop)
        if failed is None:
            break
    app = config.make_wsgi_app()
    requests.use_one_class(app)
    app.shop = shop
    return app


def _configure(config: Configurator, shop: Shop) -> Plugin | None:
    """Run every include; the plugin that failed, or None."""
    config.registry.shop = shop
    config.add_request_method(lambda request: shop, "shop", property=True)
    config.add_request_method(lambda request: shop.hooks, "hooks", property=True)
    config.add_request_method(lambda request: shop.ctx(request.db), "ctx", reify=True)
    config.add_request_method(
        lambda request: shop.settings["shop"].locale, "locale_name", reify=True
    )

    config.include("opticworks.web.routing")
    # Outermost first: what must hold even when everything inside fails.
    config.include("opticworks.web.headers")
    config.include("opticworks.web.errors")
    config.include("opticworks.web.guard")
    config.include("opticworks.web.limits")
    config.include("opticworks.web.origin")
    # Transactions lie inside error pages, so that a page about a failure is never rolled back.
    config.include("opticworks.web.transactions")
    config.include("opticworks.web.csrf")
    config.include("opticworks.web.sessions")
    config.include("opticworks.web.policy")
    config.include("opticworks.web.templates")
    config.include("opticworks.web.preview")
    config.include("opticworks.web.assets")
    config.include("opticworks.webhooks.inbox")
    config.include("opticworks.storefront")
    config.include("opticworks.admin")
    config.commit()

    for plugin in shop.plugins.enabled:
        if not hasattr(plugin.module, "includeme"):
            continue
        known = {route.name for route in _routes(config)}
        try:
            config.include(plugin.module)
            config.commit()
            check_routes(config)
            check_paths(config, plugin, known)
        except Exception as error:
            known_reason = isinstance(error, ConfigError)
            reason = str(error) if known_reason else f"{type(error).__name__}: {error}"
            sentence = f"It could not be set up: {reason}"
            if shop.config.production and not plugin.optional:
                raise ConfigError(f"Plugin {plugin.code}: {sentence}") from error
            log.exception("Plugin %s could not be set up; the shop starts without it", plugin.code)
            shop.drop(plugin.code, sentence)
            if shop.config.production:
                shop.plugins.require_all()
            return plugin
    # Last, so that it never hides a plugin's path.
    config.include("opticworks.storefront.fallback")
    config.commit()
    check_routes(config)
    return None


def _routes(config: Configurator) -> list[Any]:
    mapper = config.registry.queryUtility(IRoutesMapper)
    return list(mapper.get_routes()) if mapper else []


def check_routes(config: Configurator) -> None:
    """Two routes of one pattern are an error: Pyramid would let the first win silently."""
    seen: dict[str, list[Any]] = {}
    for route in _routes(config):
        pattern = re.sub(r"\{[^}]*\}", "{}", route.pattern.rstrip("/")) or "/"
        methods = _methods(route)
        for other in seen.setdefault(pattern, []):
            others = _methods(other)
            if not methods or not others or methods & others:
                raise ConfigError(
                    f"The routes {other.name!r} and {route.name!r} have the same address "
                    f"{route.pattern!r}. Change one of them."
                )
        seen[pattern].append(route)


def _methods(route: Any) -> set[str]:
    for predicate in route.predicates:
        if predicate.__class__.__name__ == "RequestMethodPredicate":
            return set(predicate.val)
    return set()


def check_paths(config: Configurator, plugin: Plugin, known: Collection[str]) -> None:
    """A plugin's routes, those that are not in `known`, lie on paths that are its own."""
    own = (f"/{plugin.code}", f"/admin/{plugin.code}", *(plugin.info.paths if plugin.info else ()))
    for route in _routes(config):
        pattern = "/" + route.pattern.lstrip("/")
        mine = (pattern == path or pattern.startswith(path.rstrip("/") + "/") for path in own)
        if route.name not in known and not any(mine):
            raise ConfigError(
                f"The plugin {plugin.code!r} has a page at {pattern!r}, which is not its own. It "
                f"may use {', '.join(own)}, or name the path in its plugin_info()."
            )
