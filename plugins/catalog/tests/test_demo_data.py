"""The demo catalogue is data that people will edit: these tests say what is wrong with it."""

from __future__ import annotations

import itertools
import json
import tomllib
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

DEMO = Path(__file__).parents[1] / "opticworks_catalog" / "demo"
CATALOGUE: dict[str, Any] = tomllib.loads((DEMO / "catalogue.toml").read_text("utf-8"))
PICTURES: dict[str, dict[str, Any]] = json.loads((DEMO / "images" / "images.json").read_text())
PRODUCTS: list[dict[str, Any]] = CATALOGUE["products"]
VARIANTS: dict[str, dict[str, Any]] = {
    variant["sku"]: variant for product in PRODUCTS for variant in product["variants"]
}
PAGES = sorted((DEMO / "pages").glob("*.md"))
BUNDLES = [sku for sku, variant in VARIANTS.items() if "components" in variant]

by_handle = pytest.mark.parametrize("product", PRODUCTS, ids=lambda product: product["handle"])
by_sku = pytest.mark.parametrize("sku", VARIANTS)


def check_digit_is_right(code: str) -> bool:
    """Whether the last digit of an EAN-13 or UPC-A is the one that the others give."""
    digits = [int(digit) for digit in reversed(code)]
    return sum(digit * (3 if place % 2 else 1) for place, digit in enumerate(digits)) % 10 == 0


def test_check_digits_are_told_apart():
    assert check_digit_is_right("4006381333931")
    assert check_digit_is_right("036000291452")
    assert not check_digit_is_right("4006381333932")


def test_handles_skus_and_barcodes_are_unique():
    handles = [thing["handle"] for thing in PRODUCTS + CATALOGUE["collections"]]
    skus = [variant["sku"] for product in PRODUCTS for variant in product["variants"]]
    barcodes = [variant["barcode"] for variant in VARIANTS.values()]
    for values in (handles, skus, barcodes):
        assert sorted(values) == sorted(set(values))


@by_sku
def test_a_variant_can_be_sold_and_shipped(sku: str):
    variant = VARIANTS[sku]
    assert len(variant["barcode"]) in (12, 13)
    assert check_digit_is_right(variant["barcode"])
    price = Decimal(variant["price"])
    assert price > 0
    assert price.as_tuple().exponent == -2
    assert Decimal(variant.get("compare_at", "9999.00")) > price
    assert variant["weight_g"] > 0
    assert len(variant["size_mm"]) == 3
    assert min(variant["size_mm"]) > 0
    assert len(variant["hs_code"]) == 6
    assert len(variant["origin_country"]) == 2


@by_handle
def test_options_and_variants_cover_each_other(product: dict[str, Any]):
    names = [option["name"] for option in product.get("options", [])]
    values = [
        [value["value"] for value in option["values"]] for option in product.get("options", [])
    ]
    wanted = set(itertools.product(*values))
    found = [tuple(variant["options"][name] for name in names) for variant in product["variants"]]
    assert set(found) == wanted
    assert len(found) == len(wanted)
    assert all(set(variant["options"]) == set(names) for variant in product["variants"])


@pytest.mark.parametrize("sku", BUNDLES)
def test_a_bundle_is_made_of_goods_and_costs_less(sku: str):
    bundle = VARIANTS[sku]
    assert "stock" not in bundle
    parts = [(VARIANTS[part["sku"]], part["quantity"]) for part in bundle["components"]]
    assert all("components" not in part for part, _ in parts)
    total = sum(Decimal(part["price"]) * quantity for part, quantity in parts)
    assert Decimal(bundle["price"]) < total
    assert Decimal(bundle["compare_at"]) == total
    assert bundle["weight_g"] == sum(part["weight_g"] * quantity for part, quantity in parts)


def test_every_state_of_stock_can_be_seen():
    stock = {sku: variant["stock"] for sku, variant in VARIANTS.items() if sku not in BUNDLES}
    assert min(stock.values()) == 0
    assert 3 in stock.values()


