"""Every kind of mail: what mail programs understand, and not a word that can't be translated."""

from __future__ import annotations

import calendar
import re
import sys
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from bs4 import BeautifulSoup

from opticworks.contracts import Instruction, Picture
from opticworks.notifications import rendering, wording
from opticworks.notifications.kinds import sample_order, sample_parcel
from opticworks.shop import Shop
from opticworks.testing.pseudo import Brackets, outside
from opticworks.web.templates import Templates

ROOT = Path(__file__).parents[3]
PLUGINS = ("catalog", "manual_payments", "reviews")
CLIPPED = 102_000  #: bytes after which Gmail shows no more


def order_of(shop: Shop):
    """A sample that has all an order can have: a picture, instructions, a parcel, a reason."""
    order = sample_order("EUR", shop.config.base_url, shop.settings["shop"].locale)
    picture = Picture(src="/media/lamp.webp", width=72, height=72, alt="")
    lines = (replace(order.lines[0], image=picture), *order.lines[1:])
    payment = replace(
        order.payment,
        title="Bank transfer",
        instructions=(Instruction(label="Amount", value="193"),),
        expires_at=order.placed_at + timedelta(days=7),
    )
    order = replace(
        order, lines=lines, payment=payment, payment_status="pending", cancel_reason="Broken."
    )
    parcel = replace(sample_parcel(order), carrier="")
    return replace(order, shipments=(parcel,), fulfilment_status="part_shipped")


def letters(shop: Shop):
    """(kind, draft, letter) for each kind there is."""
    order = order_of(shop)
    found = []
    for kind in wording.kinds(shop).values():
        drawn = rendering.sample(shop, kind, order)
        assert drawn is not None, f"{kind.code} has no sample to look at"
        said = wording.Words(
            *(
                shop.templates.gettext(shop.settings["shop"].locale)(each)
                for each in (kind.subject, kind.intro)
            )
        )
        draft, intro = rendering.fill(shop, kind, drawn, order, said)
        found.append((kind, drawn, rendering.render(shop, draft, order, intro=intro)))
    return found


def visible(page: BeautifulSoup) -> list[str]:
    """What is read in the mail, without the line for previews and without decoration."""
    for hidden in page.select(".preheader, [aria-hidden=true], style, title"):
        hidden.decompose()
    found = (" ".join(each.split()) for each in page.body.find_all(string=True))
    return [each for each in found if each and each != "\u200b"]


@pytest.fixture
def shop(make_shop) -> Shop:
    return make_shop(plugins=PLUGINS)


def test_each_mail_is_what_mail_programs_understand(shop):
    for kind, _, letter in letters(shop):
        page = BeautifulSoup(letter.html, "html.parser")
        code = kind.code
        assert not page.select("link, script, form, object, iframe, [onclick]"), code
        style = " ".join(each.text for each in page.select("style"))
        assert "@import" not in letter.html, code
        assert "url(" not in letter.html, code
        assert "prefers-color-scheme: dark" in style, code
        # What a program without style sheets shows is in attributes; @media alone is left.
        outside = re.sub(r"@media[^{]*\{(?:[^{}]*\{[^{}]*\})*[^{}]*\}", "", style)
        needed = set(re.findall(r"\.([a-z-]+)", outside))
        for name in needed:
            assert all(each.get("style") for each in page.select(f".{name}")), (code, name)
        assert all(each.get("role") == "presentation" for each in page.select("table")), code
        widths = [int(each["width"]) for each in page.select("[width]") if each["width"].isdigit()]
        assert max(widths) <= 600, code
        for picture in page.select("img"):
            assert picture["src"].startswith("http"), code
            assert picture.has_attr("alt"), code
        for link in page.select("a"):
            assert re.match(r"(https?://|mailto:)", link["href"]), (code, link)
        preheader = page.select_one(".preheader")
        assert preheader is not None, code
        assert 5 < len(" ".join(preheader.text.split())) < 200, code
        assert len(letter.html.encode()) < CLIPPED, code
        text = " ".join(letter.text.split())
        signs = {each.text.strip() for each in page.select("[aria-hidden=true]")} - {""}
        assert signs.isdisjoint(letter.text.splitlines()), (code, "a sign stands for itself")
        for words in visible(page):
            assert words in text, (code, words)


def test_not_a_word_of_a_mail_goes_past_gettext(shop, monkeypatch):
    """Each text is set in brackets where it is translated; what stands outside is data."""

    monkeypatch.setattr(Templates, "gettext", lambda self, locale: Brackets(locale))
    order = order_of(shop)
    settings = shop.settings["shop"]
    for kind, drawn, letter in letters(shop):
        data = f"{order!r} {settings!r} {drawn.data!r} sample Your Settings"
        words = [*visible(BeautifulSoup(letter.html, "html.parser")), letter.subject]
        for said in words:
            for word in re.findall(r"[A-Za-z]{3,}", outside(said)):
                assert word in data or word in CALENDAR, (kind.code, said)


#: What Babel writes: months, zones, countries.
CALENDAR = frozenset(calendar.month_name) | {"UTC", "United", "States"}


def test_a_german_shops_mails_are_german_with_its_dates_and_money(make_shop):
    shop = make_shop(plugins=PLUGINS, settings={"shop": {"locale": "de_DE"}})
    by_code = {kind.code: letter for kind, _, letter in letters(shop)}
    placed = by_code["order_placed"]
    assert placed.subject == "Ihre Bestellung SAMPLE-1042"
    assert 'lang="de"' in placed.html
    text = " ".join(placed.text.split())
    for said in (
        "Danke für Ihre Bestellung, Ada",
        "Wir halten Ihre Artikel für Sie zurück",
        "193,00\xa0€".replace("\xa0", " "),
        "Zwischensumme",
        "Zahlung: Überweisung",
        "Betrag",
        "Vereinigte Staaten",
    ):
        assert said in text, said
    assert (
        by_code["shipment_shipped"].subject == "Ein Teil Ihrer Bestellung SAMPLE-1042 ist unterwegs"
    )
    assert "es bringt der Paketdienst" in by_code["shipment_shipped"].text
    assert by_code["account_reset"].subject.startswith("Wählen Sie ein neues Passwort")
    english = re.compile(r"\b(the|your|and|with|for|you|order|parcel|payment)\b", re.IGNORECASE)
    for code, letter in by_code.items():
        found = english.search(f"{letter.subject} {letter.text}".replace("http", ""))
        plain = re.sub(r"https?://\S+", "", f"{letter.subject} {letter.text}")
        assert not english.search(plain), (code, found)


def test_no_text_that_customers_read_lacks_a_german_translation():
    """The catalogues are what `make messages` would write: nothing new, nothing untranslated."""
    sys.path.insert(0, str(ROOT / "tools"))
    try:
        import messages
    finally:
        sys.path.pop(0)
    for package, texts in messages.gather().items():
        known = messages.read(package, "de")
        missing = [
            each.id
            for each in texts
            if each.id and not messages.is_whole(known.get(each.id) or each)
        ]
        assert not missing, f"{package.name}: run `make messages` and translate {missing}"
        for each in known:
            if each.id and each.string:
                names = set(re.findall(r"\{\w+\}", "".join(each.id)))
                assert names == set(re.findall(r"\{\w+\}", "".join(each.string))), each.id
        assert package.locale.joinpath("de", "LC_MESSAGES", "opticworks.mo").exists()
