"""The search path, the template engine and the addresses of static files."""

from __future__ import annotations

import gzip
import os
from datetime import UTC, datetime
from pathlib import Path

import pytest
from chameleon.exc import LanguageError
from pyramid.httpexceptions import HTTPNotFound
from pyramid.testing import DummyRequest
from webob.acceptparse import create_accept_encoding_header

from opticworks.contracts import ShopSettings
from opticworks.web import assets
from opticworks.web.engine import Engine, TemplateNotFound
from opticworks.web.page import Page, json_block
from opticworks.web.templates import Templates, format_names
from opticworks.web.themes import Layer, SearchPath, Theme, ThemeError, lineage, read_theme
from opticworks.web.translations import Words

LAYOUT = """<html><body><nav metal:define-slot="nav">{name} nav</nav>
<main metal:define-slot="main">{name} main</main></body></html>"""


@pytest.fixture
def write(tmp_path):
    def write(name: str, text: str) -> Path:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        return path

    return write


@pytest.fixture
def templates(tmp_path, write):
    write("kernel/templates/layout.pt", LAYOUT.format(name="kernel"))
    write("parent/theme.ini", "[theme]\ntitle = Parent\n")
    write("child/theme.ini", "[theme]\ntitle = Child\nparent = parent\n")
    themes = {code: read_theme(code, tmp_path / code) for code in ("parent", "child")}
    layers = [Layer("catalog", tmp_path / "catalog"), Layer("kernel", tmp_path / "kernel")]
    return Templates(themes, "child", layers)


def test_first_layer_with_the_name_wins(templates, write):
    assert "kernel nav" in templates.render("layout", {})
    write("catalog/templates/x.pt", "<p>catalog</p>")
    write("parent/templates/x.pt", "<p>parent</p>")
    assert templates.render("x.pt", {}) == "<p>parent</p>"


def test_child_extends_the_template_it_replaces(templates, write):
    write(
        "parent/templates/layout.pt",
        "<html metal:use-macro=\"parent('layout')\">"
        '<nav metal:fill-slot="nav" metal:define-slot="nav">parent nav</nav>'
        "</html>",
    )
    write(
        "child/templates/layout.pt",
        '<html metal:use-macro="parent(\'layout\')"><nav metal:fill-slot="nav">child nav</nav>'
        "</html>",
    )
    html = templates.render("layout", {})
    assert "child nav" in html
    assert "kernel main" in html
    assert "parent nav" not in html
    assert "parent nav" in templates.render("layout", {}, theme="parent")


def test_page_fills_slots_of_the_layout_found_along_the_path(templates, write):
    write(
        "kernel/templates/page.pt",
        '<html metal:use-macro="tpl(\'layout\')"><b metal:fill-slot="main">${word}</b></html>',
    )
    write("child/templates/layout.pt", LAYOUT.format(name="child"))
    html = templates.render("page", {"word": "<b>"})
    assert "child nav" in html
    assert "&lt;b&gt;" in html


def test_admin_templates_are_never_those_of_a_theme(templates, write):
    write("child/templates/admin/x.pt", "<p>theme</p>")
    with pytest.raises(TemplateNotFound):
        templates.render("admin/x", {})
    write("catalog/templates/admin/x.pt", "<p>plugin</p>")
    assert templates.render("admin/x", {}) == "<p>plugin</p>"


def test_missing_template_names_where_it_was_looked_for(templates):
    with pytest.raises(TemplateNotFound, match=r"'no.pt'.*theme:child, theme:parent, catalog"):
        templates.render("no", {})


@pytest.mark.parametrize("name", ["../secret", "a/../../secret", "/etc/passwd", ".hidden", ""])
def test_names_do_not_lead_out_of_a_layer(templates, write, name):
    write("kernel/secret.pt", "<p>secret</p>")
    write("kernel/templates/.hidden.pt", "<p>secret</p>")
    with pytest.raises(TemplateNotFound):
        templates.engine().template(name)


def test_link_out_of_a_layer_is_not_followed(templates, tmp_path, write):
    outside = write("outside.css", "secret")
    (tmp_path / "kernel/static").mkdir()
    (tmp_path / "kernel/static/x.css").symlink_to(outside)
    assert templates.engine().path.find("static", "x.css") is None


