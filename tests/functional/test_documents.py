"""Invoices and packing slips: what they say, read back from the PDF, and the numbers they have."""

from __future__ import annotations

import io
import threading
from collections.abc import Callable

import pytest
from pypdf import PdfReader
from sqlalchemy import text

from opticworks.checkout import papers, parcels, staff
from opticworks.checkout.parcels import Wanted
from opticworks.documents import page, sheet, slip
from opticworks.documents import service as documents
from opticworks.jobs.testing import drain
from opticworks.orders import service as orders
from opticworks.shop import Shop
from opticworks.testing.counter import Counter, open_counter
from opticworks.testing.fakes import FakeTaxes
from opticworks.testing.shops import Browser


@pytest.fixture
def counter(make_shop: Callable[..., Shop]) -> Counter:
    settings = {"documents": {"attach_invoice": "true", "tax_ids": "VAT ID DE123456789"}}
    counter = open_counter(make_shop, settings=settings, extra={"fake_taxes": FakeTaxes()})
    counter.card.first_state = "captured"
    counter.stock("A", 50, "10.00", weight=400, title="Lámpara 灯")
    counter.stock("B", 50, "2.50", weight=100)
    return counter


def words(content: bytes) -> str:
    """All text of a PDF, its lines joined."""
    pages = PdfReader(io.BytesIO(content)).pages
    return " ".join(" ".join(page.extract_text().split()) for page in pages)


def paid(counter: Counter, *lines: tuple[str, int]) -> str:
    number = counter.buy(*lines).number
    staff.mark_paid(counter.shop, number, actor="clerk")
    return number


def invoices(counter: Counter) -> list[tuple[str, str]]:
    with counter.shop.unit() as db:
        rows = db.execute(text("SELECT number, order_number FROM document ORDER BY id"))
        return [(number, order) for number, order in rows]


def test_a_paid_order_gets_its_invoice_once_and_the_mail_brings_it(counter: Counter) -> None:
    unpaid = counter.buy(("B", 1)).number
    at_once = counter.buy(("B", 1), payment="fake_card").number
    number = paid(counter, ("A", 2), ("B", 1))
    drain(counter.shop)
    written = next(written for written, order in invoices(counter) if order == number)
    assert sorted(order for _, order in invoices(counter)) == sorted((number, at_once))
    mails = {each.tags["kind"]: each for each in counter.mailer.outbox if each.attachments}
    assert sorted(mails) == ["order_paid", "order_placed"]
    assert "Paid with Test card" in words(mails["order_placed"].attachments[0].content)
    (file,) = mails["order_paid"].attachments
    assert (file.filename, file.content_type) == (f"invoice-{written}.pdf", "application/pdf")
    order = counter.order(number)
    said = words(file.content)
    for part in ("Invoice", written, number, "Ada Lovelace", "VAT ID DE123456789", "Lámpara 灯"):
        assert part in said
    assert f"Total {order.total.format()}" in said
    seen = Browser(counter.shop).get(order.url.removeprefix("http://localhost"))
    again = seen.click(written)
    assert (again.body, again.headers["Cache-Control"]) == (file.content, "no-store")
    other = counter.order(unpaid).url.removeprefix("http://localhost")
    assert "Invoice" not in Browser(counter.shop).get(other).text
    Browser(counter.shop).get(f"{other}/documents/1.pdf", status=404)


def test_taxes_are_told_by_rate_with_what_they_are_on(counter: Counter) -> None:
    number = paid(counter, ("A", 2))
    drain(counter.shop)
    with counter.shop.unit() as db:
        invoice = documents.find(db, "invoice", number)
        assert invoice is not None
        sums = {row["kind"]: row["amount"] for row in invoice.facts["sums"]}
        (tax,) = invoice.facts["taxes"]
    assert tax["tax"] == sums["tax"] > 0
    assert tax["net"] == sums["subtotal"] + sums["shipping"]
    assert sum(sums.values()) == invoice.facts["total"] == counter.order(number).total.minor
    assert sheet.pdf(invoice) == sheet.pdf(invoice)


def test_numbers_have_no_gap_whatever_goes_wrong(counter: Counter) -> None:
    numbers = [paid(counter, ("B", 1)) for _ in range(5)]
    views = [counter.order(number) for number in numbers]

    def write(view: object, fail: bool = False) -> None:
        with counter.shop.unit() as db:
            documents.invoice_of(db, view, counter.shop.settings, counter.shop.now())  # type: ignore[arg-type]
            if fail:
                raise RuntimeError

    with pytest.raises(RuntimeError):
        write(views[0], fail=True)
    threads = [threading.Thread(target=write, args=(view,)) for view in (*views, *views)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    written = invoices(counter)
    assert [number for number, _ in written] == [f"INV-{n:05d}" for n in range(1, 6)]
    assert sorted(order for _, order in written) == sorted(numbers)
    with pytest.raises(Exception, match="never changed"), counter.shop.unit() as db:
        db.execute(text("UPDATE document SET number = 'X'"))


def test_a_slip_says_what_is_in_this_parcel_and_what_is_not(counter: Counter) -> None:
    number = paid(counter, ("A", 2), ("B", 3))
    with counter.shop.unit() as db:
        order = orders.by_number(db, number)
        assert order is not None
        (whole,) = papers.slips(counter.shop, db, order)
    assert [line.quantity for line in whole.lines] == [2, 3]
    wanted = [Wanted(lines={"A": 1}), Wanted(lines={"A": 1, "B": 1})]
    first, _ = parcels.pack_order(counter.shop, number, actor="clerk", parcels=wanted)
    with counter.shop.unit() as db:
        order = orders.by_number(db, number)
        assert order is not None
        assert len(papers.slips(counter.shop, db, order)) == 2
        found = papers.slips(counter.shop, db, order, {first})
    (one,) = found
    assert one.part == "Parcel 1 / 3"
    assert [(line.note, line.quantity) for line in one.lines] == [("A", 1)]
    assert [(line.note, line.quantity) for line in one.others] == [("A", 1), ("B", 3)]
    said = words(slip.pdf(found, "letter"))
    assert "$" not in said
    for part in ("Packing slip", number, "Ada Lovelace", "12 Analytical Way", "Lámpara 灯"):
        assert part in said


@pytest.mark.parametrize("paper", page.PAPERS)
def test_long_slips_go_on_over_numbered_pages(paper: str) -> None:
    lines = [slip.SlipLine(title=f"Thing {n} " * 9, quantity=n) for n in range(1, 60)]
    made = slip.Slip(shop="Łódź", order="K7M2-9QXD", to=["李小龍"], lines=lines)
    reader = PdfReader(io.BytesIO(slip.pdf([made, made], paper)))
    size = [float(side) for side in reader.pages[0].mediabox[2:]]
    assert size == pytest.approx(page.PAPERS[paper])
    half = len(reader.pages) // 2
    assert f"{half} / {half}" in reader.pages[-1].extract_text()
    assert "Łódź" in reader.pages[0].extract_text()
    assert "李小龍" in reader.pages[half].extract_text()
