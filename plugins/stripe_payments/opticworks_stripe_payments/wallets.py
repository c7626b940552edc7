"""Apple Pay and Google Pay: where Apple finds the file that proves the domain, and registering it.

The Payment Element shows wallets by itself, on registered https domains and devices that have one.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Any
from urllib.parse import urlsplit

import stripe
from pyramid.response import Response
from pyramid.security import NO_PERMISSION_REQUIRED

from opticworks.plugin import cacheable

PATH = "/.well-known/apple-developer-merchantid-domain-association"
WALLETS = {"apple_pay": "Apple Pay", "google_pay": "Google Pay", "link": "Link"}


class NotPublic(ValueError):
    """An address on which no wallet will ever be shown."""


@dataclass(frozen=True, slots=True)
class Domain:
    """A registered domain: by wallet, "" if it is shown there, else why not."""

    name: str
    wallets: Mapping[str, str]


def domain_of(base_url: str) -> str:
    """The domain of the shop's address. Raises NotPublic with a sentence."""
    parts = urlsplit(base_url)
    name = parts.hostname or ""
    try:
        number = bool(ip_address(name))
    except ValueError:
        number = False
    if parts.scheme != "https" or number or "." not in name:
        raise NotPublic(
            f"Wallets need a public https address, and this shop's is {base_url}. Name the domain "
            "that customers will use, or set OPTICWORKS_BASE_URL."
        )
    return name


def register(client: stripe.StripeClient, name: str) -> Domain:
    """Register the domain, or let Stripe look again at one that is registered already."""
    known = client.v1.payment_method_domains.list({"domain_name": name}).data
    if known:
        found = client.v1.payment_method_domains.validate(known[0].id)
    else:
        found = client.v1.payment_method_domains.create({"domain_name": name})
    said: Mapping[str, Any] = found.to_dict()
    return Domain(name, {title: _why_not(said.get(code)) for code, title in WALLETS.items()})


def _why_not(state: Any) -> str:
    if state and state["status"] == "active":
        return ""
    details = (state or {}).get("status_details") or {}
    return str(details.get("error_message") or "Stripe gives no reason.")


@cacheable(300)
def apple_file(request: Any) -> Response:
    """The file as Stripe gave it; nothing is there while none is set."""
    text = request.registry.shop.settings["stripe_payments"].apple_file
    if text:
        return Response(text, content_type="text/plain", charset="utf-8")
    return Response("No Apple Pay domain file is set.\n", 404, content_type="text/plain")


def includeme(config: Any) -> None:
    config.add_route("stripe.apple_file", PATH, request_method=("GET", "HEAD"))
    config.add_view(apple_file, route_name="stripe.apple_file", permission=NO_PERMISSION_REQUIRED)
