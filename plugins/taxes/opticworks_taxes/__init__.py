"""Taxes from a table of rates by country, state and postal code."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from opticworks.contracts import (
    Address,
    Adjustment,
    Attention,
    Ctx,
    Draft,
    MenuItem,
    MigrationBranch,
    Objection,
    PluginInfo,
    PriceDisplay,
    Quote,
    SlotFragment,
    say,
)
from opticworks.events import Event
from opticworks.money import Money
from opticworks.plugin import hookimpl
from opticworks_taxes import admin, calculation, evidence, reading, rules, vat
from opticworks_taxes.models import Base
from opticworks_taxes.settings import Region, TaxesSettings

WRONG = "vat_id_wrong"  #: a remark on a VAT ID that can't be one; the quote can't be placed


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
    exempt = _relief(ctx, region, address, email) is not None
    display = calculation.display(region, here, home, exempt)
    return replace(display, asks_vat_id=vat.asked(region, address.country, _home(ctx)))


def _home(ctx: Ctx) -> str:
    country: str = ctx.settings["shop"].origin.country
    return country


def _relief(ctx: Ctx, region: Region, address: Address, email: str) -> rules.Exemption | None:
    """Why the customer pays no tax there: what staff noted, else a VAT ID."""
    noted = reading.exemption(ctx, address, email)
    return noted or vat.reverse_charge(region, address, _home(ctx))


@hookimpl
def taxes(draft: Draft, ctx: Ctx) -> Iterable[Adjustment]:
    if draft.address is None:
        return
    settings: TaxesSettings = ctx.settings["taxes"]
    region = settings.region_of(draft.address.country)
    yield from calculation.taxes(
        draft,
        reading.table(ctx, draft.address),
        region,
        settings.rounding,
        _relief(ctx, region, draft.address, draft.email),
    )
    if wrong := vat.problem(region, draft.address, _home(ctx)):
        zero = Money.zero(draft.currency)
        yield Adjustment(
            stage="tax", target="order", kind=WRONG, label=wrong, amount=zero, source="taxes"
        )


@hookimpl
def objections(quote: Quote, ctx: Ctx) -> Iterable[Objection]:
    for step in quote.trace:
        if step.stage == "tax" and step.kind == WRONG:
            yield Objection(sentence=step.label)
    if ctx.settings["taxes"].uncovered == "refuse":
        for step in quote.trace:
            if step.stage == "tax" and step.kind == "uncovered":
                yield Objection(
                    sentence=say(
                        "We can't work out the tax for this country yet. Choose another country "
                        "or write to us."
                    )
                )


@hookimpl
def slot(name: str, context: Mapping[str, Any], ctx: Ctx) -> Iterable[SlotFragment]:
    if name == "admin.order":
        remarks = [s for s in context["order"].trace if s.kind in ("uncovered", "relief")]
        if remarks:
            check = evidence.of_order(ctx.db, context["order"].number)
            yield SlotFragment(
                template="admin/taxes/order.pt", data={"remarks": remarks, "check": check}
            )


@hookimpl
def on_event(event: Event, ctx: Ctx) -> None:
    evidence.note(event, ctx)


@hookimpl
def tasks(jobs: Any) -> None:
    jobs.task(evidence.TASK)(evidence.ask_vies)


@hookimpl
def attention(ctx: Ctx) -> Iterable[Attention]:
    return evidence.attention(ctx, admin.VAT_IDS, admin.READ.code)


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
    from opticworks_taxes import demo_rates

    demo_rates.load(ctx)


def includeme(config: Any) -> None:
    """Pyramid: the admin's screens."""
    config.include(admin)
