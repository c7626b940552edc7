"""Turning lines into parcels: nothing lost, nothing squeezed, the smallest box that does."""

from __future__ import annotations

import time
from math import prod

from hypothesis import given, settings
from hypothesis import strategies as st

from opticworks.contracts import Box
from opticworks.shipping.packing import Piece, pack

SMALL = Box(name="small", length=200, width=150, height=100, weight=80, max_weight=2_000)
LARGE = Box(name="large", length=400, width=300, height=300, weight=250, max_weight=10_000)
BOXES = (LARGE, SMALL)


def pieces(count: int, weight: int = 200, size=(100, 100, 60), key: str = "A") -> list[Piece]:
    return [Piece(key=key, weight=weight, size=size) for _ in range(count)]


def packed(*args, boxes=BOXES):
    return [(parcel.box, dict(parcel.lines)) for parcel in pack(*args, boxes)]


def test_the_smallest_box_that_takes_everything_is_taken() -> None:
    (parcel,) = pack(pieces(2), BOXES)
    assert (parcel.box, parcel.size, parcel.weight) == ("small", (200, 150, 100), 480)
    assert packed(pieces(12)) == [("large", {"A": 12})]


def test_what_fills_one_box_goes_on_in_the_next() -> None:
    assert [parcel.lines["A"] for parcel in pack(pieces(30, weight=400), BOXES)] == [25, 5]


def test_pieces_are_turned_to_fit() -> None:
    assert packed(pieces(1, size=(90, 140, 190))) == [("small", {"A": 1})]


def test_what_fits_into_no_box_goes_as_it_is() -> None:
    post = Piece(key="post", weight=900, size=(1500, 80, 80))
    (long, rest) = pack([post, *pieces(1)], BOXES)
    assert (long.box, long.size, long.weight) == ("", (1500, 80, 80), 900)
    assert rest.box == "small"


def test_what_has_no_size_counts_by_its_weight() -> None:
    assert packed(pieces(9, weight=200, size=None)) == [("small", {"A": 9})]
    assert packed(pieces(11, weight=200, size=None)) == [("large", {"A": 11})]


def test_without_boxes_it_is_one_parcel_by_weight() -> None:
    (parcel,) = pack([*pieces(3), *pieces(1, key="B")], ())
    assert (parcel.weight, parcel.size, parcel.box) == (800, None, "")
    assert parcel.lines == {"A": 3, "B": 1}
    assert pack([], BOXES) == []


def test_a_thousand_pieces_are_packed_in_no_time() -> None:
    begun = time.process_time()
    parcels = pack(pieces(999), BOXES)
    assert time.process_time() - begun < 1.0
    assert sum(parcel.lines["A"] for parcel in parcels) == 999


sides = st.integers(10, 500)
anything = st.lists(
    st.builds(
        Piece,
        key=st.sampled_from("ABC"),
        weight=st.integers(0, 12_000),
        size=st.none() | st.tuples(sides, sides, sides),
    ),
    max_size=25,
)


@settings(max_examples=80, deadline=None)
@given(anything)
def test_each_piece_lies_in_one_parcel_and_no_box_holds_more_than_it_can(some) -> None:
    parcels = pack(some, BOXES)
    boxes = {box.name: box for box in BOXES}
    volumes = dict.fromkeys("ABC", 0)
    for key in "ABC":
        assert sum(p.lines.get(key, 0) for p in parcels) == sum(1 for x in some if x.key == key)
        volumes[key] = min((x.volume for x in some if x.key == key), default=0)
    for parcel in parcels:
        if parcel.box:
            box = boxes[parcel.box]
            assert parcel.weight - box.weight <= box.max_weight
            least = sum(volumes[key] * quantity for key, quantity in parcel.lines.items())
            assert least <= prod(box.size)
        else:
            assert sum(parcel.lines.values()) == 1
