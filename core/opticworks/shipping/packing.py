"""Which parcels an order goes into: first fit over the shop's boxes, by size and weight.

The rule, in three sentences. If everything fits into one box, the smallest such box is taken.
Otherwise the roomiest box is filled, the biggest pieces first, each turned any way and put into
the first free space that takes it, and the same goes for what is left. What has no size counts by
its weight alone, and what fits into no box is a parcel of its own.

Free space is kept as cuboids that are split when something is put in (guillotine cuts), so that
what is said to fit does fit; a patient packer may fit more. Pure: no database, no clock.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import permutations
from math import prod

from opticworks import contracts as c

Size = tuple[int, int, int]
#: Above so many pieces the boxes are filled by volume: fitting each one in takes too long.
MOST_PIECES = 300
FILLED = 0.7  #: of a box's volume, when it is filled by volume


@dataclass(frozen=True, slots=True, kw_only=True)
class Piece:
    """One unit to be packed; `key` says of what. Grams and millimetres."""

    key: str
    weight: int
    size: Size | None = None

    @property
    def volume(self) -> int:
        return prod(self.size) if self.size else 0


@dataclass(slots=True)
class _Filling:
    """A box being filled."""

    box: c.Box
    by_volume: bool
    spaces: list[Size] = field(default_factory=list)
    pieces: list[Piece] = field(default_factory=list)
    weight: int = 0
    volume: int = 0

    def __post_init__(self) -> None:
        self.spaces = [self.box.size]

    def take(self, piece: Piece) -> bool:
        """Put it in; False if it doesn't fit."""
        if self.weight + piece.weight > self.box.max_weight or not self._room(piece):
            return False
        self.pieces.append(piece)
        self.weight += piece.weight
        self.volume += piece.volume
        return True

    def _room(self, piece: Piece) -> bool:
        if piece.size is None:
            return True
        if self.by_volume:
            small = all(
                a <= b for a, b in zip(sorted(piece.size), sorted(self.box.size), strict=True)
            )
            return small and self.volume + piece.volume <= FILLED * prod(self.box.size)
        for index, space in enumerate(self.spaces):
            turned = _turned(piece.size, space)
            if turned is not None:
                del self.spaces[index]
                self.spaces += _left_over(space, turned)
                self.spaces.sort(key=prod)  # the tightest space first
                return True
        return False


def _turned(size: Size, space: Size) -> Size | None:
    """The piece turned so that it fits into the space, flat rather than upright."""
    ways: set[Size] = {(a, b, c) for a, b, c in permutations(size)}
    fitting = [
        way for way in ways if all(mine <= room for mine, room in zip(way, space, strict=True))
    ]
    return min(fitting, key=lambda way: (way[2], way), default=None)


def _left_over(space: Size, taken: Size) -> list[Size]:
    """The three cuboids that remain beside, behind and above the piece."""
    (length, width, height), (a, b, up) = space, taken
    rest = [(length - a, width, height), (a, width - b, height), (a, b, height - up)]
    return [cuboid for cuboid in rest if all(side > 0 for side in cuboid)]


def pack(pieces: Sequence[Piece], boxes: Sequence[c.Box]) -> list[c.Parcel]:
    """The pieces in parcels, the fullest first. Without boxes it is one parcel by weight."""
    if not pieces:
        return []
    if not boxes:
        return [_parcel(pieces)]
    ordered = sorted(boxes, key=lambda box: (prod(box.size), box.max_weight, box.name))
    by_volume = len(pieces) > MOST_PIECES
    left = sorted(pieces, key=lambda piece: (-piece.volume, -piece.weight, piece.key))
    parcels = []
    while left:
        filled = _fill(left, ordered, by_volume)
        if filled is None:  # the biggest piece fits into no box
            parcels.append(_parcel(left[:1]))
            left = left[1:]
            continue
        parcels.append(_parcel(filled.pieces, filled.box))
        taken = {id(piece) for piece in filled.pieces}
        left = [piece for piece in left if id(piece) not in taken]
    return parcels


def _fill(pieces: Sequence[Piece], boxes: Sequence[c.Box], by_volume: bool) -> _Filling | None:
    """The smallest box that takes everything, else the roomiest with as much as it takes; None
    if no box takes even the first piece."""
    fullest = None
    for box in boxes:
        filling = _Filling(box, by_volume)
        for piece in pieces:
            filling.take(piece)
        if len(filling.pieces) == len(pieces):
            return filling
        if filling.pieces[:1] == list(pieces[:1]):
            fullest = filling
    return fullest


def _parcel(pieces: Sequence[Piece], box: c.Box | None = None) -> c.Parcel:
    lines: dict[str, int] = {}
    for piece in pieces:
        lines[piece.key] = lines.get(piece.key, 0) + 1
    alone = pieces[0].size if len(pieces) == 1 else None
    return c.Parcel(
        weight=sum(piece.weight for piece in pieces) + (box.weight if box else 0),
        size=box.size if box else alone,
        box=box.name if box else "",
        lines=lines,
    )


def pieces_of(lines: Sequence[c.ShippingLine]) -> Iterator[Piece]:
    """Each unit of the lines as a piece of its own."""
    for line in lines:
        piece = Piece(key=line.sku, weight=line.weight, size=line.size)
        # Equal pieces stay different ones: each is put in once.
        yield from (
            Piece(key=piece.key, weight=piece.weight, size=piece.size) for _ in range(line.quantity)
        )
