"""An order's parcels on the staff's screens: packed, priced, labelled, handed over, given back."""

from __future__ import annotations

from sqlalchemy import text

from opticworks.checkout import staff as verbs
from opticworks.checkout import tracking


def form_with(page, deed: str):
    """The page's first form that does that."""
    return next(form for form in page.forms.values() if f'value="{deed}"' in form.text)


def parcels_page(counter, browser, number: str):
    return browser.get(f"/admin/orders/{number}/parcels")


def test_a_parcel_from_the_bench_to_the_customer(counter, sign_in) -> None:
    clerk = sign_in("clerk")
    number = counter.buy(("LAMP", 2), ("BULB", 1)).number
    assert "not paid yet" in parcels_page(counter, clerk, number).text
    verbs.mark_paid(counter.shop, number, actor="t")
    form = form_with(parcels_page(counter, clerk, number), "pack_all")
    form["quantity:LAMP"], form["quantity:BULB"] = "1", "0"
    for _ in range(2):  # a double click packs one parcel
        form.submit("do", value="pack", status=303)
    page = form_with(parcels_page(counter, clerk, number), "rates").submit(
        "do", value="rates", status=303
    )
    page = page.follow()
    assert "Fake Air" in page.text
    assert counter.carrier.vendor.bought == 0
    buy = form_with(page, "buy")
    for _ in range(2):
        page = buy.submit("do", value="buy", status=303).follow()
    assert counter.carrier.vendor.bought == 1
    label = page.click("Print PDF")
    assert label.body.startswith(b"%PDF-")
    zpl = form_with(page, "as_ZPL").submit("do", value="as_ZPL", status=303).follow()
    assert zpl.click("Print ZPL").body.startswith(b"^XA")
    assert counter.carrier.vendor.bought == 1
    assert label.content_type == "application/pdf"
    done = form_with(page, "hand_over").submit("do", value="hand_over", status=303)
    assert "the customer is told" in done.follow().text
    assert counter.order(number).fulfilment_status == "part_shipped"
    (ref,) = counter.carrier.vendor.shipments
    counter.carrier.vendor.scan(ref, "return_to_sender")
    tracking.sync(counter.shop, "fake_carrier", ref)
    assert "Trouble with parcels" in clerk.get("/admin").text
    assert number in clerk.get("/admin/orders?tab=parcels").text
    page = parcels_page(counter, clerk, number)
    assert "is coming back" in page.text
    page = form_with(page, "seen").submit(status=303).follow()
    assert "is coming back" not in page.text
    order = counter.order(number)
    seen = clerk.get(order.url.removeprefix(counter.shop.config.base_url))
    assert "Coming back to us" in seen.text
    assert order.shipments[0].tracking_url in seen.text


def test_a_label_is_given_back_and_wrong_forms_change_nothing(counter, sign_in) -> None:
    clerk = sign_in("clerk")
    number = counter.buy(("LAMP", 1)).number
    other = counter.buy(("LAMP", 1)).number
    for each in (number, other):
        verbs.mark_paid(counter.shop, each, actor="t")
    pack = form_with(parcels_page(counter, clerk, number), "pack_all")
    pack["quantity:LAMP"] = "7"
    assert "1 of Item LAMP are left to pack" in pack.submit("do", value="pack", status=422).text
    page = pack.submit("do", value="pack_all", status=303).follow()
    page = form_with(page, "rates").submit("do", value="rates", status=303).follow()
    form = form_with(page, "buy")
    form["rate"].force_value("ground|1")
    refused = form.submit("do", value="buy", status=422)
    assert "costs $7.00 now, more than $0.01" in refused.text
    form.action = f"/admin/orders/{other}/parcels"
    assert "There is no such parcel" in form.submit("do", value="unpack", status=422).text
    page = form_with(parcels_page(counter, clerk, number), "buy")
    page = page.submit("do", value="buy", status=303).follow()
    label = page.html.select_one('a[href$="label.pdf"]')
    page = form_with(page, "void").submit("do", value="void", status=303).follow()
    assert "Send nothing with it" in clerk.get(label["href"], status=410).text
    assert "Voided, paid back" in page.text
    assert "Still to pack" in page.text
    assert counter.carrier.vendor.bought == 1
    with counter.shop.unit() as db:
        db.execute(text("UPDATE parcel SET void = 'pending' WHERE void = 'done'"))
    form = form_with(parcels_page(counter, clerk, number), "look")
    page = form.submit("do", value="look", status=303).follow()
    assert "The label's money was paid back." in page.html.get_text()


