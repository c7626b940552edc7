"""The suites bound to the fakes: an example for a provider's own tests.

Subclass one under a name that begins with "Test" to run it.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import pytest

from opticworks.testing.contracts.addresses import AddressVerifierContract
from opticworks.testing.contracts.common import ADDRESS
from opticworks.testing.contracts.images import ImageStoreContract
from opticworks.testing.contracts.mailer import MESSAGE, MailerContract
from opticworks.testing.contracts.payment import PaymentProviderContract
from opticworks.testing.contracts.shipping import ShippingProviderContract
from opticworks.testing.fakes import (
    FakeAddressVerifier,
    FakeCarrierVendor,
    FakeImageStore,
    FakeMailer,
    FakeOfflinePayment,
    FakeOnlinePayment,
    FakeShipping,
)


class OnlinePayment(PaymentProviderContract):
    @pytest.fixture
    def provider(self) -> Any:
        return FakeOnlinePayment()

    def authorize(self, provider: Any, ref: str) -> None:
        provider.vendor.pay(ref, capture=False)

    def vendor_down(self, provider: Any) -> Any:
        return provider.vendor.down()

    def webhook(self, provider: Any) -> Any:
        ref = provider.start(self.intent("att-hook"), "start-hook").ref
        provider.vendor.pay(ref)
        return provider.vendor.webhook(provider.vendor.events[0])

    def webhook_ref(self, provider: Any) -> Any:
        (payment,) = provider.vendor.payments.values()
        return payment.ref, "att-hook"

    def decline(self, provider: Any, ref: str) -> bool:
        provider.vendor.decline(ref)
        return True

    @contextmanager
    def lost_answer(self, provider: Any) -> Iterator[None]:
        provider.vendor.fail_next("after")
        yield

    def secrets(self, provider: Any) -> tuple[str, ...]:
        return (provider.vendor.secret,)

    def stale_webhook(self, provider: Any) -> Any:
        vendor = provider.vendor
        provider.start(self.intent(), "start-1")
        event = vendor.announce("payment.captured", ref="pay", attempt="att")
        return vendor.webhook(event, at=vendor.clock() - timedelta(hours=1))

    def without_webhook_secret(self, provider: Any) -> Any:
        provider.vendor.secret = ""
        return provider


class OfflinePayment(PaymentProviderContract):
    offline = True

    @pytest.fixture
    def provider(self) -> Any:
        return FakeOfflinePayment()


class Shipping(ShippingProviderContract):
    unserved = "FR"
    too_heavy = 30_001
    abroad = "CA"
    formats = ("PDF", "PNG", "ZPL")

    @pytest.fixture
    def provider(self) -> Any:
        return FakeShipping(FakeCarrierVendor())

    def vendor_down(self, provider: Any) -> Any:
        return provider.vendor.down()

    def bought(self, provider: Any) -> Any:
        return provider.vendor.bought

    @contextmanager
    def lost_answer(self, provider: Any) -> Iterator[None]:
        provider.vendor.fail_next("after")
        yield

    def secrets(self, provider: Any) -> tuple[str, ...]:
        return (provider.vendor.secret,)

    def without_webhook_secret(self, provider: Any) -> Any:
        provider.vendor.secret = ""
        return provider

    def scan(self, provider: Any, ref: str, status: str) -> None:
        provider.vendor.scan(ref, status)

    def webhook(self, provider: Any) -> Any:
        label = self._bought(provider)
        self.scan(provider, label.ref, "in_transit")
        return provider.vendor.webhook(provider.vendor.events[0])

    def webhook_ref(self, provider: Any) -> Any:
        (shipment,) = provider.vendor.shipments.values()
        return shipment.ref


class ImageStore(ImageStoreContract):
    @pytest.fixture
    def provider(self) -> Any:
        return FakeImageStore()

    def vendor_down(self, provider: Any) -> Any:
        return provider.vendor.down()

    def stored(self, provider: Any) -> Any:
        return len(provider.kept)


class AddressVerifier(AddressVerifierContract):
    correctable = ADDRESS.model_copy(update={"postal_code": "94104-1234"})

    @pytest.fixture
    def provider(self) -> Any:
        return FakeAddressVerifier()

    def vendor_down(self, provider: Any) -> Any:
        return provider.vendor.down()


class Mailer(MailerContract):
    @pytest.fixture
    def provider(self) -> Any:
        return FakeMailer()

    def vendor_down(self, provider: Any) -> Any:
        return provider.vendor.down()

    def arrived(self, provider: Any) -> Any:
        return provider.outbox

    def refused(self, provider: Any) -> str:
        return str(provider.vendor.refused)

    def lost_answer(self, provider: Any) -> bool:
        provider.vendor.fail_next("after")
        return True

    def webhook(self, provider: Any) -> Any:
        ref = provider.send(MESSAGE, "key-hook")
        provider.vendor.report(ref, "delivered")
        return provider.vendor.webhook(provider.vendor.events[0])
