"""`opticworks stripe`: what to register in Stripe's dashboard."""

from __future__ import annotations

from typing import Any

import click
import stripe as sdk

from opticworks.contracts import ProviderError, on_this_machine
from opticworks_stripe_payments import wallets
from opticworks_stripe_payments.settings import StripeSettings

#: Events that move an order here. Others would be stored, and change nothing.
EVENTS = (
    "payment_intent.amount_capturable_updated",
    "payment_intent.canceled",
    "payment_intent.payment_failed",
    "payment_intent.processing",
    "payment_intent.succeeded",
    "charge.captured",
    "charge.expired",
    "charge.refunded",
    "charge.dispute.created",
    "charge.dispute.updated",
    "charge.dispute.closed",
    "charge.dispute.funds_reinstated",
    "charge.dispute.funds_withdrawn",
    "refund.created",
    "refund.updated",
    "refund.failed",
)


@click.group()
def stripe() -> None:
    """Set up payments through Stripe."""


@stripe.command("listen-url")
@click.pass_obj
def listen_url(context: Any) -> None:
    """What to register as a webhook endpoint at Stripe, and where its secret goes."""
    with context.shop() as shop:
        settings = shop.settings.get("stripe_payments", StripeSettings())
        settings = settings.placed(shop.settings["standins"])
        base_url, missing = shop.config.base_url, _missing(shop)
    address = f"{base_url}/webhooks/stripe"
    click.echo("In Stripe's dashboard, under Developers, Webhooks, add this endpoint:\n")
    click.echo(f"  Address      {address}")
    click.echo(f"  API version  {sdk.api_version}")
    mode = "live" if settings.live else "test"
    click.echo(f"  Mode         {'that of your keys' if missing else mode}")
    first, *more = EVENTS
    click.echo(f"  Events       {first}")
    for kind in more:
        click.echo(f"               {kind}")
    click.echo(
        "\nStripe then shows the endpoint's signing secret, which begins with whsec_. Paste it in "
        f"the admin\n({base_url}/admin/settings/stripe_payments, stored encrypted), or write it in "
        "the ini:\n\n  plugin.stripe_payments.webhook_secret = whsec_...\n\nWhile a secret is "
        "being replaced, write both with a comma between them.\n"
    )
    click.echo(f"Now: {missing}" if missing else _state(settings))
    if on_this_machine(base_url):
        click.echo(
            "This shop's address is on this machine, where Stripe can't reach it. With keys of "
            "Stripe's\ntest mode, its command line tool brings events here and prints a secret of "
            f"its own:\n\n  stripe listen --forward-to {address}"
        )


@stripe.command("register-domain")
@click.argument("domain", default="")
@click.pass_obj
def register_domain(context: Any, domain: str) -> None:
    """Register the shop's domain at Stripe, so that Apple Pay and Google Pay are shown on it.

    DOMAIN is another than that of the shop's own address. Repeating it lets Stripe look again.
    """
    with context.shop() as shop:
        provider = shop.providers.payments().get("stripe")
        if provider is None:
            raise click.ClickException(_missing(shop))
        try:
            found = provider.register_domain(domain or wallets.domain_of(shop.config.base_url))
        except (wallets.NotPublic, ProviderError) as error:
            raise click.ClickException(str(error)) from None
        mode = "live" if provider.settings.live else "test"
    click.echo(f"{found.name} is registered at Stripe ({mode} mode):\n")
    for wallet, why_not in found.wallets.items():
        click.echo(f"  {wallet:<11} {why_not or 'shown'}")
    if found.wallets["Apple Pay"]:
        click.echo(
            f"\nApple looks for a file at https://{found.name}{wallets.PATH}.\nPaste it from "
            "Stripe's dashboard (Settings, Payment method domains) in the admin under Settings, "
            "Stripe, and run this again."
        )
    if any(found.wallets.values()):
        raise SystemExit(1)


def _missing(shop: Any) -> str:
    """Why the shop takes no payments through Stripe; empty if it does."""
    if "stripe" in shop.providers.payments():
        return ""
    said = " ".join(shop.plugins.found["stripe_payments"].problems)
    return f"Stripe is not enabled in this shop. {said}".strip()


def _state(settings: StripeSettings) -> str:
    if settings.is_standin:
        return "Now: a stand-in on this machine is used, which knows this address and its secret."
    count = len(settings.webhook_secrets)
    if not count:
        return (
            "Now: no signing secret is set, so every webhook is refused. Payments are settled when "
            "the\ncustomer comes back, and by a sweep every minute."
        )
    return f"Now: {'one signing secret is' if count == 1 else f'{count} signing secrets are'} set."
