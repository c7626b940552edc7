"""The four mails of an order, from one journey on the stand-ins: bought by card, sent with a label,
delivered, reviewed.

`OPTICWORKS_WRITE_PICTURES=1` takes the pictures of them that the docs show anew.
"""

from __future__ import annotations

import io
import os
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from playwright.sync_api import Browser, Page, expect

from opticworks.embedded import create_database, drop_database
from opticworks.jobs.testing import drain, run_task
from opticworks.testing.standins import listen

from .journey import only_order, open_checkout, place_button, thanked, type_card
from .site import SENSOR, Site, database_of
from .test_accessibility import check

pytest.importorskip("opticworks_stripe_payments")
pytest.importorskip("opticworks_easypost_shipping")
pytest.importorskip("opticworks_resend_mail")
pytest.importorskip("opticworks_reviews")

from opticworks_easypost_shipping.settings import STANDIN_SECRET as EASYPOST_SECRET
from opticworks_easypost_shipping.standin.server import StandIn as EasyPost
from opticworks_resend_mail.settings import STANDIN_SECRET as RESEND_SECRET
from opticworks_resend_mail.standin.server import StandIn as Resend
from opticworks_stripe_payments.settings import STANDIN_SECRET as STRIPE_SECRET
from opticworks_stripe_payments.standin.server import StandIn as Stripe

IMAGES = Path(__file__).parents[2] / "docs" / "images"
KINDS = ("order_placed", "shipment_shipped", "shipment_delivered", "reviews_request")
SECRETS = {"stripe": STRIPE_SECRET, "easypost": EASYPOST_SECRET, "resend": RESEND_SECRET}
PATIENCE = 120  #: seconds for a webhook to come


class Journey:
    """The demo shop with its three vendors' stand-ins, and a clock that can be moved."""

    def __init__(self, site: Site, vendors: dict[str, Any]) -> None:
        self.site, self.vendors = site, vendors
        for code, vendor in vendors.items():
            vendor.delivery.secrets = [SECRETS[code]]
            vendor.delivery.url = f"{site.url}/webhooks/{code}"

    def mails(self, to: str) -> dict[str, list[dict[str, Any]]]:
        """What Resend received for that address, by kind."""
        found: dict[str, list[dict[str, Any]]] = {}
        for mail in self.vendors["resend"].vendor.emails.values():
            if mail["to"] == [to]:
                kind = next(tag["value"] for tag in mail["tags"] if tag["name"] == "kind")
                found.setdefault(kind, []).append(mail)
        return found

    def work(self, done: Callable[[], bool], now: datetime | None = None) -> None:
        """Run the jobs, and those that webhooks bring meanwhile, until that is so."""
        until = time.monotonic() + PATIENCE
        while True:
            drain(self.site.shop, now)
            if done():
                return
            assert time.monotonic() < until, "It did not happen."
            time.sleep(0.1)

    def move_clock(self, now: datetime) -> None:
        self.site.shop.now = lambda: now

    def scan(self, tracking_number: str, status: str) -> None:
        """The carrier scans the parcel; EasyPost tells the shop by webhook."""
        self.vendors["easypost"].vendor.advance(tracking_number, status)


@pytest.fixture
def journey(
    embedded_servers: Any,
    worker_number: int,
    worker_redis_url: str,
    tmp_path: Path,
) -> Iterator[Journey]:
    vendors, environ = {"stripe": Stripe(), "easypost": EasyPost(), "resend": Resend()}, {}
    for code, vendor in vendors.items():
        switch, environ[f"OPTICWORKS_STANDIN_{code.upper()}"] = listen()
        switch.app = vendor
    name = f"opticworks_mails_{os.getpid()}_{worker_number}"
    database_url = create_database(embedded_servers, name)
    site = Site(database_url, database_of(worker_redis_url, 7 - worker_number), tmp_path, environ)
    yield Journey(site, vendors)
    for vendor in vendors.values():
        vendor.delivery.url = ""
    site.close()
    drop_database(embedded_servers, name)


def buy_by_card(page: Page, email: str) -> None:
    open_checkout(page, email)
    type_card(page)
    place_button(page).click()
    thanked(page)


def buy_label(page: Page, number: str) -> str:
    """Pack the order and buy its label in the admin; the tracking number."""
    page.goto(f"/admin/orders/{number}/parcels")
    page.get_by_role("button", name="Pack all in one parcel").click()
    buy = page.get_by_role("button", name="Buy the label")
    if not buy.is_visible():
        page.get_by_role("button", name="Get prices").click()
    buy.click()
    expect(page.get_by_role("button", name="Void the label")).to_be_visible()
    return page.locator("section.panel code").first.inner_text()


