"""Staff drop files onto a product, drag them into order, and the shop shows them."""

from __future__ import annotations

import base64
import io
from collections.abc import Callable

from PIL import Image
from playwright.sync_api import Page, expect

from .site import Site

HANDLE = "mounting-kit"

DROP = """([panel, files]) => {
  const data = new DataTransfer();
  for (const [name, type, text] of files) {
    const bytes = Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
    data.items.add(new File([bytes], name, { type }));
  }
  for (const kind of ["dragover", "drop"]) {
    const options = { dataTransfer: data, bubbles: true, cancelable: true };
    panel.dispatchEvent(new DragEvent(kind, options));
  }
}"""


def a_file(name: str, colour: tuple[int, int, int]) -> list[str]:
    out = io.BytesIO()
    Image.new("RGB", (1000, 700), colour).save(out, "PNG")
    return [name, "image/png", base64.b64encode(out.getvalue()).decode()]


def order(page: Page) -> list[str]:
    return page.locator("[data-picture]").evaluate_all("all => all.map(one => one.dataset.picture)")


def test_files_are_dropped_dragged_into_order_and_shown(
    signed_in: Callable[..., Page], site: Site
) -> None:
    page = signed_in()
    page.goto(site.pictures_of(HANDLE))
    cards = page.locator("[data-picture]")
    before = cards.count()
    text = ["notes.txt", "image/png", base64.b64encode(b"Dear diary").decode()]
    files = [a_file("red.png", (200, 30, 30)), text, a_file("blue.png", (30, 30, 200))]
    panel = page.locator("[data-pictures]").element_handle()
    page.evaluate(DROP, [panel, files])
    expect(cards).to_have_count(before + 2)
    expect(page.locator("[data-sending]")).to_contain_text("notes.txt: This is a text file")
    expect(page.locator("[data-said]")).to_have_text("2 pictures are added.")

    *_, last = order(page)
    page.locator(f"[data-picture='{last}'] [data-handle]").drag_to(cards.first)
    expect(page.locator("[data-said]")).to_have_text("The order is saved.")
    assert order(page)[0] == last
    forward = page.locator(f"[data-picture='{last}'] button[value='{last}:1']")
    forward.focus()
    page.keyboard.press("Enter")
    expect(cards.nth(1)).to_have_attribute("data-picture", last)
    back = page.locator(f"[data-picture='{last}'] button[value='{last}:-1']")
    back.focus()
    page.keyboard.press("Enter")
    expect(cards.first).to_have_attribute("data-picture", last)

    card = cards.first
    card.locator("summary").click()
    card.get_by_label("What it shows, in words").fill("A blue sheet")
    card.get_by_role("button", name="Save").click()
    expect(card.locator(".picture-alt")).to_have_text("A blue sheet")

    site.work()
    page.goto(f"/products/{HANDLE}")
    shown = page.get_by_role("img", name="A blue sheet").first
    expect(shown).to_be_visible()
    current = str(shown.evaluate("image => image.currentSrc"))
    assert current.endswith(".avif")
    assert shown.evaluate("image => [image.naturalWidth > 0, image.complete]") == [True, True]
