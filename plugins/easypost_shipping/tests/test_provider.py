"""EasyPost as a shipping provider: what goes wrong between two systems, and what never may."""

from __future__ import annotations

import json
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from opticworks.contracts import (
    BadSignature,
    Customs,
    Parcel,
    ProviderError,
    RateRequest,
    ShipmentRequest,
)
from opticworks.money import Money
from opticworks.testing import ShippingProviderContract
from opticworks.testing.contracts.common import ADDRESS
from opticworks.testing.contracts.shipping import ORIGIN
from opticworks_easypost_shipping import rating, tracking, writing
from opticworks_easypost_shipping.client import Api
from opticworks_easypost_shipping.provider import EasyPostShipping
from opticworks_easypost_shipping.settings import EasyPostSettings
from opticworks_easypost_shipping.standin.delivery import HEADER, sign

DATA = Path(__file__).parent / "data"
SETTINGS = EasyPostSettings()
CASES = ShippingProviderContract()


def shipment(**changes: Any) -> ShipmentRequest:
    return CASES.shipment(**changes)


def request(**changes: Any) -> RateRequest:
    return replace(CASES.request(), **changes)


@pytest.fixture
def provider(standin: Any) -> EasyPostShipping:
    made: EasyPostShipping = standin.provider()
    return made


# --- rates --------------------------------------------------------------------------------------

RATE = {
    "id": "rate_1",
    "carrier": "USPS",
    "service": "GroundAdvantage",
    "rate": "6.07",
    "currency": "USD",
    "delivery_days": 3,
}


@pytest.mark.parametrize(
    "changes",
    [
        *({"rate": value} for value in ("NaN", "Infinity", "-1.00", "0.00", "", None, "free")),
        *({"rate": value} for value in (float("nan"), True, "1e99", "0.001", [])),
        *({"currency": value} for value in ("EUR", "", None, "dollars")),
        *({"carrier": ""}, {"service": None}),
    ],
    ids=str,
)
def test_a_rate_that_is_not_sound_never_leaves_the_plugin(
    changes: dict[str, Any], caplog: pytest.LogCaptureFixture
) -> None:
    good = {**RATE, "id": "rate_2", "service": "Priority"}
    (left,) = rating.rates([{**RATE, **changes}, good], SETTINGS, "USD")
    assert left.ref == "rate_2"
    assert "Dropped EasyPost's rate" in caplog.text


def test_prices_come_as_text_and_as_numbers_and_days_only_if_they_are_some() -> None:
    given = [
        {**RATE, "rate": 6.07, "delivery_days": None, "est_delivery_days": 4},
        {**RATE, "service": "Priority", "rate": "7.425", "delivery_days": -1},
        {**RATE, "rate": "9.99"},  # the same service of a second account
    ]
    first, second = rating.rates(given, SETTINGS, "USD")
    assert (first.amount, first.min_days, first.max_days) == (Money(607, "USD"), 4, 4)
    assert (second.amount, second.max_days) == (Money(743, "USD"), None)
    assert (first.code, first.title) == ("usps-groundadvantage", "USPS Ground Advantage")


@pytest.mark.parametrize(
    ("carrier", "service", "name"),
    [
        ("UPSDAP", "2ndDayAir", "UPS 2nd Day Air"),
        ("DHLExpress", "ExpressWorldwideNonDoc", "DHL Express Worldwide Non Doc"),
        ("FedExDefault", "FEDEX_2_DAY_AM", "FedEx 2 Day AM"),
        ("USPS", "Priority", "USPS Priority"),
    ],
)
def test_services_are_named_for_people(carrier: str, service: str, name: str) -> None:
    (rate,) = rating.rates([{**RATE, "carrier": carrier, "service": service}], SETTINGS)
    assert rate.title == name


