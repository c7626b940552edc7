"""What the shop's owner sets: Stripe's keys, and what customers read."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from pydantic import BaseModel, ConfigDict, Field, SecretStr

from opticworks.contracts import N_, on_this_machine, signing_secrets

API = "https://api.stripe.com"
DASHBOARD = "https://dashboard.stripe.com"
SCRIPT = "https://js.stripe.com/endive/stripe.js"
STANDIN_SECRET = "whsec_standin"  #: signs the stand-in's webhooks, which lead nowhere but here


class StripeSettings(BaseModel):
    """Keys, signing secrets, and what customers read.

    `api_base` and `script` lead to a stand-in outside production and belong in the ini only.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", str_strip_whitespace=True)

    publishable_key: str = Field(
        "", title="Publishable key", description="Begins with pk_.", max_length=255
    )
    secret_key: SecretStr = Field(
        SecretStr(""),
        title="Secret key",
        description="Begins with sk_ or rk_ (a restricted key is enough).",
    )
    webhook_secret: SecretStr = Field(
        SecretStr(""),
        title="Webhook signing secret",
        description="Begins with whsec_. While a secret is being replaced, write both with a "
        "comma between them.",
    )
    title: str = Field(N_("Card"), title="What customers read in the checkout", max_length=60)
    statement_suffix: str = Field(
        "",
        title="Added to the card statement",
        pattern=r"^[^<>\\'\"*]*$",
        max_length=22,
    )
    apple_file: str = Field(
        "",
        title="Apple Pay's domain file",
        description="What Stripe's dashboard gives under Settings, Payment method domains. The "
        "shop serves it where Apple looks for it.",
        max_length=20_000,
        json_schema_extra={"widget": "textarea", "rows": 3},
    )
    api_base: str = Field(API, title="Stripe's address", json_schema_extra={"ini": True})
    script: str = Field(SCRIPT, title="Stripe.js", json_schema_extra={"ini": True})

    def placed(self, standins: Mapping[str, str]) -> StripeSettings:
        """These settings, or those of the stand-in that runs when no keys were given."""
        address = standins.get("stripe", "")
        given = self.publishable_key or self.secret_key.get_secret_value()
        if not address or given:
            return self
        sample = {
            "publishable_key": "pk_test_standin",
            "secret_key": SecretStr("sk_test_standin"),
            "webhook_secret": SecretStr(STANDIN_SECRET),
            "api_base": address,
            "script": f"{address}/stripe.js",
        }
        return self.model_copy(update=sample)

    @property
    def is_standin(self) -> bool:
        """Whether payments go to a server on this machine, where no money is taken."""
        return self.api_base != API

    @property
    def live(self) -> bool:
        return self.secret_key.get_secret_value().startswith(("sk_live_", "rk_live_"))

    def dashboard(self, path: str) -> str:
        """Where staff see something at Stripe; the stand-in has a page of its own."""
        if self.is_standin:
            return f"{self.api_base}/dashboard/{path}"
        return f"{DASHBOARD}/{path}" if self.live else f"{DASHBOARD}/test/{path}"

    @property
    def webhook_secrets(self) -> tuple[str, ...]:
        return signing_secrets(self.webhook_secret)

    def problems(self, mode: str) -> Iterator[str]:
        """What keeps payments from being taken, as sentences; none names a secret."""
        secret, public = self.secret_key.get_secret_value(), self.publishable_key
        if not secret or not public:
            missing = "the secret key" if public else "the publishable key and the secret key"
            yield f"Stripe's keys are missing. Set {missing} (Stripe: Developers, API keys)."
            return
        if not secret.startswith(("sk_test_", "sk_live_", "rk_test_", "rk_live_")):
            yield "The secret key is not one of Stripe's, which begin with sk_ or rk_."
        elif not public.startswith("pk_live_" if self.live else "pk_test_"):
            yield (
                "The two keys don't belong together: one is for tests and one for real money, or "
                "the publishable key doesn't begin with pk_."
            )
        if any(not part.startswith("whsec_") for part in self.webhook_secrets):
            yield (
                "The webhook signing secret must begin with whsec_ (Stripe: Developers, Webhooks)."
            )
        yield from self._addresses(mode)

    def _addresses(self, mode: str) -> Iterator[str]:
        foreign = not self.script.startswith("https://js.stripe.com/")
        if mode == "production" and (self.is_standin or foreign):
            yield (
                "Payments would go to a stand-in, which takes no money. Remove api_base and "
                "script from the ini."
            )
        elif self.is_standin and not on_this_machine(self.api_base):
            yield f"api_base must be {API}, or a stand-in on this machine (127.0.0.1)."
        if self.is_standin and self.live:
            yield "A live key must never be given to a stand-in. Use keys of Stripe's test mode."