def test_a_label_in_question_is_looked_up_and_made_in_no_other_format(counter, sign_in) -> None:
    clerk = sign_in("clerk")
    number = counter.buy(("LAMP", 1)).number
    verbs.mark_paid(counter.shop, number, actor="t")
    page = form_with(parcels_page(counter, clerk, number), "pack_all")
    page = page.submit("do", value="pack_all", status=303).follow()
    page = form_with(page, "rates").submit("do", value="rates", status=303).follow()
    page = form_with(page, "buy").submit("do", value="buy", status=303).follow()
    convert = form_with(page, "as_ZPL")
    vendor = counter.carrier.vendor
    vendor.fail_next("after")
    asked = form_with(page, "void").submit("do", value="void", status=422)
    assert "look it up now" in asked.text
    assert "Look it up</button>" in asked.text
    assert "as_ZPL" not in asked.text
    calls = vendor.calls.count("buy")
    refused = convert.submit("do", value="as_ZPL", status=422)
    assert "Look up first whether it was." in refused.text
    assert vendor.calls.count("buy") == calls


def test_a_signature_that_the_prices_are_not_for_buys_nothing(counter, sign_in) -> None:
    clerk = sign_in("clerk")
    number = counter.buy(("LAMP", 1)).number
    verbs.mark_paid(counter.shop, number, actor="t")
    page = form_with(parcels_page(counter, clerk, number), "pack_all")
    page = page.submit("do", value="pack_all", status=303).follow()
    page = form_with(page, "rates").submit("do", value="rates", status=303).follow()
    form = form_with(page, "buy")
    form["signature"] = "adult"
    page = form.submit("do", value="buy", status=422)
    assert "These prices are for another signature" in page.text
    assert counter.carrier.vendor.bought == 0
    form = form_with(page, "rates")
    assert form["signature"].value == "adult"  # what was chosen is not lost
    page = form.submit("do", value="rates", status=303).follow()
    form_with(page, "buy").submit("do", value="buy", status=303)
    assert counter.carrier.vendor.bought == 1
    assert counter.carrier.vendor.options["signature"] == "adult"


def test_labels_come_before_shipping_by_hand_where_they_are_sold(counter, sign_in) -> None:
    clerk = sign_in("clerk")
    number = counter.buy(("LAMP", 1)).number
    verbs.mark_paid(counter.shop, number, actor="t")
    text = clerk.get(f"/admin/orders/{number}").text
    assert text.index(">Parcels and labels<") < text.index(">Ship by hand<")
    counter.carrier.labels = False
    text = clerk.get(f"/admin/orders/{number}").text
    assert text.index(">Ship<") < text.index(">Parcels and labels<")


def test_trouble_and_labels_are_found_from_the_order_when_all_has_left(counter, sign_in) -> None:
    clerk = sign_in("clerk")
    number = counter.buy(("LAMP", 1)).number
    verbs.mark_paid(counter.shop, number, actor="t")
    page = parcels_page(counter, clerk, number)
    for deed in ("pack_all", "rates", "buy"):
        page = form_with(page, deed).submit("do", value=deed, status=303).follow()
    assert "Label bought" in clerk.get(f"/admin/orders/{number}").text
    form_with(page, "hand_over").submit("do", value="hand_over", status=303)
    (ref,) = counter.carrier.vendor.shipments
    counter.carrier.vendor.scan(ref, "in_transit", "Arrived at Facility")
    counter.carrier.vendor.scan(ref, "failure", "Nobody was there")
    tracking.sync(counter.shop, "fake_carrier", ref)
    page = clerk.get(f"/admin/orders/{number}")
    assert "could not deliver the parcel" in page.text
    text = page.click("Labels and tracking").text
    assert "&lt;time" not in text
    assert text.index("Nobody was there") < text.index("Arrived at Facility")
    page = form_with(page, "seen").submit(status=303).follow()
    assert "could not deliver" not in page.text
