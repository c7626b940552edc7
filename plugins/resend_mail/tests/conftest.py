"""A stand-in that really listens, and the real SDK pointed at it."""

from __future__ import annotations

from dataclasses import dataclass
from email.message import EmailMessage
from typing import Any

import pytest

from opticworks.testing.standins import Switch, listen
from opticworks_resend_mail.mailer import ResendMailer
from opticworks_resend_mail.settings import STANDIN_SECRET, ResendSettings
from opticworks_resend_mail.standin.server import StandIn
from opticworks_resend_mail.standin.vendor import as_mail


@dataclass
class Running:
    """The stand-in, its address, and ways to speak to it."""

    app: StandIn
    url: str

    def mailer(self, **changes: Any) -> ResendMailer:
        given = {
            "api_key": "re_standin",
            "webhook_secret": STANDIN_SECRET,
            "api_base": self.url,
            "rate": 100,
            "timeout": 30,
        }
        return ResendMailer(ResendSettings.model_validate({**given, **changes}))

    @property
    def received(self) -> list[dict[str, Any]]:
        return list(self.app.vendor.emails.values())

    @property
    def mails(self) -> list[EmailMessage]:
        return [as_mail(email) for email in self.received]


@pytest.fixture(scope="session")
def listening() -> tuple[Switch, str]:
    return listen()


@pytest.fixture
def standin(listening: tuple[Switch, str]) -> Running:
    switch, url = listening
    switch.app = StandIn()
    return Running(switch.app, url)
