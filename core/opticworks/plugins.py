"""Finding plugins by entry point: order, validation, blocking, and the registry of providers."""

from __future__ import annotations

import importlib.metadata as md
import logging
import os
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from functools import lru_cache
from importlib import resources
from pathlib import Path
from types import ModuleType
from typing import Any

import pluggy
from packaging.specifiers import InvalidSpecifier, SpecifierSet

from opticworks import __version__, contracts, hookspecs
from opticworks.config import ConfigError, PluginLine

log = logging.getLogger(__name__)

GROUP = "opticworks.plugins"
PROVIDER_HOOKS = (
    "payment_providers",
    "shipping_providers",
    "mailers",
    "image_stores",
    "address_verifiers",
)


def answers(caller: pluggy.HookCaller, **arguments: Any) -> Iterator[Any]:
    """Each plugin's answer to a hook that fails open, in the order of the ini.

    A plugin that raises is logged and left out; `None` is no answer.
    """
    for implementation in reversed(caller.get_hookimpls()):
        try:
            taken = [arguments[name] for name in implementation.argnames]
            answer = implementation.function(*taken)
        except Exception:
            log.exception("Plugin %s failed in %s", implementation.plugin_name, caller.name)
            continue
        if answer is not None:
            yield answer


#: Keys of the settings that are no plugin's.
RESERVED = frozenset({*contracts.KERNEL_SETTINGS, "theme", "mode", "var"})


class State(StrEnum):
    ENABLED = "enabled"
    DISABLED = "disabled"  #: installed, but the ini does not name it
    BLOCKED = "blocked"  #: a requirement or a setting is missing
    FAILED = "failed"  #: it could not be imported or included
    MISSING = "missing"  #: the ini names it, but no such plugin is installed


@dataclass(slots=True)
class Plugin:
    """One plugin as found: what it is, whether it runs, and what keeps it from running."""

    code: str
    state: State
    module: Any = None
    info: contracts.PluginInfo | None = None
    distribution: str = ""
    version: str = ""
    optional: bool = False
    hooks: tuple[str, ...] = ()
    own: Any = None  #: pluggy's callers of this plugin's hooks alone
    reasons: list[str] = field(default_factory=list)  #: why it does not run
    broken: list[str] = field(default_factory=list)  #: providers it should offer and can't

    @property
    def problems(self) -> list[str]:
        """Everything that is wrong with it, in sentences."""
        return [*self.reasons, *self.broken]

    @property
    def title(self) -> str:
        return self.info.title if self.info else self.code

    @property
    def package_path(self) -> Path | None:
        """Folder of the plugin's package, where its templates and static files are."""
        if isinstance(self.module, ModuleType) and self.module.__spec__ is not None:
            return Path(str(resources.files(self.module)))
        return None


class PluginFailed(ConfigError):
    """An enabled plugin can't run and production must not start without it."""


def entry_points(group: str) -> Iterable[md.EntryPoint]:
    """The entry points of a group; read anew only after something was installed or removed."""
    return _entry_points(group, tuple((entry, _changed(entry)) for entry in sys.path))


@lru_cache(maxsize=16)
def _entry_points(group: str, path: tuple[tuple[str, int], ...]) -> Iterable[md.EntryPoint]:
    return md.entry_points(group=group)


def _changed(folder: str) -> int:
    try:
        return os.stat(folder or ".").st_mtime_ns
    except OSError:
        return 0


def installed() -> dict[str, md.EntryPoint]:
    """Entry points of the group by code. Two packages offering one code is an error."""
    found: dict[str, md.EntryPoint] = {}
    for entry in entry_points(GROUP):
        other = found.get(entry.name)
        if other is not None and other.value != entry.value:
            raise ConfigError(
                f"Two installed packages call their plugin {entry.name!r} ({other.value} and "
                f"{entry.value}). Uninstall one of them."
            )
        found[entry.name] = entry
    return found


