"""The admin's screens of taxes: the table, its file, exemptions, trying a price."""

from __future__ import annotations

from decimal import Decimal

import pytest
from sqlalchemy import select, text
from webtest import Upload

from opticworks.money import Money
from opticworks_taxes import admin_menu
from opticworks_taxes.models import Exemption, Rate

PATH = "/admin/taxes"


def words(node):
    return " ".join(node.get_text(" ", strip=True).split())


def posting_to(page, path):
    return next(form for form in page.forms.values() if form.action.partition("#")[0] == path)


def fill(page, **values):
    """The page's own form, filled."""
    form = posting_to(page, page.request.path)
    for name, value in values.items():
        form[name] = value
    return form


def rates(shop):
    with shop.unit() as db:
        return list(db.scalars(select(Rate).order_by(Rate.id)))


def audited(shop):
    with shop.unit() as db:
        return list(db.scalars(text("SELECT action FROM audit_entry ORDER BY id")))


@pytest.fixture
def counter(open_shop):
    return open_shop()


def test_hook_admin_menu(counter):
    with counter.shop.unit() as db:
        (entry,) = admin_menu(ctx=counter.shop.ctx(db))
    assert (entry.path, entry.permission) == (PATH, "taxes.read")


def test_a_rate_is_added_changed_and_deleted(counter, staff):
    browser = staff(counter.shop, "manager")
    page = browser.get(PATH)
    assert "No rates yet" in page.text
    assert "have no rate: US" in page.text
    form = fill(page.click("Add a rate"), state="ca", title="California sales tax", percent="7.25")
    page = form.submit(status=303).follow()
    assert "California sales tax was saved." in page.text
    (rate,) = rates(counter.shop)
    assert (rate.country, rate.state, rate.rate) == ("US", "CA", Decimal("0.0725"))
    assert counter.quote(counter.cart(("LAMP", 1))).tax_total == Money(725, "USD")

    page = page.click("California sales tax")
    fill(page, percent="8").submit(status=303)
    assert rates(counter.shop)[0].rate == Decimal("0.08")

    page = browser.get(f"{PATH}/rates/{rate.id}").click("Delete")
    assert "keep the rate they were placed with" in page.text
    assert rates(counter.shop), "looking deletes nothing"
    fill(page).submit(status=303)
    assert rates(counter.shop) == []
    assert [action for action in audited(counter.shop) if action.startswith("taxes")] == [
        "taxes.rate.added",
        "taxes.rate.changed",
        "taxes.rate.deleted",
    ]


@pytest.mark.parametrize(
    ("typed", "sentence"),
    [
        ({"country": "Germany"}, "two letters"),
        ({"percent": "101"}, "100 or less"),
        ({"percent": "lots"}, "Enter a number"),
        ({"title": ""}, "Name is needed"),
        ({"tax_class": "<b>"}, "Use a word like standard"),
        ({"layer": "0"}, "1 or more"),
    ],
)
def test_what_is_no_rate_is_said_at_its_field(counter, staff, typed, sentence):
    page = staff(counter.shop, "manager").get(f"{PATH}/rates/new")
    page = fill(page, **{"title": "Tax", "percent": "5", **typed}).submit(status=422)
    assert sentence in words(page.html.select_one(".field-error"))
    assert rates(counter.shop) == []


def test_two_rates_for_one_place_class_layer_and_day_are_refused(counter, staff, add_rate):
    add_rate(counter.shop, "US", "7.25", state="CA")
    add_rate(counter.shop, "US", "5", state="NV")
    browser = staff(counter.shop, "manager")
    page = browser.get(f"{PATH}/rates/{rates(counter.shop)[1].id}")
    page = fill(page, state="CA", percent="6").submit(status=422)
    assert "There is a rate for this place" in page.text
    assert [rate.state for rate in rates(counter.shop)] == ["CA", "NV"]


def test_who_changes_a_rate_after_somebody_else_is_told_first(counter, staff, add_rate):
    add_rate(counter.shop, "US", "5")
    browser = staff(counter.shop, "manager")
    path = f"{PATH}/rates/{rates(counter.shop)[0].id}"
    first, second = (browser.get(path) for _ in range(2))
    fill(first, percent="8").submit(status=303)
    told = fill(second, percent="9").submit(status=422)
    assert "You typed something else than they did in: " in told.text
    assert rates(counter.shop)[0].rate == Decimal("0.08")
    fill(told).submit(status=303)
    assert rates(counter.shop)[0].rate == Decimal("0.09")


def test_a_clerk_sees_nothing_of_it_and_nobody_writes_without_the_token(counter, staff, add_rate):
    add_rate(counter.shop, "US", "7.25", state="CA")
    clerk = staff(counter.shop, "clerk")
    clerk.get(PATH, status=403)
    clerk.get(f"{PATH}/rates.csv", status=403)
    manager = staff(counter.shop, "manager")
    manager.post(f"{PATH}/rates/{rates(counter.shop)[0].id}/delete", {}, status=400)
    manager.get(f"{PATH}/rates/999999", status=404)
    assert len(rates(counter.shop)) == 1


