"""What vendors' clients share: errors, and facts that come by webhook."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

from pydantic import SecretStr


class ProviderError(Exception):
    """The provider can't be asked or answered nonsense; `retryable` if trying again may help.

    `retry_after` are the seconds that the provider asked to be left alone. The message is for
    staff and logs and holds no secret.
    """

    def __init__(
        self, message: str, *, retryable: bool = True, retry_after: float | None = None
    ) -> None:
        super().__init__(message)
        self.retryable = retryable
        self.retry_after = retry_after


class BadSignature(Exception):
    """A webhook that its sender did not sign, or signed too long ago."""


class NoWebhooks(BadSignature):
    """This provider has no webhooks, so whatever comes is not from its vendor."""


class NoWebhookSecret(BadSignature):
    """Nothing can be verified: no signing secret is set. The message says which, for staff."""


def on_this_machine(address: str) -> bool:
    """Whether an address leads to this machine, as that of a stand-in has to."""
    return urlsplit(address).hostname in {"127.0.0.1", "localhost", "::1"}


def signing_secrets(setting: SecretStr) -> tuple[str, ...]:
    """The secrets of a setting that holds several with commas between, as while one is renewed: a
    webhook that was signed with any of them is genuine."""
    parts = setting.get_secret_value().split(",")
    return tuple(part.strip() for part in parts if part.strip())


@dataclass(frozen=True, slots=True, kw_only=True)
class WebhookEvent:
    """One verified fact from a vendor. `id` is the vendor's event id (for deduplication);
    `attempt` our attempt id from the vendor's metadata if it is there, `ref` the vendor's."""

    id: str
    kind: str
    ref: str = ""
    attempt: str = ""
    occurred_at: datetime | None = None
    data: Mapping[str, Any] = field(default_factory=dict)
