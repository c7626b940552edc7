"""An address verifier that goes by the text of the address."""

from __future__ import annotations

from opticworks.contracts import Address, AddressVerdict
from opticworks.testing.fakes.vendor import FakeVendor


class FakeAddressVerifier:
    """Knows one rule per verdict: a line "Nowhere" can't be delivered to, "Elsewhere" it does
    not know, and a US postal code is corrected to its first five digits."""

    code = "fake_verifier"
    title = "Test addresses"

    def __init__(self, vendor: FakeVendor | None = None) -> None:
        self.vendor = vendor or FakeVendor()

    def verify(self, address: Address) -> AddressVerdict:
        return self.vendor.call("verify", lambda: self._judge(address))

    @staticmethod
    def _judge(address: Address) -> AddressVerdict:
        if not address.line1 or "nowhere" in address.line1.lower():
            return AddressVerdict(
                state="undeliverable", messages=("There is no such street in that city.",)
            )
        if "elsewhere" in address.line1.lower():
            return AddressVerdict(state="unknown", messages=("The address could not be checked.",))
        if address.country == "US" and len(address.postal_code) > 5:
            better = address.model_copy(update={"postal_code": address.postal_code[:5]})
            return AddressVerdict(state="corrected", suggestion=better)
        return AddressVerdict(state="verified")
