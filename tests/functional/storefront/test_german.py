"""A German shop speaks German to its customers, and no word of a page goes past gettext."""

from __future__ import annotations

import json
import re
from functools import cache
from pathlib import Path

import journey as way
import pytest
from argon2 import PasswordHasher
from babel import Locale
from babel.messages.pofile import read_po
from bs4 import BeautifulSoup, NavigableString
from sqlalchemy import text

from opticworks.checkout.regions import STATES
from opticworks.kernel import set_stock
from opticworks.settings.editing import save
from opticworks.staff import passwords, service
from opticworks.testing.pseudo import Brackets, outside
from opticworks.testing.shops import Browser, load_demo
from opticworks.web import engine

ROOT = Path(__file__).resolve().parents[3]
SAID = (  # attributes that people read or hear
    "aria-label", "alt", "title", "placeholder", "label", "data-failed", "data-removed",
    "data-undo", "data-copied", "data-placing", "data-changed", "data-waiting", "data-unreached",
    "data-text-add", "data-text-out", "data-unreachable",
)  # fmt: skip
SILENT = ("script", "style", "template")
#: What was searched for, a zone of time, and what the settings of plugins have from the start.
DATA = "zzzz GMT Express UPS GGEXUS SXXX Golden Gate Example Bank San Francisco OpticWorks Inc"
NUMBER = re.compile(r"\b[0-9A-Z]{4}-[0-9A-Z]{4}\b")  # of an order


@pytest.fixture
def shop(make_shop):
    settings = {**way.SETTINGS, "shop": {"locale": "de"}}
    shop = make_shop(plugins=way.PLUGINS, settings=settings, theme="default")
    load_demo(shop)
    return shop


def told(response) -> list[str]:
    """What a page says: the text of its elements, and what scripts and screen readers say."""
    if response.content_type == "application/json":
        found = [response.json.get("message", ""), *response.json.get("errors", {}).values()]
    else:
        page = BeautifulSoup(response.text, "html.parser")
        found = [
            content
            for block in page.select("script[type='application/ld+json']")
            for content in names_in(json.loads(block.text))
        ]
        for silent in page(SILENT):
            silent.decompose()
        found += [str(each) for each in page.find_all(string=True) if type(each) is NavigableString]
        for name in SAID:
            found += [each[name] for each in page.select(f"[{name}]")]
        found += [each["content"] for each in page.select("meta[name=description]")]
        found += [each["content"] for each in page.select("meta[property='og:title']")]
    return [said for each in found if re.search("[A-Za-z⟦⟧]", said := " ".join(each.split()))]


def names_in(data) -> list[str]:
    """schema.org's words: names and descriptions, however deep."""
    if isinstance(data, list):
        return [name for each in data for name in names_in(each)]
    if not isinstance(data, dict):
        return []
    own = [data[key] for key in ("name", "description") if isinstance(data.get(key), str)]
    return own + [name for each in data.values() for name in names_in(each)]


def typed_by_the_shop(shop) -> str:
    """Everything that staff or customers wrote, and what the settings say."""
    written = [repr(shop.settings["shop"]), repr(way.ADA), repr(shop.settings)]
    with shop.unit() as db:
        tables = db.scalars(
            text(
                "SELECT quote_ident(tablename) FROM pg_tables WHERE schemaname = 'public' AND"
                " (tablename LIKE 'catalog%' OR tablename LIKE 'reviews%' OR tablename LIKE"
                " 'taxes%' OR tablename LIKE 'discounts%' OR tablename IN ('page', 'setting'))"
            )
        ).all()
        for table in tables:
            written += db.scalars(text(f"SELECT t::text FROM {table} t"))
    return "\n".join(written)


