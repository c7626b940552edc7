"""The composition root: from an ini file (or its settings) to a running Shop.

Web, worker, commands and tests all begin here; `app.main` adds the web on top.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import redis
from plaster import get_settings
from pydantic import ValidationError
from sqlalchemy import Engine

from opticworks import contracts, faults
from opticworks.config import Config, ConfigError, read_config
from opticworks.db import make_engine
from opticworks.plugins import Plugin, Plugins
from opticworks.settings import service as settings_room
from opticworks.settings.service import Settings
from opticworks.shop import Shop
from opticworks.web.fuse import Fuse
from opticworks.web.keys import UnknownKey, Vault

log = logging.getLogger(__name__)

#: Parts of the kernel that answer hooks like plugins do: (name, dotted module).
BUILTINS: tuple[tuple[str, str], ...] = (
    ("orders", "opticworks.notifications.order_mails"),
    ("order_kinds", "opticworks.notifications.kinds"),
    ("accounts", "opticworks.notifications.account_mails"),
    ("admin", "opticworks.admin.menu"),
    ("order_pictures", "opticworks.orders.pictures"),
    ("labels", "opticworks.checkout.shipping_jobs"),
    ("returns", "opticworks.checkout.return_messages"),
    ("digest", "opticworks.checkout.digest"),
)

#: Modules that register the kernel's own tasks when they are imported.
TASKS = (
    "opticworks.notifications.jobs",
    "opticworks.checkout.jobs",
    "opticworks.checkout.shipping_jobs",
    "opticworks.checkout.return_labels",
    "opticworks.checkout.withdrawal",
    "opticworks.checkout.batches",
    "opticworks.checkout.manifests",
    "opticworks.checkout.digest",
    "opticworks.webhooks.jobs",
    "opticworks.media.jobs",
    "opticworks.staff.accounts",
)


def ini_settings(path: str | Path, section: str = "main") -> dict[str, str]:
    """The `[app:main]` section of an ini file, with its defaults."""
    return dict(get_settings(str(path), f"app:{section}", {"here": str(Path(path).parent)}))


def boot(
    source: str | Path | Mapping[str, str] | Config,
    *,
    extra_plugins: Mapping[str, Any] | None = None,
    env: Mapping[str, str] | None = None,
    progress: Callable[[str], None] = lambda line: None,
) -> Shop:
    """A Shop from an ini file's path, an ini section's settings, or a Config.

    Outside production, servers that no address names are started (embedded). In production a
    plugin that can't run raises PluginFailed. Raises ConfigError with a sentence for a person.
    """
    if isinstance(source, (str, Path)):
        source = ini_settings(source)
    config = source if isinstance(source, Config) else read_config(source, env)
    faults.arm(config.mode)
    config = _with_servers(config, progress)
    engine = make_engine(config.database_url, execution_options={"opticworks_var": str(config.var)})
    try:
        return _assemble(config, engine, extra_plugins)
    except BaseException:
        engine.dispose()
        raise


def _assemble(config: Config, engine: Engine, extra_plugins: Mapping[str, Any] | None) -> Shop:
    """Find the plugins, read the settings, and connect the rooms to each other."""
    plugins = Plugins()
    plugins.discover(config.plugins, extra_plugins)
    for name, dotted in BUILTINS:
        plugins.register_builtin(name, _import(dotted))
    for dotted in TASKS:
        _import(dotted)
    vault = Vault(config.secret, *config.old_secrets)
    loader = SettingsLoader(config, plugins, engine, vault)
    rows = settings_room.stored(engine)  # once for all plugins
    plugins.register(lambda plugin: loader.problems(plugin, rows))
    if config.production:
        plugins.require_all()
    # Redis is never worth waiting for.
    client = redis.Redis.from_url(
        config.redis_url,
        socket_timeout=2.0,
        socket_connect_timeout=1.0,
        retry=Fuse(),
    )
    shop = Shop(config, engine, plugins, loader, client)
    shop.vault = vault
    shop.warnings = tuple(settings_room.strangers(config.plugin_settings, schemas(plugins)))
    for sentence in shop.warnings:
        log.warning("%s", sentence)
    _connect_rooms(shop)
    return shop


def _with_servers(config: Config, progress: Callable[[str], None]) -> Config:
    if config.database_url and config.redis_url:
        return config
    if config.production:
        raise ConfigError("Set DATABASE_URL and REDIS_URL in the environment.")
    from dataclasses import replace

    from opticworks.embedded import ensure

    servers = ensure(config.var, progress)
    return replace(
        config,
        database_url=config.database_url or servers.database_url,
        redis_url=config.redis_url or servers.redis_url,
    )


def _import(dotted: str) -> Any:
    from importlib import import_module

    return import_module(dotted)


def _connect_rooms(shop: Shop) -> None:
    """Give lower rooms what they may not import: order views and templates."""
    from opticworks.checkout.credit_notes import write_invoice
    from opticworks.checkout.views import order_view
    from opticworks.web.templates import build_templates

    shop.order_view = lambda db, number: order_view(shop, db, number)
    shop.write_invoice = write_invoice
    shop.templates = build_templates(shop)


def schemas(plugins: Plugins) -> dict[str, Any]:
    """The models of settings by code: the kernel's own, and of every plugin that could be read."""
    found = dict(contracts.KERNEL_SETTINGS)
    for plugin in plugins:
        if plugin.info is not None and plugin.info.settings is not None:
            found[plugin.code] = plugin.info.settings
    return found


