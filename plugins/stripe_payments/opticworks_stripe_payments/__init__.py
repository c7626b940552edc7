"""Cards and wallets through Stripe: Payment Element, deferred intents, webhooks."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from opticworks.contracts import PluginInfo, StandIn
from opticworks.plugin import hookimpl
from opticworks_stripe_payments.provider import StripePayments
from opticworks_stripe_payments.settings import STANDIN_SECRET, StripeSettings

#: Where Stripe.js loads its own parts and frames from, which lie on changing subdomains.
SCRIPTS = ("https://js.stripe.com", "https://*.js.stripe.com")


@hookimpl
def plugin_info() -> PluginInfo:
    return PluginInfo(
        code="stripe_payments",
        title="Stripe",
        version="0.1.0",
        category="payment",
        description="Cards and wallets through Stripe. No card number ever reaches this server.",
        kernel=">=0.1,<0.2",
        settings=StripeSettings,
        paths=("/.well-known/apple-developer-merchantid-domain-association",),
    )


def _placed(settings: Mapping[str, Any]) -> StripeSettings:
    own: StripeSettings = settings["stripe_payments"]
    return own.placed(settings.get("standins", {}))


@hookimpl
def problems(settings: Mapping[str, Any]) -> Iterator[str]:
    own, mode = _placed(settings), settings.get("mode", "production")
    if own.is_standin and own.api_base == settings.get("standins", {}).get("stripe"):
        # A shop in production is told of a stand-in only if its ini allows that, for a bench.
        mode = "test"
    yield from own.problems(mode)


@hookimpl
def payment_providers(settings: Mapping[str, Any]) -> tuple[StripePayments, ...]:
    later = settings["shop"].capture == "authorize"
    return (StripePayments(_placed(settings), "manual" if later else "automatic"),)


def includeme(config: Any) -> None:
    """Pyramid: the file that Apple looks for."""
    config.include("opticworks_stripe_payments.wallets")


@hookimpl
def commands(cli: Any) -> None:
    from opticworks_stripe_payments.cli import stripe  # with click, which no web process needs

    cli.add_command(stripe)


@hookimpl
def standins() -> tuple[StandIn, ...]:
    return (
        StandIn(
            code="stripe",
            title="Stripe",
            module="opticworks_stripe_payments.standin",
            arguments=(
                *("--port", "{port}"),
                *("--state", "{var}/stripe-standin.json"),
                *("--webhooks", "{shop}/webhooks/stripe"),
                *("--secret", STANDIN_SECRET),
            ),
        ),
    )


@hookimpl
def content_security(settings: Mapping[str, Any], page: str) -> Mapping[str, Sequence[str]]:
    """What Stripe.js needs (Stripe: "Integration security guide"), on the checkout only."""
    if page != "checkout":
        return {}
    own = _placed(settings)
    if own.is_standin:
        return dict.fromkeys(("script-src", "frame-src", "connect-src"), (own.api_base,))
    return {
        "script-src": SCRIPTS,
        "frame-src": (*SCRIPTS, "https://hooks.stripe.com"),
        "connect-src": ("https://api.stripe.com",),
    }
