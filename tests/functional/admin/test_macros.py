"""The parts that plugins build their admin pages from, as docs/admin.md shows them."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Literal

import pytest
from bs4 import BeautifulSoup
from pydantic import BaseModel, Field, SecretStr
from webob.multidict import MultiDict

from opticworks.admin.words import Word
from opticworks.contracts import Address
from opticworks.plugin import SchemaForm
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
                "_": lambda text: text,
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


class Bracket(BaseModel):
    price: int = Field(0, title="Price", json_schema_extra={"widget": "money"})


class Rate(BaseModel):
    name: str = Field(title="Name", min_length=1)
    brackets: tuple[Bracket, ...] = Field((), title="Brackets")


class Shelf(BaseModel):
    name: str = Field(title="Name", min_length=1, description="As buyers read it.")
    key: SecretStr = Field(SecretStr("sk_live"), title="Key")
    on: bool = Field(True, title="On")
    days: tuple[Literal["mon", "tue"], ...] = Field(("tue",), title="Days")
    origin: Address = Field(
        Address(line1="<b>"), title="Origin", json_schema_extra={"section": "S"}
    )
    brackets: tuple[Bracket, ...] = Field((Bracket(price=1250),), title="Brackets")
    rates: tuple[Rate, ...] = Field((Rate(name="Post"),), title="Rates")
    id: int = Field(7, json_schema_extra={"widget": "hidden"})


def test_a_form_of_a_model_shows_every_kind_of_field(render):
    main = render(EVERY_PART.read_text(), Word=Word, entry=entry(), form=SchemaForm(Shelf))
    assert "sk_live" not in str(main)
    assert main.select_one("#f-name-help").text == "As buyers read it."
    assert main.select_one("input[name=key][type=password][value='']")
    assert main.select_one("input[name=key-clear][type=checkbox]")
    assert main.select_one("input[name=on][checked]")
    assert [box["value"] for box in main.select("input[name=days][checked]")] == ["tue"]
    assert main.select_one("h2:-soup-contains('S')")
    assert main.select_one("input[name=origin-line1]")["value"] == "<b>"
    assert main.select_one("[name=brackets-0-price]")["value"] == "12.50"
    assert main.select_one("[name=brackets-1-price]"), "a blank row"
    assert main.select_one("fieldset#f-rates details summary").text.strip() == "Post"
    assert main.select_one("input[type=hidden][name=id][value='7']")
    for tag in main.select("form[action='/save'] :is(input, select, textarea)"):
        if tag.get("type") != "hidden" and not tag.find_parent("label"):
            assert main.find("label", attrs={"for": tag["id"]}), tag
    ids = [tag["id"] for tag in main.select(".schema-form [id]") if not tag.find_parent("template")]
    assert len(ids) == len(set(ids))
    assert main.select_one('.save-bar a[href="/back"]').text == "Discard"


def test_a_refused_form_lists_its_errors_with_links(render):
    post = MultiDict({"rates-0-brackets-0-price": "x", "id": "7"})
    form = SchemaForm(Shelf, post=post)
    assert form.validate() is None
    main = render(EVERY_PART.read_text(), Word=Word, entry=entry(), form=form)
    box = main.select_one("[role=alert][data-summary]")
    assert [link["href"] for link in box.find_all("a")] == [
        "#f-name",
        "#f-origin-country",
        "#f-rates-0-name",
        "#f-rates-0-brackets-0-price",
    ]
    assert all(main.select(link["href"]) for link in box.find_all("a"))
    assert main.select_one("#f-rates-0 > details").has_attr("open")


def entry():
    at = datetime(2026, 3, 4, tzinfo=UTC)
    return SimpleNamespace(
        at=at, title="Happened", icon="star", detail="so", actor="ada", path="/x", tone="bad"
    )


def test_every_part_works(render):
    main = render(EVERY_PART.read_text(), Word=Word, entry=entry(), form=SchemaForm(Shelf))
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