def test_only_the_carriers_and_services_of_the_settings_are_offered(standin: Any) -> None:
    ups = standin.provider(carriers=["ups"]).rates(request())
    assert {rate.carrier for rate in ups} == {"UPS"}
    ground = standin.provider(services=["groundadvantage", "ground"]).rates(request())
    assert [rate.code for rate in ground] == ["usps-groundadvantage", "upsdap-ground"]
    with pytest.raises(ProviderError, match="settings") as caught:
        standin.provider(carriers=["DHL"]).prepare(shipment())
    assert not caught.value.retryable


def test_the_ini_may_choose_a_percentile_in_text() -> None:
    assert EasyPostSettings.model_validate({"percentile": "90"}).percentile == 90


def test_smart_rates_promise_the_day_of_the_percentile(standin: Any) -> None:
    plain = {rate.code: rate for rate in standin.provider().rates(request())}
    for rate in standin.provider(percentile=95).rates(request()):
        assert rate.percentiles[50] <= rate.percentiles[95] <= rate.percentiles[99]
        assert (rate.min_days, rate.max_days) == (rate.percentiles[50], rate.percentiles[95])
        assert rate.max_days > plain[rate.code].max_days
    standin.control("faults", match="smartrate", status=500)
    assert standin.provider(percentile=95).rates(request())[0].percentiles == {}


def test_several_parcels_are_rated_at_once_and_added(provider: Any) -> None:
    light, heavy = Parcel(weight=290), Parcel(weight=2900)
    alone = [
        {rate.code: rate.amount for rate in provider.rates(request(parcels=(parcel,)))}
        for parcel in (light, heavy)
    ]
    for rate in provider.rates(request(parcels=(light, heavy))):
        assert rate.amount == alone[0][rate.code] + alone[1][rate.code]
        assert rate.ref == ""


def test_nothing_is_asked_before_the_place_is_known(standin: Any, provider: Any) -> None:
    nowhere = ADDRESS.model_copy(update={"postal_code": "", "line1": ""})
    assert provider.rates(request(destination=nowhere)) == ()
    assert standin.control("calls") == []


def test_rates_are_asked_once_and_not_beyond_the_deadline(standin: Any, provider: Any) -> None:
    standin.control("faults", match="shipments$", how="slow", seconds=60)
    with pytest.raises(ProviderError, match="does not answer"):
        provider.rates(request(deadline=0.2))
    standin.app.faults.settle()
    assert standin.control("calls") == ["POST /v2/shipments"]


RATED = r'"rate": ?"[0-9.]+"'


@pytest.mark.parametrize(
    "wrong", ['"NaN"', '"-3.10"', '""', "NaN", "-1", "null", "[]", '"free"', "{}"]
)
def test_a_wrong_price_on_the_wire_is_no_rate(standin, provider, wrong: str) -> None:
    fault = {"match": "POST /v2/shipments$", "how": "garbled", "find": RATED, "times": 9}
    standin.control("faults", put=f'"rate": {wrong}', **fault)
    assert provider.rates(request()) == ()
    with pytest.raises(ProviderError):
        provider.prepare(shipment())


@pytest.mark.parametrize("find", [r"(?s).+", r'"rates":', r'"verifications":', r'"success": ?true'])
@pytest.mark.parametrize("put", ["<html>", "", "null", '"":'])
def test_an_answer_that_makes_no_sense_is_an_error_or_nothing(standin, provider, find, put) -> None:
    standin.control("faults", how="garbled", find=find, put=put, times=9)
    with suppress(ProviderError):
        for rate in provider.rates(request()):
            assert rate.amount.minor > 0
    with suppress(ProviderError):
        provider.prepare(shipment())
    with suppress(ProviderError):
        assert standin.verifier().verify(ADDRESS).suggestion is None


# --- labels -------------------------------------------------------------------------------------


