"""What buyers say of products: asked for by mail, looked at by staff, shown on product pages."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from opticworks.contracts import (
    Attention,
    Ctx,
    MenuItem,
    MessageDraft,
    MessageKind,
    MigrationBranch,
    PluginInfo,
    Rating,
    SlotFragment,
)
from opticworks.events import Event
from opticworks.plugin import hookimpl
from opticworks_reviews import admin, asking, mails, reading, writing
from opticworks_reviews.models import Base
from opticworks_reviews.settings import ReviewsSettings


@hookimpl
def plugin_info() -> PluginInfo:
    return PluginInfo(
        code="reviews",
        title="Reviews",
        version="0.1.0",
        category="other",
        description="Buyers rate what they bought: asked once by mail, shown on the product's page "
        "and on cards, with answers by the shop.",
        kernel=">=0.1,<0.2",
        settings=ReviewsSettings,
        permissions=(admin.READ, admin.EDIT),
    )


@hookimpl
def migrations() -> MigrationBranch:
    return MigrationBranch(path=str(Path(__file__).parent / "versions"), metadata=Base.metadata)


@hookimpl
def tasks(jobs: Any) -> None:
    jobs.task(asking.TASK, schedule=asking.EVERY)(asking.ask)


@hookimpl
def on_event(event: Event, ctx: Ctx) -> None:
    asking.hear(event, ctx)


@hookimpl
def messages(event: Event, ctx: Ctx) -> Iterator[MessageDraft]:
    return mails.messages(event, ctx)


@hookimpl
def message_kinds() -> tuple[MessageKind, ...]:
    return mails.kinds()


@hookimpl
def ratings(skus: Sequence[str], ctx: Ctx) -> Mapping[str, Rating]:
    return reading.ratings(skus, ctx)


@hookimpl
def slot(name: str, context: Mapping[str, Any], ctx: Ctx) -> Iterable[SlotFragment]:
    if name != "product.below":
        return
    path = f"/products/{context['handle']}"
    listed = reading.listed(ctx, context["skus"], path, context["query"])
    if listed is not None:
        yield SlotFragment(template="reviews/below.pt", data={"listed": listed}, position=20)


@hookimpl
def attention(ctx: Ctx) -> Iterator[Attention]:
    yield Attention(
        label="Reviews to look at",
        count=writing.count_waiting(ctx.db),
        path=admin.PATH,
        permission=admin.EDIT.code,
        icon="star",
    )


@hookimpl
def demo(ctx: Ctx) -> None:
    from opticworks_reviews import demo_data

    demo_data.load(ctx)


@hookimpl
def admin_menu(ctx: Ctx) -> Iterator[MenuItem]:
    yield MenuItem(
        label="Reviews",
        path=admin.PATH,
        position=45,
        permission=admin.READ.code,
        icon="star",
        count=writing.count_waiting(ctx.db) or None,
    )


def includeme(config: Any) -> None:
    """Pyramid: the page to write on, and the admin's screens."""
    config.include("opticworks_reviews.views")
    config.include(admin)
