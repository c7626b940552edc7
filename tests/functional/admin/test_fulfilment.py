"""Many orders at once on the staff's screens: chosen, labelled, printed, put on a form, sent."""

from __future__ import annotations

import io
import uuid

from pypdf import PdfReader
from sqlalchemy import text

from opticworks.checkout import parcels, tracking
from opticworks.checkout import staff as verbs
from opticworks.jobs.testing import drain
from opticworks.payments.models import Refund
from opticworks.testing.fakes import shipping as fake
from opticworks.testing.shops import counted


def paid(counter, *lines):
    number = counter.buy(*(lines or (("LAMP", 1),))).number
    verbs.mark_paid(counter.shop, number, actor="t")
    return number


def pages(content: bytes) -> list[str]:
    return [page.extract_text() for page in PdfReader(io.BytesIO(content)).pages]


def abroad(counter, number: str, country: str) -> None:
    with counter.shop.unit() as db:
        db.execute(
            text("UPDATE orders SET address = jsonb_set(address, '{country}', to_jsonb(:c ::text))"
                 " WHERE number = :n"), {"n": number, "c": country}
        )  # fmt: skip


def form_with(page, words: str):
    return next(form for form in page.forms.values() if words in form.text)


def test_a_batch_from_the_list_to_the_carrier(counter, sign_in) -> None:
    clerk = sign_in("clerk")
    good, bad, unpaid = paid(counter), paid(counter), counter.buy(("BULB", 1)).number
    abroad(counter, bad, "XX")
    chosen = form_with(clerk.get("/admin/orders"), 'name="order"')
    for box in chosen.fields["order"]:
        box.checked = True
    slips = clerk.get(f"/admin/shipping/packing-slips.pdf?order={good}&order={bad}&order=NONE")
    assert len(pages(slips.body)) == 2
    page = chosen.submit()
    assert good in page.text
    assert unpaid not in page.text
    alone = clerk.get(f"/admin/shipping/batches/new?order={unpaid}")
    assert "is not paid yet" in alone.text
    begin = form_with(page, "Buy labels")
    begin["most"] = "ten"
    assert "The limit can" in begin.submit(status=422).text
    begin["most"] = "9"
    page = begin.submit(status=303).follow()
    assert "Labels are being bought" in page.text
    begin.submit(status=303)  # a double click begins nothing more
    drain(counter.shop)
    page = clerk.get(page.request.path)
    assert counter.carrier.vendor.bought == 1
    assert "No carrier offers to ship this parcel" in page.text
    assert "data-watch" not in page.text
    labels = page.click("Print all labels")
    assert len(pages(labels.body)) == 1
    (slip,) = pages(page.click("Packing slips").body)
    assert good in slip
    assert "FAKE0000000001" in slip
    clerk.get(f"{page.request.path}/labels.exe", status=404)
    with counter.shop.unit() as db:  # all of them were to be given back, and nobody answered
        db.execute(text("UPDATE parcel SET void = 'asking'"))
    clerk.get(f"{page.request.path}/labels.pdf", status=404)
    with counter.shop.unit() as db:
        db.execute(text("UPDATE parcel SET void = ''"))
    clerk.get(f"/admin/shipping/batches/{uuid.uuid4()}", status=404)
    abroad(counter, bad, "CA")
    page = form_with(page, "Try the failed").submit("do", value="again", status=303).follow()
    drain(counter.shop)
    page = clerk.get(page.request.path)
    assert counter.carrier.vendor.bought == 2
    page = form_with(page, "Hand over").submit("do", value="hand_over", status=303).follow()
    assert "2 parcels are on the way" in page.text
    assert {counter.order(n).fulfilment_status for n in (good, bad)} == {"shipped"}
    customs = clerk.get(f"/admin/orders/{bad}/parcels").text
    for said in ("Declared as merchandise", "Without a tariff code", "Without a country of origin"):
        assert said in customs


