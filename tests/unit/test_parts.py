"""What comes back of a bundle is worth its share, to the cent."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from opticworks.orders.parts import worth


@given(st.integers(0, 10**6), st.lists(st.integers(0, 5), min_size=1, max_size=8))
def test_however_units_come_back_they_are_worth_the_share(share: int, steps: list[int]) -> None:
    units, already, back = sum(steps), 0, []
    for count in steps:
        back.append(worth(share, units, count, already))
        already += count
    assert sum(back) == (share if units else 0)
    assert all(0 <= amount <= share for amount in back)


def test_one_of_three_is_a_third_and_no_fourth_comes_back() -> None:
    assert [worth(1000, 3, 1, already) for already in range(3)] == [333, 333, 334]
    with pytest.raises(ValueError, match="Of 3 units 3 came back"):
        worth(1000, 3, 1, 3)
