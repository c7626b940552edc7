"""What the shop's owner sets: EasyPost's key, and which carriers are offered."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, SecretStr, field_validator

from opticworks.contracts import on_this_machine, signing_secrets

API = "https://api.easypost.com/v2"
STANDIN_KEY = "EZTKstandin"
STANDIN_SECRET = "standin"  #: signs the stand-in's webhooks, which lead nowhere but here


class EasyPostSettings(BaseModel):
    """Key, signing secrets, and what is offered of EasyPost's carriers.

    `api_base` leads to a stand-in outside production and belongs in the ini only.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", str_strip_whitespace=True)

    api_key: SecretStr = Field(
        SecretStr(""),
        title="API key",
        description="Begins with EZTK (test: labels without postage) or EZAK (real ones).",
    )
    webhook_secret: SecretStr = Field(
        SecretStr(""),
        title="Webhook secret",
        description="As given to EasyPost for the webhook. While it is being replaced, write "
        "both with a comma between them.",
    )
    carriers: tuple[str, ...] = Field(
        (),
        title="Carriers offered",
        description="As EasyPost calls them, one per line: USPS, UPS, FedEx. Empty: all of the "
        "account.",
        max_length=30,
        json_schema_extra={"section": "What is offered"},
    )
    services: tuple[str, ...] = Field(
        (),
        title="Services offered",
        description="As EasyPost calls them, one per line: GroundAdvantage, Priority. Empty: all.",
        max_length=60,
    )
    percentile: Literal[0, 50, 75, 85, 90, 95, 97, 99] = Field(
        0,
        title="Promise the day by which so many percent arrive",
        description="EasyPost's SmartRate. It takes a second question for each rate, so the "
        "checkout waits longer.",
        json_schema_extra={
            "choices": {
                "0": "No: the carrier's own estimate",
                **{str(each): f"{each} %" for each in (50, 75, 85, 90, 95, 97, 99)},
            }
        },
    )
    verify_abroad: bool = Field(
        False,
        title="Verify addresses outside the US too",
        description="EasyPost charges for each of them.",
        json_schema_extra={"section": "Addresses and customs"},
    )
    eel_pfc: str = Field(
        "NOEEI 30.37(a)",
        title="Exemption or ITN for exports from the US",
        description="NOEEI 30.37(a) is for goods worth less than 2,500 dollars of each kind.",
        max_length=40,
    )
    non_delivery: Literal["return", "abandon"] = Field(
        "return",
        title="A parcel that can't be delivered abroad",
        json_schema_extra={"choices": {"return": "Comes back", "abandon": "Is given up"}},
    )
    api_base: str = Field(API, title="EasyPost's address", json_schema_extra={"ini": True})

    @field_validator("percentile", mode="before")
    @classmethod
    def _number(cls, value: Any) -> Any:
        """The ini has text only."""
        return int(value) if isinstance(value, str) and value.isdigit() else value

    def placed(self, standins: Mapping[str, str]) -> EasyPostSettings:
        """These settings, or those of the stand-in that runs when no key was given."""
        address = standins.get("easypost", "")
        if not address or self.api_key.get_secret_value():
            return self
        sample = {
            "api_key": SecretStr(STANDIN_KEY),
            "webhook_secret": SecretStr(STANDIN_SECRET),
            "api_base": f"{address}/v2",
        }
        return self.model_copy(update=sample)

    @property
    def is_standin(self) -> bool:
        """Whether labels come from a server on this machine, where no postage is paid."""
        return self.api_base != API

    @property
    def live(self) -> bool:
        return self.api_key.get_secret_value().startswith("EZAK")

    @property
    def webhook_secrets(self) -> tuple[str, ...]:
        return signing_secrets(self.webhook_secret)

    def problems(self, mode: str, *, allowed: bool = False) -> Iterator[str]:
        """What keeps parcels from being shipped, as sentences; none names a secret. `allowed`:
        the ini lets even production use the stand-in that runs (`opticworks.allow_standins`)."""
        key = self.api_key.get_secret_value()
        if not key:
            yield "EasyPost's API key is missing. Set it (EasyPost: Account, API keys)."
            return
        if not key.startswith(("EZTK", "EZAK")):
            yield "The API key is not one of EasyPost's, which begin with EZTK or EZAK."
        if not self.is_standin:
            return
        if mode == "production" and not allowed:
            yield (
                "Labels would come from a stand-in, which pays no postage. Remove api_base from "
                "the ini."
            )
        elif not on_this_machine(self.api_base):
            yield f"api_base must be {API}, or a stand-in on this machine (127.0.0.1)."
        if self.live:
            yield "A production key must never be given to a stand-in. Use a test key (EZTK)."