def test_the_shipment_carries_our_reference_and_the_order(standin: Any, provider: Any) -> None:
    provider.prepare(shipment(reference="b9a1"))
    (made,) = standin.control("state")["Shipment"].values()
    assert made["reference"] == "b9a1"
    assert made["options"]["invoice_number"] == "OW-10042"
    assert made["parcel"]["weight"] == 10.3
    assert made["parcel"]["length"] == 7.1


def test_insurance_and_signature_are_bought_and_cost(standin: Any, provider: Any) -> None:
    plain = provider.prepare(shipment()).rates[0]
    state = provider.prepare(shipment(options={"signature": "adult"}))
    rate = next(each for each in state.rates if each.code == plain.code)
    assert rate.amount > plain.amount
    options = {"signature": "adult", "insurance": 9800, "label_format": "PDF"}
    label = provider.buy(state.ref, rate, options, "k")
    assert label.cost > rate.amount
    assert label.files["PDF"].startswith(b"%PDF-")
    made = standin.control("state")["Shipment"][state.ref]
    assert made["insurance"] == "98.00"
    assert made["options"]["delivery_confirmation"] == "ADULT_SIGNATURE"


def test_a_signature_can_not_be_added_after_rating(standin: Any, provider: Any) -> None:
    state = provider.prepare(shipment())
    with pytest.raises(ProviderError, match="signature"):
        provider.buy(state.ref, state.rates[0], {"signature": "signature"}, "k")
    assert standin.bought == 0


@pytest.mark.parametrize(
    "fault",
    [
        {"how": "timeout", "seconds": 1.0},
        {"how": "slow", "seconds": 1.0},
        {"how": "lost", "seconds": 1.0},
        {"how": "error", "status": 500},
        {"how": "error", "status": 429},
    ],
    ids=lambda fault: f"{fault['how']}-{fault.get('status', '')}",
)
def test_a_buy_that_failed_in_any_way_is_one_label(
    standin: Any, monkeypatch: pytest.MonkeyPatch, fault: dict[str, Any]
) -> None:
    """Two shops that know nothing of each other buy the same shipment, again and again."""
    patient = Api.client
    monkeypatch.setattr(Api, "client", lambda self, seconds=0.7: patient(self, 0.7))
    first, second = standin.provider(), standin.provider()
    state = first.prepare(shipment())
    standin.control("faults", match="/buy$", **fault)
    numbers = set()
    for provider in (first, second, first):
        with suppress(ProviderError):
            numbers.add(provider.buy(state.ref, state.rates[0], {}, "k").tracking_number)
    assert len(numbers) == standin.bought == 1
    label = second.fetch(state.ref).label
    assert label is not None
    assert {label.tracking_number} == numbers


def test_a_vendor_that_is_gone_after_buying_leaves_it_open_whether_it_was(
    standin: Any, provider: Any
) -> None:
    state = provider.prepare(shipment())
    standin.control("faults", match="/buy$", how="error", status=500)
    standin.control("faults", match="GET", how="slow", seconds=0)
    standin.control("faults", match="GET", status=503, times=2)
    with pytest.raises(ProviderError, match="not known yet") as caught:
        provider.buy(state.ref, state.rates[0], {}, "k")
    assert caught.value.retryable


def test_an_old_rate_is_asked_for_again_and_never_bought_dearer(
    standin: Any, provider: Any
) -> None:
    def aged(share: float) -> Any:
        """A shipment rated long ago, when each rate was that share of today's."""
        state = provider.prepare(shipment())
        made = standin.app.vendor.objects["Shipment"][state.ref]
        for rate in made["rates"]:
            rate["created_at"] = "2020-01-01T00:00:00Z"
        rate = state.rates[0]
        minor = int(rate.amount.minor * share)
        return state, replace(rate, amount=Money(minor, "USD"))

    state, dear = aged(2)
    label = provider.buy(state.ref, dear, {}, "k")
    assert label.cost < dear.amount
    state, cheap = aged(0.5)
    with pytest.raises(ProviderError, match=r"costs .* now") as caught:
        provider.buy(state.ref, cheap, {}, "k")
    assert not caught.value.retryable
    assert standin.bought == 1


