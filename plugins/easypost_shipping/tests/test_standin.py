"""The stand-in against EasyPost's own words: every recorded exchange of the calls that are used,
through the real SDK, and rules that EasyPost documents."""

from __future__ import annotations

import io
import json
import re
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import easypost.errors
import pytest
import requests
import zxingcpp
from easypost.easypost_client import EasyPostClient
from PIL import Image
from requests.adapters import BaseAdapter

from opticworks.testing.standins import differences, learn
from opticworks_easypost_shipping.standin.vendor import Vendor

DATA = Path(__file__).parent / "data"
RECORDED = sorted((DATA / "recorded").glob("*.json"))
BASE = "https://api.easypost.com/v2"
ADDRESS = {
    "name": "Ada Byron",
    "street1": "417 Montgomery St",
    "city": "San Francisco",
    "state": "CA",
    "zip": "94104",
    "country": "US",
}
PARCEL = {"length": 10, "width": 8, "height": 4, "weight": 15.4}
SHIPMENT = {"to_address": ADDRESS, "from_address": ADDRESS, "parcel": PARCEL}
errors: Any = easypost.errors


class Recording(BaseAdapter):
    """A transport that checks each request against the recorded one and gives its answer."""

    def __init__(self, exchange: dict[str, Any]) -> None:
        super().__init__()
        self.exchange = exchange

    def send(self, request: Any, **_: Any) -> requests.Response:  # type: ignore[override]
        asked, said = self.exchange["request"], self.exchange["response"]
        assert (request.method, request.url) == (asked["method"], asked["url"])
        assert json.loads(request.body or "null") == asked.get("body")
        response = requests.Response()
        response.status_code = said["status"]
        response.raw = io.BytesIO(json.dumps(said["body"]).encode())
        response.url, response.request = request.url, request
        return response

    def close(self) -> None:
        pass


#: How the SDK makes each call, by method and path.
SDK: dict[tuple[str, str], Callable[..., Any]] = {
    ("POST", "addresses"): lambda c, b: c.address.create(
        **{name: value for name, value in b.items() if name != "address"}, **b["address"]
    ),
    ("POST", "shipments"): lambda c, b: c.shipment.create(**b["shipment"]),
    ("GET", "shipments/{}"): lambda c, b, id: c.shipment.retrieve(id),
    ("POST", "shipments/{}/buy"): lambda c, b, id: c.shipment.buy(id, **b),
    ("POST", "shipments/{}/insure"): lambda c, b, id: c.shipment.insure(id, **b),
    ("POST", "shipments/{}/refund"): lambda c, b, id: c.shipment.refund(id),
    ("POST", "shipments/{}/rerate"): lambda c, b, id: c.shipment.regenerate_rates(id),
    ("GET", "shipments/{}/label?file_format=ZPL"): lambda c, b, id: c.shipment.label(
        id, file_format="ZPL"
    ),
    ("GET", "shipments/{}/smartrate"): lambda c, b, id: c.shipment.get_smart_rates(id),
    ("POST", "trackers"): lambda c, b: c.tracker.create(**b["tracker"]),
    ("GET", "trackers/{}"): lambda c, b, id: c.tracker.retrieve(id),
    ("POST", "batches"): lambda c, b: c.batch.create(**b["batch"]),
    ("GET", "batches/{}"): lambda c, b, id: c.batch.retrieve(id),
    ("POST", "batches/{}/buy"): lambda c, b, id: c.batch.buy(id),
    ("POST", "batches/{}/scan_form"): lambda c, b, id: c.batch.create_scan_form(id),
    ("POST", "scan_forms"): lambda c, b: c.scan_form.create(**b["scan_form"]),
}


def made_by_sdk(client: EasyPostClient, asked: dict[str, Any]) -> tuple[int, Any]:
    """Status and body of the call, made the way the SDK makes it."""
    statuses: list[int] = []
    client.subscribe_to_response_hook(lambda **seen: statuses.append(seen["http_status"]))
    route = asked["url"].removeprefix(f"{BASE}/")
    for (method, pattern), call in SDK.items():
        match = re.fullmatch(re.escape(pattern).replace(r"\{\}", "([^/?]+)"), route)
        if method == asked["method"] and match:
            try:
                answer = call(client, asked.get("body"), *match.groups())
            except errors.ApiError as error:
                return error.http_status, error.json_body
            return statuses[-1], plain(answer)
    raise AssertionError(f"The SDK is not told how to {asked['method']} {route}.")


def plain(answer: Any) -> Any:
    if isinstance(answer, list):
        return [plain(each) for each in answer]
    return answer.to_dict() if hasattr(answer, "to_dict") else answer


def translated(value: Any, known: dict[str, str]) -> Any:
    if isinstance(value, dict):
        return {name: translated(each, known) for name, each in value.items()}
    if isinstance(value, list):
        return [translated(each, known) for each in value]
    if isinstance(value, str):
        return re.sub(r"[a-z]+_[0-9a-f]{32}", lambda m: known.get(m[0], m[0]), value)
    return value