class Plugins:
    """All plugins of one process: those found, and pluggy's manager with the enabled ones.

    `validate_settings(code, schema)` returns a list of sentences (none if the settings are good).
    """

    def __init__(self) -> None:
        self.manager = self._new_manager()
        self.found: dict[str, Plugin] = {}
        self._order: list[str] = []

    @staticmethod
    def _new_manager() -> pluggy.PluginManager:
        manager = pluggy.PluginManager(hookspecs.PROJECT)
        manager.add_hookspecs(hookspecs)
        return manager

    @property
    def enabled(self) -> list[Plugin]:
        """Enabled plugins in the order of the ini."""
        return [self.found[code] for code in self._order if self.found[code].state is State.ENABLED]

    def __iter__(self) -> Any:
        return iter(self.found.values())

    def discover(self, lines: Sequence[PluginLine], extra: Mapping[str, Any] | None = None) -> None:
        """Import what the ini names, in its order; list what is installed besides.

        `extra` maps codes to plugin objects that need no entry point (tests, the kernel's own).
        """
        entries, extra = installed(), dict(extra or {})
        wanted = {line.code: line for line in lines}
        for code in extra:
            wanted.setdefault(code, PluginLine(code))
        for code, line in wanted.items():
            self._order.append(code)
            if code in extra:
                plugin = Plugin(code, State.ENABLED, module=extra[code])
            elif code in entries:
                plugin = self._import(code, entries[code])
            else:
                plugin = Plugin(code, State.MISSING)
                plugin.reasons.append(
                    f"The ini names the plugin {code!r}, but no installed package offers it. "
                    "Install its package or remove the line."
                )
            plugin.optional = line.optional
            self.found[code] = plugin
            if plugin.state is State.ENABLED:
                self._inspect(plugin)
        for code in sorted(entries.keys() - wanted.keys()):
            self.found[code] = self._describe_disabled(code, entries[code])
        self._check_requirements()

    def _import(self, code: str, entry: md.EntryPoint) -> Plugin:
        plugin = Plugin(code, State.ENABLED)
        if entry.dist is not None:
            plugin.distribution = entry.dist.metadata["Name"]
            plugin.version = entry.dist.version
        try:
            plugin.module = entry.load()
        except Exception as error:
            self.fail(plugin, f"It could not be imported: {type(error).__name__}: {error}")
            log.exception("Plugin %s could not be imported", code)
        return plugin

    def _describe_disabled(self, code: str, entry: md.EntryPoint) -> Plugin:
        plugin = Plugin(code, State.DISABLED)
        if entry.dist is not None:
            plugin.distribution = entry.dist.metadata["Name"]
            plugin.version = entry.dist.version
        return plugin

    def _inspect(self, plugin: Plugin) -> None:
        """Validate the plugin's hooks and its own description in a manager apart."""
        probe = self._new_manager()
        try:
            probe.register(plugin.module, name=plugin.code)
            probe.check_pending()
            answers = probe.hook.plugin_info()
            if not answers:
                raise ValueError("it implements no plugin_info() hook")
            plugin.info = answers[0]
        except Exception as error:
            self.fail(plugin, f"Its hooks are not valid: {error}")
            return
        plugin.own = probe.hook
        callers = probe.get_hookcallers(plugin.module) or []
        plugin.hooks = tuple(sorted(caller.name for caller in callers))
        assert plugin.info is not None
        plugin.version = plugin.version or plugin.info.version
        if plugin.code in RESERVED:
            self.fail(plugin, f"The code {plugin.code!r} is the kernel's own. Give it another one.")
            return
        if plugin.info.code != plugin.code:
            self.fail(plugin, f"It calls itself {plugin.info.code!r}; the ini {plugin.code!r}.")
            return
        try:
            fits = __version__ in SpecifierSet(plugin.info.kernel, prereleases=True)
        except InvalidSpecifier:
            self.fail(plugin, f"Its kernel range {plugin.info.kernel!r} is not a version range.")
            return
        if not fits:
            self.block(
                plugin,
                f"It is made for OpticWorks {plugin.info.kernel}, and this is {__version__}. "
                "Install a matching version of it.",
            )

    def _check_requirements(self) -> None:
        """Block plugins whose requirements don't run, until nothing changes any more."""
        changed = True
        while changed:
            changed = False
            for plugin in self.enabled:
                missing = [
                    code
                    for code in (plugin.info.requires if plugin.info else ())
                    if code not in {other.code for other in self.enabled}
                ]
                if missing:
                    self.block(plugin, f"It needs the plugin {missing[0]!r}, which is not enabled.")
                    changed = True

    @staticmethod
    def fail(plugin: Plugin, sentence: str) -> None:
        plugin.state = State.FAILED
        plugin.reasons.append(sentence)

    @staticmethod
    def block(plugin: Plugin, sentence: str) -> None:
        plugin.state = State.BLOCKED
        plugin.reasons.append(sentence)

    def register(self, problems_of: Callable[[Plugin], Iterable[str]]) -> None:
        """Ask each plugin's problems and register those that have none, first of the ini first."""
        for plugin in self.enabled:
            for sentence in problems_of(plugin):
                self.block(plugin, sentence)
        self._check_requirements()
        # pluggy calls the last registered first.
        for plugin in reversed(self.enabled):
            self.manager.register(plugin.module, name=plugin.code)
        self.manager.check_pending()

    def register_builtin(self, name: str, module: Any) -> None:
        """A part of the kernel that answers hooks like a plugin; called before all plugins."""
        self.manager.register(module, name=f"kernel:{name}")

    def drop(self, code: str, sentence: str) -> None:
        """Take a plugin out again because including it failed, and those that need it."""
        before = self.enabled
        self.fail(self.found[code], sentence)
        self._check_requirements()
        for plugin in before:
            if plugin.state is not State.ENABLED:
                self.manager.unregister(name=plugin.code)

    def require_all(self) -> None:
        """Raise PluginFailed naming every plugin that must run and does not."""
        bad = [
            plugin
            for plugin in self.found.values()
            if plugin.state not in (State.ENABLED, State.DISABLED) and not plugin.optional
        ]
        if bad:
            listed = "\n".join(f"  - {p.code}: {' '.join(p.problems)}" for p in bad)
            raise PluginFailed(
                f"The shop does not start, because these plugins can't run:\n{listed}\n"
                "Mend them, or put the word 'optional' behind their line in opticworks.plugins."
            )

    def ask(self, plugin: Plugin, hook: str, **arguments: Any) -> Any:
        """Call one plugin's implementation of a hook; None if it has none."""
        answers = getattr(plugin.own, hook)(**arguments)
        return answers[0] if answers else None


