"""Webhooks as EasyPost signs them."""

from __future__ import annotations

import hashlib
import hmac
import unicodedata
from dataclasses import dataclass

from opticworks.testing.standins import Delivery

HEADER = "X-Hmac-Signature"


def sign(body: bytes, secret: str) -> str:
    """The value of EasyPost's signature header: HMAC of the raw body, secret in NFKD."""
    key = unicodedata.normalize("NFKD", secret).encode()
    return f"hmac-sha256-hex={hmac.new(key, body, hashlib.sha256).hexdigest()}"


@dataclass
class EasyPostDelivery(Delivery):
    """Signs with the first secret: EasyPost's webhooks have one."""

    def headers(self, body: bytes) -> dict[str, str]:
        signature = {HEADER: sign(body, self.secrets[0])} if self.secrets else {}
        return {"Content-Type": "application/json", "User-Agent": "EasyPost Webhook", **signature}