FILE = """country;state;name;percent;from;shipping;layer
US;CA;California sales tax;7.25%;2017-01-01;no;
US;NY;New York sales tax;4;2005-06-01;yes;1
US;NY;=City;4.5;2009-08-01;yes;2
"""


def send(browser, content, status=303):
    form = posting_to(browser.get(f"{PATH}/import"), f"{PATH}/import")
    form["file"] = Upload("rates.csv", content.encode() if isinstance(content, str) else content)
    return form.submit(status=status)


def test_a_file_is_imported_again_without_a_change_and_exported_without_a_difference(
    counter, staff
):
    browser = staff(counter.shop, "manager")
    page = send(browser, FILE).follow()
    assert "3 rates added, 0 changed, 0 as they were." in page.text
    page = send(browser, FILE.replace("7.25%", "7.5")).follow()
    assert "0 rates added, 1 changed, 2 as they were." in page.text
    exported = browser.get(f"{PATH}/rates.csv")
    assert exported.content_type == "text/csv"
    assert "'=City" in exported.text
    page = send(browser, exported.body).follow()
    assert "0 rates added, 0 changed, 3 as they were." in page.text


@pytest.mark.parametrize(
    ("content", "line", "sentence"),
    [
        ("country,name,percent\nUS,Tax,5\n", "", "from is missing"),
        (FILE.replace("7.25%", "abc"), "Line 2", "percent: 'abc' is no number"),
        (FILE.replace("2005-06-01", "June"), "Line 3", "from: 'June' is no day"),
        (FILE.replace("US;NY;New", "USA;NY;New"), "Line 3", "two letters"),
        (FILE.replace("4;2005-06-01;yes", "4;2005-06-01;maybe"), "Line 3", "write yes or no"),
        (FILE + "US;CA;Again;1;2017-01-01;no;\n", "Line 5", "Line 2 has a rate for the same"),
        ("country,name,percent,from\n", "", "There is no rate in it"),
        ("Größe".encode("latin-1"), "", "not UTF-8"),
    ],
    ids=["column", "number", "day", "country", "yes or no", "twice", "empty", "encoding"],
)
def test_a_file_with_a_mistake_changes_nothing(counter, staff, content, line, sentence):
    page = send(staff(counter.shop, "manager"), content, status=422)
    told = words(page.html.select_one("[role=alert] .effects"))
    assert sentence in told
    assert line in told
    assert rates(counter.shop) == []


def test_a_price_can_be_tried_at_an_address(counter, staff, add_rate):
    add_rate(counter.shop, "US", "7.25", state="CA", title="California sales tax")
    add_rate(counter.shop, "US", "1", state="CA", title="County", layer=2, postal="941")
    browser = staff(counter.shop, "manager")
    form = posting_to(browser.get(PATH), PATH)
    assert form["country"].value == "US"
    form["postal"], form["price"] = "94104", "50"
    said = words(form.submit().html.select_one("#answer"))
    assert "California sales tax (7.25%)" in said
    assert "$3.63" in said
    assert "County (1%)" in said
    assert "$0.50" in said
    assert "The customer pays $54.13" in said
    form["state"], form["postal"] = "OR", ""
    assert "No rate holds for this place" in words(form.submit().html.select_one("#answer"))
    form["country"] = "DE"
    assert "No tax rate is known for DE" in words(form.submit().html.select_one("#answer"))
    for name, wrong, sentence in (
        ("price", "a lot", "Enter an amount"),
        ("price", "0.999", "more decimals"),
        ("price", "1,200", "could be 1200 or 1.200"),
        ("country", "1", "two letters"),
    ):
        form = posting_to(browser.get(PATH), PATH)
        form[name] = wrong
        assert sentence in words(form.submit().html.select_one("#answer"))


def test_an_exemption_is_kept_with_its_proof(counter, staff, add_rate):
    add_rate(counter.shop, "US", "7.25", state="CA")
    browser = staff(counter.shop, "manager")
    page = browser.get(PATH).click("Exemptions").click("Add an exemption")
    form = fill(
        page, email="Ada@Example.com", postal="94-104", reference="R-77", evidence="Seen, in file 4"
    )
    page = form.submit(status=303).follow()
    assert "ada@example.com" in page.text
    assert counter.quote(counter.cart(("LAMP", 1))).tax_total == Money(0, "USD")
    with counter.shop.unit() as db:
        kept = db.scalars(select(Exemption)).one()
    assert (kept.evidence, kept.actor) == ("Seen, in file 4", "manager@example.org")
    page = page.click("ada@example.com")
    page = fill(page, ends="2001-01-01").submit(status=422)
    assert "ends before it starts" in page.text
    fill(browser.get(f"{PATH}/exemptions/{kept.id}/delete")).submit(status=303)
    assert counter.quote(counter.cart(("LAMP", 1))).tax_total == Money(725, "USD")
    assert audited(counter.shop)[-1] == "taxes.exemption.deleted"


@pytest.mark.parametrize("page", ["0", "²", "9" * 5000])
def test_an_address_that_names_no_page_of_the_list_shows_one(counter, staff, page):
    staff(counter.shop, "manager").get(PATH, {"page": page}, status=200)
