"""How text is compared when somebody searches."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from opticworks_catalog.finding import folding


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("Größe ÆRØ Łódź", ["grosse", "aero", "lodz"]),
        ("Crème brûlée", ["creme", "brulee"]),
        ("RS-1 24 GHz", ["rs", "1", "24", "ghz"]),
        ("e\u0301te\u0301", ["ete"]),
        ("ﬁne ½ ²", ["fine", "1", "2", "2"]),
        ("İstanbul ısı", ["istanbul", "isi"]),
        ("日本語 lamp", ["日", "本", "語", "lamp"]),
        ("a\0b\n'c' & | ! :*", ["a", "b", "c"]),
        ("", []),
    ],
)
def test_words_are_folded(text, words):
    assert folding.words(text) == words


def test_codes_are_compared_without_what_people_leave_out():
    assert folding.code(" rs1 pro-WHT ") == folding.code("RS1-PRO-WHT") == "rs1prowht"
    assert folding.compounds("The RS-1's USB-C port") == ["rs1s", "usbc"]


@pytest.mark.parametrize(
    ("typed", "word", "count"),
    [("sensor", "sensor", 0), ("senosr", "sensor", 1), ("sensr", "sensor", 1), ("cat", "dog", 3)],
)
def test_slips_are_counted(typed, word, count):
    assert folding.slips(typed, word) == folding.slips(word, typed) == count


def test_the_nearest_words_are_meant():
    known = ["sensor", "sense", "senior", "cable"]
    assert folding.closest("senosr", known) == ["sensor"]
    assert folding.closest("calb", known, unfinished=True) == ["cable"]
    assert folding.closest("xy", known) == []
    assert folding.closest("123456", ["123457"]) == []  # another number is another thing


@given(st.text())
def test_folding_twice_changes_nothing(text):
    once = folding.words(text)
    assert folding.words(" ".join(once)) == once
    assert all(word.isalnum() and len(word) <= folding.MAX_WORD for word in once)


@given(st.text(max_size=30), st.text(max_size=30))
def test_slips_are_a_distance(one, other):
    assert folding.slips(one, other) == folding.slips(other, one)
    assert (folding.slips(one, other) == 0) == (one == other)
