"""EasyPost on its stand-in, through the real SDK, keeps the contracts of its kinds."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from opticworks.testing import AddressVerifierContract, ShippingProviderContract
from opticworks.testing.contracts.common import ADDRESS
from opticworks_easypost_shipping import provider as module
from opticworks_easypost_shipping.client import Api
from opticworks_easypost_shipping.settings import STANDIN_KEY, STANDIN_SECRET
from opticworks_easypost_shipping.standin.delivery import HEADER, sign


@contextmanager
def out_of_reach(provider: Any, standin: Any) -> Iterator[None]:
    working = provider._api
    provider._api = Api(standin.settings(api_base="http://127.0.0.1:9/v2"))
    yield
    provider._api = working


class TestShipping(ShippingProviderContract):
    unserved = "KP"
    too_heavy = 40_000
    abroad = "CA"
    formats = ("PNG", "PDF", "ZPL")

    @pytest.fixture
    def provider(self, standin: Any) -> Any:
        made = standin.provider()
        made.standin = standin
        return made

    def vendor_down(self, provider: Any) -> Any:
        return out_of_reach(provider, provider.standin)

    def secrets(self, provider: Any) -> tuple[str, ...]:
        return (STANDIN_KEY, STANDIN_SECRET)

    def bought(self, provider: Any) -> int:
        return int(provider.standin.bought)

    @contextmanager
    def lost_answer(self, provider: Any) -> Iterator[None]:
        provider.standin.control("faults", match="/buy$", how="timeout", seconds=60)
        provider._api.client = lambda seconds=0.5: Api.client(provider._api, 0.5)
        yield
        del provider._api.client
        provider.standin.app.faults.settle()

    def scan(self, provider: Any, ref: str, status: str) -> None:
        provider.standin.control("advance", id=ref, status=status)

    def webhook(self, provider: Any) -> Any:
        label = self._bought(provider)
        self.scan(provider, label.ref, "in_transit")
        delivery, vendor = provider.standin.app.delivery, provider.standin.app.vendor
        body = delivery.body_of(list(vendor.objects["Event"].values())[-1])
        return body, {HEADER: sign(body, STANDIN_SECRET)}

    def webhook_ref(self, provider: Any) -> str:
        (shipment,) = provider.standin.app.vendor.objects["Shipment"].values()
        return str(shipment["id"])

    def without_webhook_secret(self, provider: Any) -> Any:
        return provider.standin.provider(webhook_secret="")


class TestAddresses(AddressVerifierContract):
    correctable = ADDRESS.model_copy(update={"city": "San Fransisco"})

    @pytest.fixture
    def provider(self, standin: Any) -> Any:
        made = standin.verifier()
        made.standin = standin
        return made

    def vendor_down(self, provider: Any) -> Any:
        return out_of_reach(provider, provider.standin)


def test_both_are_found_under_one_code(standin: Any) -> None:
    assert module.CODE == standin.verifier().code == standin.provider().code
