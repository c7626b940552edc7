"""Staff sell something new with the keyboard alone, and a customer buys it."""

from __future__ import annotations

from collections.abc import Callable

from playwright.sync_api import Page, expect

from .journey import open_checkout, place_button, thanked
from .site import Site

NEW = "/admin/catalog/products/new"
PASTE = """([selector, text]) => {
  const field = document.querySelector(selector);
  field.focus();
  const data = new DataTransfer();
  data.setData("text/plain", text);
  field.dispatchEvent(new ClipboardEvent("paste", {clipboardData: data, bubbles: true,
    cancelable: true}));
}"""


def tab_to(page: Page, target: str) -> None:
    """Press Tab until the element of that id, or the button of that name, has the focus."""
    for _ in range(250):
        page.keyboard.press("Tab")
        here = page.evaluate("document.activeElement.id || document.activeElement.innerText")
        if str(here).strip() == target:
            return
    raise AssertionError(f"{target} can't be reached with the keyboard")


def write(page: Page, target: str, text: str) -> None:
    tab_to(page, target)
    page.keyboard.type(text)


def cell(page: Page, row: int, name: str) -> str:
    return page.locator(f'[id="variant.{row}.{name}"]').input_value()


def test_a_product_is_made_with_the_keyboard_and_bought(
    signed_in: Callable[..., Page], visit: Callable[..., Page], site: Site, someone: str
) -> None:
    page = signed_in()
    page.goto(NEW)
    write(page, "title", "Reading Lamp")
    write(page, "option.0.name", "Colour")
    for i, value in enumerate(("Red", "Green", "Blue")):
        write(page, f"option.0.value.{i}.text", value)
    tab_to(page, "Add an option")
    page.keyboard.press("Enter")
    page.keyboard.type("Size")  # the new row has the focus
    for i, value in enumerate(("S", "M", "L")):
        write(page, f"option.10000.value.{i}.text", value)
    tab_to(page, "Make the variants")
    page.keyboard.press("Enter")
    expect(page.locator("[data-grid] tbody tr")).to_have_count(9)

    tab_to(page, "variant.0.price")
    page.keyboard.type("25.00")
    page.keyboard.press("Control+d")
    assert cell(page, 8, "price") == "25.00"
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowRight")
    page.keyboard.type("4")
    page.keyboard.press("Control+d")
    page.keyboard.press("Enter")
    page.keyboard.type("7")
    assert [cell(page, row, "stock") for row in (0, 1, 8)] == ["4", "7", "4"]
    page.keyboard.press("Control+z")
    assert cell(page, 8, "stock") == ""
    page.keyboard.press("ArrowUp")
    page.keyboard.press("Control+d")
    tab_to(page, "product-status")
    page.keyboard.press("P")
    expect(page.locator("[data-count]")).to_contain_text("change")
    page.keyboard.press("Control+Enter")
    expect(page.get_by_role("status").first).to_contain_text("Reading Lamp was saved.")
    assert site.free("READING-LAMP-BLUE-L") == 4

    customer = visit()
    open_checkout(customer, someone, "/products/reading-lamp?variant=READING-LAMP-BLUE-L")
    place_button(customer).click()
    thanked(customer)
    assert site.free("READING-LAMP-BLUE-L") == 3


def test_a_block_of_a_spreadsheet_is_pasted_and_leaving_asks(
    signed_in: Callable[..., Page],
) -> None:
    page = signed_in()
    page.goto("/admin/catalog/products?q=USB-C")
    page.get_by_role("link", name="USB-C Cable").click()
    expect(page.locator("h1")).to_have_text("USB-C Cable")
    page.wait_for_load_state()  # the page's script has run
    page.evaluate(PASTE, ['[id="variant.1.price"]', "10.50\t20\t5\n11.50\t\t6\n"])
    assert [cell(page, 1, name) for name in ("price", "compare_at", "stock")] == [
        "10.50",
        "20",
        "5",
    ]
    assert cell(page, 2, "price") == "11.50"
    expect(page.locator("[data-count]")).to_have_text("5 changes")
    page.get_by_role("link", name="Orders").first.click()
    dialog = page.get_by_role("dialog", name="Discard your changes?")
    expect(dialog.get_by_role("button", name="Keep editing")).to_be_focused()
    page.keyboard.press("Enter")
    assert cell(page, 1, "price") == "10.50"
    page.get_by_role("link", name="Orders").first.click()
    dialog.get_by_role("button", name="Discard").click()
    expect(page.locator("h1")).to_have_text("Orders")


def test_rows_are_ticked_in_a_range(signed_in: Callable[..., Page]) -> None:
    page = signed_in(width=390)
    page.goto("/admin/catalog/products?sort=title")
    bar = page.locator("[data-bulk-bar]")
    expect(bar).to_be_hidden()
    boxes = page.locator("[data-pick]")
    boxes.nth(0).check()
    boxes.nth(2).click(modifiers=["Shift"])
    expect(bar).to_contain_text("3 selected")
    expect(boxes.nth(1)).to_be_checked()


def test_the_choices_of_a_bundle_fit_a_telephone(signed_in: Callable[..., Page]) -> None:
    page = signed_in(width=390)
    page.goto("/admin/catalog/products?q=pro")
    page.get_by_role("link", name="Pro + PoE Bundle").first.click()
    expect(page.get_by_label("What it costs more").first).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth") == 390
