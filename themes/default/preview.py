"""Every storefront template with sample data, without a shop or a database.

    python themes/default/preview.py            serves them on http://127.0.0.1:6640
    python themes/default/preview.py --theme x  with another installed theme

Tests render the same samples; so may those of another theme.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any, ClassVar
from urllib.parse import quote
from wsgiref.simple_server import WSGIRequestHandler, make_server

from pyramid.config import Configurator
from pyramid.response import Response
from wtforms import Form, SelectField, StringField

from opticworks import contracts as c
from opticworks.checkout.addresses import Check
from opticworks.money import Money
from opticworks.storefront.forms import address_question
from opticworks.web import assets
from opticworks.web.engine import Markup
from opticworks.web.page import Crumb, Page
from opticworks.web.parts import Parts
from opticworks.web.templates import (
    ENGLISH,
    Templates,
    engine_names,
    format_names,
    kernel_layers,
    language_names,
)
from opticworks.web.themes import Layer, installed_themes
from opticworks_catalog import pages as catalog

ROOT = Path(__file__).resolve().parents[2]
NOW = datetime(2026, 11, 20, 18, 30, tzinfo=UTC)
HOME = Crumb(title="Home", path="/")
PRODUCTS = Crumb(title="Products", path="/products")
SHOP = c.ShopSettings(
    tagline="Presence sensors for people who run their own smart home.",
    email="hello@opticworks.example",
)
FOOTER = (
    ("Help", (("Shipping and returns", "/pages/shipping-returns"), ("FAQ", "/pages/faq"),
              ("Warranty", "/pages/warranty"), ("Contact", "/pages/contact"))),
    ("Company", (("About OpticWorks", "/pages/about"), ("Privacy", "/pages/privacy"),
                 ("Terms", "/pages/terms"))),
)  # fmt: skip


def usd(text: str) -> Money:
    return Money.parse(text, "USD")


def picture(stem: str, alt: str) -> c.Picture:
    return c.Picture(src=f"/picture/{stem}", width=1440, height=1440, alt=alt)


WHITE = picture("rs-1-pro-white-angle", "RS-1 Pro in matte white, seen from the front left")
BLACK = picture("rs-1-pro-graphite-angle", "RS-1 Pro in graphite, seen from the front left")
BACK = picture("rs-1-white-back", "Back of the matte white RS-1 with its four magnets")
LITE = picture("rs-1-lite-white-angle", "RS-1 Lite in matte white")
POE = picture("poe-module-angle", "PoE Module: a black circuit board with RJ45 socket")
KIT = picture("mounting-kit", "Mounting Kit laid out: plate, pads, screws and anchors")


def card(title: str, price: str, image: c.Picture, **more: Any) -> catalog.Card:
    values: dict[str, Any] = {
        "url": "/products/" + title.lower().replace(" ", "-"),
        "title": title, "subtitle": "", "price": usd(price), "price_varies": False,
        "compare_at": None, "image": image, "second_image": None, "badge": "",
        "sold_out": False, "sku": title.upper(), "single": True,
    }  # fmt: skip
    return catalog.Card(**{**values, **more})


CARDS = (
    card("RS-1 Presence Sensor", "89.00", WHITE, single=False, price_varies=True,
         second_image=BLACK, subtitle="mmWave radar that knows you are there, even when you "
         "sit still"),
    card("PoE Module", "39.00", POE, subtitle="Power and data over one Ethernet cable"),
    card("Whole-Home Bundle", "499.00", KIT, compare_at=usd("564.00"), badge="Save 11%",
         subtitle="Four RS-1 Pro sensors and a mount for each"),
    card("Mounting Kit", "12.00", KIT, sold_out=True,
         subtitle="Magnetic plate, adhesive pads and screws for one RS-1"),
)  # fmt: skip
COLLECTIONS = tuple(
    catalog.CollectionLink(
        handle=handle, title=handle.title(), url=f"/collections/{handle}",
        description=description, image=image,
    )
    for handle, description, image in (
        ("sensors", "Radar that notices people who sit still.", BLACK),
        ("modules", "Snap-in boards for the RS-1: wired power, or air quality.", POE),
        ("accessories", "Mounts, braided cables and PoE injectors.", KIT),
        ("bundles", "Sets for less than their parts.", WHITE),
    )
)  # fmt: skip


# --- the cart ---------------------------------------------------------------------------------


def line(key: str, title: str, price: str, quantity: int = 1, **more: Any) -> c.QuoteLine:
    unit = usd(price)
    item = c.Item(
        sku=key, title=title, unit_price=unit, url="/products/rs-1-sensor", weight=145,
        **{"image": WHITE, **more},
    )  # fmt: skip
    zero = usd("0")
    return c.QuoteLine(
        key=key, sku=key, item=item, quantity=quantity, unit_price=unit,
        subtotal=unit * quantity, discount=zero, tax=zero, tax_included=zero,
        total=unit * quantity,
    )  # fmt: skip


PRO = line("RS1-PRO-WHT", "RS-1 Presence Sensor", "129.00", 2,
           options=(("Model", "Pro"), ("Colour", "Matte white")))  # fmt: skip
CABLE = line("CBL-2M-WHT", "USB-C Cable", "15.00", image=KIT,
             options=(("Length", "2 m"), ("Colour", "White")))  # fmt: skip
GONE = line("IAQ-MOD", "IAQ Module", "34.00", image=POE,
            unavailable="IAQ Module is no longer sold.")  # fmt: skip


def quote_of(*lines: c.QuoteLine, shipping: bool = False, **more: Any) -> c.Quote:
    zero = usd("0")
    trace = [
        c.Adjustment(stage="unit", target=f"line:{x.key}", kind="price", label=x.item.title,
                     amount=x.subtotal)
        for x in lines
    ]  # fmt: skip
    choice = None
    if shipping:
        choice = c.ShippingChoice(code="ground", title="Standard", amount=usd("6.90"),
                                  provider="table_rates")  # fmt: skip
        trace.append(c.Adjustment(stage="shipping", target="shipping", kind="rate",
                                  label="Standard", amount=usd("6.90")))  # fmt: skip
    if more.pop("taxed", False):
        trace.append(c.Adjustment(stage="tax", target=f"line:{lines[0].key}", kind="tax",
                                  label="Sales tax (CA)", amount=usd("22.25"),
                                  rate=Decimal("0.0863")))  # fmt: skip
    total = sum((a.amount for a in trace), zero)
    values: dict[str, Any] = {
        "currency": "USD", "lines": lines, "trace": tuple(trace), "shipping": choice,
        "refusals": (), "objections": (), "notices": (), "discount_total": zero,
        "subtotal": sum((x.subtotal for x in lines), zero), "tax_total": zero,
        "shipping_total": choice.amount if choice else zero, "total": total,
        "requires_shipping": True, "hash": "d1f2",
    }  # fmt: skip
    return c.Quote(**{**values, **more})


QUOTE = quote_of(PRO, CABLE)
PRICED = quote_of(PRO, CABLE, shipping=True, taxed=True)
GONE_SENTENCE = "IAQ Module is no longer sold."
PRICE_NOTICE = c.Notice(
    kind="price", target="line:RS1-PRO-WHT", before=usd("119.00"), after=usd("129.00"),
    sentence="The price of RS-1 Presence Sensor changed from $119.00 to $129.00.",
)  # fmt: skip
TROUBLED = quote_of(
    PRO, CABLE, GONE,
    notices=(PRICE_NOTICE,
             c.Notice(kind="unavailable", target="line:IAQ-MOD", sentence=GONE_SENTENCE)),
    objections=(c.Objection(sentence=f"{GONE_SENTENCE} Remove it to go on.",
                            target="line:IAQ-MOD"),
                c.Objection(sentence="Only 1 of USB-C Cable is left. Reduce the quantity.",
                            target="line:CBL-2M-WHT")),
)  # fmt: skip
AVAILABLE = {sku: SimpleNamespace(free=8, tracked=True) for sku in ("RS1-PRO-WHT", "CBL-2M-WHT")}


# --- checkout and orders ----------------------------------------------------------------------


class CheckoutForm(Form):
    groups: ClassVar = {
        "country": (("", (("US", "United States"),)),),
        "state": (("", (("CA", "California"), ("NY", "New York"))),),
    }
    email = StringField()
    firstName = StringField()
    lastName = StringField()
    company = StringField()
    address = StringField()
    address2 = StringField()
    city = StringField()
    state = SelectField()
    postalCode = StringField()
    country = SelectField()
    phone = StringField()


RATES = (
    c.Rate(code="ground", title="Standard", amount=usd("6.90"), min_days=3, max_days=5),
    c.Rate(code="express", title="Express", amount=usd("24.00"), min_days=1, max_days=1),
    c.Rate(code="pickup", title="Pick up in San Francisco", amount=usd("0")),
)
OFFERS = (
    ("bank_transfer", c.PaymentOffer(
        title="Bank transfer", icon="landmark",
        description="We set your goods aside for 3 days and ship when the money arrives.")),
    ("card", c.PaymentOffer(title="Card", icon="credit-card")),
)  # fmt: skip


def checkout(**more: Any) -> dict[str, Any]:
    values = {"state": "CA", "country": "US", **more.pop("filled", {})}
    return {
        "form": CheckoutForm(data=values), "quote": PRICED, "rates": RATES, "chosen": "ground",
        "offers": OFFERS, "chosen_payment": "bank_transfer", "token": "token", "changes": (),
        "tried": False, "errors": {}, "page": Page("Checkout", robots="noindex"),
        "shown": "sealed", "codes_changed": False, "question": None, **more,
    }  # fmt: skip


FILLED = {
    "email": "ada@example", "firstName": "Ada", "lastName": "Lovelace",
    "address": "1 Analytical Way", "city": "", "postalCode": "9410",
}  # fmt: skip
ADDRESS = c.Address(
    first_name="Ada", last_name="Lovelace", line1="1 Analytical Way", line2="Floor 2",
    city="San Francisco", state="CA", postal_code="94107", country="US", phone="+1 415 555 0100",
)  # fmt: skip
CHECK = Check(
    by="EasyPost", state="corrected", typed=ADDRESS, chosen="typed", messages=(),
    suggestion=ADDRESS.model_copy(update={"line1": "1 Analytical Way FL 2", "line2": ""}),
)  # fmt: skip
ORDER = c.OrderView(
    number="OW-7KQ4-2M", url="https://shop.example/orders/t", email="ada@example.com",
    status="awaiting_payment", payment_status="pending", fulfilment_status="unfulfilled",
    placed_at=NOW, currency="USD", address=ADDRESS, shipping_title="Standard, 3 to 5 working days",
    lines=tuple(
        c.OrderLineView(sku=x.sku, title=x.item.title, options=x.item.option_text,
                        quantity=x.quantity, unit_price=x.unit_price, subtotal=x.subtotal,
                        discount=x.discount, tax=x.tax, total=x.total, url=x.item.url,
                        image=x.item.image)
        for x in PRICED.lines
    ),
    trace=PRICED.trace, subtotal=PRICED.subtotal, discount_total=PRICED.discount_total,
    shipping_total=PRICED.shipping_total, tax_total=usd("22.25"), total=PRICED.total,
    payment=c.PaymentView(
        provider="bank_transfer", title="Bank transfer", status="pending", amount=PRICED.total,
        expires_at=NOW + timedelta(days=3),
        instructions=(
            c.Instruction(label="Amount", value="$302.15", copy=True),
            c.Instruction(label="Account holder", value="OpticWorks Inc."),
            c.Instruction(label="Account number", value="000123456789", copy=True),
            c.Instruction(label="Routing number", value="021000021", copy=True),
            c.Instruction(label="Reference", value="OW-7KQ4-2M", copy=True),
        ),
    ),
)  # fmt: skip
SHIPMENT = c.ShipmentView(
    id="s1", carrier="UPS", tracking_number="1Z999AA10123456784",
    tracking_url="https://www.ups.com/track?tracknum=1Z999AA10123456784", status="in_transit",
    shipped_at=NOW + timedelta(days=2), lines=(("RS1-PRO-WHT", "RS-1 Presence Sensor", 2),),
)  # fmt: skip
SHIPPED = replace(
    ORDER, status="confirmed", payment_status="paid", fulfilment_status="part_shipped",
    shipments=(SHIPMENT, replace(SHIPMENT, id="s2", lines=(("CBL-2M-WHT", "USB-C Cable", 1),))),
)  # fmt: skip
CANCELED = replace(
    ORDER, status="canceled", payment_status="unpaid",
    cancel_reason="The bank transfer did not arrive within 3 days.",
)  # fmt: skip


# --- the product page -------------------------------------------------------------------------


def stock(state: Any = "in_stock") -> catalog.StockView:
    sentence, most = {
        "in_stock": ("In stock, ships within one working day", 40),
        "low": ("Only 3 left", 3),
        "backorder": ("Ships in about 3 weeks", 20),
        "sold_out": ("Sold out at the moment", 0),
    }[state]
    return catalog.StockView(state=state, sentence=sentence, max=most)


def product(state: Any = "in_stock", **more: Any) -> catalog.ProductPage:
    pictures = (WHITE, BACK, BLACK, LITE)
    shots = {"Matte white": (0, 1), "Graphite": (2,)}
    variants = tuple(
        catalog.VariantView(
            sku=f"RS1-{model[:3].upper()}-{colour[:3].upper()}",
            options={"Model": model, "Colour": colour}, title=f"{model} / {colour}",
            price=usd("129.00" if model == "Pro" else "89.00"), compare_at=None,
            url=f"/products/rs-1-sensor?variant={model}-{colour[:3]}",
            image_index=3 if (model, colour) == ("Lite", "Matte white") else shots[colour][0],
            image_indexes=(3, 1) if (model, colour) == ("Lite", "Matte white") else shots[colour],
            stock=stock("sold_out" if (model, colour) == ("Lite", "Graphite") else state),
        )
        for model in ("Pro", "Lite")
        for colour in ("Matte white", "Graphite")
    )  # fmt: skip
    values = [
        [catalog.OptionValueView(value=v, swatch="", selected=v == "Pro", available=True, url="#")
         for v in ("Pro", "Lite")],
        [catalog.OptionValueView(value=v, swatch=s, selected=v == "Matte white",
                                 available=v != "Graphite" or state != "low", url="#")
         for v, s in (("Matte white", "#f1f0ec"), ("Graphite", "#3a3c40"))],
    ]  # fmt: skip
    page = catalog.ProductPage(
        handle="rs-1-sensor", url="/products/rs-1-sensor", title="RS-1 Presence Sensor",
        subtitle="mmWave radar that knows you are there, even when you sit still",
        description_html="<p>A motion sensor forgets you the moment you open a book. The RS-1 "
        "doesn't: its 24 GHz radar picks up movements as small as breathing.</p><p><strong>Pro"
        "</strong> adds a second radar, the LD2450, which follows up to three people.</p>",
        highlights=("Notices a person who is sitting or sleeping, not just walking",
                    "Answers in under a second, up to 6 m away",
                    "Home Assistant over ESPHome; no cloud, no account"),
        specs=(("Radar", "Pro: LD2410 and LD2450. Lite: LD2410"), ("Range", "Up to 6 m (20 ft)"),
               ("Size and weight", "85 × 85 × 32 mm, 145 g")),
        options=tuple(catalog.OptionView(name=n, values=tuple(v))
                      for n, v in zip(("Model", "Colour"), values, strict=True)),
        variants=variants, selected=variants[0], images=pictures, collections=COLLECTIONS[:1],
        components=(), related=CARDS[1:],
    )  # fmt: skip
    return replace(page, **more)


def bundle() -> catalog.ProductPage:
    only = catalog.VariantView(
        sku="BND-HOME", options={}, title="", price=usd("499.00"), compare_at=usd("564.00"),
        url="/products/whole-home-bundle", image_index=0, image_indexes=(0,), stock=stock(),
    )  # fmt: skip
    part = catalog.ComponentView(
        sku="RS1-PRO-WHT", title="RS-1 Presence Sensor", options="Pro / Matte white", quantity=4,
        url="/products/rs-1-sensor", image=WHITE,
    )  # fmt: skip
    return product(
        handle="whole-home-bundle", title="Whole-Home Bundle", options=(), variants=(only,),
        subtitle="Four RS-1 Pro sensors and a mount for each", selected=only, images=(KIT,),
        components=(
            part, replace(part, sku="MNT-KIT", title="Mounting Kit", options="", image=KIT),
        ),
    )  # fmt: skip


def product_context(view: catalog.ProductPage) -> dict[str, Any]:
    return {
        "product": view,
        "page": Page(view.title, description=view.subtitle, crumbs=(HOME, PRODUCTS),
                     canonical="https://shop.example" + view.url,
                     json_ld=({"@type": "Product", "name": view.title},)),
    }  # fmt: skip


def filter_panel() -> catalog.FilterPanel:
    colours = (("Graphite", "#3a3d40", 3, True), ("White", "#f2f2f0", 2, False))
    values = tuple(
        catalog.FacetValue(id=f"filter-{n}", value=v, swatch=s, count=c, selected=on)
        for n, (v, s, c, on) in enumerate(colours)
    )
    return catalog.FilterPanel(
        action="/collections/sensors", count=2, in_stock=True, in_stock_count=4, low="", high="",
        lowest="12", highest="499", currency="USD", hidden=(("sort", "price"),), clear="?",
        options=(catalog.Facet(name="Colour", field="option.Colour", values=values),),
        chips=(catalog.Chip(title="In stock", url="?a"), catalog.Chip(title="Graphite", url="?b")),
    )  # fmt: skip


def found(cards: tuple[catalog.Card, ...] = CARDS, **query: Any) -> dict[str, Any]:
    words = {"words": ("sensor",), "corrections": (), "partial": False, **query}
    return {
        **listing(cards, filters=filter_panel() if cards else None), "text": "senosr",
        "found": SimpleNamespace(query=SimpleNamespace(**words)),
        "collection_links": (COLLECTIONS[0],), "page_links": (), "page": Page("Search: senosr"),
    }  # fmt: skip


def listing(cards: tuple[catalog.Card, ...] = CARDS, **more: Any) -> dict[str, Any]:
    links = tuple(catalog.PageLink(number=n, url=f"?page={n}", selected=n == 1) for n in (1, 2))
    return {
        "title": "Sensors", "image": None, "current": "sensors", "cards": list(cards),
        "description": "Radar that notices people who sit still. Made for Home Assistant.",
        "sort": "featured", "collections": COLLECTIONS, "filters": None,
        "sorts": [catalog.SortView(code=k, title=t, url=f"?sort={k}", selected=k == "featured")
                  for k, t in (("featured", "Featured"), ("price", "Price, low to high"))],
        "paging": catalog.Paging(total=len(cards), links=links if cards else (), next="?page=2"),
        "page": Page("Sensors", crumbs=(HOME, PRODUCTS)), **more,
    }  # fmt: skip


TEXT = SimpleNamespace(
    title="Shipping and returns",
    html="<p>We ship from one warehouse in the <strong>United States</strong>.</p><h2>Returns</h2>"
    "<p>Send it back within <a href='/pages/terms'>30 days</a>.</p><ul><li>Unused or not</li>"
    "<li>With everything that was in the box</li></ul>",
)


def failure(status: int, title: str, sentence: str, reference: str = "") -> dict[str, Any]:
    return {"status": status, "title": title, "sentence": sentence, "reference": reference,
            "page": Page(title, robots="noindex")}  # fmt: skip


#: Name of the sample: (template, namespace). Fragments have names that begin with "part-".
SAMPLES: dict[str, tuple[str, Mapping[str, Any]]] = {
    "home": ("home", {"page": Page("OpticWorks: presence sensors", full_title=True)}),
    "listing": ("catalog/listing", listing()),
    "listing-empty": ("catalog/listing", listing(())),
    "listing-filtered": ("catalog/listing", listing(filters=filter_panel())),
    "listing-filtered-empty": ("catalog/listing", listing((), filters=filter_panel())),
    "search": ("catalog/search", found(corrections=(("senosr", "sensor"),))),
    "search-partial": ("catalog/search", found(partial=True)),
    "search-empty": ("catalog/search", found(())),
    "product": ("catalog/product", product_context(product())),
    "product-low": ("catalog/product", product_context(product("low"))),
    "product-sold-out": ("catalog/product", product_context(product("sold_out"))),
    "product-backorder": ("catalog/product", product_context(product("backorder"))),
    "product-bundle": ("catalog/product", product_context(bundle())),
    "cart": ("cart", {"quote": QUOTE, "availability": AVAILABLE, "page": Page("Cart")}),
    "cart-empty": ("cart", {"quote": None, "availability": {}, "page": Page("Cart")}),
    "cart-troubled": ("cart", {"quote": TROUBLED, "availability": AVAILABLE,
                               "page": Page("Cart"), "error": "Only 1 of it is left."}),
    "checkout": ("checkout", checkout()),
    "checkout-errors": ("checkout", checkout(filled=FILLED, errors={
        "email": "Enter an email address like name@example.com.",
        "city": "Enter the city.", "postalCode": "Enter a ZIP code of five digits.",
        "shipping": "Choose how we should ship."})),
    "checkout-changed": ("checkout", checkout(changes=(PRICE_NOTICE,), tried=True)),
    "checkout-address": ("checkout", checkout(filled=FILLED, question=address_question(CHECK))),
    "checkout-no-rates": ("checkout", checkout(rates=(), chosen="", quote=QUOTE)),
    "order-thanks": ("order", {"order": ORDER, "thanks": True, "page": Page("Thank you")}),
    "order-shipped": ("order", {"order": SHIPPED, "thanks": False, "page": Page("Order")}),
    "order-canceled": ("order", {"order": CANCELED, "thanks": False, "page": Page("Order")}),
    "page": ("page", {"content": TEXT, "page": Page(TEXT.title, crumbs=(HOME,))}),
    "error-404": ("error", failure(404, "We can't find that page", "The link may be old, or a "
                                   "letter is missing. Everything we sell is in the shop.")),
    "error-500": ("error", failure(500, "Something broke on our side", "We have been told. "
                                   "Please try again in a minute; your cart is kept.", "7f3a9c")),
    "error-503": ("error", failure(503, "Back in a few minutes", "The shop is being updated. Your "
                                   "cart is kept.")),
    "part-lines": ("cart/lines", {"quote": QUOTE, "availability": AVAILABLE}),
    "part-drawer": ("cart/drawer", {"quote": TROUBLED, "availability": AVAILABLE}),
    "part-drawer-empty": ("cart/drawer", {"quote": None, "availability": {}}),
    "part-badge": ("cart/badge", {"count": 3}),
    "part-badge-empty": ("cart/badge", {"count": 0}),
    "part-suggestions": ("catalog/suggestions", {
        "cards": CARDS[:3], "collections": COLLECTIONS[:1], "pages": COLLECTIONS[:1], "total": 9,
        "text": "sensor", "url": "/search?q=sensor"}),
    "part-suggestions-none": ("catalog/suggestions", {
        "cards": (), "collections": (), "pages": (), "total": 0, "text": "zz", "url": ""}),
    "part-dynamic": ("checkout/dynamic", checkout()),
}  # fmt: skip


def make_templates(theme: str = "default") -> Templates:
    """The templates of an installed theme over the catalogue's and the kernel's."""
    package = ROOT / "plugins/catalog/opticworks_catalog"
    return Templates(
        installed_themes(), theme, [Layer("catalog", package), *kernel_layers()], auto_reload=True
    )


def render(templates: Templates, name: str, **names: Any) -> str:
    """The HTML of a sample."""
    template, values = SAMPLES[name]
    engine = templates.engine()
    headers = {"HX-Request": "true"} if name.startswith("part-") else {}
    shared = {
        **engine_names(engine), **format_names(SHOP), "shop": SHOP, "mode": "development",
        "base_url": "https://shop.example", "quoted": partial(quote, safe=""),
        **language_names(ENGLISH),
    }  # fmt: skip
    everything: dict[str, Any] = {
        **Parts(engine, shared).names,
        "request": SimpleNamespace(path_info="/collections/sensors", headers=headers, GET={}),
        "display": c.PriceDisplay(label="plus tax"),
        "csrf": lambda: Markup('<input type="hidden" name="csrf_token" value="t" />'),
        "page": Page("OpticWorks"), "message": "", "error": "", "errors": {},
        "code_typed": "", "code_error": "", "code_message": "",
        "plugin_problems": (), "footer_pages": FOOTER, "papers": (),
    }  # fmt: skip
    slots: dict[str, tuple[str, dict[str, Any]]] = {
        "header.navigation": ("catalog/navigation", {"collections": COLLECTIONS}),
        "header.search": ("catalog/search_field", {}),
        "home.featured": ("catalog/featured", {"cards": CARDS, "collections": COLLECTIONS}),
    }

    def slot(slot_name: str, **context: Any) -> list[Markup]:
        if slot_name not in slots:
            return []
        template, data = slots[slot_name]
        return [Markup(engine.render(template, {**everything, **context, **data}))]

    return engine.render(template, {**everything, "slot": slot, **values, **names})


def make_app(templates: Templates, pictures: Path | None = None) -> Any:
    """A WSGI application: /{sample}, the assets, and pictures from a folder or a plain tile."""

    def sample(request: Any) -> Response:
        name = request.matchdict["name"] or "home"
        if name not in SAMPLES:
            return Response("No such sample: " + ", ".join(SAMPLES), 404)
        return Response(render(templates, name))

    def image(request: Any) -> Response:
        if pictures is not None:
            for suffix, kind in ((".webp", "image/webp"), (".png", "image/png")):
                path = pictures / (request.matchdict["stem"] + suffix)
                if path.is_file():
                    return Response(path.read_bytes(), content_type=kind)
        svg = (
            '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 100 100"><rect width="100" '
            'height="100" fill="#cfcdc9"/><rect x="32" y="30" width="36" height="40" rx="7" '
            'fill="#f6f5f2"/></svg>'
        )
        return Response(svg.encode(), content_type="image/svg+xml")

    with Configurator() as config:
        routes: dict[str, tuple[str, Callable[[Any], Response]]] = {
            "assets": (assets.PATTERN, lambda request: assets.serve(request, templates)),
            "badge": ("/cart/badge", lambda request: Response(render(templates, "part-badge"))),
            "drawer": ("/cart/drawer", lambda request: Response(render(templates, "part-drawer"))),
            "lines": ("/cart/lines", lambda request: Response(render(templates, "part-drawer"))),
            "line": ("/cart/lines/{sku}",
                     lambda request: Response(render(templates, "part-lines"))),
            "update": ("/checkout/update",
                       lambda request: Response(render(templates, "part-dynamic"))),
            "picture": ("/picture/{stem}", image),
            "sample": ("/{name:[^/]*}", sample),
        }  # fmt: skip
        for name, (pattern, view) in routes.items():
            config.add_route(name, pattern)
            config.add_view(view, route_name=name)
    return config.make_wsgi_app()


def main() -> None:
    parser = argparse.ArgumentParser(description="Serve every storefront template as a sample.")
    parser.add_argument("--port", type=int, default=6640)
    parser.add_argument("--theme", default="default")
    parser.add_argument("--pictures", type=Path, help="folder of pictures by stem (.webp, .png)")
    arguments = parser.parse_args()
    app = make_app(make_templates(arguments.theme), arguments.pictures)
    print(f"http://127.0.0.1:{arguments.port}/", *SAMPLES, sep="\n  ")
    with make_server("127.0.0.1", arguments.port, app, handler_class=WSGIRequestHandler) as server:
        try:
            server.serve_forever()
        except KeyboardInterrupt:
            sys.exit(0)


if __name__ == "__main__":
    main()
