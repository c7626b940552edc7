"""The contract of AddressVerifier."""

from __future__ import annotations

from typing import Any

import pytest

from opticworks.contracts import Address, AddressVerdict, AddressVerifier
from opticworks.testing.contracts.common import ADDRESS, ProviderContract


class AddressVerifierContract(ProviderContract):
    """Subclass it with a fixture `provider`. `correctable` is an address that the verifier
    improves, `bad` one that nothing can be delivered to, as its vendor (or stand-in) sees it."""

    good: Address = ADDRESS
    correctable: Address | None = None
    bad: Address = ADDRESS.model_copy(update={"line1": "1 Nowhere", "postal_code": "00000"})

    def ask(self, provider: Any) -> object:
        return provider.verify(self.good)

    def test_has_every_method_of_the_contract(self, provider: Any) -> None:
        assert isinstance(provider, AddressVerifier)

    def test_a_good_address_passes(self, provider: Any) -> None:
        verdict = provider.verify(self.good)
        assert isinstance(verdict, AddressVerdict)
        assert verdict.state in ("verified", "corrected")

    def test_an_address_that_does_not_exist_is_told_from_a_good_one(self, provider: Any) -> None:
        verdict = provider.verify(self.bad)
        assert verdict.state in ("undeliverable", "unknown")
        assert any(message.strip() for message in verdict.messages)

    def test_a_correction_is_a_whole_and_different_address(self, provider: Any) -> None:
        verdict = provider.verify(self._correctable())
        assert verdict.state == "corrected"
        assert isinstance(verdict.suggestion, Address)
        assert verdict.suggestion != self._correctable()
        assert verdict.suggestion.line1
        assert verdict.suggestion.city

    def test_a_correction_keeps_person_phone_and_country(self, provider: Any) -> None:
        given = self._correctable()
        suggestion = provider.verify(given).suggestion
        kept = ("first_name", "last_name", "company", "phone", "country")
        assert suggestion is not None
        assert [getattr(suggestion, name) for name in kept] == [getattr(given, n) for n in kept]

    def test_a_correction_needs_no_further_one(self, provider: Any) -> None:
        suggestion = provider.verify(self._correctable()).suggestion
        assert suggestion is not None
        assert provider.verify(suggestion).state == "verified"

    def test_only_a_correction_suggests_something(self, provider: Any) -> None:
        for address in (self.good, self.bad):
            verdict = provider.verify(address)
            assert (verdict.suggestion is not None) == (verdict.state == "corrected")

    def test_the_same_address_has_the_same_verdict(self, provider: Any) -> None:
        for address in (self.good, self.bad):
            assert provider.verify(address) == provider.verify(address)

    def _correctable(self) -> Address:
        if self.correctable is None:
            pytest.skip("It corrects nothing.")
        return self.correctable
