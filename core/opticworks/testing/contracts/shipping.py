"""The contract of ShippingProvider."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, suppress
from dataclasses import replace
from typing import Any

import pytest

from opticworks.contracts import (
    Address,
    Customs,
    Label,
    ManifestProvider,
    NoWebhookSecret,
    Parcel,
    ProviderError,
    Rate,
    RateRequest,
    ShipmentRequest,
    ShipmentState,
    ShippingLine,
    ShippingProvider,
)
from opticworks.money import Money
from opticworks.testing.contracts.common import ADDRESS, WebhookContract, at_once, is_utc

ORIGIN = Address(
    company="OpticWorks",
    line1="2 Bryant St",
    city="San Francisco",
    state="CA",
    postal_code="94105",
    country="US",
)
LINE = ShippingLine(
    sku="RS1-PRO-WHT",
    title="RS-1 Presence Sensor",
    quantity=2,
    weight=145,
    unit_price=Money(4900, "USD"),
)


class ShippingProviderContract(WebhookContract):
    """Subclass it with a fixture `provider`. It has to serve 290 g within California.

    `unserved` is a country it does not ship to, `too_heavy` a weight in grams that it does not
    take, `abroad` a country that it reaches through customs (None where there is no such thing);
    `formats` are those in which it makes labels. What else lies behind a provider is told by the
    methods that answer None here; cases that need one of them are skipped without it.
    """

    unserved: str | None = None
    too_heavy: int | None = None
    abroad: str | None = None
    formats: tuple[str, ...] = ("PDF",)

    def lost_answer(self, provider: Any) -> AbstractContextManager[Any] | None:
        """A context in which the vendor sells a label, and its answer is lost on the way back."""
        return None

    def secrets(self, provider: Any) -> tuple[str, ...]:
        """What may be read nowhere: keys, signing secrets."""
        return ()

    def without_webhook_secret(self, provider: Any) -> Any:
        """The same provider before anybody set its signing secret."""
        return None

    def request(self, weight: int = 290, country: str = "US", value: int = 9800) -> RateRequest:
        return RateRequest(
            parcels=(Parcel(weight=weight, size=(180, 120, 60)),),
            lines=(LINE,),
            goods_value=Money(value, "USD"),
            origin=ORIGIN,
            destination=ADDRESS.model_copy(update={"country": country}),
        )

    def shipment(
        self, reference: str = "shp-1", country: str = "US", **changes: Any
    ) -> ShipmentRequest:
        made = ShipmentRequest(
            reference=reference,
            order_number="OW-10042",
            parcel=Parcel(weight=290, size=(180, 120, 60)),
            lines=(LINE,),
            origin=ORIGIN,
            destination=ADDRESS.model_copy(update={"country": country}),
            email="ada@example.com",
        )
        return replace(made, **changes)

    def ask(self, provider: Any) -> object:
        return provider.rates(self.request())

    def bought(self, provider: Any) -> int:
        """How many labels the vendor has sold: what is paid for."""
        raise NotImplementedError("Override bought() in the subclass.")

    def _with_labels(self, provider: Any) -> None:
        if not provider.labels:
            pytest.skip("It sells no labels.")

    def _bought(self, provider: Any) -> Label:
        self._with_labels(provider)
        state = provider.prepare(self.shipment())
        label: Label = provider.buy(state.ref, state.rates[0], {}, "buy-1")
        return label

    # --- rates ----------------------------------------------------------------------------------

    def test_has_every_method_of_the_contract(self, provider: Any) -> None:
        assert isinstance(provider, ShippingProvider)
        assert isinstance(provider.labels, bool)

    def test_rates_are_a_tuple_of_rates_with_unique_codes(self, provider: Any) -> None:
        rates = provider.rates(self.request())
        assert isinstance(rates, tuple)
        assert rates
        assert all(isinstance(rate, Rate) and rate.code and rate.title for rate in rates)
        assert len({rate.code for rate in rates}) == len(rates)

    def test_rates_cost_nothing_or_more_in_the_currency_of_the_goods(self, provider: Any) -> None:
        for value in (1, 9800, 10_000_000):
            for rate in provider.rates(self.request(value=value)):
                assert rate.amount.currency == "USD"
                assert rate.amount.minor >= 0

    def test_rates_come_cheapest_first(self, provider: Any) -> None:
        amounts = [rate.amount for rate in provider.rates(self.request())]
        assert amounts == sorted(amounts)

    def test_rates_promise_a_sensible_time(self, provider: Any) -> None:
        for rate in provider.rates(self.request()):
            days = [day for day in (rate.min_days, rate.max_days) if day is not None]
            assert all(day >= 0 for day in days)
            assert days == sorted(days)

    def test_the_same_question_has_the_same_answer(self, provider: Any) -> None:
        first, again = (provider.rates(self.request()) for _ in range(2))
        assert [(r.code, r.amount) for r in first] == [(r.code, r.amount) for r in again]

    def test_several_parcels_cost_no_less_than_one_of_them(self, provider: Any) -> None:
        one = self.request()
        two = replace(one, parcels=(*one.parcels, *one.parcels))
        alone = {rate.code: rate.amount for rate in provider.rates(one)}
        for rate in provider.rates(two):
            assert rate.amount >= alone[rate.code]

    def test_before_packing_the_lines_have_rates(self, provider: Any) -> None:
        assert provider.rates(replace(self.request(), parcels=()))

    def test_errors_tell_no_secret(self, provider: Any) -> None:
        down = self.vendor_down(provider)
        if down is None:
            pytest.skip("There is no vendor that could be out of reach.")
        with down, pytest.raises(ProviderError) as caught:
            self.ask(provider)
        assert not [secret for secret in self.secrets(provider) if secret in str(caught.value)]

    def test_there_is_no_rate_to_where_it_does_not_ship(self, provider: Any) -> None:
        if self.unserved is None:
            pytest.skip("It ships everywhere.")
        assert provider.rates(self.request(country=self.unserved)) == ()

    def test_there_is_no_rate_for_what_is_too_heavy(self, provider: Any) -> None:
        if self.too_heavy is None:
            pytest.skip("Nothing is too heavy.")
        assert provider.rates(self.request(weight=self.too_heavy)) == ()

    # --- without labels -------------------------------------------------------------------------

    def test_without_labels_every_label_call_says_so(self, provider: Any) -> None:
        if provider.labels:
            pytest.skip("It sells labels.")
        rate = provider.rates(self.request())[0]
        calls: tuple[Callable[[], object], ...] = (
            lambda: provider.prepare(self.shipment()),
            lambda: provider.buy("ref", rate, {}, "buy-1"),
            lambda: provider.fetch("ref"),
            lambda: provider.void("ref", "void-1"),
            lambda: provider.track("ref"),
        )
        for call in calls:
            with pytest.raises(ProviderError, match=r"\w+ \w+") as caught:
                call()
            assert not caught.value.retryable

    # --- labels ---------------------------------------------------------------------------------

    def test_prepare_buys_nothing(self, provider: Any) -> None:
        self._with_labels(provider)
        state = provider.prepare(self.shipment())
        assert isinstance(state, ShipmentState)
        assert state.ref
        assert state.rates
        assert state.label is None
        assert self.bought(provider) == 0
        assert provider.fetch(state.ref).label is None

    def test_buy_answers_the_label(self, provider: Any) -> None:
        label = self._bought(provider)
        assert isinstance(label, Label)
        assert label.carrier
        assert label.tracking_number
        assert label.files
        assert label.cost.minor > 0

    def test_a_label_is_a_file_or_leads_to_one(self, provider: Any) -> None:
        self._with_labels(provider)
        for number, format in enumerate(self.formats):
            state = provider.prepare(self.shipment(f"shp-{number}"))
            label = provider.buy(state.ref, state.rates[0], {"label_format": format}, f"b-{number}")
            assert format in label.files
            for file in label.files.values():
                assert file
                assert isinstance(file, bytes) or file.startswith("https://")

    def test_a_bought_label_is_had_in_another_format_at_no_cost(self, provider: Any) -> None:
        self._with_labels(provider)
        if len(self.formats) < 2:
            pytest.skip("It has labels in one format.")
        first, *others = self.formats
        state = provider.prepare(self.shipment())
        label = provider.buy(state.ref, state.rates[0], {"label_format": first}, "buy-1")
        for format in others:
            again = provider.buy(state.ref, state.rates[0], {"label_format": format}, "buy-1")
            assert format in again.files
            assert again.tracking_number == label.tracking_number
        assert self.bought(provider) == 1

    def test_prepare_of_a_return_has_rates_and_a_label(self, provider: Any) -> None:
        self._with_labels(provider)
        state = provider.prepare(self.shipment("rma-1", is_return=True))
        assert provider.buy(state.ref, state.rates[0], {}, "buy-rma").tracking_number

    def test_prepare_of_a_parcel_abroad_has_rates(self, provider: Any) -> None:
        self._with_labels(provider)
        if self.abroad is None:
            pytest.skip("It reaches no country through customs.")
        request = self.shipment("abroad-1", self.abroad, customs=Customs(signer="Ada Byron"))
        assert provider.prepare(request).rates

    def test_buy_of_a_rate_that_is_not_offered_is_refused(self, provider: Any) -> None:
        self._with_labels(provider)
        state = provider.prepare(self.shipment())
        other = replace(state.rates[0], code="no-such-service", ref="rate_none")
        with pytest.raises(ProviderError) as caught:
            provider.buy(state.ref, other, {}, "buy-1")
        assert not caught.value.retryable
        assert self.bought(provider) == 0

    def test_buy_whose_answer_was_lost_sells_one_label(self, provider: Any) -> None:
        self._with_labels(provider)
        lost = self.lost_answer(provider)
        if lost is None:
            pytest.skip("There is no vendor whose answer could be lost.")
        state = provider.prepare(self.shipment())
        with lost, suppress(ProviderError):
            provider.buy(state.ref, state.rates[0], {}, "buy-1")
        found = provider.fetch(state.ref).label
        assert found is not None
        again = provider.buy(state.ref, state.rates[0], {}, "buy-1")
        assert again.tracking_number == found.tracking_number
        assert self.bought(provider) == 1

    def test_fetch_moves_nothing(self, provider: Any) -> None:
        self._with_labels(provider)
        ref = provider.prepare(self.shipment()).ref
        first = provider.fetch(ref)
        seen = at_once(lambda: provider.fetch(ref), 4)
        assert {(each.ref, each.label, each.void) for each in seen} == {
            (first.ref, first.label, first.void)
        }
        assert self.bought(provider) == 0

    def test_buy_costs_what_the_rate_said(self, provider: Any) -> None:
        self._with_labels(provider)
        state = provider.prepare(self.shipment())
        rate = state.rates[-1]
        assert provider.buy(state.ref, rate, {}, "buy-1").cost == rate.amount

    def test_fetch_tells_that_the_label_was_bought(self, provider: Any) -> None:
        label = self._bought(provider)
        fetched = provider.fetch(label.ref).label
        assert fetched is not None
        assert fetched.tracking_number == label.tracking_number

    def test_buy_repeated_sells_one_label(self, provider: Any) -> None:
        self._with_labels(provider)
        state = provider.prepare(self.shipment())
        labels = [provider.buy(state.ref, state.rates[0], {}, "buy-1") for _ in range(2)]
        assert len({label.tracking_number for label in labels}) == 1
        assert self.bought(provider) == 1

    def test_buy_in_many_threads_sells_one_label(self, provider: Any) -> None:
        self._with_labels(provider)
        state = provider.prepare(self.shipment())
        labels = at_once(lambda: provider.buy(state.ref, state.rates[0], {}, "buy-1"))
        assert len({label.tracking_number for label in labels}) == 1
        assert self.bought(provider) == 1

    def test_fetch_and_track_of_an_unknown_ref_are_provider_errors(self, provider: Any) -> None:
        self._with_labels(provider)
        for call in (provider.fetch, provider.track):
            with pytest.raises(ProviderError):
                call("no-such-shipment")

    def test_void_gives_an_unused_label_back(self, provider: Any) -> None:
        label = self._bought(provider)
        answer = provider.void(label.ref, "void-1")
        assert answer in ("pending", "done")
        assert provider.fetch(label.ref).void == answer

    def test_void_repeated_is_no_error(self, provider: Any) -> None:
        label = self._bought(provider)
        assert {provider.void(label.ref, "void-1") for _ in range(2)} <= {"pending", "done"}

    def test_void_of_what_was_never_bought_gives_nothing_back(self, provider: Any) -> None:
        self._with_labels(provider)
        ref = provider.prepare(self.shipment()).ref
        assert provider.void(ref, "void-1") == "failed"

    # --- forms for the carrier ------------------------------------------------------------------

    def _for_a_form(self, provider: Any) -> list[str]:
        if not isinstance(provider, ManifestProvider):
            pytest.skip("It makes no forms for many parcels.")
        refs = []
        for number in range(2):
            state = provider.prepare(self.shipment(f"shp-{number}"))
            provider.buy(state.ref, state.rates[0], {}, f"buy-{number}")
            refs.append(state.ref)
        return refs

    def test_a_form_is_found_again_and_made_once(self, provider: Any) -> None:
        refs = self._for_a_form(provider)
        assert provider.find_manifest(refs) is None
        made = provider.manifest(refs, "form-1")
        assert made.ref
        assert made.state in ("working", "ready")
        found = provider.find_manifest(refs)
        assert found is not None
        assert found.ref == made.ref == provider.fetch_manifest(made.ref).ref
        with pytest.raises(ProviderError):
            provider.manifest(refs, "form-2")

    def test_no_form_has_a_parcel_without_a_label(self, provider: Any) -> None:
        refs = self._for_a_form(provider)
        without = provider.prepare(self.shipment("shp-9")).ref
        with pytest.raises(ProviderError):
            provider.manifest([*refs, without], "form-1")

    # --- tracking -------------------------------------------------------------------------------

    def scan(self, provider: Any, ref: str, status: str) -> None:
        """Let the carrier scan the parcel with that status."""
        raise NotImplementedError("Override scan() in the subclass.")

    def test_tracking_comes_in_order_of_time(self, provider: Any) -> None:
        label = self._bought(provider)
        statuses = ("in_transit", "out_for_delivery", "delivered")
        for status in statuses:
            self.scan(provider, label.ref, status)
        updates = provider.track(label.ref)
        assert [update.status for update in updates] == list(statuses)
        assert all(is_utc(update.occurred_at) for update in updates)
        moments = [update.occurred_at for update in updates]
        assert moments == sorted(moments)

    def test_tracking_tells_the_same_history_again(self, provider: Any) -> None:
        label = self._bought(provider)
        self.scan(provider, label.ref, "in_transit")
        first = provider.track(label.ref)
        self.scan(provider, label.ref, "delivered")
        assert provider.track(label.ref)[: len(first)] == first
        assert provider.track(label.ref) == provider.track(label.ref)

    def test_what_was_never_bought_has_no_history(self, provider: Any) -> None:
        self._with_labels(provider)
        assert provider.track(provider.prepare(self.shipment()).ref) == ()

    def test_refuses_a_webhook_where_no_secret_is_set(self, provider: Any) -> None:
        body, headers = self._genuine(provider)
        open_one = self.without_webhook_secret(provider)
        if open_one is None:
            pytest.skip("It can't be without a secret.")
        with pytest.raises(NoWebhookSecret):
            open_one.read_webhook(body, headers)

    def webhook_ref(self, provider: Any) -> str:
        """The ref that the webhook of `webhook()` is about."""
        raise NotImplementedError

    def test_a_webhook_names_the_shipment(self, provider: Any) -> None:
        body, headers = self._genuine(provider)
        (event,) = provider.read_webhook(body, headers)
        assert event.ref == self.webhook_ref(provider)