@cache
def german() -> list[tuple[str, str, re.Pattern[str]]]:
    """English texts that are others in German, in both, with what finds the English on a page."""
    found = []
    for path in sorted(ROOT.glob("*/**/locale/de/LC_MESSAGES/opticworks.po")):
        with path.open("rb") as file:
            catalogue = read_po(file, locale="de")
        for message in catalogue:
            ids = message.id if isinstance(message.id, tuple) else (message.id,)
            said = message.string if isinstance(message.string, tuple) else (message.string,)
            for one, other in zip(ids, said, strict=True):
                plain = re.sub(r"<[^>]*>", "", one)
                fixed = re.sub(r"\$?\{\w+\}", " ", plain)
                if one == other or not re.search("[A-Za-z]{2}", fixed):
                    continue
                if fixed != plain and len(re.findall("[A-Za-z]+", fixed)) < 3:
                    continue
                parts = re.split(r"\$?\{\w+\}", " ".join(plain.split()))
                found.append((one, other, re.compile(".+".join(map(re.escape, parts)))))
    return found


def test_a_german_shop_says_nothing_in_english(shop):
    shown, known = {}, typed_by_the_shop(shop)
    for what, response in way.journey(shop):
        assert 'lang="en' not in response.text, what
        for said in told(response):
            shown.setdefault(said, what)
    english = {
        (what, said)
        for said, what in shown.items()
        if said not in known and any(pattern.fullmatch(said) for _, _, pattern in german())
    }
    assert not english
    for words in ("In den Warenkorb", "Zahlungspflichtig bestellen", "Zur Kasse", "Zwischensumme"):
        assert words in shown
    assert len(shown) > 500


def test_another_language_in_the_settings_holds_for_what_was_remembered(shop):
    """Cards, the menu, the footer and items that can't be bought are remembered."""
    with shop.unit() as db:
        set_stock(db, "MNT-KIT", 0, actor="test", reason="counted")
    browser = Browser(shop)

    def seen():
        shop.settings_changed()
        page = browser.get("/products")
        cart = browser.post("/cart/lines", {"sku": "MNT-KIT", "quantity": "1"}).follow()
        return page.text + cart.text

    assert "Ausverkauft" in (text := seen())
    assert "Sold out" not in text
    assert "Skip to content" not in text
    for seen_version, locale in enumerate(("en_GB", "de_AT")):
        with shop.unit() as db:
            save(db, "shop", {"locale": locale}, seen_version, actor="test", changes={})
        text = seen()
        assert ("Sold out" in text, "Ausverkauft" in text) == (
            locale == "en_GB",
            locale == "de_AT",
        )


def test_the_admin_of_a_german_shop_is_in_english(shop, monkeypatch):
    monkeypatch.setattr(passwords, "_hasher", PasswordHasher(time_cost=1, memory_cost=64))
    with shop.unit() as db:
        service.create_staff(db, "ada@example.org", "correct horse", role="owner", actor="test")
    browser = Browser(shop)
    door = browser.get("/admin/sign-in")
    door.form["email"], door.form["password"] = "ada@example.org", "correct horse"
    door.form.submit(status=303)
    in_german = {said for _, said, _ in german()}
    for path in (
        "",
        "/orders",
        "/products",
        "/settings/shop",
        "/reports",
        "/discounts",
        "/nothing",
    ):
        page = browser.get(f"/admin{path}", expect_errors=True)
        assert page.html.html["lang"] == "en"
        assert in_german.isdisjoint(told(page)), path


def test_not_a_word_of_a_page_goes_past_gettext(shop, monkeypatch):
    """Each text is set in brackets where it is translated; what stands outside is data."""
    monkeypatch.setattr(engine, "translator", lambda layers, locale: Brackets(locale))
    known = typed_by_the_shop(shop)
    locale = Locale.parse("de")
    known += repr([*locale.territories.values(), *locale.months["format"]["wide"].values()])
    known += repr(STATES)
    past = {}
    for what, response in way.journey(shop):
        # A text with a value in it goes on behind the value's element.
        for said in outside("\n".join(told(response))).splitlines():
            for word in re.findall(r"[^\W\d_]{3,}", NUMBER.sub("", said)):
                if word not in known and word not in DATA.split():
                    past.setdefault(said, what)
    assert not past
