"""Themes: where a file is found, a preview that nobody else sees, and the switch for all."""

from __future__ import annotations

import time
from types import SimpleNamespace

import pytest

from opticworks.boot import boot
from opticworks.testing.shops import Browser
from opticworks.web import preview
from opticworks.web.themes import Theme

NIGHT = "night.css"


@pytest.fixture
def counter(make_shop):
    return SimpleNamespace(shop=make_shop(plugins=("catalog",), theme="default"))


@pytest.fixture
def shop(counter):
    return counter.shop


def press(browser, path, theme):
    """Post the form of that theme's card, as its button does."""
    page = browser.get("/admin/themes", status=200)
    token = page.forms[1]["csrf_token"].value
    return browser.post(path, {"theme": theme, "csrf_token": token}, status=303)


@pytest.mark.parametrize(
    ("kind", "name", "layer"),
    [
        ("templates", "brand.pt", "theme:night"),
        ("templates", "home.pt", "theme:default"),
        ("templates", "catalog/product.pt", "catalog"),
        ("templates", "cart.pt", "kernel:storefront"),
        ("static", "brand/favicon.svg", "theme:night"),
        ("static", "theme.css", "theme:default"),
        ("static", "js/shop.js", "kernel:storefront"),
    ],
)
def test_a_child_theme_comes_first_then_its_parent_plugins_and_the_kernel(shop, kind, name, layer):
    path = shop.templates.engine("night").path
    index, _ = path.find(kind, name)
    assert path.layers[index].name == layer


def test_the_child_theme_replaces_one_template_one_file_and_one_slot(make_shop):
    night = Browser(make_shop(plugins=("catalog",), theme="night"))
    day = Browser(make_shop(plugins=("catalog",), theme="default"))
    page, parent = night.get("/"), day.get("/")
    styles = [link["href"].split("/", 4)[-1] for link in page.html.select("link[rel=stylesheet]")]
    assert [name for name in styles if name != "noscript.css"] == ["theme.css", NIGHT]
    mark = page.html.select_one(".brand-mark")
    assert mark is not None
    assert mark != parent.html.select_one(".brand-mark")
    icon = page.html.select_one("link[rel=icon]")["href"]
    assert b"#0a0f1f" in night.get(icon).body
    assert page.html.select_one(".hero h1").text == parent.html.select_one(".hero h1").text
    for address in (page.html.select("link[rel=stylesheet]"), page.html.select("script[src]")):
        for element in address:
            night.get(element.get("href") or element["src"], status=200)


