"""Slots: what plugins put into a page, in order, and without breaking it."""

from __future__ import annotations

from types import SimpleNamespace

import pluggy
import pytest

from opticworks import hookspecs
from opticworks.contracts import ShopSettings, SlotFragment
from opticworks.hookspecs import hookimpl
from opticworks.web.engine import Engine
from opticworks.web.templates import ENGLISH, Templates, namespace, render_slot, slot_fragments
from opticworks.web.themes import Layer, SearchPath, Theme


class Says:
    def __init__(self, word: str, position: int = 100, template: str = "word.pt") -> None:
        self.fragment = SlotFragment(template=template, data={"word": word}, position=position)

    @hookimpl
    def slot(self, name, context):
        return [self.fragment] if name == "home.featured" else None


class Fails:
    @hookimpl
    def slot(self, name, context, ctx):
        raise RuntimeError("no such table")


def hooks_of(*plugins):
    """Callers as the shop makes them: pluggy asks the last registered first."""
    manager = pluggy.PluginManager(hookspecs.PROJECT)
    manager.add_hookspecs(hookspecs)
    for plugin in reversed(plugins):
        manager.register(plugin)
    return manager.hook


@pytest.fixture
def layer(tmp_path):
    folder = tmp_path / "templates"
    folder.mkdir()
    (folder / "word.pt").write_text("<p>${word} ${place|'nowhere'}</p>")
    (folder / "broken.pt").write_text("<p>${missing}</p>")
    return Layer("kernel", tmp_path)


def rendered(layer, *plugins, name="home.featured", **context):
    engine = Engine("t", SearchPath([layer]))
    fragments = slot_fragments(hooks_of(*plugins), name, context, None)
    return list(render_slot(engine, fragments, {}, context))


def test_fragments_come_by_position_and_then_in_the_order_of_the_ini(layer):
    plugins = (Says("third"), Says("first", 10), Says("fourth"), Says("second", 20))
    words = [html.split()[0] for html in rendered(layer, *plugins)]
    assert words == ["<p>first", "<p>second", "<p>third", "<p>fourth"]


def test_fragment_is_given_the_context_of_its_slot(layer):
    assert rendered(layer, Says("a"), place="here") == ["<p>a here</p>"]


def test_slot_that_nobody_fills_is_empty(layer):
    assert rendered(layer, Says("a"), name="other") == []


def test_plugin_that_fails_leaves_the_others_in_place(layer, caplog):
    assert rendered(layer, Says("a"), Fails(), Says("b")) == [
        "<p>a nowhere</p>",
        "<p>b nowhere</p>",
    ]
    assert "failed in the slot home.featured" in caplog.text


@pytest.mark.parametrize("template", ["broken.pt", "not-there.pt"])
def test_fragment_that_can_not_be_rendered_is_left_out_and_logged(layer, caplog, template):
    assert rendered(layer, Says("a", template=template), Says("b")) == ["<p>b nowhere</p>"]
    assert template in caplog.text


def test_global_that_fails_keeps_its_default_and_the_page(layer, tmp_path, caplog):
    def broken(request):
        raise ConnectionError("the database is down")

    templates = Templates({"t": Theme("t", tmp_path)}, "t", [layer])
    templates.globals.update(footer_pages=broken, word=lambda request: "kept")
    request = SimpleNamespace(
        shop=SimpleNamespace(
            settings={"shop": ShopSettings()},
            settings_version=1,
            providers=SimpleNamespace(in_test_mode=lambda: False),
            config=SimpleNamespace(mode="development", base_url="http://127.0.0.1"),
        ),
        theme="t",
        locale_name="en",
        words=ENGLISH,
    )
    names = namespace(request, templates)
    assert names["footer_pages"] == ()
    assert names["word"] == "kept"
    assert "footer_pages" in caplog.text
