"""Every hook, by family. `docs/hooks.md` has a heading for each, equal to its signature.

An implementation may take fewer arguments than its specification. Results are put in the order
of the plugins in the ini file, so the order of installation means nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import pluggy

if TYPE_CHECKING:
    from opticworks import contracts as c
    from opticworks.events import Event
    from opticworks.money import Money  # noqa: F401

PROJECT = "opticworks"
hookspec = pluggy.HookspecMarker(PROJECT)
hookimpl = pluggy.HookimplMarker(PROJECT)

# --- discovery ----------------------------------------------------------------------------------


@hookspec
def plugin_info() -> c.PluginInfo:  # type: ignore[empty-body]
    """Say who the plugin is. Called first; must touch neither network nor database."""


@hookspec
def problems(settings: Mapping[str, Any]) -> Iterable[str]:  # type: ignore[empty-body]
    """Say in plain sentences what keeps the plugin from working; any sentence keeps it disabled."""


@hookspec
def migrations() -> c.MigrationBranch:  # type: ignore[empty-body]
    """Name the plugin's Alembic branch and the metadata of its tables."""


@hookspec
def commands(cli: Any) -> None:
    """Add click commands to the `opticworks` command line."""


@hookspec
def tasks(jobs: Any) -> None:
    """Register background tasks with `jobs.task(name, schedule=None)`."""


@hookspec
def standins() -> Iterable[c.StandIn]:  # type: ignore[empty-body]
    """Name the servers that stand in for the plugin's vendors outside production."""


@hookspec
def demo(ctx: c.Ctx) -> None:
    """Load the plugin's demo data; called once per database, never in production."""


@hookspec
def admin_menu(ctx: c.Ctx) -> Iterable[c.MenuItem]:  # type: ignore[empty-body]
    """Add entries to the admin's menu."""


@hookspec
def attention(ctx: c.Ctx) -> Iterable[c.Attention]:  # type: ignore[empty-body]
    """Name what staff should look at, on their first page. Fails open."""


@hookspec
def slot(name: str, context: Mapping[str, Any], ctx: c.Ctx) -> Iterable[c.SlotFragment]:  # type: ignore[empty-body]
    """Put fragments into a named slot of a storefront or admin page. Fails open."""


@hookspec
def content_security(settings: Mapping[str, Any], page: str) -> Mapping[str, Sequence[str]]:  # type: ignore[empty-body]
    """Name hosts by CSP directive that the page of that route name must be allowed to load."""


@hookspec
def sitemap(ctx: c.Ctx) -> Iterable[c.SitemapEntry]:  # type: ignore[empty-body]
    """Name the plugin's pages that search engines may list. Fails open."""


# --- goods and prices ---------------------------------------------------------------------------


@hookspec
def items(skus: Sequence[str], ctx: c.Ctx) -> Mapping[str, c.Item]:  # type: ignore[empty-body]
    """Answer for the SKUs the plugin knows; two plugins answering one SKU is an error."""


@hookspec
def find_skus(text: str, ctx: c.Ctx) -> Iterable[str]:  # type: ignore[empty-body]
    """Answer with the SKUs of goods that a member of staff may mean by these words."""


@hookspec
def item_groups(ctx: c.Ctx) -> Iterable[c.ItemGroup]:  # type: ignore[empty-body]
    """Name the groups that goods are sorted into, for staff who make rules about them."""


@hookspec
def ratings(skus: Sequence[str], ctx: c.Ctx) -> Mapping[str, c.Rating]:  # type: ignore[empty-body]
    """Say what buyers thought of those SKUs, as pages may show it. Fails open."""


@hookspec
def price_display(address: c.Address, email: str, ctx: c.Ctx) -> c.PriceDisplay | None:
    """Say how prices are shown at an address; one plugin at most may, the others answer None."""


@hookspec
def discounts(  # type: ignore[empty-body]
    draft: c.Draft, ctx: c.Ctx
) -> Iterable[c.Adjustment | c.Refusal | c.Suggestion]:
    """Give adjustments of the stages product, order and shipping_discount, refuse codes, and
    suggest what would lower the price."""


@hookspec
def taxes(draft: c.Draft, ctx: c.Ctx) -> Iterable[c.Adjustment]:  # type: ignore[empty-body]
    """Give adjustments of the stage tax, on lines and on shipping."""


@hookspec
def objections(quote: c.Quote, ctx: c.Ctx) -> Iterable[c.Objection]:  # type: ignore[empty-body]
    """Say why the quote may not be placed, in sentences for the customer."""


# --- providers ----------------------------------------------------------------------------------


@hookspec
def payment_providers(settings: Mapping[str, Any]) -> Iterable[c.PaymentProvider]:  # type: ignore[empty-body]
    """Build the plugin's payment providers; called again when settings change."""


@hookspec
def shipping_providers(settings: Mapping[str, Any]) -> Iterable[c.ShippingProvider]:  # type: ignore[empty-body]
    """Build the plugin's shipping providers; called again when settings change."""


@hookspec
def mailers(settings: Mapping[str, Any]) -> Iterable[c.Mailer]:  # type: ignore[empty-body]
    """Build the plugin's mailers; the first of the ini order sends."""


@hookspec
def image_stores(settings: Mapping[str, Any]) -> Iterable[c.ImageStore]:  # type: ignore[empty-body]
    """Build the plugin's image stores; the first of the ini order keeps new pictures."""


@hookspec
def address_verifiers(settings: Mapping[str, Any]) -> Iterable[c.AddressVerifier]:  # type: ignore[empty-body]
    """Build the plugin's address verifiers."""


# --- pictures -----------------------------------------------------------------------------------


@hookspec
def pictures_used(ids: Sequence[str], ctx: c.Ctx) -> Iterable[str]:  # type: ignore[empty-body]
    """Say which of those pictures the plugin shows, or may show again. The rest is thrown away."""


# --- notifications ------------------------------------------------------------------------------


@hookspec
def messages(event: Event, ctx: c.Ctx) -> Iterable[c.MessageDraft]:  # type: ignore[empty-body]
    """Say which messages a fact deserves. Runs in a job; fails open, is retried."""


@hookspec
def message_kinds() -> Iterable[c.MessageKind]:  # type: ignore[empty-body]
    """Name the plugin's kinds of message, whose subject and first words staff may change."""


@hookspec
def on_event(event: Event, ctx: c.Ctx) -> None:
    """React to a fact with a side effect, from a job of its own that is retried: be idempotent."""
