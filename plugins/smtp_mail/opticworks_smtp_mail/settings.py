"""What the shop's owner sets: the mail server, and what mails come from."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, SecretStr

from opticworks.contracts import ShopSettings

LOCAL = frozenset({"localhost", "127.0.0.1", "::1"})


class SmtpSettings(BaseModel):
    """The server, how to speak to it, and the sender."""

    model_config = ConfigDict(frozen=True, extra="forbid", str_strip_whitespace=True)

    host: str = Field("", title="Mail server", max_length=253)
    port: int = Field(587, title="Port", ge=1, le=65535)
    security: Literal["starttls", "tls", "none"] = Field(
        "starttls",
        title="Encryption",
        json_schema_extra={
            "choices": {"starttls": "STARTTLS", "tls": "TLS from the start", "none": "None"}
        },
    )
    user: str = Field("", title="User name", max_length=200)
    password: SecretStr = Field(SecretStr(""), title="Password")
    from_address: str = Field(
        "",
        title="Sender's address (empty: the shop's)",
        pattern=r"^$|^[^@\s]+@[^@\s]+$",
        json_schema_extra={"example": "shop@example.com"},
    )
    from_name: str = Field("", title="Sender's name (empty: the shop's)", max_length=100)
    timeout: float = Field(20, title="Seconds to wait for the server", gt=0, le=120)

    def problems(self, shop: ShopSettings, mode: str) -> Iterator[str]:
        """What keeps mail from being sent, as sentences."""
        if bool(self.user) != bool(self.password.get_secret_value()):
            missing = "the password" if self.user else "the user name"
            yield f"The mail server's sign-in is incomplete. Set {missing}, or leave both empty."
        if mode != "production":
            return
        if not self.host:
            yield "No mail server is set, so no mail could be sent. Set the mail server."
        if self.security == "none" and self.user and self.host not in LOCAL:
            yield (
                "The password would go over the network unencrypted. Set the encryption to "
                "STARTTLS or TLS."
            )
        if (self.from_address or shop.email).lower().endswith("@example.com"):
            yield (
                "Mails would come from example.com, which mail servers refuse. Set the "
                "sender's address, or the shop's own e-mail address."
            )