def test_a_preview_is_seen_by_one_member_of_staff_and_by_no_cache(shop, sign_in):
    staff, customer = sign_in("manager"), Browser(shop)
    answer = press(staff, "/admin/themes/preview", "night")
    assert answer.headers["Clear-Site-Data"] == '"cache"'
    cookie = answer.headers["Set-Cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=Lax" in cookie
    for path in ("/", "/products", "/cart", "/nothing-here"):
        page = staff.get(path, status="*")
        assert NIGHT in page.text, path
        assert "Preview of the theme" in page.text
        assert page.headers["Cache-Control"] == "no-store", path
    page = customer.get("/")
    assert NIGHT not in page.text
    assert "Preview" not in page.text
    assert page.headers["Cache-Control"].startswith("public")
    assert "End the preview" in staff.get("/admin/themes").text

    answer = press(staff, "/admin/themes/preview", "")
    assert "preview=;" in answer.headers["Set-Cookie"]
    assert NIGHT not in staff.get("/").text


def test_signing_out_ends_a_preview(shop, sign_in):
    staff = sign_in("owner")
    press(staff, "/admin/themes/preview", "night")
    staff.get("/admin").forms[0].submit(status=303)
    assert NIGHT not in staff.get("/").text


def test_a_preview_can_be_neither_made_up_nor_kept_for_ever(shop, sign_in, monkeypatch):
    staff, stranger = sign_in("owner"), Browser(shop)
    press(staff, "/admin/themes/preview", "night")
    good = staff.cookies["preview"]
    for value in (
        "night",
        "night.99999999999.x",
        good[:-2],
        good.replace("night", "oak"),
        "..",
        "",
    ):
        stranger.set_cookie("preview", value)
        assert NIGHT not in stranger.get("/", status=200).text
    raw = {"Cookie": "preview=\xff\xfe.\xff; preview=.1.2"}
    assert NIGHT not in Browser(shop).get("/", headers=raw, status=200).text
    now = time.time()
    monkeypatch.setattr(preview.time, "time", lambda: now + preview.SECONDS + 1)
    assert NIGHT not in staff.get("/").text


def test_a_switch_holds_for_all_at_once_here_and_soon_elsewhere(shop, sign_in):
    other = boot(shop.config)
    staff, customer = sign_in("manager"), Browser(shop)
    page = press(staff, "/admin/themes/use", "night").follow()
    assert "The shop is shown in Night now." in page.text
    assert page.html.select_one("#theme-night .tone").text == "In use"
    assert NIGHT in customer.get("/").text
    try:
        other.reload_settings()
        assert other.templates.current == "night"
    finally:
        other.close()
    press(staff, "/admin/themes/use", "default")
    assert NIGHT not in customer.get("/").text


def test_a_theme_that_is_gone_leaves_the_shop_in_that_of_the_ini(shop, sign_in):
    press(sign_in("owner"), "/admin/themes/use", "night")
    shop.templates.themes.pop("night")
    shop.templates._engines.pop("night", None)
    browser = Browser(shop)
    browser.app.registry.templates.themes.pop("night")
    assert browser.get("/", status=200).html.select_one(".brand-mark")
    assert browser.app.registry.templates.current == "default"


@pytest.mark.parametrize(
    ("name", "text", "reason"),
    [
        (
            "layout.pt",
            """<html metal:use-macro="parent('layout')">
            <metal:footer fill-slot="footer">${nowhere}</metal:footer></html>""",
            "error.pt can't be shown. NameError: nowhere",
        ),
        ("home.pt", "<html><p>${1 +}</p>", "home.pt can't be shown."),
        ("cart.pt", "<html>${nowhere}</html>", ""),
    ],
)
def test_a_theme_with_a_mistake_keeps_nobody_from_buying(
    shop, sign_in, tmp_path, name, text, reason
):
    staff = sign_in("owner")
    templates = staff.app.registry.templates
    (tmp_path / "templates").mkdir()
    (tmp_path / "templates" / name).write_text(text)
    templates.themes["oak"] = Theme("oak", tmp_path, title="Oak", parent="default")
    said = press(staff, "/admin/themes/use", "oak").follow().html.get_text()
    assert (f"Oak was not put to use: {reason}" in said) == bool(reason)
    assert templates.current == ("default" if reason else "oak")

    press(staff, "/admin/themes/preview", "oak")
    pages = {path: staff.get(path, status=200) for path in ("/", "/cart")}
    failed = {path for path, page in pages.items() if "One of its templates failed" in page.text}
    assert failed == {"layout.pt": {"/", "/cart"}, "home.pt": {"/"}, "cart.pt": {"/cart"}}[name]
    templates.chosen = lambda: "oak"
    staff.reset()
    for path in ("/", "/cart"):
        page = staff.get(path, status=200)
        assert page.html.h1
        assert "One of its templates failed" not in page.text


def test_only_who_may_switch_themes_does(shop, sign_in):
    sign_in("clerk").get("/admin/themes", status=403)
    staff = sign_in("owner")
    token = staff.get("/admin/themes").forms[1]["csrf_token"].value
    for path in ("/admin/themes/use", "/admin/themes/preview"):
        staff.post(path, {"theme": "night"}, status=400)
        staff.post(
            path, {"theme": "night", "csrf_token": token}, {"Origin": "https://e.x"}, status=403
        )
        for theme in ("oak", "../night", "<script>", "night" * 1000):
            page = staff.post(path, {"theme": theme, "csrf_token": token}, status=303).follow()
            assert "not installed any more" in page.text
    assert shop.templates.current == "default"