def test_a_label_that_can_not_be_converted_is_a_label_all_the_same(
    standin: Any, provider: Any
) -> None:
    state = provider.prepare(shipment())
    standin.control("faults", match="/label$", status=500, times=2)
    label = provider.buy(state.ref, state.rates[0], {"label_format": "ZPL"}, "k")
    assert set(label.files) == {"PNG"}
    again = provider.buy(state.ref, state.rates[0], {"label_format": "ZPL"}, "k")
    assert set(again.files) == {"PNG", "ZPL"}
    assert standin.bought == 1


@pytest.mark.parametrize(
    ("status", "state", "again"),
    [("refunded", "done", "done"), ("rejected", "failed", "pending"), ("not_applicable",) * 3],
)
def test_a_void_is_followed_to_its_end(
    standin: Any, provider: Any, status: str, state: str, again: str
) -> None:
    """A rejection came too early sometimes: it may be asked for once more."""
    ref = provider.prepare(shipment()).ref
    provider.buy(ref, provider.fetch(ref).rates[0], {}, "k")
    assert [provider.void(ref, "v1") for _ in range(2)] == ["pending", "pending"]
    assert sum(call.endswith("/refund") for call in standin.control("calls")) == 1
    standin.control("settle_refund", id=ref, status=status)
    if status == "not_applicable":
        state = again = "failed"
    assert provider.fetch(ref).void == state
    assert provider.void(ref, "v2") == again


def test_a_return_leads_from_the_customer_to_the_shop(standin: Any, provider: Any) -> None:
    provider.prepare(shipment(is_return=True))
    (made,) = standin.control("state")["Shipment"].values()
    assert made["is_return"] is True
    assert made["from_address"]["name"] == ADDRESS.name
    assert made["to_address"]["company"] == ORIGIN.company


def test_customs_are_declared_only_where_a_border_is_crossed() -> None:
    assert "customs_info" not in writing.shipment(shipment(), SETTINGS)
    abroad = replace(
        shipment(country="CA", customs=Customs(signer="Ada Byron")),
        lines=(replace(CASES.shipment().lines[0], hs_code="903180", origin_country="CN"),),
        parcel=Parcel(weight=280),
    )
    declared = writing.shipment(abroad, SETTINGS)["customs_info"]
    assert declared["customs_signer"] == "Ada Byron"
    assert declared["contents_type"] == "merchandise"
    (item,) = declared["customs_items"]
    assert (item["quantity"], item["value"], item["currency"]) == (2, 98.0, "USD")
    assert (item["hs_tariff_number"], item["origin_country"]) == ("903180", "CN")
    assert item["weight"] <= writing.ounces(280), "contents never weigh more than their parcel"
    military = ADDRESS.model_copy(update={"state": "AE", "city": "APO"})
    assert "customs_info" in writing.shipment(replace(shipment(), destination=military), SETTINGS)


def test_many_labels_become_one_file_and_one_scan_form(standin: Any, provider: Any) -> None:
    refs = []
    for number in range(3):
        state = provider.prepare(shipment(reference=f"s{number}"))
        provider.buy(state.ref, state.rates[0], {}, "k")
        refs.append(state.ref)
    batch = provider.start_batch(refs[:2])
    for _ in range(4):
        found = provider.batch(batch)
    assert (found.state, found.shipments) == ("ready", 2)
    assert found.file.count(b"/Type /Page\n") == 2
    assert provider.find_manifest(refs) is None
    assert len({provider.fetch(ref).label.tracking_number for ref in refs}) == 3
    form = provider.manifest(refs, "k")
    assert form.state == "ready"
    assert form.file.startswith(b"%PDF-")
    assert b"Date" not in form.file
    with pytest.raises(ProviderError, match="another form"):
        provider.manifest(refs, "k")
    assert provider.find_manifest(refs) == form


