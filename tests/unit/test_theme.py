"""Every storefront template, with the default theme and without any: structure, safety, weight."""

from __future__ import annotations

import gzip
import importlib.util
import re
import sys
import xml.etree.ElementTree as ET
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest

from opticworks.contracts import Adjustment
from opticworks.money import Money, total
from opticworks.web.templates import Templates, kernel_layers
from opticworks.web.themes import Layer, Theme
from opticworks.web.totals import totals

ROOT = Path(__file__).resolve().parents[2]
THEME = ROOT / "themes/default/opticworks_theme_default"
CATALOG = ROOT / "plugins/catalog/opticworks_catalog"
STOREFRONT = ROOT / "core/opticworks/storefront"
KIB = 1024


def load_preview():
    spec = importlib.util.spec_from_file_location(
        "theme_preview", ROOT / "themes/default/preview.py"
    )
    module = importlib.util.module_from_spec(spec)
    sys.modules["theme_preview"] = module
    spec.loader.exec_module(module)
    return module


preview = load_preview()
PAGES = [name for name in preview.SAMPLES if not name.startswith("part-")]


@pytest.fixture(scope="module")
def default():
    layers = [Layer("catalog", CATALOG), *kernel_layers()]
    return Templates({"default": Theme("default", THEME)}, "default", layers)


@pytest.fixture(scope="module")
def bare(tmp_path_factory):
    """No theme at all: the kernel's own templates."""
    path = tmp_path_factory.mktemp("bare")
    layers = [Layer("catalog", CATALOG), *kernel_layers()]
    return Templates({"bare": Theme("bare", path)}, "bare", layers)


def tree(html: str) -> ET.Element:
    """The page as a tree. Raises where elements are not nested as they should be."""
    return ET.fromstring(html.replace("<!DOCTYPE html>", "", 1).strip())


def text(element: ET.Element) -> str:
    return " ".join("".join(element.itertext()).split())


@pytest.mark.parametrize("name", preview.SAMPLES)
@pytest.mark.parametrize("theme", ["default", "bare"])
def test_template_renders_with_nothing_inline(request, theme, name):
    html = preview.render(request.getfixturevalue(theme), name)
    root = ET.fromstring(f"<x>{html.replace('<!DOCTYPE html>', '', 1)}</x>")
    for element in root.iter():
        assert element.tag != "style"
        assert not [key for key in element.attrib if key == "style" or key.startswith("on")]
        if element.tag == "script":
            is_data = element.get("type") in ("application/json", "application/ld+json")
            assert is_data or (element.get("src") and not text(element))
        address = element.get("href", element.get("src", ""))
        assert not address.startswith(("javascript:", "//"))


@pytest.mark.parametrize("name", PAGES)
@pytest.mark.parametrize("theme", ["default", "bare"])
def test_page_has_one_heading_landmarks_and_unique_ids(request, theme, name):
    root = tree(preview.render(request.getfixturevalue(theme), name))
    assert len(root.findall(".//h1")) == 1
    assert len(root.findall(".//main")) == 1
    assert text(root.find(".//title"))
    ids = [element.get("id") for element in root.iter() if element.get("id")]
    assert sorted(ids) == sorted(set(ids))
    for element in root.iter():
        for attribute in ("aria-describedby", "aria-labelledby", "aria-controls", "popovertarget"):
            for target in (element.get(attribute) or "").split():
                assert target in ids, f"{attribute} names {target}, which is not there"


@pytest.mark.parametrize("name", PAGES)
def test_controls_and_pictures_have_names(default, name):
    root = tree(preview.render(default, name))
    labels = {label.get("for") for label in root.iter("label")}
    inside = {id(child) for label in root.iter("label") for child in label.iter()}
    for control in (*root.iter("input"), *root.iter("select")):
        if control.get("type") != "hidden":
            named = control.get("id") in labels or id(control) in inside
            assert named or control.get("aria-label")
    for button in root.iter("button"):
        assert text(button) or button.get("aria-label")
    for image in root.iter("img"):
        assert "alt" in image.attrib
        assert image.get("width")
        assert image.get("height")


