"""The refund screen counts along while it is filled in."""

from __future__ import annotations

from collections.abc import Callable

from playwright.sync_api import Page, expect

from opticworks.checkout import staff as verbs

from .site import Site


def test_a_refund_is_counted_while_it_is_filled_in(
    signed_in: Callable[..., Page], site: Site, someone: str
) -> None:
    number = site.buy(someone)
    verbs.mark_paid(site.shop, number, actor="test")
    page = signed_in()
    page.goto(f"/admin/orders/{number}")
    page.get_by_role("link", name="Refund", exact=True).click()
    total = page.locator('[data-sum="amount"]')
    expect(total).to_have_text("$0.00")
    page.get_by_role("button", name="All of them").click()
    items = page.locator('[data-sum="items"]').inner_text()
    assert items != "$0.00"
    expect(total).to_have_text(items)
    page.get_by_label("Another amount").fill("12.5")
    expect(total).to_have_text("$12.50")
    page.get_by_label("Another amount").fill("nonsense")
    expect(total).to_have_text("–")
    page.get_by_label("Another amount").fill("")
    page.get_by_label("Reason").select_option(label="Arrived damaged or faulty")
    page.get_by_role("button", name=f"Pay {items} back").click()
    expect(page.get_by_role("status").first).to_contain_text(f"{items} is paid back.")
    expect(page.locator(".money-list")).to_contain_text("Arrived damaged or faulty")
