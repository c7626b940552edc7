"""Another address for an order, typed by staff: kept beside the first one, as long as nothing of
it is on a label."""

from __future__ import annotations

import pytest

from opticworks.audit import service as audit
from opticworks.checkout import addresses, labels, papers, parcels
from opticworks.checkout import staff as verbs
from opticworks.checkout.parcels import Wanted
from opticworks.orders import service as orders
from opticworks.shop import Shop

STREET = "9 Corrected Street"


@pytest.fixture
def owner(sign_in):
    return sign_in()


def form_of(page):
    return next(form for form in page.forms.values() if form.action.endswith("/address/edit"))


def row_of(counter, number):
    with counter.shop.unit() as db:
        return orders.by_number(db, number)


def deeds(counter, number):
    with counter.shop.unit() as db:
        return [
            (entry.actor, entry.data)
            for entry in audit.of_subject(db, f"order {number}")
            if entry.action == "order.address"
        ]


def test_staff_type_another_address_and_the_first_one_stays_known(counter, owner) -> None:
    number = counter.buy(("LAMP", 1)).number
    before = row_of(counter, number)
    form = form_of(owner.get(f"/admin/orders/{number}").click("Edit address"))
    assert form["address"].value == before.address["line1"]
    assert "What the customer paid stays" in owner.get(f"/admin/orders/{number}/address/edit").text
    form["address"], form["city"], form["postalCode"] = STREET, "Los Angeles", "9000"
    page = form.submit(status=422)
    assert "Enter a ZIP code of 5 digits" in page.html.select_one("#postalCode-help").text
    form = form_of(page)
    assert form["address"].value == STREET, "what was typed stays"
    form["postalCode"], form["phone"] = "90001", "+1 555 0100"
    other_tab = form_of(owner.get(f"/admin/orders/{number}/address/edit"))
    page = form.submit(status=303).follow()
    assert "The parcels go to the address that is shown now." in page.text
    after = row_of(counter, number)
    assert (after.address["line1"], after.address["phone"]) == (STREET, "+1 555 0100")
    assert (after.total, after.tax_total) == (before.total, before.tax_total)
    assert addresses.original(after).model_dump() == before.address
    said = page.html.select_one("main").get_text(" ", strip=True)
    assert "The order was placed with:" in said
    place = ", ".join(addresses.lines(addresses.original(after)))
    assert f"{STREET}, Los Angeles, CA 90001 · was {place}" in said
    ((actor, told),) = deeds(counter, number)
    assert (actor, told["changed"]) == ("owner@example.org", "phone")
    assert "0100" not in str(told)
    assert STREET in owner.get(orders.path(after)).text, "the customer sees it"

    # Sent twice, it is as it was; from another tab, it is not overwritten unseen.
    assert "The address is as it was." in form.submit(status=303).follow().text
    other_tab["address"] = "1 Other Tab"
    page = other_tab.submit(status=422)
    assert "Somebody changed this address while you were typing." in page.text
    assert row_of(counter, number).address["line1"] == STREET
    assert form_of(page)["address"].value == "1 Other Tab"
    form_of(page).submit(status=303)
    assert row_of(counter, number).address["line1"] == "1 Other Tab"
    back = form_of(owner.get(f"/admin/orders/{number}/address/edit"))
    for name, value in (("address", "line1"), ("city", "city"), ("postalCode", "postal_code")):
        back[name] = before.address[value]
    back["phone"] = before.address["phone"]
    back.submit(status=303)
    assert row_of(counter, number).address == before.address
    assert row_of(counter, number).address_check is None, "it is the first one again"


def test_what_can_not_be_sent_elsewhere_says_why(counter, owner, monkeypatch) -> None:
    settings = dict(counter.shop.settings)
    settings["shop"] = settings["shop"].model_copy(update={"countries": ("US", "CA")})
    monkeypatch.setattr(Shop, "settings", property(lambda shop: settings))
    number = counter.buy(("LAMP", 1)).number
    path = f"/admin/orders/{number}/address/edit"
    form = form_of(owner.get(path))
    assert form["state"].value == "CA"
    form["country"] = "CA"
    page = form.submit(status=422)
    assert page.html.select_one("#state-help").get_text(strip=True) == "Choose your state."
    assert page.html.select_one("#state optgroup[label=Canada] option[value=ON]")
    form["state"] = "ON"
    assert "Another country has other taxes and customs." in form.submit(status=422).text
    form["country"].force_value("FR")
    page = form.submit(status=422)
    assert page.html.select_one("#country-help"), "a country that is not offered is none"
    verbs.mark_paid(counter.shop, number, actor="clerk")
    (parcel,) = parcels.pack_order(counter.shop, number, actor="clerk")
    labels.buy(counter.shop, parcel, rate_code="ground", actor="clerk")
    form["country"], form["address"] = "US", STREET
    form["state"] = "CA"
    assert "Void it first, then edit" in form.submit(status=422).text
    assert "Void it first, then edit" in owner.get(path).text
    parcels.hand_over(counter.shop, [parcel], actor="clerk")
    assert "has left" in form.submit(status=422).text
    assert "Edit address" not in owner.get(f"/admin/orders/{number}").text
    assert deeds(counter, number) == []


def test_the_slip_of_a_parcel_that_left_shows_where_it_went(counter, owner) -> None:
    number = counter.buy(("LAMP", 3)).number
    street = row_of(counter, number).address["line1"]
    verbs.mark_paid(counter.shop, number, actor="clerk")
    by_hand = {"carrier": "UPS", "tracking_number": "1Z9", "actor": "clerk"}
    verbs.fulfil(counter.shop, number, lines={"LAMP": 1}, **by_hand)
    one = [Wanted(lines={"LAMP": 1})]
    (packed,) = parcels.pack_order(counter.shop, number, parcels=one, actor="clerk")
    labels.buy(counter.shop, packed, rate_code="ground", actor="clerk")
    parcels.hand_over(counter.shop, [packed], actor="clerk")
    form = form_of(owner.get(f"/admin/orders/{number}/address/edit"))
    form["address"] = STREET
    form.submit(status=303)
    parcels.pack_order(counter.shop, number, actor="clerk")
    with counter.shop.unit() as db:
        slips = papers.slips(counter.shop, db, orders.by_number(db, number))
    assert [(street in slip.to, STREET in slip.to) for slip in slips] == [
        *[(True, False)] * 2,
        (False, True),
    ]
