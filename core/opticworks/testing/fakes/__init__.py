"""Fakes for every contract and hook, stateful and in memory, for tests without a vendor.

The providers pass the suites of `opticworks.testing.contracts`. Goods, pricing and `fake_plugin`
are plugin objects: `boot(..., extra_plugins={"fake_goods": goods})`.
"""

from opticworks.testing.fakes.addresses import FakeAddressVerifier
from opticworks.testing.fakes.goods import FakeGoods
from opticworks.testing.fakes.images import FakeImageStore
from opticworks.testing.fakes.mail import FakeMailer, FakeMailVendor
from opticworks.testing.fakes.payment import (
    FakeCardVendor,
    FakeOfflinePayment,
    FakeOnlinePayment,
)
from opticworks.testing.fakes.plugin import fake_plugin, provider_plugin
from opticworks.testing.fakes.pricing import FakeDiscounts, FakeObjections, FakeTaxes
from opticworks.testing.fakes.shipping import FakeCarrierVendor, FakeShipping
from opticworks.testing.fakes.vendor import FakeEvent, FakeVendor

__all__ = [
    "FakeAddressVerifier",
    "FakeCardVendor",
    "FakeCarrierVendor",
    "FakeDiscounts",
    "FakeEvent",
    "FakeGoods",
    "FakeImageStore",
    "FakeMailVendor",
    "FakeMailer",
    "FakeObjections",
    "FakeOfflinePayment",
    "FakeOnlinePayment",
    "FakeShipping",
    "FakeTaxes",
    "FakeVendor",
    "fake_plugin",
    "provider_plugin",
]
