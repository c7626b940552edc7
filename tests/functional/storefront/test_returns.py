"""Sending back and withdrawing, as a guest with the link of an order meets it, without script."""

from __future__ import annotations

import pytest

from opticworks.checkout import return_labels, returns, staff
from opticworks.jobs.testing import drain
from opticworks.testing.counter import open_counter
from opticworks.testing.shops import Browser


@pytest.fixture
def counter(make_shop):
    settings = {"returns": {"withdrawal_countries": '["US"]'}}
    counter = open_counter(make_shop, settings=settings)
    counter.card.first_state = "captured"
    counter.stock("LAMP", 9, "10.00", weight=400)
    return counter


@pytest.fixture
def browser(counter):
    return Browser(counter.shop)


def sent(counter, units=2):
    number = counter.buy(("LAMP", 3), payment="fake_card").number
    if units:
        staff.fulfil(
            counter.shop,
            number,
            lines={"LAMP": units},
            carrier="UPS",
            tracking_number="1Z9",
            actor="clerk",
        )
    return number, counter.order(number).url.removeprefix("http://localhost")


def text_of(page):
    return " ".join(page.html.find("main").get_text(" ").split())


def form_of(page):
    return next(f for f in page.forms.values() if "/orders/" in f.action)


def test_a_guest_asks_reads_the_answer_and_prints_the_label(counter, browser):
    number, path = sent(counter)
    page = browser.get(path).click("Return items")
    form = form_of(page)
    units, why = (next(n for n in form.fields if n and n.startswith(p)) for p in ("units", "reas"))
    form[units] = "2"
    said = form.submit(status=422)
    assert "Choose why you send Item LAMP back." in text_of(said)
    form = form_of(said)
    assert form[units].value == "2"
    form[why], form["note"] = "damaged", "A <b>dent</b>."
    page = form.submit(status=303).follow()
    assert form.submit(status=303).location.endswith(f"/returns/{number}-R1")
    assert "Waiting for our answer" in text_of(page)
    assert "<b>dent</b>" not in page.text
    assert "Return items" not in browser.get(path).text
    assert f"Return {number}-R1 Waiting for our answer" in text_of(browser.get(path))
    offered = return_labels.prepare(counter.shop, f"{number}-R1")
    rate = offered[0].code
    return_labels.buy(counter.shop, f"{number}-R1", rate_code=rate, most=None, actor="clerk")
    page = browser.get(f"{path}/returns/{number}-r1")
    assert "How to send it back" in text_of(page)
    label = page.click("Print the label")
    assert (label.content_type, label.body[:4]) == ("application/pdf", b"%PDF")
    assert "Take the request back" not in page.text
    for header in (label, page):
        assert header.headers["Cache-Control"] == "no-store"
    browser.get(f"{path}/returns/{number}-R1/label.zpl", status=404)
    browser.get(f"{path}/returns/X", status=404)
    browser.get(f"/orders/nonsense/returns/{number}-R1", status=404)


def test_a_request_can_be_taken_back(counter, browser):
    number, path = sent(counter)
    form = form_of(browser.get(f"{path}/return"))
    key = next(n for n in form.fields if n and n.startswith("units"))
    form[key], form[key.replace("units", "reason")] = "1", "unwanted"
    page = form.submit(status=303).follow()
    assert "Taken back" in text_of(form_of(page).submit(status=303).follow())
    assert "Return items" in browser.get(path).text
    with counter.shop.unit() as db:
        assert returns.cancel(db, f"{number}-R1").state == "canceled"


def test_withdrawing_takes_two_steps_and_is_receipted(counter, browser):
    number, path = sent(counter, 0)
    page = browser.get(path).click("Withdraw from contract here")
    assert counter.order(number).returns == (), "looking declares nothing"
    form = form_of(page)
    assert "Confirm withdrawal" in page.text
    key = next(n for n in form.fields if n and n.startswith("units"))
    assert form[key].value == "3", "all of it, unless the customer says otherwise"
    form[key] = "x"
    assert "Write a whole number" in text_of(form.submit(status=422))
    form[key] = "3"
    page = form.submit(status=303).follow()
    assert "We received your withdrawal" in text_of(page)
    assert "I withdraw from my contract for the following goods: 3 × Item LAMP." in text_of(page)
    form.submit(status=303)
    drain(counter.shop)
    assert len(counter.order(number).returns) == 1
    page = browser.get(path)
    assert "This order was canceled" in text_of(page)
    assert "Withdraw from contract here" not in page.text
    note = browser.get(f"{path}/returns/{number}-R1").click("CN-")
    assert (note.content_type, note.body[:4]) == ("application/pdf", b"%PDF")
    (mail,) = [m for m in counter.mailer.vendor.sent.values() if "withdrawal" in m.subject]
    assert "I withdraw from my contract" in mail.text