def test_compiled_templates_come_from_a_child_and_print_the_same(tmp_path, write, monkeypatch):
    write("kernel/templates/layout.pt", LAYOUT.format(name="kernel"))
    write("kernel/templates/page.pt", "<p tal:content=\"what\">x</p>${tpl('layout').filename[-9:]}")
    write("kernel/templates/admin/home.pt", "<p>admin</p>")
    monkeypatch.setattr("opticworks.web.engine.CACHE_DIRECTORY", None)
    engine = Engine("default", _path(Layer("kernel", tmp_path / "kernel")))
    engine.compile()
    made = []
    monkeypatch.setattr("builtins.compile", lambda *args, **kw: made.append(args))
    assert engine.render("page", {"what": "<b>"}) == "<p>&lt;b&gt;</p>layout.pt"
    assert not made
    assert not engine._compiler.made  # all that the child made has been taken


def test_load_expressions_are_not_available(templates, write):
    write("kernel/templates/x.pt", '<p metal:use-macro="load: layout.pt">x</p>')
    with pytest.raises(Exception, match="load"):
        templates.render("x", {})


class Said(Words):
    """A language by one function."""

    def __init__(self, translated):
        super().__init__("fr")
        self._by = translated

    def _translated(self, text):
        return self._by(text) if text else text


def test_text_is_translated_and_what_it_contains_is_escaped(templates, write):
    write("kernel/templates/x.pt", '<p aria-label="Name">Hello ${who}</p>')
    words = {"Hello ${who}": "Bonjour ${who}", "Name": "Nom"}
    html = templates.render(
        "x", {"who": "<i>", "gettext": Said(lambda text: words.get(text, text))}
    )
    assert html == '<p aria-label="Nom">Bonjour &lt;i&gt;</p>'


def test_a_text_with_elements_in_it_is_one_text(templates, write):
    page = """<p i18n:translate="">We wrote to <b i18n:name="who">${who}</b> <i>now</i>.<br />
      <tal:m condition="more" i18n:name="more">More</tal:m></p>"""
    write("kernel/templates/x.pt", page)
    asked = []

    def french(text):
        asked.append(text)
        return {
            "We wrote to ${who} <i>now</i>.<br /> ${more}": "<i>Hier</i>${more}, à ${who}.",
            "More": "Plus",
        }[text]

    words = Said(french)
    html = templates.render("x", {"who": "<i>", "more": True, "gettext": words})
    assert html == "<p><i>Hier</i>Plus, à <b>&lt;i&gt;</b>.</p>"
    html = templates.render("x", {"who": "Ada", "more": False, "gettext": words})
    assert html == "<p><i>Hier</i>, à <b>Ada</b>.</p>"
    assert set(asked) == {"We wrote to ${who} <i>now</i>.<br /> ${more}", "More"}


@pytest.mark.parametrize(
    "inside", ["${who}", '<a href="/">x</a>', '<tal:c condition="x">x</tal:c>']
)
def test_a_text_must_name_what_stands_in_it(templates, write, inside):
    write("kernel/templates/x.pt", f'<p i18n:translate="">For {inside}</p>')
    with pytest.raises(LanguageError, match="i18n:name"):
        templates.render("x", {"who": "Ada"})


def test_changed_template_is_read_again_in_development_only(tmp_path, write):
    layer = Layer("kernel", tmp_path / "kernel")
    path = write("kernel/templates/x.pt", "<p>one</p>")
    live = Engine("t", _path(layer), auto_reload=True)
    fixed = Engine("t", _path(layer))
    assert live.render("x", {}) == fixed.render("x", {}) == "<p>one</p>"
    path.write_text("<p>two</p>")

    os.utime(path, (1, 1))
    assert live.render("x", {}) == "<p>two</p>"
    assert fixed.render("x", {}) == "<p>one</p>"


def _path(*layers: Layer):

    return SearchPath(layers)


def test_theme_that_is_its_own_parent_is_an_error(tmp_path):
    themes = {
        "a": Theme("a", tmp_path, parent="b"),
        "b": Theme("b", tmp_path, parent="a"),
    }
    with pytest.raises(ThemeError, match="own parent"):
        lineage(themes, "a")


def test_missing_parent_theme_is_named(tmp_path):
    with pytest.raises(ThemeError, match="'gone', the parent of 'a', is not installed"):
        lineage({"a": Theme("a", tmp_path, parent="gone")}, "a")


@pytest.mark.parametrize("text", [None, "", "[theme", "[other]\ntitle = x\n"])
def test_broken_theme_ini_is_explained(tmp_path, text):
    if text is not None:
        (tmp_path / "theme.ini").write_text(text)
    with pytest.raises(ThemeError, match=r"theme\.ini"):
        read_theme("a", tmp_path)


