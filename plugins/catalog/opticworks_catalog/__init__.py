"""Products, options, variants, bundles and collections: what the shop has to sell."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from opticworks.contracts import (
    Attention,
    Ctx,
    Item,
    ItemGroup,
    MenuItem,
    MigrationBranch,
    PluginInfo,
    SitemapEntry,
    SlotFragment,
)
from opticworks.plugin import hookimpl
from opticworks_catalog import admin, goods, images, slots
from opticworks_catalog.admin import queries as admin_queries
from opticworks_catalog.exchange import jobs as import_jobs
from opticworks_catalog.finding import sitemap as finding_sitemap
from opticworks_catalog.models import Base
from opticworks_catalog.settings import CatalogSettings


@hookimpl
def plugin_info() -> PluginInfo:
    return PluginInfo(
        code="catalog",
        title="Catalogue",
        version="0.1.0",
        category="goods",
        description="Products with options and variants, bundles and collections, with their "
        "pages in the shop.",
        kernel=">=0.1,<0.2",
        settings=CatalogSettings,
        permissions=(admin.READ, admin.EDIT),
        paths=("/products", "/collections", "/search"),
    )


@hookimpl
def migrations() -> MigrationBranch:
    return MigrationBranch(path=str(Path(__file__).parent / "versions"), metadata=Base.metadata)


@hookimpl
def items(skus: Sequence[str], ctx: Ctx) -> Mapping[str, Item]:
    return goods.read_items(skus, ctx)


@hookimpl
def find_skus(text: str, ctx: Ctx) -> Iterable[str]:
    return goods.find_skus(text, ctx)


@hookimpl
def item_groups(ctx: Ctx) -> Iterable[ItemGroup]:
    return goods.item_groups(ctx)


@hookimpl
def demo(ctx: Ctx) -> None:
    from opticworks_catalog import demo_load

    demo_load.load(ctx)


@hookimpl
def slot(name: str, context: Mapping[str, Any], ctx: Ctx) -> Iterable[SlotFragment]:
    return slots.fragments(name, context, ctx)


@hookimpl
def sitemap(ctx: Ctx) -> Iterable[SitemapEntry]:
    return finding_sitemap.entries(ctx)


@hookimpl
def admin_menu(ctx: Ctx) -> Iterable[MenuItem]:
    yield MenuItem(
        label="Products",
        path=admin.PATH,
        position=20,
        permission=admin.READ.code,
        icon="shopping-bag",
    )


@hookimpl
def attention(ctx: Ctx) -> Iterable[Attention]:
    yield Attention(
        label=f"Without a price in {ctx.currency}",
        count=admin_queries.count_unpriced(ctx.db, ctx.currency),
        path=f"{admin.PATH}?status=published&missing=price",
        permission=admin.READ.code,
        icon="tag",
    )


@hookimpl
def pictures_used(ids: Sequence[str], ctx: Ctx) -> Iterable[str]:
    return images.used(ids, ctx)


@hookimpl
def tasks(jobs: Any) -> None:
    jobs.task(import_jobs.TASK)(import_jobs.run)


@hookimpl
def commands(cli: Any) -> None:
    from opticworks_catalog.cli import catalog  # with click, which no web process needs

    cli.add_command(catalog)


def includeme(config: Any) -> None:
    """Pyramid: the pages of the catalogue."""
    config.include("opticworks_catalog.routes")
    config.include(admin)
    config.include("opticworks_catalog.pictures_admin")
