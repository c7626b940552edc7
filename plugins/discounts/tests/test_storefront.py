"""Codes on the cart and in the checkout, as a browser without script and as htmx send them."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from discount_making import publish
from sqlalchemy import text

from opticworks.jobs.testing import drain
from opticworks.testing.counter import ADA, open_counter
from opticworks.testing.shops import Browser, spoilt

SCRIPT = {"HX-Request": "true", "HX-Current-URL": "http://localhost/cart"}


@pytest.fixture
def counter(make_shop):
    counter = open_counter(make_shop, plugins=("discounts",))
    counter.stock("A", 100, "10.00")
    return counter


@pytest.fixture
def browser(counter):
    browser = Browser(counter.shop)
    browser.post("/cart/lines", {"sku": "A", "quantity": "5"})
    return browser


def words(page, selector):
    return [" ".join(each.get_text(" ").split()) for each in page.html.select(selector)]


def enter(browser, code, **options):
    form = browser.get("/cart").forms
    form = next(f for f in form.values() if f.action == "/cart/codes")
    form["code"] = code
    return form.submit(**options).follow()


def test_a_code_on_the_cart_page_works_without_script(counter, browser):
    publish(counter, "SAVE10")
    page = enter(browser, " save10 ")
    assert words(page, ".code-chip") == ["SAVE10 -$5.00 Remove SAVE10"]
    assert "SAVE10: 10% off -$5.00" in words(page, ".totals-row")
    again = page.html.find("form", action="/cart/codes/SAVE10/remove")
    assert again is not None
    gone = browser.post("/cart/codes/SAVE10/remove").follow()
    assert words(gone, ".code-chip") == []
    assert "SAVE10" not in words(gone, ".totals")[0]


def test_a_refused_code_says_why_in_its_place_and_is_not_kept(counter, browser):
    page = enter(browser, "NONSENSE")
    (why,) = words(page, ".code-error")
    assert why.startswith("“NONSENSE” is not a code we know")
    assert words(page, ".code-chip") == []


def test_a_code_that_waits_says_what_is_missing_and_comes_back(counter, browser):
    publish(counter, "SAVE10", minimum=6200)
    page = enter(browser, "SAVE10")
    assert words(page, ".code-why") == [
        "SAVE10 is for orders from $62.00. Add $12.00 more to use SAVE10."
    ]
    page = browser.post("/cart/lines/A", {"quantity": "7"}).follow()
    assert words(page, ".code-chip") == ["SAVE10 -$7.00 Remove SAVE10"]


def test_htmx_gets_the_cart_with_the_code_or_with_why_not(counter, browser):
    publish(counter, "SAVE10")
    page = browser.post("/cart/codes", {"code": "save 10"}, headers=SCRIPT)
    assert "<html" not in page
    assert words(page, ".code-name") == ["SAVE10"]
    page = browser.post("/cart/codes", {"code": "wrong"}, headers=SCRIPT)
    assert page.html.find(id="code")["value"] == "wrong"
    assert words(page, ".code-error") != []
    assert words(page, ".code-name") == ["SAVE10"]


@pytest.mark.parametrize("code", ["", "   ", "x" * 5000, "<script>alert(1)</script>", "💥"])
def test_whatever_is_typed_is_answered_with_a_sentence(counter, browser, code):
    page = browser.post("/cart/codes", {"code": code}, headers=SCRIPT)
    (why,) = words(page, ".code-error")
    assert why.endswith(".")
    assert "<script>alert" not in page


def test_a_code_without_a_cart_or_as_a_file_is_answered(counter, browser):
    empty = Browser(counter.shop)
    assert "cart is empty" in empty.post("/cart/codes", {"code": "A"}).follow()
    files = [("code", "code.txt", b"SAVE10")]
    browser.post("/cart/codes", upload_files=files, status=400)


def test_ten_wrong_codes_and_then_a_polite_no_even_to_a_right_one(counter, browser):
    publish(counter, "SAVE10")
    for i in range(10):
        page = browser.post("/cart/codes", {"code": f"guess{i}"}, headers=SCRIPT)
        assert "not a code we know" in words(page, ".code-error")[0]
    page = browser.post("/cart/codes", {"code": "SAVE10"}, headers=SCRIPT)
    (why,) = words(page, ".code-error")
    assert re.match(r"Too many codes were tried. Please wait (a minute|\d+ minutes)", why)
    # Somebody else at the same place is not held up, and right codes are not counted.
    other = Browser(counter.shop)
    other.post("/cart/lines", {"sku": "A", "quantity": "1"})
    for _ in range(12):
        page = other.post("/cart/codes", {"code": "SAVE10"}, headers=SCRIPT)
        assert words(page, ".code-error") == []


def test_new_carts_do_not_help_who_tries_codes(counter):
    said = ""
    for cart in range(6):
        guesser = Browser(counter.shop)
        guesser.post("/cart/lines", {"sku": "A", "quantity": "1"})
        for i in range(9):
            page = guesser.post("/cart/codes", {"code": f"guess{cart}{i}"}, headers=SCRIPT)
            said = words(page, ".code-error")[0]
    assert said.startswith("Too many codes")


def checkout(browser, **typed):
    form = browser.get("/checkout").forms["checkout"]
    for name, value in {**ADA, "payment": "fake_transfer", **typed}.items():
        form[name] = value
    return form


def test_a_code_in_the_checkout_keeps_what_was_typed_without_script(counter, browser):
    publish(counter, "SAVE10")
    form = checkout(browser, code="SAVE10", lastName="")
    page = form.submit("action", value="code").follow()
    assert words(page, "#codes .code-name") == ["SAVE10"]
    assert page.forms["checkout"]["firstName"].value == "Ada"
    assert page.forms["checkout"]["code"].value == ""
    assert "SAVE10: 10% off -$5.00" in words(page, "#summary .totals-row")
    page = page.forms["checkout"].submit("remove_code", index=0).follow()
    assert words(page, "#codes .code-name") == []
    assert page.forms["checkout"]["firstName"].value == "Ada"


def test_htmx_in_the_checkout_swaps_the_codes_and_every_amount(counter, browser):
    publish(counter, "SAVE10")
    form = checkout(browser, code="save10")
    values = {**dict(form.submit_fields()), "action": "code"}
    page = browser.post("/checkout/update", values, headers=SCRIPT)
    assert page.html.find(id="codes")["hx-swap-oob"] == "true"
    assert words(page, "#codes .code-name") == ["SAVE10"]
    assert page.html.find(id="place-total").get_text() == "$52.00"
    # Another update leaves the field alone, in which somebody may be typing.
    page = browser.post("/checkout/update", {**values, "action": ""}, headers=SCRIPT)
    assert page.html.find(id="code") is None
    assert words(page, "#code-states .code-name") == ["SAVE10"]


def test_a_code_typed_and_not_applied_is_not_forgotten_when_placing(counter, browser):
    publish(counter, "SAVE10")
    page = checkout(browser, code="SAVE10").submit("action", value="place", status=409)
    assert "Nothing was ordered yet: you entered a discount code." in page
    done = page.forms["checkout"].submit("action", value="place").follow()
    assert "Thank you" in done
    assert "SAVE10: 10% off -$5.00" in words(done, ".totals-row")
    page = browser.get("/cart")
    browser.post("/cart/lines", {"sku": "A", "quantity": "1"})
    page = checkout(browser, code="WRONG").submit("action", value="place", status=409)
    assert "go on without it" in page
    assert "Thank you" in page.forms["checkout"].submit("action", value="place").follow()


def test_a_limit_reached_meanwhile_is_told_by_name_and_nothing_is_placed(counter, browser):
    publish(counter, "LAST", total_limit=1)
    enter(browser, "LAST")
    form = checkout(browser)
    other = Browser(counter.shop)
    other.post("/cart/lines", {"sku": "A", "quantity": "1"})
    enter(other, "LAST")
    checkout(other, email="grace@example.com").submit("action", value="place", status=303)
    page = form.submit("action", value="place", status=409)
    (changes,) = words(page, "#changes")
    assert "The total changed from $52.00 to $57.00" in changes
    assert "LAST is used up: all of its uses are taken." in changes
    assert page.forms["checkout"]["firstName"].value == "Ada"
    with counter.shop.unit() as db:
        assert db.scalar(text("SELECT count(*) FROM orders")) == 1


def test_what_was_shown_before_the_end_is_charged_and_forged_moments_are_not(counter, browser):
    now = counter.shop.now()
    publish(counter, "LAST", ends_at=now + timedelta(minutes=5))
    enter(browser, "LAST")
    form = checkout(browser)
    forged = checkout(browser)
    forged["shown"].force_value(spoilt(str(forged["shown"].value), 0))
    counter.shop.now = lambda: now + timedelta(minutes=6)
    assert "$52.00 to $57.00" in forged.submit("action", value="place", status=409)
    assert "Thank you" in form.submit("action", value="place").follow()


def test_a_total_without_delivery_is_never_told(counter, browser):
    checkout(browser).submit("action", value="update", status=303)
    form = checkout(browser)
    browser.post("/cart/lines", {"sku": "A", "quantity": "5"})  # in another tab
    page = form.submit("action", value="place", status=409)
    assert "$57.00 to $107.00" in page


def test_what_was_shown_holds_for_that_and_not_for_more_of_it(counter, browser):
    now = counter.shop.now()
    publish(counter, "LAST", ends_at=now + timedelta(minutes=5))
    enter(browser, "LAST")
    before = str(checkout(browser)["shown"].value)
    browser.post("/cart/lines", {"sku": "A", "quantity": "20"})
    agreed = str(checkout(browser)["quote"].value)  # what it would cost with the code
    counter.shop.now = lambda: now + timedelta(minutes=6)
    form = checkout(browser)
    form["shown"].force_value(before)
    form["quote"].force_value(agreed)
    assert "LAST ended on" in form.submit("action", value="place", status=409)
    with counter.shop.unit() as db:
        assert db.scalar(text("SELECT count(*) FROM orders")) == 0


def test_a_page_left_open_too_long_does_not_hold_a_discount(counter, browser):
    now = counter.shop.now()
    publish(counter, "LAST", ends_at=now + timedelta(minutes=5))
    enter(browser, "LAST")
    form = checkout(browser)
    counter.shop.now = lambda: now + timedelta(minutes=40)
    assert "LAST ended on" in form.submit("action", value="place", status=409)


def test_the_mail_says_the_discount_in_plain_words(counter, browser):
    publish(counter, "SAVE10")
    enter(browser, "SAVE10")
    checkout(browser).submit("action", value="place")
    drain(counter.shop)
    (mail,) = counter.mailer.vendor.sent.values()
    for part in (mail.html, mail.text):
        assert "SAVE10: 10% off" in part
        assert "-$5.00" in part