def test_first_picture_of_a_product_is_loaded_at_once_and_the_rest_later(default):
    gallery = tree(preview.render(default, "product")).find(".//section[@data-gallery]")
    first, *rest = gallery.findall(".//figure//img")
    assert (first.get("loading"), first.get("fetchpriority")) == ("eager", "high")
    assert {image.get("loading") for image in rest} == {"lazy"}


def test_checkout_has_the_fields_that_people_and_browsers_expect(default):
    root = tree(preview.render(default, "checkout"))
    tokens = {
        "email": "email",
        "firstName": "given-name",
        "lastName": "family-name",
        "company": "organization",
        "address": "address-line1",
        "address2": "address-line2",
        "city": "address-level2",
        "postalCode": "postal-code",
        "phone": "tel",
        "state": "address-level1",
        "country": "country",
    }
    for name, token in tokens.items():
        control = root.find(f".//form[@id='checkout']//*[@name='{name}']")
        assert control.get("autocomplete") == token
    first = root.find(".//*[@data-testid='shipping-option-0']")
    assert first.get("checked")
    assert first.get("name") == "shipping"
    assert [text(b) for b in root.iter("button") if b.get("value") == "place"] == ["Place Order"]
    assert [text(b) for b in root.iter("button") if b.get("value") == "update"] == [
        "Update shipping"
    ]


def test_checkout_links_each_error_to_its_field(default):
    root = tree(preview.render(default, "checkout-errors"))
    city = root.find(".//input[@name='city']")
    assert city.get("aria-invalid") == "true"
    assert city.get("aria-describedby") == "city-error"
    assert text(root.find(".//*[@id='city-error']")) == "Enter the city."
    links = {a.get("href") for a in root.findall(".//*[@id='errors']//a")}
    assert links == {"#email", "#city", "#postalCode", "#shipping"}


def test_update_of_the_checkout_never_replaces_a_field_that_is_typed_in(default):
    root = ET.fromstring(f"<x>{preview.render(default, 'part-dynamic')}</x>")
    kinds = {(i.get("type"), i.get("name")) for i in root.iter("input")}
    assert kinds == {
        ("radio", "shipping"),
        ("hidden", "quote"),
        ("hidden", "total"),
        ("hidden", "shown"),
    }
    outside = {e.get("id") for e in root.iter() if e.get("hx-swap-oob")}
    assert outside == {
        "quote-hash",
        "quote-total",
        "quote-shown",
        "code-states",
        "summary",
        "summary-fold-body",
        "summary-fold-total",
        "place-total",
    }


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("cart-empty", "Your cart is empty"),
        ("cart-troubled", "The price of RS-1 Presence Sensor changed from $119.00 to $129.00."),
        ("cart-troubled", "IAQ Module is no longer sold. Remove it to go on."),
        ("checkout-no-rates", "We don't ship to this address yet."),
        ("checkout-changed", "Something changed since you last looked"),
        ("product-low", "Only 3 left"),
        ("product-sold-out", "Sold out at the moment"),
        ("order-thanks", "Thank you, Ada"),
        ("order-thanks", "OW-7KQ4-2M"),
        ("order-shipped", "Parcel 1 of 2"),
        ("order-canceled", "This order was canceled"),
        ("listing-empty", "Nothing here yet"),
        ("error-404", "We can't find that page"),
    ],
)
def test_state_says_what_is_the_matter(default, name, words):
    assert words in text(tree(preview.render(default, name)).find(".//main"))


def test_sold_out_product_can_not_be_sent_to_the_cart(default):
    button = tree(preview.render(default, "product-sold-out")).find(".//button[@data-buy]")
    assert (text(button), button.get("disabled")) == ("Sold out", "disabled")
    button = tree(preview.render(default, "product")).find(".//button[@data-buy]")
    assert (text(button), button.get("disabled")) == ("Add to Cart", None)


def test_cart_with_objections_has_no_way_to_the_checkout(default):
    assert 'href="/checkout"' in preview.render(default, "cart")
    assert 'href="/checkout"' not in preview.render(default, "cart-troubled")


