"""Packing slips: what lies in a parcel, without prices, for the packer and for who opens it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from reportlab.graphics.barcode.code128 import Code128
from reportlab.platypus import Flowable

from opticworks.documents.page import Gettext, Part, draw, gap, lines, small, table, text, width_of

HEIGHT = 22.0  #: of the barcode, in points


@dataclass(frozen=True, slots=True, kw_only=True)
class SlipLine:
    """`quantity` of a thing; `note` says which (options, SKU), `contents` what a bundle holds."""

    title: str
    quantity: int
    note: str = ""
    contents: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Slip:
    """One parcel's slip. `facts` are (name, value) pairs; `others` are lines that come in other
    parcels; `part` is "Parcel 1 of 2" where there are several. `gettext` translates the headings
    into the language of the order."""

    shop: str
    order: str
    to: Sequence[str]
    lines: Sequence[SlipLine]
    facts: Sequence[tuple[str, str]] = ()
    part: str = ""
    others: Sequence[SlipLine] = ()
    note: str = ""
    gettext: Gettext = str


def pdf(slips: Sequence[Slip], paper: str) -> bytes:
    """The slips as one PDF, each beginning a page. `paper` is one of page.PAPERS."""
    _ = slips[0].gettext
    title = _("Packing slip")
    several = f"{title} {slips[0].order}" if len(slips) == 1 else f"{len(slips)} × {title}"
    parts = [_part(slip, paper) for slip in slips]
    return draw(parts, paper, several, slips[0].shop)


def _part(slip: Slip, paper: str) -> Part:
    _ = slip.gettext
    tight, width = small(paper), width_of(paper)
    size = 8.5 if tight else 10
    found = [
        *_head(slip, width, tight, _),
        gap(6 if tight else 14),
        _rows(slip.lines, width, size, _),
    ]
    if slip.others:
        found += [
            gap(10),
            text(_("Not in this parcel"), size, bold=True),
            gap(2),
            *(text(f"{line.quantity} × {line.title}", size - 1, grey=True) for line in slip.others),
        ]
    if slip.note:
        found += [gap(12), *lines(slip.note.splitlines(), size - 1, grey=True)]
    title = _("Packing slip")
    return found, f"{title} {slip.order} · {slip.shop}"


def _head(slip: Slip, width: float, tight: bool, _: Gettext) -> list[Flowable]:
    size = 8.5 if tight else 10
    code = Code128(
        slip.order,
        barHeight=HEIGHT * (0.8 if tight else 1),
        barWidth=0.62 if tight else 0.85,
        quiet=False,
    )
    code.hAlign = "RIGHT"
    name = [
        text(slip.shop, 11 if tight else 14, bold=True),
        text(_("Packing slip"), size, grey=True),
    ]
    number: list[Any] = [code, gap(2), text(slip.order, size, bold=True, right=True)]
    if slip.part:
        number.append(text(slip.part, size, right=True))
    to = [text(_("Ship to"), size - 1.5, grey=True), *lines(slip.to, size)]
    facts = [
        [text(label, size - 1, grey=True), text(value, size - 1)]
        for label, value in slip.facts
        if value
    ]
    half = width / 2
    right = table(facts, [half * 0.38, half * 0.62], ruled=False) if facts else ""
    return [
        table([[name, number]], [half, half], ruled=False, right=True),
        gap(6 if tight else 18),
        table([[to, right]], [half, half], ruled=False),
    ]


def _rows(rows: Sequence[SlipLine], width: float, size: float, _: Gettext) -> Flowable:
    head = [text(_("Qty"), size - 2, grey=True), text(_("Item"), size - 2, grey=True)]
    body = [
        [
            text(f"{line.quantity} ×", size, bold=True),
            [
                text(line.title, size),
                *lines([line.note, line.contents], size - 1.5, grey=True),
            ],
        ]
        for line in rows
    ]
    return table([head, *body], [34, width - 34], head=1)