@pytest.mark.parametrize("path", RECORDED, ids=lambda path: path.stem)
def test_recorded_exchanges_answer_in_the_same_shape(standin: Any, path: Path) -> None:
    """Each recorded call twice through the SDK: against the recording, against the stand-in."""
    known: dict[str, str] = {}
    for exchange in json.loads(path.read_text(encoding="utf-8"))["exchanges"]:
        real = EasyPostClient("EZTKrecorded", api_base=BASE)
        real._requests_session.mount("https://api.easypost.com", Recording(exchange))
        status, recorded = made_by_sdk(real, exchange["request"])
        body = exchange["response"]["body"]
        assert (status, recorded) == (
            exchange["response"]["status"],
            body.get("result", body),
        )
        ours, answered = made_by_sdk(standin.client(), translated(exchange["request"], known))
        assert ours == status, answered
        learn(known, recorded, answered)
        assert differences(recorded, answered) == []
        tracker = answered.get("tracker") if isinstance(answered, dict) else None
        if tracker and not tracker["tracking_details"]:  # EasyPost's test mode does it by itself
            standin.control("advance", id=tracker["id"], status="pre_transit")


def test_prices_are_those_of_the_recording_and_depend_on_weight_and_zone(standin: Any) -> None:
    (exchange,) = json.loads((DATA / "recorded/shipment_create.json").read_text())["exchanges"]
    given, client = exchange["request"]["body"]["shipment"], standin.client()
    recorded = {r["service"]: r["rate"] for r in exchange["response"]["body"]["rates"]}

    def asked(**changes: Any) -> dict[str, str]:
        made = client.shipment.create(**{**given, **changes})
        return {rate.service: rate.rate for rate in made.rates if rate.carrier == "USPS"}

    assert asked() == asked() == recorded
    heavier = asked(parcel={**given["parcel"], "weight": 40})
    farther = asked(to_address={**given["to_address"], "zip": "10001", "state": "NY"})
    for service, price in recorded.items():
        assert float(heavier[service]) > float(price)
        assert float(farther[service]) > float(price)


def test_a_shipment_is_sold_once_and_a_void_is_decided_later(standin: Any) -> None:
    client = standin.client()
    made = client.shipment.create(**SHIPMENT)
    client.shipment.buy(made.id, rate={"id": made.rates[0].id}, insurance="100")
    with pytest.raises(errors.InvalidRequestError) as caught:
        client.shipment.buy(made.id, rate={"id": made.rates[0].id})
    assert caught.value.code == "SHIPMENT.POSTAGE.EXISTS"
    assert client.shipment.refund(made.id).refund_status == "submitted"
    standin.control("settle_refund", id=made.id)
    found = client.shipment.retrieve(made.id)
    assert (found.refund_status, found.insurance) == ("refunded", "100.00")


@pytest.mark.parametrize("format", ["PNG", "PDF", "ZPL"])
def test_labels_are_real_files_whose_barcode_is_the_tracking_number(
    standin: Any, format: str
) -> None:
    client = standin.client()
    made = client.shipment.create(**SHIPMENT, options={"label_format": format})
    bought = client.shipment.buy(made.id, rate={"id": made.rates[0].id})
    url = bought.postage_label.label_url
    content = requests.get(url, timeout=10).content
    assert content == requests.get(url, timeout=10).content
    if format == "PNG":
        (code,) = zxingcpp.read_barcodes(Image.open(io.BytesIO(content)).convert("L"))
        assert code.text == bought.tracking_code
    elif format == "PDF":
        assert content.startswith(b"%PDF-")
        assert content.rstrip().endswith(b"%%EOF")
    else:
        text = content.decode()
        assert text.startswith("^XA")
        assert text.rstrip().endswith("^XZ")
        assert f"^BCN,250,Y,N,N^FD{bought.tracking_code}^FS" in text


def test_trackers_move_on_command_and_tell_by_webhook(standin: Any) -> None:
    client = standin.client()
    made = client.tracker.create(tracking_code="EZ4000000004")
    assert made.status == "delivered"
    assert client.tracker.create(tracking_code="EZ4000000004").id == made.id
    fresh = client.tracker.create(tracking_code="9400", carrier="USPS")
    for status in ("pre_transit", "in_transit", "out_for_delivery", "delivered", "delivered"):
        standin.control("advance", id="9400")
        assert client.tracker.retrieve(fresh.id).status == status
    events = [e["description"] for e in standin.control("state")["Event"].values()]
    assert events.count("tracker.updated") == 4 + 5


def test_faults_come_as_the_sdk_knows_them(standin: Any) -> None:
    client = standin.client()
    for status, error in ((429, errors.RateLimitError), (500, errors.InternalServerError)):
        standin.control("faults", match="trackers", status=status)
        with pytest.raises(error):
            client.tracker.create(tracking_code="9400")
    standin.control("faults", how="slow", seconds=0.3)
    began = time.monotonic()
    client.tracker.create(tracking_code="9400")
    assert time.monotonic() - began >= 0.3
    with pytest.raises(errors.UnauthorizedError):
        EasyPostClient("EZAKlive", api_base=f"{standin.url}/v2").tracker.create(tracking_code="1")


def test_what_was_bought_outlives_the_process(tmp_path: Path) -> None:
    first = Vendor(tmp_path / "state.json")
    made = first.create_shipment(SHIPMENT)
    first.buy(made, made["rates"][0]["id"], None)
    first.advance(made["id"])
    first.save()
    again = Vendor(tmp_path / "state.json")
    shown = again.shown(again.get("Shipment", made["id"]))
    assert shown["tracking_code"] == made["tracking_code"]
    assert shown["tracker"]["status"] == "pre_transit"


@pytest.mark.parametrize("given", [{"how": "mood"}, {"match": "("}, {"clear": True}])
def test_a_fault_that_there_is_not_is_refused_in_words(standin: Any, given: dict[str, Any]) -> None:
    answer = requests.post(f"{standin.url}/_standin/faults", json=given, timeout=5)
    assert (answer.status_code, list(answer.json())) == (400, ["error"])
