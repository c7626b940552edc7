"""Webhooks as Stripe signs them."""

from __future__ import annotations

import hashlib
import hmac
import time
from dataclasses import dataclass

from opticworks.testing.standins import Delivery


def sign(body: bytes, secrets: list[str], at: int) -> str:
    """The Stripe-Signature header: one v1 per secret, as during a rollover."""
    parts = [
        hmac.new(secret.encode(), f"{at}.".encode() + body, hashlib.sha256).hexdigest()
        for secret in secrets
    ]
    return ",".join([f"t={at}", *(f"v1={part}" for part in parts)])


@dataclass
class StripeDelivery(Delivery):
    """Signs each try anew, as Stripe does."""

    def headers(self, body: bytes) -> dict[str, str]:
        return {
            "Content-Type": "application/json; charset=utf-8",
            "Stripe-Signature": sign(body, self.secrets, int(time.time())),
            "User-Agent": "Stripe/1.0 (+https://stripe.com/docs/webhooks)",
        }