class Providers:
    """Providers by code, built once per version of the settings. Two of one code is an error."""

    def __init__(self, plugins: Plugins, settings: Mapping[str, Any]) -> None:
        self._by_hook: dict[str, dict[str, Any]] = {}
        self._plugin_of: dict[int, str] = {}
        self._mailer = str(getattr(settings.get("shop"), "mailer", ""))
        broken: dict[str, list[str]] = {}
        for hook in PROVIDER_HOOKS:
            built: dict[str, Any] = {}
            for plugin in plugins.enabled:
                try:
                    answer = plugins.ask(plugin, hook, settings=settings) or ()
                    for provider in answer:
                        if provider.code in built:
                            raise ValueError(f"the code {provider.code!r} is taken already")
                        built[provider.code] = provider
                        self._plugin_of[id(provider)] = plugin.code
                except Exception as error:  # a broken provider is not offered; the rest sells on
                    log.exception("Plugin %s offers no %s", plugin.code, hook)
                    sentence = f"Its {hook.replace('_', ' ')} failed: {error}"
                    broken.setdefault(plugin.code, []).append(sentence)
            self._by_hook[hook] = built
        for plugin in plugins.enabled:  # what failed last time may be mended now
            plugin.broken = broken.get(plugin.code, [])

    def payments(self) -> Mapping[str, contracts.PaymentProvider]:
        return self._by_hook["payment_providers"]

    def shipping(self) -> Mapping[str, contracts.ShippingProvider]:
        return self._by_hook["shipping_providers"]

    def mailers(self) -> Mapping[str, contracts.Mailer]:
        return self._by_hook["mailers"]

    def image_stores(self) -> Mapping[str, contracts.ImageStore]:
        return self._by_hook["image_stores"]

    def address_verifiers(self) -> Mapping[str, contracts.AddressVerifier]:
        return self._by_hook["address_verifiers"]

    def plugin_of(self, provider: Any) -> str:
        """The code of the plugin that offers this provider."""
        return self._plugin_of[id(provider)]

    def in_test_mode(self) -> tuple[str, ...]:
        """Titles of providers that do nothing real: on a stand-in, or with a vendor's test key."""
        return tuple(
            provider.title
            for providers in self._by_hook.values()
            for provider in providers.values()
            if getattr(provider, "test_mode", False)
        )

    def mailer(self) -> contracts.Mailer | None:
        """The mailer that sends: the one that the shop's settings name, else the first in the
        order of the ini."""
        offered = self.mailers()
        return offered.get(self._mailer) or next(iter(offered.values()), None)