def test_digest_depends_on_contents_alone(templates, tmp_path, write):
    path = write("kernel/static/a.css", "a{}")
    first = Engine("t", templates.engine().path).digest

    os.utime(path, (1, 1))
    assert Engine("t", templates.engine().path).digest == first
    write("child/static/a.css", "b{}")
    assert Engine("t", templates.engine().path).digest != first


def test_icon_is_inline_svg_and_a_missing_one_is_nothing(templates, write):
    write("kernel/static/icons/cart.svg", '<svg viewBox="0 0 24 24"><path d="M0 0"/></svg>\n')
    icon = templates.engine().icon("cart", "size-5")
    assert icon.startswith('<svg class="icon size-5" aria-hidden="true"')
    assert templates.engine().icon("no") == ""


def _get(templates: Templates, path: str, digest: str | None = None, encoding: str = ""):
    request = DummyRequest()
    request.accept_encoding = create_accept_encoding_header(encoding)
    request.method = "GET"
    request.matchdict = {
        "theme": "child",
        "digest": digest or templates.engine().digest,
        "path": path,
    }
    response = assets.serve(request, templates)
    body = b"".join(response.app_iter)
    getattr(response.app_iter, "close", lambda: None)()
    response.app_iter = [body]
    return response


def test_asset_with_the_current_digest_is_kept_for_ever(templates, write):
    write("kernel/static/a.css", "a{}")
    response = _get(templates, "a.css")
    assert response.content_type == "text/css"
    assert "immutable" in response.headers["Cache-Control"]
    assert response.headers["X-Content-Type-Options"] == "nosniff"


def test_asset_with_another_digest_is_served_but_not_kept(templates, write):
    write("kernel/static/a.css", "a{}")
    assert _get(templates, "a.css", "0000000000").headers["Cache-Control"] == "no-cache"


def test_text_assets_are_compressed_for_those_who_accept_it(templates, write):
    write("kernel/static/a.js", "let a;")
    response = _get(templates, "a.js", encoding="gzip")
    assert response.content_encoding == "gzip"
    assert gzip.decompress(response.body) == b"let a;"
    assert response.headers["Vary"] == "Accept-Encoding"


@pytest.mark.parametrize("path", ["../templates/layout.pt", "no.css", "", "%2e%2e/x", "a\0b"])
def test_asset_that_is_not_there_is_not_found(templates, path):
    with pytest.raises(HTTPNotFound):
        _get(templates, path)


def test_json_block_can_not_end_its_element():
    assert json_block({"a": "</script><!--"}) == '{"a":"\\u003c/script\\u003e\\u003c!--"}'


def test_title_carries_the_shops_name_once():
    assert Page("Cart").head_title("OpticWorks") == "Cart | OpticWorks"
    assert Page("About OpticWorks").head_title("OpticWorks") == "About OpticWorks"
    assert Page("Home", full_title=True).head_title("OpticWorks") == "Home"


def test_failing_theme_is_logged_once_until_it_changes(templates, write, caplog):
    write("parent/templates/x.pt", "<p>parent</p>")
    path = write("child/templates/x.pt", "<p>${missing}</p>")

    def page() -> str:
        return templates.render_safely(
            "child", lambda theme, failed: templates.render("x.pt", {}, theme) + failed, "x.pt"
        )

    def tracebacks() -> int:
        return sum(1 for record in caplog.records if record.exc_info)

    for _ in range(3):
        assert page() == "<p>parent</p>Child"
    assert tracebacks() == 1
    os.utime(path, ns=(1, path.stat().st_mtime_ns + 1))
    page()
    assert tracebacks() == 2


@pytest.mark.parametrize(
    ("locale", "zone", "written"),
    [
        ("en_US", "America/New_York", "March 1, 2026 at 7:00 AM EST"),
        ("de_DE", "Europe/Berlin", "1. März 2026, 13:00 MEZ"),
        ("de_DE", "America/New_York", "1. März 2026, 07:00 GMT-05:00"),
    ],
)
def test_a_time_names_its_zone_in_a_way_that_people_know(locale, zone, written):
    names = format_names(ShopSettings(locale=locale, timezone=zone))
    assert names["datetime"](datetime(2026, 3, 1, 12, tzinfo=UTC)) == written
