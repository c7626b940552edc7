"""A stand-in that really listens, and the SDK pointed at it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest
from easypost.easypost_client import EasyPostClient

from opticworks.testing.standins import Switch, control, listen
from opticworks_easypost_shipping.addresses import EasyPostAddresses
from opticworks_easypost_shipping.provider import EasyPostShipping
from opticworks_easypost_shipping.settings import STANDIN_KEY, STANDIN_SECRET, EasyPostSettings
from opticworks_easypost_shipping.standin.server import StandIn


@dataclass
class Running:
    """The stand-in, its address, and ways to speak to it."""

    app: StandIn
    url: str

    def control(self, verb: str, **given: Any) -> Any:
        return control(self.url, verb, **given)

    def client(self, timeout: int = 10) -> EasyPostClient:
        return EasyPostClient(STANDIN_KEY, api_base=f"{self.url}/v2", timeout=timeout)

    def settings(self, **changes: Any) -> EasyPostSettings:
        given = {
            "api_key": STANDIN_KEY,
            "webhook_secret": STANDIN_SECRET,
            "api_base": f"{self.url}/v2",
        }
        return EasyPostSettings.model_validate({**given, **changes})

    def provider(self, **changes: Any) -> EasyPostShipping:
        return EasyPostShipping(self.settings(**changes))

    def verifier(self, **changes: Any) -> EasyPostAddresses:
        return EasyPostAddresses(self.settings(**changes))

    @property
    def bought(self) -> int:
        """How many labels were sold."""
        shipments = self.app.vendor.objects["Shipment"].values()
        return sum(each["postage_label"] is not None for each in shipments)


@pytest.fixture(scope="session")
def listening() -> tuple[Switch, str]:
    return listen()


@pytest.fixture
def standin(listening: tuple[Switch, str]) -> Running:
    switch, url = listening
    switch.app = StandIn()
    return Running(switch.app, url)
