"""Taxes from a table of rates by country, state and postal code."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from opticworks.contracts import (
    Address,
    Adjustment,
    Ctx,
    Draft,
    MenuItem,
    MigrationBranch,
    Objection,
    PluginInfo,
    PriceDisplay,
    Quote,
    SlotFragment,
)
from opticworks.plugin import hookimpl
from opticworks_taxes import admin, calculation, demo_rates, reading
from opticworks_taxes.models import Base
from opticworks_taxes.settings import TaxesSettings


@hookimpl
def plugin_info() -> PluginInfo:
    return PluginInfo(
        code="taxes",
        title="Taxes",
        version="0.1.0",
        category="pricing",
        description="Sales tax, VAT and GST from a table of rates by country, state and postal "
        "code; prices with or without tax by region.",
        kernel=">=0.1,<0.2",
        settings=TaxesSettings,
        permissions=(admin.READ, admin.EDIT),
    )


@hookimpl
def migrations() -> MigrationBranch:
    return MigrationBranch(path=str(Path(__file__).parent / "versions"), metadata=Base.metadata)


@hookimpl
def price_display(address: Address, email: str, ctx: Ctx) -> PriceDisplay:
    settings: TaxesSettings = ctx.settings["taxes"]
    here = reading.table(ctx, address)
    region = settings.region_of(address.country)
    home = here
    if region.entered == "gross" and region.keeps == "net":
        home = reading.table(ctx, ctx.settings["shop"].origin)
    exempt = reading.exemption(ctx, address, email) is not None
    return calculation.display(region, here, home, exempt)


@hookimpl
def taxes(draft: Draft, ctx: Ctx) -> Iterable[Adjustment]:
    if draft.address is None:
        return ()
    settings: TaxesSettings = ctx.settings["taxes"]
    return calculation.taxes(
        draft,
        reading.table(ctx, draft.address),
        settings.region_of(draft.address.country),
        settings.rounding,
        reading.exemption(ctx, draft.address, draft.email),
    )


@hookimpl
def objections(quote: Quote, ctx: Ctx) -> Iterable[Objection]:
    if ctx.settings["taxes"].uncovered == "refuse":
        for step in quote.trace:
            if step.stage == "tax" and step.kind == "uncovered":
                yield Objection(
                    sentence="We can't work out the tax for this country yet. "
                    "Choose another country or write to us."
                )


@hookimpl
def slot(name: str, context: Mapping[str, Any], ctx: Ctx) -> Iterable[SlotFragment]:
    if name == "admin.order":
        remarks = [s for s in context["order"].trace if s.kind in ("uncovered", "relief")]
        if remarks:
            yield SlotFragment(template="admin/taxes/order.pt", data={"remarks": remarks})


@hookimpl
def admin_menu(ctx: Ctx) -> Iterable[MenuItem]:
    yield MenuItem(
        label="Taxes",
        path=admin.PATH,
        position=45,
        permission=admin.READ.code,
        icon="percent",
    )


@hookimpl
def demo(ctx: Ctx) -> None:
    demo_rates.load(ctx)


def includeme(config: Any) -> None:
    """Pyramid: the admin's screens."""
    config.include(admin)
