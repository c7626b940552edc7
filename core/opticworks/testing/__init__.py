"""What tests of the kernel and of plugins share: servers, fakes and contract suites."""

from __future__ import annotations

from typing import Any

#: Contract suites by name, and where they are: imported when asked for, since they need pytest.
SUITES = {
    "AddressVerifierContract": "opticworks.testing.contracts.addresses",
    "ImageStoreContract": "opticworks.testing.contracts.images",
    "MailerContract": "opticworks.testing.contracts.mailer",
    "PaymentProviderContract": "opticworks.testing.contracts.payment",
    "ShippingProviderContract": "opticworks.testing.contracts.shipping",
}


def __getattr__(name: str) -> Any:
    if name in SUITES:
        from importlib import import_module

        return getattr(import_module(SUITES[name]), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