def test_the_flagship_costs_129_dollars():
    assert VARIANTS["RS1-PRO-WHT"]["price"] == "129.00"


@by_handle
def test_a_product_page_has_what_it_shows(product: dict[str, Any]):
    assert "\n" not in product["subtitle"]
    assert 2 <= len(product["description"].strip().split("\n\n")) <= 4
    assert 3 <= len(product["highlights"]) <= 5
    assert all(len(pair) == 2 and all(pair) for pair in product["specs"])
    known = {collection["handle"] for collection in CATALOGUE["collections"]}
    assert product["collections"]
    assert set(product["collections"]) <= known


@pytest.mark.parametrize(
    "thing", PRODUCTS + CATALOGUE["collections"], ids=lambda thing: thing["handle"]
)
def test_search_engines_show_titles_and_descriptions_whole(thing: dict[str, Any]):
    assert 10 < len(thing["seo_title"]) <= 60
    assert 50 < len(thing["seo_description"]) <= 155


def picture_stems() -> set[str]:
    """Every picture that the catalogue names."""
    named = {image["file"] for product in PRODUCTS for image in product["images"]}
    return named | {collection["image"] for collection in CATALOGUE["collections"]}


@by_handle
def test_pictures_have_alt_text_and_belong_to_options_that_exist(product: dict[str, Any]):
    values = {
        (option["name"], value["value"])
        for option in product.get("options", [])
        for value in option["values"]
    }
    for image in product["images"]:
        assert 10 < len(image["alt"]) <= 125
        assert set(image.get("options", {}).items()) <= values
    for variant in product["variants"]:
        chosen = variant["options"].items()
        assert any(image.get("options", {}).items() <= chosen for image in product["images"])


@pytest.mark.parametrize("stem", sorted(picture_stems()))
def test_a_picture_exists_in_every_size_and_is_never_enlarged(stem: str):
    entry = PICTURES[stem]
    assert entry["widths"] == sorted(entry["widths"])
    assert entry["widths"][-1] <= entry["width"]
    for width, kind in itertools.product(entry["widths"], entry["formats"]):
        path = DEMO / "images" / f"{stem}-{width}.{kind}"
        with Image.open(path) as picture:
            assert picture.width == width
            assert abs(picture.height - entry["height"] * width / entry["width"]) <= 1
        assert path.stat().st_size < 300_000


def test_product_pictures_are_square_and_the_folder_holds_nothing_else():
    for stem in picture_stems():
        assert PICTURES[stem]["width"] == PICTURES[stem]["height"]
        assert PICTURES[stem]["widths"][:3] == [320, 640, 960]
    listed = {
        f"{stem}-{width}.{kind}"
        for stem, entry in PICTURES.items()
        for width in entry["widths"]
        for kind in entry["formats"]
    }
    files = {path.name for path in (DEMO / "images").iterdir()} - {"images.json"}
    assert files == listed
    assert set(PICTURES) == picture_stems()
    assert sum(path.stat().st_size for path in (DEMO / "images").iterdir()) < 6_000_000


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.stem)
def test_a_page_has_its_front_matter_and_links_to_pages_that_exist(path: Path):
    _, front, body = path.read_text("utf-8").split("+++\n", 2)
    meta = tomllib.loads(front)
    assert set(meta) == {"title", "description", "position", "footer"}
    assert len(meta["title"]) <= 60
    assert len(meta["description"]) <= 155
    assert meta["footer"] in {"Company", "Support", "Legal"}
    assert len(body.split()) > 100
    known = {f"/pages/{page.stem}" for page in PAGES}
    known |= {f"/products/{product['handle']}" for product in PRODUCTS}
    linked = {part.split(")")[0] for part in body.split("](")[1:]}
    assert linked <= known


def test_the_shop_has_the_pages_that_its_customers_look_for():
    assert {page.stem for page in PAGES} == {
        "about",
        "contact",
        "faq",
        "privacy",
        "shipping-returns",
        "terms",
        "warranty",
    }
