"""The demo catalogue's files say what they must."""

from __future__ import annotations

import tomllib
from copy import deepcopy
from decimal import Decimal

import pytest
from pydantic import ValidationError

from opticworks_catalog.demo_files import (
    FOLDER,
    Catalogue,
    read_catalogue,
    read_images,
    read_pages,
)


@pytest.fixture(scope="module")
def raw():
    return tomllib.loads((FOLDER / "catalogue.toml").read_text("utf-8"))


def test_the_demo_catalogue_is_whole():
    catalogue = read_catalogue()
    handles = [product.handle for product in catalogue.products]
    assert handles[0] == "rs-1-sensor"
    assert len(handles) == len(set(handles)) == 8
    assert {one.handle for one in catalogue.collections} == {
        "sensors",
        "modules",
        "accessories",
        "bundles",
    }


def test_a_bundles_compare_at_price_is_the_sum_of_its_parts():
    catalogue = read_catalogue()
    variants = {one.sku: one for product in catalogue.products for one in product.variants}
    bundles = [one for one in variants.values() if one.components]
    assert len(bundles) == 1 + 2 * 3 * 2  # colour, plug, mount
    for bundle in bundles:
        parts = sum(variants[p.sku].price * p.quantity for p in bundle.components)
        assert bundle.compare_at == parts > bundle.price
        assert bundle.stock is None
        weight = sum(variants[p.sku].weight_g * p.quantity for p in bundle.components)
        assert bundle.weight_g == weight


def test_every_page_has_a_title_a_description_and_a_body():
    pages = {page.slug: page for page in read_pages()}
    assert set(pages) >= {"about", "contact", "faq", "shipping-returns", "warranty", "privacy"}
    for page in pages.values():
        assert page.title
        assert page.description
        assert len(page.body) > 200


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (lambda c: c["products"][0]["variants"][0]["options"].pop("Model"), "must have a value"),
        (lambda c: c["products"][0]["variants"][0]["options"].update(Model="Max"), "no option"),
        (
            lambda c: c["products"][0]["variants"][1]["options"].update(Colour="Matte white"),
            "two variants with the same options",
        ),
        (lambda c: c["products"][0].update(collections=["hats"]), "unknown collections"),
        (
            lambda c: c["products"][6]["variants"][0]["components"][0].update(sku="NOPE"),
            "unknown component NOPE",
        ),
        (
            lambda c: c["products"][6]["variants"][0]["components"][0].update(sku="BND-PROPOE-WHT"),
            "a bundle itself",
        ),
        (lambda c: c["products"][0]["variants"][0].update(prize=Decimal(1)), "prize"),
    ],
)
def test_a_mistake_in_the_file_is_named(raw, change, sentence):
    catalogue = deepcopy(raw)
    change(catalogue)
    with pytest.raises(ValidationError, match=sentence):
        Catalogue.model_validate(catalogue)


def test_pictures_are_found_with_their_widths_and_formats(tmp_path):
    folder = tmp_path / "images"
    folder.mkdir()
    (folder / "images.json").write_text('{"rs-1": {"width": 800, "height": 600}}')
    for name in ("rs-1-400.avif", "rs-1-400.webp", "rs-1-800.avif", "rs-1-800.webp"):
        (folder / name).write_bytes(name.encode())
    (folder / "rs-1-pro-400.webp").write_bytes(b"another picture")
    before = read_images(tmp_path)["rs-1"]
    assert (before.widths, before.formats) == ((400, 800), ("avif", "webp"))
    (folder / "rs-1-400.webp").write_bytes(b"drawn again")
    assert read_images(tmp_path)["rs-1"].version != before.version
