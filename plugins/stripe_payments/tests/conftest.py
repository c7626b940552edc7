"""A stand-in that really listens, and the SDK pointed at it."""

from __future__ import annotations

import json
import threading
import urllib.request
from dataclasses import dataclass
from typing import Any

import pytest
import stripe
from waitress.server import create_server

from opticworks_stripe_payments.provider import StripePayments
from opticworks_stripe_payments.settings import StripeSettings
from opticworks_stripe_payments.standin.server import StandIn

SECRET = "whsec_standin"


@dataclass
class Running:
    """The stand-in, its address, and ways to speak to it."""

    app: StandIn
    url: str

    def control(self, verb: str, **given: Any) -> Any:
        request = urllib.request.Request(
            f"{self.url}/_standin/{verb}", json.dumps(given).encode(), method="POST"
        )
        with urllib.request.urlopen(request, timeout=10) as answer:
            return json.loads(answer.read())

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


class _Switch:
    """One listening server for all tests, a new account behind it for each."""

    app = StandIn()

    def __call__(self, environ: Any, start_response: Any) -> Any:
        return self.app(environ, start_response)


@pytest.fixture(scope="session")
def listening() -> tuple[_Switch, str]:
    switch = _Switch()
    server = create_server(switch, host="127.0.0.1", port=0, threads=16)
    threading.Thread(target=server.run, daemon=True).start()
    return switch, f"http://127.0.0.1:{server.effective_port}"


@pytest.fixture
def standin(listening: tuple[_Switch, str]) -> Running:
    switch, url = listening
    switch.app = StandIn()
    return Running(switch.app, url)
