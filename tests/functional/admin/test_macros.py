"""The parts that plugins build their admin pages from, as docs/admin.md shows them."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace

import pytest
from bs4 import BeautifulSoup

from opticworks.admin.words import Word
from opticworks.web.page import Page
from opticworks.web.templates import Templates, engine_names, format_names, kernel_layers
from opticworks.web.themes import Layer, installed_themes

DOCS = Path(__file__).parents[3] / "docs" / "admin.md"
EVERY_PART = Path(__file__).with_name("every_part.pt")


@pytest.fixture
def render(make_shop, tmp_path):
    """render(source, **names) is the page of a plugin's admin template."""
    shop = make_shop()

    def render(source, **names):
        path = tmp_path / "plugin" / "templates" / "admin" / "mine.pt"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(source)
        layers = [Layer("mine", tmp_path / "plugin"), *kernel_layers()]
        templates = Templates(installed_themes(), shop.config.theme, layers)
        engine = templates.engine()
        settings = shop.settings["shop"]
        text = engine.render(
            "admin/mine.pt",
            {
                **engine_names(engine),
                **format_names(settings),
                "shop": settings,
                "page": Page("Mine"),
                "menu": [],
                "menu_here": "",
                "staff": None,
                "flashes": [],
                "moment": lambda at: at.isoformat(),
                "csrf": lambda: "",
                **names,
            },
        )
        return BeautifulSoup(text, "html.parser").main

    return render


@pytest.mark.parametrize("rows", [[], [SimpleNamespace(email="ada@example.com", points=7)]])
def test_the_page_of_the_documentation_works(render, rows):
    source = re.search(r"```html\n(.*?)```", DOCS.read_text(), re.DOTALL).group(1)
    main = render(source, rows=rows)
    assert main.h1.text == "Points"
    assert ("ada@example.com" in main.text) == bool(rows)
    assert ("No points yet" in main.text) == (not rows)


def test_every_part_works(render):
    at = datetime(2026, 3, 4, tzinfo=UTC)
    entry = SimpleNamespace(
        at=at, title="Happened", icon="star", detail="so", actor="ada", path="/x", tone="bad"
    )
    main = render(EVERY_PART.read_text(), Word=Word, entry=entry)
    assert main.select_one(".panel-body").text.strip() == "inside"
    assert "folded" in main.details.text
    assert main.select_one('a.btn[href="/go"]').text.strip() == "Go"
    assert main.select_one("button.btn").text.strip() == "Save"
    assert main.select_one('form[action="/list"] input[name=q]')
    field = main.select_one("#title")
    assert field["value"] == "<b>"
    assert field["aria-invalid"] == "true"
    assert main.find(id=field["aria-describedby"]).text.strip() == "Enter a title."
    assert main.select_one('a[rel=next][href="/older"]')
    assert main.select_one(".notice")["role"] == "alert"
    assert main.select_one(".tone[data-tone=good]").text == "Done"
    assert "Happened" in main.select_one(".timeline").text


def test_every_part_is_documented():
    source = Path(__file__).parents[3] / "core/opticworks/admin/templates/admin/macros.pt"
    macros = set(re.findall(r'define-macro="(\w+)"', source.read_text()))
    table = DOCS.read_text().split("| macro of")[1]
    assert macros == {name for name in macros if f"`{name}`" in table}