# --- errors -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("status", "retryable"),
    [(401, True), (402, False), (404, False), (422, False), (429, True), (500, True), (502, True)],
)
def test_errors_say_whether_trying_again_helps_and_nothing_secret(
    standin: Any, provider: Any, status: int, retryable: bool
) -> None:
    standin.control("faults", status=status, times=2)
    with pytest.raises(ProviderError) as caught:
        provider.prepare(shipment())
    assert caught.value.retryable is retryable
    assert "EZTK" not in str(caught.value)
    assert str(caught.value).startswith("EasyPost ")


def test_a_ref_that_is_no_id_is_never_part_of_an_address(standin: Any, provider: Any) -> None:
    for call in (provider.fetch, provider.track):
        with pytest.raises(ProviderError):
            call("shp_1/../../addresses")
    assert standin.control("calls") == []


def test_what_only_reads_is_asked_once_more(standin: Any, provider: Any) -> None:
    ref = provider.prepare(shipment()).ref
    standin.control("faults", match="GET", status=503)
    assert provider.fetch(ref).ref == ref


# --- tracking -----------------------------------------------------------------------------------


def test_a_parcel_labelled_elsewhere_is_tracked_by_its_number(provider: Any) -> None:
    ref = provider.watch("EZ5000000005", "")
    assert provider.watch("EZ5000000005", "USPS") == ref
    assert [update.status for update in provider.track(ref)] == ["return_to_sender"]


def test_statuses_that_are_new_to_us_are_unknown_and_nothing_breaks() -> None:
    details = [
        {"status": "in_transit", "datetime": "2026-03-01T10:00:00+02:00", "message": "On the way"},
        {"status": "teleported", "datetime": "2026-03-01T07:00:00Z"},
        {"status": "delivered", "datetime": "yesterday"},
        {"status": "cancelled", "datetime": "2026-03-02T07:00:00"},
    ]
    updates = tracking.history({"status": "cancelled", "tracking_details": details})
    assert [update.status for update in updates] == ["unknown", "in_transit", "canceled"]
    late = tracking.history({"status": "delivered", "updated_at": "2026-03-03T07:00:00Z"})
    assert [update.status for update in late] == ["delivered"]


# --- webhooks -----------------------------------------------------------------------------------

BODY = (DATA / "webhook-event-body.json").read_bytes()
#: EasyPost's own test of its libraries: this body, this secret, this header.
OFFICIAL = "hmac-sha256-hex=38f3f53c103713df81616a0a186d77141957323ec21d5fe9363db93840f527db"
LIVE = {"api_key": "EZAKlive", "webhook_secret": "other, sécret"}


def test_the_official_webhook_is_verified_with_one_of_several_secrets() -> None:
    provider = EasyPostShipping(EasyPostSettings.model_validate(LIVE))
    (event,) = provider.read_webhook(BODY, {"x-hmac-signature": OFFICIAL})
    assert (event.id, event.kind, event.ref) == ("evt_1", "tracker.updated", "trk_1")
    with pytest.raises(BadSignature):
        provider.read_webhook(json.dumps(json.loads(BODY)).encode(), {HEADER: OFFICIAL})


def test_the_secret_is_normalised_before_signing() -> None:
    body = (
        b'{"id":"evt_1","object":"Event","mode":"test","description":"tracker.updated","result":'
        b'{"id":"trk_1","object":"Tracker","status":"delivered","weight":614.4}}'
    )
    header = "hmac-sha256-hex=127cfaf1a8945bcc0a6da6ef850f537fc235c80772ef13052b7564631fd02dd9"
    assert sign(body, "sücret") == sign(body, "su\u0308cret") == header
    given = {"api_key": "EZTKtest", "webhook_secret": "sücret"}
    provider = EasyPostShipping(EasyPostSettings.model_validate(given))
    (event,) = provider.read_webhook(body, {HEADER: header})
    assert event.data["status"] == "delivered"


