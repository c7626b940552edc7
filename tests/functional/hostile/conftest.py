"""The demo shop with something of everything, and its pages crawled for forms and parameters."""

from __future__ import annotations

import uuid
from collections.abc import Callable

import pytest
from sqlalchemy import select, text

from opticworks import demo
from opticworks.checkout import refund as refunding
from opticworks.checkout.batches import begin_batch
from opticworks.checkout.refund_plan import Wish
from opticworks.contracts import RefundResult
from opticworks.jobs.testing import drain
from opticworks.links import service as links
from opticworks.money import Money
from opticworks.notifications.account_mails import LINKS
from opticworks.orders import service as orders
from opticworks.orders.models import Order
from opticworks.payments import refunds
from opticworks.payments import service as payments
from opticworks.payments.models import Payment
from opticworks.plugin import link_token
from opticworks.returns.models import Return
from opticworks.shop import Shop
from opticworks.staff import accounts, passwords, service
from opticworks.testing.fakes import FakeAddressVerifier, provider_plugin
from opticworks.testing.shops import Browser
from opticworks.testing.staff import sign_in
from opticworks.testing.visitors import ADDRESS as ADA

from .crawl import Site

PLUGINS = (
    *("catalog", "discounts", "taxes", "reviews"),
    *("manual_payments", "table_rates", "smtp_mail"),
)

UNREGISTERED = text(
    "INSERT INTO taxes_vat_check (order_number, vat_id, checked, checked_at, vies_at, valid)"
    " VALUES (:number, 'FR40303265045', 'form', :now, :now, false)"
)


@pytest.fixture
def site(make_shop: Callable[..., Shop], monkeypatch: pytest.MonkeyPatch) -> Site:
    """A visitor with a cart, an order, staff signed in: every page there is can be reached."""
    from argon2 import PasswordHasher

    monkeypatch.setattr(passwords, "_hasher", PasswordHasher(time_cost=1, memory_cost=64))
    settings = {"returns": {"withdrawal_countries": '["US"]'}}
    verifier = provider_plugin("fake_verifier", address_verifiers=[FakeAddressVerifier()])
    extra = {"fake_verifier": verifier}
    shop = make_shop(plugins=PLUGINS, theme="default", settings=settings, extra=extra)
    demo.load(shop)
    demo.send_back(shop)
    browser = Browser(shop)
    paid, _ = buy(browser), buy(browser)
    drain(shop)
    browser.post("/cart/lines", {"sku": "RS1-PRO-WHT", "quantity": "2"})
    sign_in(shop, browser=browser)
    exempt(browser)
    number = browser.get(paid).html.select_one(".order-number strong").text
    with shop.unit() as db:  # a VAT ID that is not registered, for staff to see to
        db.execute(UNREGISTERED, {"number": number, "now": shop.now()})
    pay = browser.get(f"/admin/orders/{number}/pay")
    next(f for f in pay.forms.values() if f.action.endswith("/pay")).submit(status=303)
    trouble(shop, number)
    tampered = "UPDATE orders SET payment_status = 'paid', placed_at = now() - interval '1 hour'"
    with shop.unit() as db:  # a difference that can be repaired
        db.execute(text(f"{tampered} WHERE payment_status = 'pending'"))
    with shop.unit() as db:  # a buyer who is to be asked for a review
        db.execute(text("INSERT INTO reviews_request (order_number) VALUES ('K7M2-9QXD')"))
    begin_batch(shop, [number], actor="owner@example.org")
    review = f"/reviews/write/{link_token(shop, 'reviews.write', number)}"
    reconcile = "/admin/payments/reconcile?since=2020-01-01"
    start = (paid, review, "/admin/sign-in", "/admin/forgot", reconcile)
    return Site(browser, (*start, *mailed(shop), *coming_back(shop)))


def mailed(shop: Shop) -> list[str]:
    """Links that were sent by mail, for the owner."""
    with shop.unit() as db:
        staff = service.by_email(db, "owner@example.org")
        assert staff is not None
        for purpose, to in ((accounts.RESET, staff.email), (accounts.EMAIL, "me@example.org")):
            links.make(
                db,
                purpose,
                str(staff.id),
                to,
                now=shop.now(),
                lifetime=accounts.RESET_LASTS,
                public_id=purpose,
            )
    return [
        pattern.format(token=links.token(shop.config.secret, purpose, purpose))
        for purpose, pattern in LINKS.values()
    ]


def coming_back(shop: Shop) -> list[str]:
    """What customers see of the demo's returns: links there are absolute."""
    with shop.unit() as db:
        returns = db.execute(
            select(Return.number, Order).join(Order, Order.id == Return.order_id)
        ).all()
        pages = []
        for number, order in returns:
            path = orders.path(order)
            pages += [path, f"{path}/return", f"{path}/withdraw", f"{path}/returns/{number}"]
        return pages


def trouble(shop: Shop, number: str) -> None:
    """An order with a refund that its bank sent back, and a report of another amount."""
    wish = Wish(request=uuid.uuid4(), amount=100, note="goodwill")
    (refund,) = refunding.refund(shop, number, wish, actor="owner@example.org").refunds
    money = Money(refund.amount, "USD")
    failed = RefundResult(state="failed", ref=refund.ref, money=money, message="No such account.")
    with shop.unit() as db:
        payment = db.get(Payment, refund.payment_id)
        assert payment is not None
        refunds.move(db, payment, db.merge(refund), failed, shop.now())
        payments.record(db, payment, "mismatch", key="mismatch:test", note="Another amount.")


def exempt(browser: Browser) -> None:
    """A customer who pays no tax, so that there is one to edit."""
    page = browser.get("/admin/taxes/exemptions/new")
    form = next(f for f in page.forms.values() if "email" in f.fields)
    typed = {
        "email": "grace@example.com",
        "country": "US",
        "postal": "94104",
        "reference": "C-7",
        "evidence": "Certificate of exemption, on file",
        "starts": "2026-01-01",
    }
    for name, value in typed.items():
        form[name] = value
    form.submit(status=303)


def buy(browser: Browser) -> str:
    """Place an order; the address of its page."""
    browser.post("/cart/lines", {"sku": "RS1-PRO-WHT", "quantity": "1"})
    form = browser.get("/checkout").forms["checkout"]
    for name, value in ADA.items():
        form[name] = value
    placed = form.submit("action", value="place", status=303)
    return str(placed.location).removeprefix("http://localhost").partition("?")[0]
