"""Live rates, labels, tracking and verified addresses through EasyPost."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from opticworks.contracts import PluginInfo, StandIn
from opticworks.plugin import hookimpl
from opticworks_easypost_shipping.addresses import EasyPostAddresses
from opticworks_easypost_shipping.provider import EasyPostShipping
from opticworks_easypost_shipping.settings import STANDIN_SECRET, EasyPostSettings


@hookimpl
def plugin_info() -> PluginInfo:
    return PluginInfo(
        code="easypost_shipping",
        title="EasyPost",
        version="0.1.0",
        category="shipping",
        description="Live rates of many carriers, labels, tracking and verified addresses.",
        kernel=">=0.1,<0.2",
        settings=EasyPostSettings,
    )


def _placed(settings: Mapping[str, Any]) -> EasyPostSettings:
    own: EasyPostSettings = settings["easypost_shipping"]
    return own.placed(settings.get("standins", {}))


@hookimpl
def problems(settings: Mapping[str, Any]) -> Iterator[str]:
    placed = _placed(settings)
    running = settings.get("standins", {}).get("easypost")
    allowed = bool(running) and placed.api_base == f"{running}/v2"
    yield from placed.problems(settings.get("mode", "production"), allowed=allowed)


@hookimpl
def shipping_providers(settings: Mapping[str, Any]) -> tuple[EasyPostShipping, ...]:
    return (EasyPostShipping(_placed(settings)),)


@hookimpl
def address_verifiers(settings: Mapping[str, Any]) -> tuple[EasyPostAddresses, ...]:
    return (EasyPostAddresses(_placed(settings)),)


@hookimpl
def standins() -> tuple[StandIn, ...]:
    return (
        StandIn(
            code="easypost",
            title="EasyPost",
            module="opticworks_easypost_shipping.standin",
            arguments=(
                *("--port", "{port}"),
                *("--state", "{var}/easypost-standin.json"),
                *("--webhooks", "{shop}/webhooks/easypost"),
                *("--secret", STANDIN_SECRET),
                *("--refund-after", "30"),
            ),
        ),
    )
