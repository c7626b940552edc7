"""Sentences said in Python: English, or in the language of the page that is being made."""

from __future__ import annotations

import gettext
from contextlib import contextmanager

import pytest

from opticworks.contracts import said_in, said_together, say, say_number, speaking
from opticworks.web.translations import Words


class Catalogue(gettext.NullTranslations):
    """Polish, which has three forms."""

    def gettext(self, message):
        return {"Sold out": "Brak", "Of {name}": "Z {name}"}.get(message, message)

    def ngettext(self, one, many, n):
        few = n % 10 in (2, 3, 4) and n % 100 not in (12, 13, 14)
        forms = ("{n} plik {where}", "{n} pliki {where}", "{n} plików {where}")
        return forms[0 if n == 1 else 1 if few else 2]


@contextmanager
def in_polish():
    before = speaking.set(Words("pl_PL", Catalogue()))
    try:
        yield
    finally:
        speaking.reset(before)


def test_without_a_page_it_is_english():
    assert (say("Sold out"), say("Of {name}", name="{x}")) == ("Sold out", "Of {x}")
    assert [say_number("{n} file", "{n} files", n) for n in (0, 1, 2)] == [
        "0 files",
        "1 file",
        "2 files",
    ]
    assert said_together(["A"]) == "A"
    assert said_together(["A", "B", "C"]) == "A, B and C"
    assert said_in() == ""


def test_a_page_says_it_in_its_language():
    with in_polish():
        assert (say("Sold out"), say("Of {name}", name="{x}")) == ("Brak", "Z {x}")
        assert say("{not} a field") == "{not} a field"
        assert said_in() == "pl_PL"
        assert said_together(["A", "B"]) == "A i B"
    assert say("Sold out") == "Sold out"


@pytest.mark.parametrize(("number", "said"), [(1, "plik"), (3, "pliki"), (5, "plików")])
def test_a_language_has_as_many_forms_as_it_needs(number, said):
    with in_polish():
        there = say_number("{n} file {where}", "{n} files {where}", number, where="tu")
    assert there == f"{number} {said} tu"
