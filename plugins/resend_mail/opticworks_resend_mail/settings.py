"""What the shop's owner sets: Resend's key, signing secrets, the sender, and the pace."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterator, Mapping
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, SecretStr

from opticworks.contracts import ShopSettings, on_this_machine, signing_secrets

API = "https://api.resend.com"
STANDIN_KEY = "re_standin"
#: Signs the stand-in's webhooks, which lead nowhere but here.
STANDIN_SECRET = "whsec_" + base64.b64encode(b"only the stand-in signs with this").decode()


class ResendSettings(BaseModel):
    """Key, signing secrets, sender and pace. `api_base` leads to a stand-in outside production
    and belongs in the ini only."""

    model_config = ConfigDict(frozen=True, extra="forbid", str_strip_whitespace=True)

    api_key: SecretStr = Field(
        SecretStr(""),
        title="API key",
        description="Begins with re_. Full access lets the shop check its domain; a key for "
        "sending alone sends just as well.",
    )
    webhook_secret: SecretStr = Field(
        SecretStr(""),
        title="Webhook signing secret",
        description="Begins with whsec_. While a secret is being replaced, write both with a "
        "comma between them.",
    )
    from_address: str = Field(
        "",
        title="Sender's address (empty: the shop's)",
        pattern=r"^$|^[^@\s]+@[^@\s]+$",
        description="Its domain must be verified at Resend.",
        json_schema_extra={"example": "shop@example.com"},
    )
    from_name: str = Field("", title="Sender's name (empty: the shop's)", max_length=100)
    rate: float = Field(
        2,
        title="Requests a second",
        description="What Resend allows your team. More is slowed down, never lost.",
        ge=0.1,
        le=100,
        json_schema_extra={"width": "half"},
    )
    opens: bool = Field(
        False,
        title="Note when a mail is opened",
        description="Needs open tracking at Resend, a picture that tells on its reader. Ask your "
        "customers first where the law wants it.",
    )
    waits: Literal["shop", "resend"] = Field(
        "shop",
        title="Who keeps mails that leave later",
        description="The shop can call a mail off until the last moment. Resend sends it even "
        "while the shop is down.",
        json_schema_extra={"choices": {"shop": "The shop", "resend": "Resend, up to 30 days"}},
    )
    timeout: float = Field(20, title="Seconds to wait for Resend", gt=0, le=120)
    api_base: str = Field(API, title="Resend's address", json_schema_extra={"ini": True})

    def placed(self, standins: Mapping[str, str]) -> ResendSettings:
        """These settings, or those of the stand-in that runs when no key was given."""
        address = standins.get("resend", "")
        if not address or self.api_key.get_secret_value():
            return self
        sample = {
            "api_key": SecretStr(STANDIN_KEY),
            "webhook_secret": SecretStr(STANDIN_SECRET),
            "api_base": address,
            "rate": 100.0,
        }
        return self.model_copy(update=sample)

    @property
    def is_standin(self) -> bool:
        """Whether mails go to a server on this machine, which delivers none."""
        return self.api_base != API

    @property
    def key(self) -> str:
        return self.api_key.get_secret_value()

    @property
    def webhook_secrets(self) -> tuple[str, ...]:
        return signing_secrets(self.webhook_secret)

    def domain(self, shop: ShopSettings) -> str:
        """The domain that mails come from."""
        return (self.from_address or shop.email).rpartition("@")[2].lower()

    def problems(self, shop: ShopSettings, mode: str) -> Iterator[str]:
        """What keeps mail from being sent, as sentences; none names a secret."""
        if mode == "production" and not self.key:
            yield "Resend's API key is missing. Set it (Resend: API Keys)."
            return
        if self.key and not self.key.startswith("re_"):
            yield "The API key is not one of Resend's, which begin with re_."
        if not all(_is_secret(secret) for secret in self.webhook_secrets):
            yield (
                "The webhook signing secret is not one of Resend's, which begin with whsec_ "
                "(Resend: Webhooks)."
            )
        if mode == "production" and (self.is_standin or self.key == STANDIN_KEY):
            yield (
                "Mails would go to a stand-in, which delivers none. Remove api_base from the ini "
                "and set your own API key."
            )
        elif self.is_standin and not on_this_machine(self.api_base):
            yield f"api_base must be {API}, or a stand-in on this machine (127.0.0.1)."
        if mode == "production" and self.domain(shop) == "example.com":
            yield (
                "Mails would come from example.com, which Resend refuses. Set the sender's "
                "address, or the shop's own e-mail address."
            )


def _is_secret(text: str) -> bool:
    try:
        return text.startswith("whsec_") and bool(base64.b64decode(text[6:], validate=True))
    except binascii.Error:
        return False
