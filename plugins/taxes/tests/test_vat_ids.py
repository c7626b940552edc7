"""VAT IDs: asked for where a region says so, checked by their form, proven afterwards."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from typing import Any
from wsgiref.simple_server import WSGIRequestHandler, make_server

import pytest

from opticworks.contracts import Address, ProviderError
from opticworks.jobs.testing import drain
from opticworks.testing.shops import Browser
from opticworks_taxes import attention, vat, vies
from opticworks_taxes.models import VatCheck
from opticworks_taxes.settings import Region

REGION = Region(
    title="Europe",
    countries=("*",),
    entered="gross",
    shown="incl",
    keeps="net",
    label="incl. VAT",
    vat_ids=True,
)
FRENCH, GERMAN = "FR40303265045", "DE136695976"


class Quiet(WSGIRequestHandler):
    def log_message(self, *args: Any) -> None:
        pass


@pytest.fixture
def register() -> Iterator[dict[str, Any]]:
    """A register that answers what `register["answer"]` says, and keeps what it was asked."""
    known: dict[str, Any] = {"asked": []}

    def app(environ: dict[str, Any], start: Any) -> list[bytes]:
        known["asked"].append(f"{environ['PATH_INFO']}?{environ['QUERY_STRING']}")
        start("200 OK", [("Content-Type", "application/json")])
        return [json.dumps(known["answer"]).encode()]

    with make_server("127.0.0.1", 0, app, handler_class=Quiet) as server:
        known["url"] = f"http://127.0.0.1:{server.server_port}"
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        yield known
        server.shutdown()
        thread.join()


@pytest.mark.parametrize(
    ("typed", "country", "home", "moved"),
    [
        ("fr 40 303 265 045", "FR", "DE", FRENCH),
        ("GR094259216", "GR", "DE", "EL094259216"),
        (FRENCH, "IT", "DE", FRENCH),  # registered elsewhere, but not at home
        (GERMAN, "FR", "DE", ""),  # registered at home
        (FRENCH, "DE", "DE", ""),  # sent to where the shop is
        (FRENCH, "FR", "US", ""),  # not from within the Union
        (FRENCH, "US", "DE", ""),
        ("FR40303265046", "FR", "DE", ""),  # a wrong digit
        ("", "FR", "DE", ""),
    ],
)
def test_who_owes_the_tax(typed: str, country: str, home: str, moved: str) -> None:
    address = Address(country=country, vat_id=typed)
    found = vat.reverse_charge(REGION, address, home)
    assert (found.reference if found else "") == moved
    assert vat.reverse_charge(REGION.model_copy(update={"vat_ids": False}), address, home) is None


def test_a_wrong_one_is_told_where_it_would_count() -> None:
    wrong = Address(country="FR", vat_id="FR123")
    assert "“FR123” is no VAT ID" in vat.problem(REGION, wrong, "DE")
    assert vat.problem(REGION, wrong, "US") == ""


def test_hook_on_event_keeps_what_was_checked_and_staff_hear_of_what_is_not_registered(
    open_shop, add_rate, staff, register
) -> None:
    register["answer"] = {
        "isValid": False, "name": "---", "address": "---", "userError": "INVALID",
        "requestIdentifier": "WAPI1",
    }  # fmt: skip
    counter = open_shop(
        settings={
            "shop": {
                "countries": "DE, FR",
                "default_state": "",
                "origin": json.dumps({"line1": "Weg 1", "country": "DE", "vat_id": GERMAN}),
            },
            "taxes": {
                "regions": f"[{REGION.model_dump_json()}]",
                "vies": "true",
                "vies_url": register["url"],
            },
        }
    )
    shop = counter.shop
    counter.carrier.vendor.served = ("DE", "FR")
    add_rate(shop, "DE", "19", title="MwSt.")
    add_rate(shop, "FR", "20", title="TVA")
    browser = Browser(shop)
    browser.post("/cart/lines", {"sku": "LAMP", "quantity": "1"})
    form = browser.get("/checkout").forms["checkout"]
    assert "vatId" not in form.fields  # at home there is nothing to ask
    form["country"] = "FR"
    form.submit("action", value="update")
    form = browser.get("/checkout").forms["checkout"]
    for name, value in {
        "email": "ada@example.com", "firstName": "Ada", "lastName": "Lovelace",
        "address": "1 rue", "city": "Paris", "postalCode": "75001", "vatId": "FR1",
    }.items():  # fmt: skip
        form[name] = value
    form["payment"] = "fake_transfer"
    page = form.submit("action", value="place", status=409)
    assert "“FR1” is no VAT ID" in page
    form = page.forms["checkout"]
    form["vatId"] = FRENCH
    form.submit("action", value="update")
    page = browser.get("/checkout")
    assert f"VAT ID {FRENCH}" in page.html.select_one("#summary").get_text()
    done = page.forms["checkout"].submit("action", value="place", status=303).follow()
    assert "84" in done.html.select_one(".totals").get_text()  # 100 with, 84.03 without VAT
    number = done.html.select_one(".order-number strong").get_text()
    assert counter.order(number).tax_total.minor == 0
    drain(shop)
    with shop.unit() as db:
        check = db.get(VatCheck, number)
        assert (check.vat_id, check.valid, check.reference) == (FRENCH, False, "WAPI1")
        assert "check digits" in check.checked
        assert [one.count for one in attention(ctx=shop.ctx(db))] == [1]
    asked = f"/ms/FR/vat/{FRENCH[2:]}?requesterMemberStateCode=DE&requesterNumber={GERMAN[2:]}"
    assert register["asked"] == [asked]
    clerk = staff(shop, "manager")
    assert "Not registered" in clerk.get(f"/admin/orders/{number}")
    page = clerk.get("/admin/taxes/vat-ids")
    next(form for form in page.forms.values() if form.action.endswith("/seen")).submit(status=303)
    with shop.unit() as db:
        assert [one.count for one in attention(ctx=shop.ctx(db))] == [0]


@pytest.mark.parametrize(
    "answer", [{"isValid": False, "userError": "MS_UNAVAILABLE"}, {"errorWrappers": []}, [1]]
)
def test_no_answer_is_none(register, answer) -> None:
    register["answer"] = answer
    with pytest.raises(ProviderError):
        vies.ask(register["url"], FRENCH)


def test_a_register_that_is_not_there_is_said() -> None:
    with pytest.raises(ProviderError, match="could not be asked"):
        vies.ask("http://127.0.0.1:9", FRENCH)