class SettingsLoader:
    """Reads and validates all settings: defaults, the ini's text, then the database's values."""

    def __init__(self, config: Config, plugins: Plugins, engine: Any, vault: Vault) -> None:
        self.config, self.plugins, self.engine, self.vault = config, plugins, engine, vault

    def __call__(self) -> Settings:
        rows = settings_room.stored(self.engine)
        models = self._own(rows)
        for plugin in self.plugins.enabled:
            if plugin.info is not None and plugin.info.settings is not None:
                models[plugin.code] = self._read(plugin.code, plugin.info.settings, rows)
        version = tuple(sorted((code, row[0]) for code, row in rows.items()))
        return Settings(models, version)

    def _own(self, rows: Mapping[str, Any]) -> dict[str, Any]:
        """The kernel's share: the shop's settings, the mode of the ini, which decides whether
        sample values will do, the folder where a plugin may keep files in development, and the
        addresses of stand-ins by code."""
        own = {code: self._read(code, m, rows) for code, m in contracts.KERNEL_SETTINGS.items()}
        theme = settings_room.ThemeChoice(**rows.get("theme", (0, {}))[1])
        config = self.config
        known = {"mode": config.mode, "var": config.var, "standins": config.standins}
        return {**own, "theme": theme, **known}

    def _read(self, code: str, schema: Any, rows: Mapping[str, Any]) -> Any:
        ini = self.config.plugin_settings.get(code, {})
        try:
            values = settings_room.reveal(rows.get(code, (0, {}))[1], self.vault)
            return settings_room.validate(schema, ini, values)
        except ValidationError as error:
            raise ConfigError(" ".join(settings_room.sentences(error, code))) from None
        except settings_room.BadText as error:
            raise ConfigError(f"Setting {code}.{error}") from None
        except UnknownKey as error:
            raise ConfigError(f"Settings of {code}: {error}") from None

    def problems(self, plugin: Plugin, rows: Mapping[str, Any]) -> list[str]:
        """Why the plugin can't be enabled: bad settings first, then what it says itself.

        `rows` are the database's settings, as `settings.service.stored` reads them.
        """
        models = self._own(rows)
        if plugin.info is not None and plugin.info.settings is not None:
            try:
                models[plugin.code] = self._read(plugin.code, plugin.info.settings, rows)
            except ConfigError as error:
                return [str(error)]
        try:
            return list(self.plugins.ask(plugin, "problems", settings=Settings(models)) or ())
        except Exception as error:
            log.exception("Plugin %s failed while looking for problems", plugin.code)
            return [f"It failed while looking for problems: {error}"]