@pytest.mark.parametrize(
    ("body", "header", "said"),
    [
        (BODY, "hmac-sha256-hex=\xe9", "none of EasyPost's"),
        (BODY, "", "No webhook secret"),
        (BODY, OFFICIAL.upper(), "No webhook secret"),
        (b"[]", None, "no event"),
        (b"not json", None, "No webhook secret"),
        (BODY.replace(b'"mode":"production"', b'"mode":"test"', 1), None, "other mode"),
    ],
)
def test_a_webhook_that_is_none_is_refused(body: bytes, header: str | None, said: str) -> None:
    provider = EasyPostShipping(EasyPostSettings.model_validate(LIVE))
    signature = sign(body, "sécret") if header is None else header
    with pytest.raises(BadSignature, match=said):
        provider.read_webhook(body, {HEADER: signature})


def test_a_refund_that_was_paid_names_its_shipment(standin: Any, provider: Any) -> None:
    state = provider.prepare(shipment())
    provider.buy(state.ref, state.rates[0], {}, "k")
    provider.void(state.ref, "v")
    standin.control("settle_refund", id=state.ref)
    event = list(standin.app.vendor.objects["Event"].values())[-1]
    body = standin.app.delivery.body_of(event)
    (read,) = provider.read_webhook(body, {HEADER: sign(body, "standin")})
    assert (read.kind, read.ref) == ("refund.successful", state.ref)
    assert read.data["status"] == "refunded"


def test_what_is_told_of_a_batch_speaks_of_no_parcel(standin: Any, provider: Any) -> None:
    state = provider.prepare(shipment())
    provider.buy(state.ref, state.rates[0], {}, "k")
    provider.manifest([state.ref], "f")
    event = list(standin.app.vendor.objects["Event"].values())[-1]
    assert event["description"] == "batch.created"
    body = standin.app.delivery.body_of(event)
    assert provider.read_webhook(body, {HEADER: sign(body, "standin")}) == ()


def test_a_test_key_is_said_to_be_one() -> None:
    for key, said in (("EZTK1", True), ("EZAK1", False)):
        settings = EasyPostSettings.model_validate({"api_key": key})
        assert EasyPostShipping(settings).test_mode is said


# --- settings -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("given", "mode", "said"),
    [
        ({}, "production", "API key is missing"),
        ({"api_key": "EZAK1"}, "production", ""),
        ({"api_key": "secret"}, "production", "begin with EZTK"),
        ({"api_key": "EZTK1", "api_base": "http://127.0.0.1:1/v2"}, "test", ""),
        ({"api_key": "EZTK1", "api_base": "http://127.0.0.1:1/v2"}, "production", "stand-in"),
        ({"api_key": "EZTK1", "api_base": "https://evil.example"}, "development", "this machine"),
        ({"api_key": "EZAK1", "api_base": "http://127.0.0.1:1/v2"}, "test", "production key"),
    ],
)
def test_what_keeps_parcels_from_being_shipped_is_said(
    given: dict[str, str], mode: str, said: str
) -> None:
    settings = EasyPostSettings.model_validate(given)
    sentences = list(settings.problems(mode))
    if said:
        assert any(said in sentence for sentence in sentences)
    else:
        assert sentences == []
    assert not any("EZTK1" in sentence or "EZAK1" in sentence for sentence in sentences)
    assert "EZ" not in repr(settings)


def test_without_a_key_the_stand_in_is_used_where_one_runs() -> None:
    standins = {"easypost": "http://127.0.0.1:8421"}
    placed = SETTINGS.placed(standins)
    assert placed.is_standin
    assert placed.api_base == "http://127.0.0.1:8421/v2"
    keyed = EasyPostSettings.model_validate({"api_key": "EZTK1"})
    assert keyed.placed(standins) is keyed
    assert SETTINGS.placed({}) is SETTINGS
    assert list(placed.problems("production", allowed=True)) == []
