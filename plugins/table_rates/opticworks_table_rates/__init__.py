"""Shipping by weight, goods value and country, from a table in the settings."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from opticworks.contracts import PluginInfo
from opticworks.money import Money
from opticworks.plugin import hookimpl
from opticworks_table_rates.provider import TableRates
from opticworks_table_rates.settings import TableRatesSettings


@hookimpl
def plugin_info() -> PluginInfo:
    return PluginInfo(
        code="table_rates",
        title="Table rates",
        version="0.1.0",
        category="shipping",
        description="Shipping options by weight, goods value and country, without a carrier "
        "account. Labels and tracking numbers are entered by hand.",
        kernel=">=0.1,<0.2",
        settings=TableRatesSettings,
    )


@hookimpl
def problems(settings: Mapping[str, Any]) -> Iterator[str]:
    table: TableRatesSettings = settings["table_rates"]
    currency = settings["shop"].currency
    if not table.services:
        yield "There is no shipping option in the table: add a service."
    for service in table.services:
        for price in service.prices():
            try:
                Money.parse(price, currency)
            except ValueError as error:
                yield f"The price {price} of service {service.code!r} can't be used: {error}"


@hookimpl
def shipping_providers(settings: Mapping[str, Any]) -> tuple[TableRates, ...]:
    return (TableRates(settings["table_rates"]),)
