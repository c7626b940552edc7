"""An order is written to in the language it was placed in, whatever the shop's is by then."""

from __future__ import annotations

import io
import sys
import uuid
from collections.abc import Callable
from types import ModuleType
from typing import Any

import pytest
from pypdf import PdfReader
from sqlalchemy import text

from opticworks.checkout import papers, refund, staff
from opticworks.checkout.place import place
from opticworks.checkout.refund_plan import Wish
from opticworks.documents import slip
from opticworks.jobs.testing import drain
from opticworks.orders import service as orders
from opticworks.plugin import PluginInfo, hookimpl
from opticworks.shop import Shop
from opticworks.testing.counter import ADA, Counter, open_counter
from opticworks.testing.fakes import FakeTaxes
from opticworks.testing.shops import Browser

STAFF = "staff@example.com"


@pytest.fixture
def counter(make_shop: Callable[..., Shop]) -> Counter:
    """An American shop that writes invoices and tells its staff of orders."""
    settings = {
        "documents": {"attach_invoice": "true"},
        "shop": {"alerts": STAFF, "alert_orders": "true", "alert_stock": "false"},
    }
    counter = open_counter(make_shop, settings=settings, extra={"fake_taxes": FakeTaxes()})
    counter.stock("A", 5, "10.00", weight=400)
    return counter


def bought(counter: Counter, locale: str) -> str:
    cart = counter.cart(("A", 2))
    return place(counter.shop, counter.wish(cart, locale=locale)).number


def said(content: bytes) -> str:
    pages = PdfReader(io.BytesIO(content)).pages
    return " ".join(" ".join(page.extract_text().split()) for page in pages)


def test_mails_and_papers_are_in_the_language_of_the_order(counter: Counter) -> None:
    number = bought(counter, "de_DE")
    staff.mark_paid(counter.shop, number, actor="clerk")
    staff.fulfil(
        counter.shop, number, lines={"A": 2}, carrier="UPS", tracking_number="1Z9", actor="clerk"
    )
    goodwill = Wish(request=uuid.uuid4(), amount=100, note="goodwill")
    refund.refund(counter.shop, number, goodwill, actor="clerk")
    drain(counter.shop)
    mails = {mail.tags["kind"]: mail for mail in counter.mailer.outbox}
    subjects = {kind: mail.subject for kind, mail in mails.items()}
    assert subjects == {
        "order_placed": f"Ihre Bestellung {number}",
        "staff_new_order": subjects["staff_new_order"],
        "order_paid": f"Ihre Zahlung für Bestellung {number} ist angekommen",
        "shipment_shipped": f"Ihre Bestellung {number} ist unterwegs",
        "payment_refunded": f"Eine Erstattung von 1,00 $ für Bestellung {number}",
    }
    assert subjects["staff_new_order"].startswith(f"New order {number}: $")
    written_in = {kind: mails[kind].html.partition('lang="')[2][:2] for kind in mails}
    assert written_in == dict.fromkeys(mails, "de") | {"staff_new_order": "en"}
    invoice = said(mails["order_paid"].attachments[0].content)
    for words in ("Rechnung an", "Vereinigte Staaten", "20,00 $"):
        assert words in invoice
    credited = said(mails["payment_refunded"].attachments[0].content)
    for words in ("Rechnungskorrektur", "Zu Rechnung", "Preisnachlass", "1,00 $"):
        assert words in credited
    with counter.shop.unit() as db:
        order = orders.by_number(db, number)
        drawn = papers.slips(counter.shop, db, order)
    printed = said(slip.pdf(drawn, "a4"))
    assert "Lieferschein" in printed
    assert "Packing slip" not in printed


@pytest.mark.parametrize("locale", ["", "de", "xx_YY", "../../etc"])
def test_only_a_locale_that_is_one_is_kept(counter: Counter, locale: str) -> None:
    number = bought(counter, locale)
    assert counter.order(number).locale == ("de" if locale == "de" else "en_US")


def test_an_order_of_before_is_written_to_in_the_shops_language(counter: Counter) -> None:
    number = bought(counter, "de_DE")
    with counter.shop.unit() as db:
        db.execute(text("UPDATE orders SET locale = ''"))
    drain(counter.shop)
    subjects = {mail.tags["kind"]: mail.subject for mail in counter.mailer.outbox}
    assert subjects["order_placed"] == f"Your order {number}"


def test_the_page_it_was_placed_on_says_which(
    make_shop: Callable[..., Shop], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A plugin may read a visitor's language from where it likes."""

    @hookimpl
    def plugin_info() -> PluginInfo:
        return PluginInfo(code="languages", title="Languages", version="1", category="other")

    def includeme(config: Any) -> None:
        config.add_request_method(lambda request: "de_DE", "locale_name", reify=True)

    plugin: Any = ModuleType("languages")
    plugin.plugin_info, plugin.includeme = plugin_info, includeme
    monkeypatch.setitem(sys.modules, "languages", plugin)
    counter = open_counter(make_shop, extra={"languages": plugin})
    counter.stock("A", 5, "10.00")
    page = Browser(counter.shop)
    page.post("/cart/lines", {"sku": "A", "quantity": "1"})
    form = page.get("/checkout").forms["checkout"]
    for name in ADA:
        form[name] = ADA[name]
    form["payment"] = "fake_transfer"
    answer = form.submit("action", value="place")
    assert answer.status_int == 303, answer.text
    with counter.shop.unit() as db:
        assert db.scalars(text("SELECT locale FROM orders")).all() == ["de_DE"]