def test_parcels_of_today_go_on_one_form_once(counter, sign_in) -> None:
    clerk = sign_in("clerk")
    for _ in range(2):
        page = clerk.get(f"/admin/orders/{paid(counter)}/parcels")
        for deed in ("pack_all", "rates", "buy"):
            page = form_with(page, f'value="{deed}"').submit("do", value=deed, status=303).follow()
    vendor = counter.carrier.vendor
    scanned = next(reversed(vendor.shipments))
    vendor.scan(scanned, "in_transit")  # the carrier has it: no form is needed any more
    tracking.sync(counter.shop, "fake_carrier", scanned)
    page = clerk.get("/admin/shipping")
    form = form_with(page, "Make the form")
    for _ in range(2):
        page = form.submit(status=303).follow()
    assert "Being made" in page.text
    drain(counter.shop)
    page = clerk.get("/admin/shipping")
    assert "Make the form" not in page.text
    assert page.click("Print").body == fake.LABEL_PDF
    assert scanned not in next(iter(vendor.forms.values()))
    assert len(vendor.forms) == 1
    form["form"].force_value(str(uuid.uuid4()))
    assert "on a form already" in form.submit(status=422).text
    form["form"].force_value("x")
    assert "incomplete" in form.submit(status=422).text
    clerk.get(f"/admin/shipping/manifests/{uuid.uuid4()}.pdf", status=404)


def test_what_is_bought_with_a_label_is_chosen_and_shown(counter, sign_in) -> None:
    clerk = sign_in("clerk")
    number, other = paid(counter), paid(counter)
    page = form_with(clerk.get(f"/admin/orders/{number}/parcels"), "pack_all").submit(
        "do", value="pack_all", status=303
    )
    form = form_with(page.follow(), 'value="rates"')
    form["signature"] = "adult"
    page = form.submit("do", value="rates", status=303).follow()
    assert "Recommended: what the customer chose" in page.text
    assert "4–5 working days" in page.text
    form = form_with(page, 'value="buy"')
    form["insurance"] = "1000"
    assert "Insure at most" in form.submit("do", value="buy", status=422).text
    form["insurance"] = "5.50"
    page = form.submit("do", value="buy", status=303).follow()
    assert "Signature of an adult" in page.text
    assert "$5.50" in page.text
    assert counter.carrier.vendor.options == {
        "label_format": "PDF",
        "signature": "adult",
        "insurance": 550,
    }
    assert f"/admin/orders/{other}/parcels" in page.click("Next order").request.path


def test_choosing_orders_costs_as_many_statements_for_many_as_for_few(counter, sign_in) -> None:
    owner = sign_in()
    counter.stock("BULB", 40, "2.50")
    packed = paid(counter, ("BULB", 1))
    parcels.pack_order(counter.shop, packed, actor="t")
    paid_back = paid(counter, ("BULB", 1))
    with counter.shop.unit() as db:  # all of it is on its way back, and no provider has said so
        of = "SELECT p.id, p.amount FROM payment p JOIN orders o ON o.id = p.order_id"
        payment, amount = db.execute(text(f"{of} WHERE o.number = :n"), {"n": paid_back}).one()
        db.add(Refund(payment_id=payment, amount=amount))
    numbers = [packed, paid_back, *(paid(counter, ("BULB", 1)) for _ in range(17))]
    numbers.append(counter.buy(("BULB", 1)).number)

    def statements(numbers) -> int:
        query = "&".join(f"order={number}" for number in [*numbers, "NONE"])
        with counted() as seen:
            page = owner.get(f"/admin/shipping/batches/new?{query}")
        assert all(number in page.text for number in numbers)
        return len(seen)

    statements(numbers[:2])
    assert statements(numbers[:2]) == statements(numbers)
    page = owner.get("/admin/shipping/batches/new?" + "&".join(f"order={n}" for n in numbers)).text
    assert f"The money of order {paid_back} is being paid back" in page
    assert f"Order {numbers[-1]} is not paid yet" in page


def test_where_nothing_waits_the_page_says_where_to_go_on(sign_in):
    page = sign_in().get("/admin/shipping/batches/new?all=1")
    assert "Everything that is paid is packed." in page.text
    assert page.html.select_one("main a.btn[href='/admin/shipping']")