def picture_of(page: Page, mail: dict[str, Any], name: str) -> None:
    """The mail as a mail program shows it, small enough for the docs."""
    page.set_viewport_size({"width": 640, "height": 800})
    page.set_content(mail["html"], wait_until="networkidle")
    picture = Image.open(io.BytesIO(page.screenshot(full_page=True)))
    picture.convert("RGB").save(IMAGES / f"mail-{name.replace('_', '-')}.webp", quality=72)


def by_day(moment: datetime) -> datetime:
    """Noon in California on that day or the next."""
    at = moment.astimezone(UTC).replace(hour=20, minute=0, second=0, microsecond=0)
    return at if at >= moment else at + timedelta(days=1)


def test_the_four_mails_come_out_of_one_journey_each_once(
    browser: Browser, journey: Journey
) -> None:
    site, email = journey.site, "ada@example.com"

    def visit() -> Page:
        return browser.new_context(
            base_url=site.url, viewport={"width": 1280, "height": 900}, reduced_motion="reduce"
        ).new_page()

    def came(kind: str) -> Callable[[], bool]:
        return lambda: kind in journey.mails(email)

    shopper = visit()
    buy_by_card(shopper, email)
    order = only_order(site, email)
    journey.work(came("order_placed"))

    clerk = browser.new_context(base_url=site.url, storage_state=site.staff_state(visit))
    tracking = buy_label(clerk.new_page(), order.number)
    journey.scan(tracking, "in_transit")
    journey.work(came("shipment_shipped"))
    journey.scan(tracking, "delivered")
    journey.work(came("shipment_delivered"))

    with site.shop.unit() as db:
        view = site.shop.order_view(db, order.number)
    assert view is not None
    arrived = view.shipments[0].delivered_at
    assert arrived is not None
    journey.move_clock(arrived + timedelta(days=7) - timedelta(minutes=1))
    run_task(site.shop, "reviews.ask")
    drain(site.shop)
    assert set(journey.mails(email)) == set(KINDS[:3])
    week_later = by_day(arrived + timedelta(days=7))
    journey.move_clock(week_later)
    for _ in range(2):
        run_task(site.shop, "reviews.ask")
        journey.work(came("reviews_request"))
    mails = journey.mails(email)
    assert {kind: len(each) for kind, each in mails.items()} == dict.fromkeys(KINDS, 1)
    assert tracking in mails["shipment_shipped"][0]["html"]
    if os.environ.get("OPTICWORKS_WRITE_PICTURES"):
        for kind in KINDS:
            picture_of(visit(), mails[kind][0], kind)

    review = visit()
    review.set_content(mails["reviews_request"][0]["html"])
    review.get_by_role("link", name="4 ★").click()
    four = review.get_by_role("radio", name="4 stars")
    expect(four).to_be_checked()
    four.press("ArrowRight")  # stars by keyboard
    expect(review.get_by_role("radio", name="5 stars")).to_be_checked()
    review.get_by_role("radio", name="5 stars").press("ArrowLeft")
    expect(four).to_be_checked()
    check(review)
    review.get_by_label("In a few words").fill("It knows that I am there")
    review.get_by_label("Your review", exact=False).last.fill("The light stays on while I read.")
    review.get_by_role("button", name="Send the review").click()
    expect(review.get_by_role("status").first).to_contain_text("Thank you")

    site._staff_state = None  # a week later nobody is signed in any more
    staff = browser.new_context(base_url=site.url, storage_state=site.staff_state(visit)).new_page()
    product = visit()
    product.goto(f"{SENSOR}#reviews")
    expect(product.locator(".review-headline", has_text="It knows")).to_have_count(0)
    before = int(product.locator(".reviews-count").inner_text().split()[0])
    staff.goto("/admin/reviews")
    staff.get_by_role("link", name="It knows that I am there").click()
    staff.get_by_role("button", name="Publish").click()
    expect(staff.locator(".timeline")).to_contain_text("Published")
    product.reload()
    expect(product.locator(".review").first).to_contain_text("The light stays on while I read.")
    expect(product.locator(".review").first).to_contain_text("Verified purchase")
    expect(product.locator(".reviews-count")).to_have_text(f"{before + 1} reviews")

    for days in (7, 14):  # who has written is not reminded
        journey.move_clock(week_later + timedelta(days=days))
        run_task(site.shop, "reviews.ask")
        drain(site.shop)
    assert {kind: len(each) for kind, each in journey.mails(email).items()} == dict.fromkeys(
        KINDS, 1
    )