def test_banner_tells_of_a_demo_and_of_plugins_outside_production_only(default):
    problem = "The plugin 'x' could not be imported."
    html = preview.render(default, "home", plugin_problems=(problem,))
    assert problem.replace("'", "&#39;") in html or problem in html
    assert "demo shop" in html
    html = preview.render(default, "home", mode="production", plugin_problems=(problem,))
    assert "demo shop" not in html
    assert "could not be imported" not in html


@pytest.mark.parametrize("name", ["cart", "part-drawer", "checkout", "order-thanks"])
def test_what_customers_and_staff_write_is_text(default, name):
    evil = '"><script>alert(1)</script>'
    line = preview.line("X", evil, "1.00", options=((evil, evil),))
    quote = preview.quote_of(line)
    order = replace(
        preview.ORDER,
        lines=tuple(replace(one, title=evil, options=evil) for one in preview.ORDER.lines),
        address=preview.ADDRESS.model_copy(update={"first_name": evil, "line2": evil}),
    )
    html = preview.render(default, name, quote=quote, order=order, error=evil)
    assert evil[2:] not in html


def classes_of(html: str) -> set[str]:
    return {name for value in re.findall(r'class="([^"]*)"', html) for name in value.split()}


def test_classes_of_the_templates_are_in_the_compiled_style_sheet(default):
    css = (THEME / "static/theme.css").read_text()
    known = {name.replace("\\", "") for name in re.findall(r"\.((?:[\w-]|\\.)+)", css)}
    used = {
        name for sample in preview.SAMPLES for name in classes_of(preview.render(default, sample))
    }
    assert used - known == UNSTYLED


#: Classes that only name a place, for themes and scripts.
UNSTYLED = {
    "buy-quantity",
    "cart-line-text",
    "code-field",
    "codes",
    "evening-figure",
    "footer-mail",
    "needs-script",
}


def compressed(path: Path) -> int:
    return len(gzip.compress(path.read_bytes(), 9))


def test_style_sheet_and_fonts_stay_small():
    assert compressed(THEME / "static/theme.css") <= 25 * KIB
    fonts = list((THEME / "static").rglob("*.woff2"))
    assert len(fonts) <= 2
    assert sum(font.stat().st_size for font in fonts) <= 60 * KIB


@pytest.mark.parametrize("name", ["home", "listing", "product", "cart", "checkout"])
def test_scripts_of_a_page_stay_small(default, name):
    root = tree(preview.render(default, name))
    engine = default.engine()
    names = [s.get("src").split("/", 4)[4] for s in root.iter("script") if s.get("src")]
    assert names
    assert all(s.get("defer") for s in root.iter("script") if s.get("src"))
    weight = sum(compressed(engine.path.find("static", one)[1]) for one in names)
    assert weight <= 30 * KIB


@pytest.mark.parametrize("name", PAGES)
def test_page_stays_small(default, name):
    assert len(gzip.compress(preview.render(default, name).encode())) <= 20 * KIB


def test_style_sheet_loads_nothing_from_elsewhere(default):
    css = (THEME / "static/theme.css").read_text()
    for address in re.findall(r"url\(\"?([^)\"]+)", css):
        assert default.engine().path.find("static", address), address


def test_printed_sums_add_up_and_name_each_tax():
    sums = totals(preview.PRICED)
    assert total((row.amount for row in sums.rows), "USD") == sums.total
    assert [row.label for row in sums.rows if row.kind == "tax"] == ["Sales tax (CA)"]


def test_tax_that_prices_contain_is_printed_but_not_added():
    tax = Adjustment(
        stage="tax",
        target="line:RS1-PRO-WHT",
        kind="vat",
        label="VAT 20%",
        amount=Money(4300, "USD"),
        rate=Decimal("0.2"),
        included=True,
    )
    quote = replace(preview.QUOTE, trace=(*preview.QUOTE.trace, tax, tax))
    sums = totals(quote)
    assert total((row.amount for row in sums.rows), "USD") == quote.total
    assert [(row.label, row.amount) for row in sums.included] == [("VAT 20%", Money(8600, "USD"))]
