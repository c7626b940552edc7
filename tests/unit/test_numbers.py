"""Numbers that anybody may have written."""

from __future__ import annotations

import pytest

from opticworks.web.numbers import whole


@pytest.mark.parametrize(
    ("text", "number"), [("0", 0), ("7", 7), ("007", 7), ("9" * 18, int("9" * 18))]
)
def test_a_whole_number_is_read(text: str, number: int) -> None:
    assert whole(text, -1) == number


@pytest.mark.parametrize(
    "text", [None, b"1", "", " 1", "-1", "+1", "1.0", "1_0", "²", "١", "9" * 19, "9" * 5000]
)
def test_whatever_is_none_is_what_the_caller_says(text: object) -> None:
    assert whole(text, -1) == -1
    assert whole(text) == 0
