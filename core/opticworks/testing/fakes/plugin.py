"""Plugins made of fakes, to pass to `boot(..., extra_plugins=...)`."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from types import ModuleType
from typing import Any

from opticworks.contracts import (
    AddressVerifier,
    ImageStore,
    Mailer,
    PaymentProvider,
    PluginInfo,
    ShippingProvider,
)
from opticworks.hookspecs import hookimpl

Hook = Callable[..., Any]


def fake_plugin(
    code: str,
    *,
    includeme: Callable[[Any], None] | None = None,
    info: Mapping[str, Any] | None = None,
    **hooks: Hook,
) -> ModuleType:
    """A plugin whose hooks are the functions given: `fake_plugin("shy", slot=lambda name: ())`.

    `info` overrides fields of its PluginInfo. A name that is no hook is kept as it is, so that
    tests can see the kernel refuse it. `opticworks_fake_<code>` is its module name.
    """
    fields: dict[str, Any] = {
        "code": code,
        "title": f"Fake {code}",
        "version": "1.0",
        "category": "other",
        **(info or {}),
    }
    plugin = ModuleType(f"opticworks_fake_{code}")
    plugin.plugin_info = hookimpl(lambda: PluginInfo(**fields))  # type: ignore[attr-defined]
    for name, hook in hooks.items():
        setattr(plugin, name, hookimpl(hook))
    if includeme is not None:
        plugin.includeme = includeme  # type: ignore[attr-defined]
    return plugin


def provider_plugin(
    code: str,
    *,
    payments: Iterable[PaymentProvider] = (),
    shipping: Iterable[ShippingProvider] = (),
    mailers: Iterable[Mailer] = (),
    image_stores: Iterable[ImageStore] = (),
    address_verifiers: Iterable[AddressVerifier] = (),
) -> ModuleType:
    """A plugin that offers these provider objects."""
    offered: dict[str, tuple[Any, ...]] = {
        "payment_providers": tuple(payments),
        "shipping_providers": tuple(shipping),
        "mailers": tuple(mailers),
        "image_stores": tuple(image_stores),
        "address_verifiers": tuple(address_verifiers),
    }
    plugin = fake_plugin(code)
    for hook, providers in offered.items():
        if providers:
            setattr(plugin, hook, hookimpl(_answering(providers)))
    return plugin


def _answering(providers: tuple[Any, ...]) -> Hook:
    def hook(settings: Mapping[str, Any]) -> tuple[Any, ...]:
        return providers

    return hook
