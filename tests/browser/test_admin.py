"""Staff at work: money arrives, a parcel leaves, an order is canceled."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from .site import PASSWORD, SKU, STAFF, Site

scripted = pytest.mark.parametrize("script", [True, False], ids=["script", "plain"])


def open_order(page: Page, number: str) -> None:
    """From the list to the order, as a clerk finds it."""
    page.goto("/admin")
    page.get_by_role("link", name="Orders").first.click()
    page.goto(f"/admin/orders?tab=all&q={number}")
    page.get_by_role("link", name=number).click()
    expect(page.locator("h1")).to_contain_text(number)


def badges(page: Page) -> str:
    return page.locator(".page-head").inner_text()


def mail_to(page: Page, site: Site, email: str) -> str:
    """The newest mail to that address as /dev/mail shows it."""
    site.work()
    page.goto("/dev/mail")
    page.locator("nav li", has_text=email).first.get_by_role("link").click()
    expect(page.locator("main dl")).to_contain_text(email)
    return page.frame_locator("iframe").locator("body").inner_text()


@scripted
def test_an_order_is_paid_and_shipped_and_the_customer_is_told(
    signed_in: Callable[..., Page], site: Site, someone: str, script: bool
) -> None:
    number = site.buy(someone)
    page = signed_in(java_script_enabled=script)
    open_order(page, number)
    page.get_by_role("link", name="Mark paid", exact=True).click()
    page.get_by_label("Reference").fill("Statement 7")
    page.get_by_role("button", name="Mark paid").click()
    expect(page.get_by_role("status").first).to_contain_text("is marked paid")
    expect(page.locator(".page-head")).to_contain_text("Paid")

    page.get_by_role("link", name="Ship", exact=True).click()
    page.get_by_role("button", name="Record the parcel").click()
    expect(page).to_have_url(f"{site.url}/admin/orders/{number}/fulfil")  # fields are missing
    page.get_by_label("Carrier").fill("USPS")
    page.get_by_label("Tracking number").fill("9400111899223817")
    page.get_by_role("button", name="Record the parcel").click()
    expect(page.locator(".page-head")).to_contain_text("Shipped")
    expect(page.locator(".parcel")).to_contain_text("9400111899223817")

    mail = mail_to(page, site, someone)
    assert "9400111899223817" in mail
    assert "USPS" in mail


@scripted
def test_an_order_is_canceled_and_its_goods_are_sold_again(
    signed_in: Callable[..., Page], site: Site, someone: str, script: bool
) -> None:
    before = site.free(SKU)
    number = site.buy(someone)
    assert site.free(SKU) == before - 1
    page = signed_in(java_script_enabled=script)
    open_order(page, number)
    page.get_by_role("link", name="Cancel order", exact=True).click()
    expect(page.locator("#main")).to_contain_text("1 unit can be sold again")
    page.get_by_label("Why?").select_option(index=1)
    expect(page.get_by_label("Put the goods back")).to_be_checked()
    page.get_by_role("button", name="Cancel the order").click()
    expect(page.locator(".page-head")).to_contain_text("Canceled")
    assert site.free(SKU) == before
    assert number in mail_to(page, site, someone)
    (order,) = site.orders(someone)
    assert order.status == "canceled"


def test_staff_sign_in_and_out(page: Page) -> None:
    page.goto("/admin/orders")
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
    page.get_by_label("E-mail address").fill(STAFF)
    page.get_by_label("Password").fill("wrong horse battery")
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("alert")).to_be_visible()
    expect(page.get_by_label("E-mail address")).to_have_value(STAFF)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    expect(page.locator("h1")).to_have_text("Orders")
    page.get_by_role("button", name="Sign out").click()
    page.goto("/admin/orders")
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()


def test_every_admin_page_says_what_it_is_on_a_telephone(
    signed_in: Callable[..., Page],
) -> None:
    page = signed_in(width=390)
    page.goto("/admin/plugins")
    page.get_by_role("button", name="Menu").click()
    page.get_by_role("link", name="Orders").click()
    expect(page.locator("h1")).to_have_text("Orders")
