"""Cards and product pages, from records and stock."""

from __future__ import annotations

import json
from decimal import Decimal

from catalog_making import image, level, part, product, variant

from opticworks.money import Money
from opticworks_catalog.pages import json_for_html
from opticworks_catalog.present import Rules, card, product_page
from opticworks_catalog.structured import Seller, breadcrumb_data, product_data

RULES = Rules(locale="en_US", low_stock=5, max_quantity=99)
WHITE = {"Model": "Pro", "Colour": "White"}
RED = {"Model": "Pro", "Colour": "Red"}


def page_of(record, levels, selected=0):
    return product_page(record, (), (), levels, record.variants[selected], RULES)


def test_a_card_shows_the_lowest_price_and_that_it_varies():
    record = product(
        variant("A", 2000, options={"Size": "L"}), variant("B", 900, options={"Size": "S"})
    )
    shown = card(record, {"A": level(9), "B": level(9)}, RULES)
    assert (shown.price, shown.price_varies, shown.single) == (Money(900, "USD"), True, False)


def test_a_card_shows_the_lowest_price_of_what_can_be_bought():
    record = product(
        variant("A", 2000, options={"Size": "L"}), variant("B", 900, options={"Size": "S"})
    )
    shown = card(record, {"A": level(9), "B": level(0)}, RULES)
    assert (shown.price, shown.sold_out, shown.sku) == (Money(2000, "USD"), False, "A")


def test_a_card_says_what_is_saved_or_that_nothing_is_left():
    record = product(variant("A", 49900, compare_at=Money(56400, "USD")))
    assert card(record, {"A": level(9)}, RULES).badge == "Save $65"
    sold_out = card(record, {}, RULES)
    assert (sold_out.badge, sold_out.sold_out, sold_out.sku) == ("Sold out", True, "A")


def test_a_card_shows_the_pictures_of_the_variant_it_sells():
    record = product(
        variant("A", options=WHITE),
        variant("B", options=RED),
        images=(image("white", Colour="White"), image("red", Colour="Red"), image("back")),
    )
    shown = card(record, {"B": level(1)}, RULES)
    assert [shown.image.alt, shown.second_image.alt] == ["red", "back"]


def test_the_gallery_holds_the_pictures_of_the_selected_variant_and_those_of_all():
    record = product(
        variant("A", options=WHITE),
        variant("B", options=RED),
        images=(image("white", **WHITE), image("red", **RED), image("back")),
    )
    shown = page_of(record, {}, selected=1)
    assert [picture.alt for picture in shown.gallery] == ["red", "back"]
    assert shown.selected.image_index == 1
    assert len(shown.images) == 3


def test_a_variant_that_no_picture_shows_gets_all_of_them():
    record = product(variant("A", options=RED), images=(image("white", Colour="White"),))
    assert page_of(record, {}).selected.image_indexes == (0,)
    assert page_of(product(variant("A")), {}).gallery == ()


def test_a_bundle_lists_its_parts_and_links_only_to_those_on_sale():
    record = product(variant("B", components=(part("X", 4), part("Y", on_sale=False))))
    parts = page_of(record, {}).components
    assert [(one.title, one.quantity, one.url) for one in parts] == [
        ("Part X", 4, "/products/x?variant=X"),
        ("Part Y", 1, ""),
    ]


def test_a_description_is_markdown_without_a_way_to_bring_a_script():
    record = product(variant("A"), description="**Bold** <script>x()</script> [a](javascript:x)")
    html = page_of(record, {}).description_html
    assert "<strong>Bold</strong>" in html
    assert "<script" not in html
    assert "href" not in html


def test_the_script_data_is_everything_the_page_needs_and_never_ends_its_element():
    record = product(variant("</script><b>", 12900, options=WHITE), variant("B", options=RED))
    text = page_of(record, {"B": level(2)}).script_data
    assert "<" not in text
    first, second = json.loads(text)
    assert (first["sku"], first["price"], first["options"]) == ("</script><b>", "$129.00", WHITE)
    assert second["stock"] == {"state": "low", "sentence": "Only 2 left", "max": 2}


def test_json_for_html_escapes_what_javascript_treats_as_line_ends():
    assert json.loads(json_for_html("\u2028&>")) == "\u2028&>"
    assert "\u2028" not in json_for_html("\u2028")


def test_structured_data_says_what_the_page_says():
    record = product(
        variant("A", 12900, options=WHITE, barcode="9520000100018"),
        variant("B", 7900, options=RED),
        images=(image("white", Colour="White"), image("red", Colour="Red")),
    )
    page = page_of(record, {"A": level(9)})
    data = product_data(record, page, "https://shop.example", Seller(brand="Shop"), "It shines.")
    assert data["@type"] == "ProductGroup"
    assert data["variesBy"] == ["Model", "https://schema.org/color"]
    for said, shown in zip(data["hasVariant"], page.variants, strict=True):
        offer = said["offers"]
        assert said["sku"] == shown.sku
        assert Money.parse(Decimal(offer["price"]), offer["priceCurrency"]) == shown.price
        assert offer["url"] == "https://shop.example" + shown.url
        assert offer["availability"].endswith("InStock") == shown.stock.buyable
        assert said["color"] == shown.options["Colour"]
        assert said["image"] == [
            "https://shop.example" + page.images[i].src for i in shown.image_indexes
        ]
    assert data["hasVariant"][0]["gtin"] == "9520000100018"
    assert "gtin" not in data["hasVariant"][1]


def test_a_single_variant_is_a_product_of_its_own():
    record = product(variant("A", 1200))
    data = product_data(
        record, page_of(record, {}), "https://shop.example", Seller(brand="Shop"), "It shines."
    )
    assert (data["@type"], data["sku"]) == ("Product", "A")
    assert data["offers"]["availability"] == "https://schema.org/OutOfStock"
    assert data["offers"]["url"] == "https://shop.example/products/thing"


def test_breadcrumbs_end_with_the_page_itself():
    data = breadcrumb_data([("Home", "/")], "Thing", "https://shop.example")
    home, thing = data["itemListElement"]
    assert home["item"] == "https://shop.example/"
    assert (thing["position"], thing["name"]) == (2, "Thing")
