"""A stand-in that really listens, and the SDK pointed at it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest
import stripe

from opticworks.testing.standins import Switch, control, listen
from opticworks_stripe_payments.provider import StripePayments
from opticworks_stripe_payments.settings import StripeSettings
from opticworks_stripe_payments.standin.server import StandIn

SECRET = "whsec_standin"


@dataclass
class Running:
    """The stand-in, its address, and ways to speak to it."""

    app: StandIn
    url: str

    def control(self, verb: str, /, **given: Any) -> Any:
        return control(self.url, verb, **given)

    def client(self, retries: int = 0, timeout: float = 10) -> stripe.StripeClient:
        return stripe.StripeClient(
            "sk_test_standin",
            base_addresses={"api": self.url},
            max_network_retries=retries,
            http_client=stripe.RequestsClient(timeout=timeout),
        )

    def settings(self, **changes: Any) -> StripeSettings:
        given = {
            "publishable_key": "pk_test_standin",
            "secret_key": "sk_test_standin",
            "webhook_secret": SECRET,
            "api_base": self.url,
            "script": f"{self.url}/stripe.js",
        }
        return StripeSettings.model_validate({**given, **changes})

    def provider(self, **changes: Any) -> StripePayments:
        return StripePayments(self.settings(**changes))


@pytest.fixture(scope="session")
def listening() -> tuple[Switch, str]:
    return listen()


@pytest.fixture
def standin(listening: tuple[Switch, str]) -> Running:
    switch, url = listening
    switch.app = StandIn()
    return Running(switch.app, url)
