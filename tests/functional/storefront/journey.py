"""The way of a customer through the demo shop, page by page, without script: found by the forms'
names, so that it is the same in every language."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from webtest import TestResponse

from opticworks.checkout import staff
from opticworks.kernel import set_stock
from opticworks.shop import Shop
from opticworks.testing.shops import Browser
from opticworks.testing.visitors import ADDRESS
from opticworks.web.signed_links import link_token

PLUGINS = ("catalog", "discounts", "manual_payments", "table_rates", "taxes", "reviews")
SETTINGS = {"returns": {"withdrawal_countries": '["US"]'}}
SENSOR, BUNDLE, SOLD_OUT = "RS1-PRO-WHT", "BND-HOME", "MNT-KIT"
ADA = {**ADDRESS, "state": "CA", "company": ""}

Pages = Iterator[tuple[str, TestResponse]]


def journey(shop: Shop) -> Pages:
    """(what it is, the page) of everything that a customer sees."""
    browser = Browser(shop)
    yield from looking_around(shop, browser)
    yield from filling_the_cart(shop, browser)
    number = yield from checking_out(shop, browser)
    yield from afterwards(shop, browser, number)


def looking_around(shop: Shop, browser: Browser) -> Pages:
    with shop.unit() as db:
        set_stock(db, SOLD_OUT, 0, actor="test", reason="counted")
    shop.forget()
    get = browser.get
    yield "home", get("/")
    products = get("/products?sort=price&stock=in&min=1&max=900")
    yield "all products", get("/products")
    yield "narrowed", products
    yield "no such price", get("/products?min=cheap&max=dear")
    yield "nothing fits", get("/products?min=90000")
    yield "page two", get("/products?page=2", expect_errors=True)
    collection = next(a["href"] for a in products.html.select("a[href^='/collections/']"))
    yield "a collection", get(collection)
    yield "search", get("/search")
    yield "found", get("/search?q=sensor")
    yield "half found", get("/search?q=sensor+zzzz")
    yield "nothing found", get("/search?q=zzzz")
    yield "suggestions", get("/search/suggest?q=sensor")
    yield "no suggestions", get("/search/suggest?q=zzzz")
    for path in sorted({a["href"] for a in get("/products").html.select("a.card-link")}):
        yield path, get(path)
    yield "a page", get("/pages/contact")
    yield "no page", get("/pages/nothing", status=404)
    yield "no address", get("/nothing", status=404)
    yield "no product", get("/products/nothing", status=404)
    yield (
        "foreign form",
        browser.post(
            "/cart/lines", {"sku": SENSOR}, headers={"Origin": "http://evil.example"}, status=403
        ),
    )
    yield "no text", get("/search?q=%00", status=400)
    yield "too much", browser.post("/cart/lines", {"sku": "x" * 1_100_000}, status=413)
    stop = get("/mail/stop/sample")
    yield "unsubscribe", stop
    yield "unsubscribed", browser.post("/mail/stop/sample")
    yield "no order", get("/orders/nonsense", status=404)


def filling_the_cart(shop: Shop, browser: Browser) -> Pages:
    def add(**fields: str) -> TestResponse:
        return browser.post("/cart/lines", fields).follow()

    yield "empty cart", browser.get("/cart")
    yield "empty drawer", browser.get("/cart/drawer")
    yield "no item", add(sku="", quantity="1")
    yield "unknown item", add(sku="NOTHING", quantity="1")
    yield "no quantity", add(sku=SENSOR, quantity="many")
    yield "no such quantity", add(sku=SENSOR, quantity="99999999")
    yield "sold out", add(sku=SOLD_OUT, quantity="1")
    yield "too many", add(sku=SENSOR, quantity="90")
    yield "added", add(sku=SENSOR, quantity="2")
    yield "a bundle", add(sku=BUNDLE, quantity="1")
    yield "drawer", browser.get("/cart/drawer")
    yield "badge", browser.get("/cart/badge")
    line = {"quantity": "3"}
    yield "changed", browser.post(f"/cart/lines/{SENSOR}", line).follow()
    yield "removed", browser.post(f"/cart/lines/{BUNDLE}", {"action": "remove"}).follow()
    for code in ("", "NOTHING", "FREEKIT", "WELCOME10", "VIP25", "SAVE20", "FREESHIP"):
        response = browser.post("/cart/codes", {"code": code})
        yield f"code {code}", response.follow()
    yield "code removed", browser.post("/cart/codes/VIP25/remove").follow()
    with shop.unit() as db:
        set_stock(db, SENSOR, 1, actor="test", reason="counted")
    yield "objections", browser.get("/cart")
    yield "objections in the drawer", browser.get("/cart/drawer")
    with shop.unit() as db:
        set_stock(db, SENSOR, 50, actor="test", reason="counted")


def checking_out(shop: Shop, browser: Browser) -> Iterator[Any]:
    def form(**values: str) -> Any:
        form = browser.get("/checkout").forms["checkout"]
        for name, value in values.items():
            form[name] = value
        return form

    yield "checkout", browser.get("/checkout")
    yield "nothing filled in", form().submit("action", value="place", status=422)
    wrong = {**ADA, "email": "ada", "postalCode": "x", "company": "x" * 200}
    yield "wrong fields", form(**wrong).submit("action", value="place", status=422)
    yield "a code at last", form(**ADA, code="ZZZ").submit("action", value="place", status=409)
    yield "updated", form(**ADA).submit("action", value="update").follow()
    late = form(**ADA)
    late["total"], late["quote"] = "1", "x-1"
    yield "another total", late.submit("action", value="place", status=409)
    asked = form(**ADA)
    fields = dict(asked.submit_fields("action", submit_value="place"))
    fields["email"] = "nobody"
    yield (
        "told a script",
        browser.post("/checkout", fields, headers={"Accept": "application/json"}, status=422),
    )
    yield "another state", browser.post("/checkout/update", {**fields, "email": "a@example.com"})
    thanks = form(**ADA).submit("action", value="place", status=303).follow()
    yield "thanks", thanks
    return thanks.request.path


def afterwards(shop: Shop, browser: Browser, path: str) -> Pages:
    with shop.unit() as db:
        number = (
            db.connection()
            .exec_driver_sql("SELECT number FROM orders ORDER BY id DESC LIMIT 1")
            .scalar_one()
        )
    staff.mark_paid(shop, number, actor="clerk")
    yield "paid", browser.get(path)
    staff.fulfil(
        shop, number, lines={SENSOR: 2}, carrier="UPS", tracking_number="1Z9", actor="clerk"
    )
    yield "part shipped", browser.get(path)
    yield from sending_back(browser, path)
    yield from reviewing(shop, browser, number)


def sending_back(browser: Browser, path: str) -> Pages:
    def form_of(page: TestResponse) -> Any:
        return next(form for form in page.forms.values() if "/orders/" in form.action)

    def field(form: Any, begin: str) -> str:
        return next(name for name in form.fields if name and name.startswith(begin))

    page = browser.get(f"{path}/return")
    yield "return", page
    form = form_of(page)
    yield "nothing chosen", form.submit(status=422)
    form[field(form, "units")] = "x"
    yield "no number", form.submit(status=422)
    form[field(form, "units")] = "1"
    yield "no reason", form.submit(status=422)
    form[field(form, "reason")] = "damaged"
    case = form.submit(status=303).follow()
    yield "asked", case
    yield "asked already", browser.get(f"{path}/return")
    yield "taken back", form_of(case).submit(status=303).follow()
    yield "no return", browser.get(f"{path}/returns/X", status=404)
    page = browser.get(f"{path}/withdraw")
    yield "withdraw", page
    form = form_of(page)
    for name in [name for name in form.fields if name and name.startswith("units")]:
        form[name] = "0"
    yield "nothing withdrawn", form.submit(status=422)
    form[field(form, "units")] = "1"
    yield "withdrawn", form.submit(status=303).follow()
    yield "with returns", browser.get(path)


def reviewing(shop: Shop, browser: Browser, number: str) -> Pages:
    path = f"/reviews/write/{link_token(shop, 'reviews.write', number)}"
    page = browser.get(path)
    yield "review", page
    form = next(
        form for form in page.forms.values() if form.id != "site-search" and "stars" in form.fields
    )
    form["name"] = ""
    yield "no stars", form.submit(status=422)
    form["name"], form["stars"], form["headline"] = "Ada L.", "2", "Fine"
    yield "reviewed", form.submit(status=303).follow()
    yield "wrong link", browser.get("/reviews/write/nonsense", status=404)
