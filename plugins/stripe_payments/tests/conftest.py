"""A stand-in that really listens, and the SDK pointed at it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import pytest
import stripe

from opticworks.shop import Shop
from opticworks.testing.counter import Counter, open_counter
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

    @property
    def keys(self) -> dict[str, str]:
        """What an ini would say to use it."""
        return {
            "publishable_key": "pk_test_standin",
            "secret_key": "sk_test_standin",
            "webhook_secret": SECRET,
            "api_base": self.url,
            "script": f"{self.url}/stripe.js",
        }

    def settings(self, **changes: Any) -> StripeSettings:
        return StripeSettings.model_validate({**self.keys, **changes})

    def confirm(self, ref: str, method: str = "pm_card_visa") -> None:
        """What a buyer's browser does with a payment's intent."""
        self.client().v1.payment_intents.confirm(
            ref, {"payment_method": method, "return_url": "http://127.0.0.1/return"}
        )

    def provider(self, **changes: Any) -> StripePayments:
        return StripePayments(self.settings(**changes))


@pytest.fixture(scope="session")
def listening() -> tuple[Switch, str]:
    return listen()


class OpenShop:
    """The command line's context around a shop that is open already."""

    def __init__(self, shop: Any) -> None:
        self._shop = shop

    @contextmanager
    def shop(self) -> Iterator[Any]:
        yield self._shop


@pytest.fixture
def open_shop() -> type[OpenShop]:
    return OpenShop


@pytest.fixture
def counter(make_shop: Callable[..., Shop], standin: Running) -> Counter:
    """A shop whose cards are taken by the stand-in."""
    return open_counter(
        make_shop, plugins=("stripe_payments",), settings={"stripe_payments": standin.keys}
    )


@pytest.fixture
def standin(listening: tuple[Switch, str]) -> Running:
    switch, url = listening
    switch.app = StandIn()
    return Running(switch.app, url)
