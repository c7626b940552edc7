"""Discount codes, and discounts that come by themselves."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from opticworks.contracts import (
    Adjustment,
    Attention,
    Ctx,
    Draft,
    MenuItem,
    MigrationBranch,
    Objection,
    PluginInfo,
    Quote,
    Refusal,
    Suggestion,
)
from opticworks.plugin import hookimpl
from opticworks_discounts import admin, answers, watching
from opticworks_discounts.models import Base
from opticworks_discounts.settings import DiscountsSettings


@hookimpl
def plugin_info() -> PluginInfo:
    return PluginInfo(
        code="discounts",
        title="Discounts",
        version="0.1.0",
        category="pricing",
        description="Codes and automatic discounts: percentages, amounts, free shipping and goods "
        "got for buying others, with minimum spend, dates and limits that hold.",
        kernel=">=0.1,<0.2",
        settings=DiscountsSettings,
        permissions=(admin.READ, admin.EDIT),
    )


@hookimpl
def migrations() -> MigrationBranch:
    return MigrationBranch(path=str(Path(__file__).parent / "versions"), metadata=Base.metadata)


@hookimpl
def discounts(draft: Draft, ctx: Ctx) -> Iterator[Adjustment | Refusal | Suggestion]:
    return answers.discounts(draft, ctx)


@hookimpl
def objections(quote: Quote, ctx: Ctx) -> Iterator[Objection]:
    """More than the shop allows is a mistake of whoever set a discount up; nobody pays for it."""
    most = ctx.settings["discounts"].most_percent
    if -quote.discount_total.minor * 100 > quote.subtotal.minor * most:
        yield Objection(
            sentence="The discounts take more off this order than the shop allows. Remove a code "
            "or write to us; nothing was ordered."
        )


@hookimpl
def attention(ctx: Ctx) -> Iterable[Attention]:
    return watching.attention(ctx, admin.PATH, admin.READ.code)


@hookimpl
def demo(ctx: Ctx) -> None:
    from opticworks_discounts import demo_data

    demo_data.load(ctx)


@hookimpl
def admin_menu(ctx: Ctx) -> Iterator[MenuItem]:
    yield MenuItem(
        label="Discounts",
        path=admin.PATH,
        position=40,
        permission=admin.READ.code,
        icon="tag",
    )


def includeme(config: Any) -> None:
    """Pyramid: the admin's screens."""
    config.include(admin)
