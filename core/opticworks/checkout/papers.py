"""What is printed of an order: packing slips, and the labels of many parcels in one file."""

from __future__ import annotations

import uuid
from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from babel.dates import format_date
from sqlalchemy.orm import Session

from opticworks import contracts as c
from opticworks.checkout import demand
from opticworks.checkout import parcels as bench_room
from opticworks.contracts import N_
from opticworks.documents import facts
from opticworks.orders.models import Order, OrderLine
from opticworks.orders.parts import kits
from opticworks.shipping import service as shipments
from opticworks.shipping.models import LIVE, LabelFile, Parcel
from opticworks.shop import Shop

if TYPE_CHECKING:
    from opticworks.documents.slip import Slip, SlipLine

Gettext = Callable[[str], str]

#: Formats of labels by how well they go into one PDF.
PRINTABLE = ("PDF", "PNG")


def slip_paper(papers: c.DocumentSettings) -> str:
    """What slips are printed on, as documents.page.PAPERS calls it."""
    return papers.paper if papers.slip_paper == "sheet" else papers.slip_paper


def slips(
    shop: Shop, db: Session, order: Order, parcel_ids: Collection[uuid.UUID] | None = None
) -> list[Slip]:
    """A slip for each parcel of the order, or for these; for an order of which nothing is packed
    yet, one of all that is to pack. Empty when there is nothing to ship."""
    found = bench_room.bench(db, order)
    parcels = list(shipments.of_order(db, order.id, LIVE))
    boxed = [bench_room.inside(parcel) for parcel in parcels]
    here = _Goods({line_id: max(0, left) for line_id, left in found.left.items()}, found.without)
    _ = shop.templates.gettext(shop.settings["shop"].written_in(order.locale).locale)
    word = _("Parcel")
    goods = [_Goods(*each) for each in boxed]
    if not parcels and here.any:
        return [_slip(shop, order, found.lines, here, [], None, "")]
    several = len(parcels) + (1 if here.any else 0)
    return [
        _slip(
            shop,
            order,
            found.lines,
            goods[place],
            [*goods[:place], *goods[place + 1 :], here],
            parcel,
            f"{word} {place + 1} / {several}" if several > 1 else "",
        )
        for place, parcel in enumerate(parcels)
        if parcel_ids is None or parcel.id in parcel_ids
    ]


@dataclass(frozen=True, slots=True)
class _Goods:
    """What lies in a parcel or is to be packed, by order line id: units, and the parts that
    bundles among them go without."""

    units: Mapping[int, int]
    without: Mapping[int, Mapping[str, int]]

    @property
    def any(self) -> bool:
        return any(self.units.values())

    def lines(self, lines: Sequence[OrderLine], gettext: Gettext) -> list[SlipLine]:
        """As they stand on a slip; bundles that lack a part in rows of their own."""
        return [
            _line(line, units, lacks, gettext)
            for line in lines
            for units, lacks in kits(
                self.units.get(line.id, 0), demand.each_of(line), self.without.get(line.id, {})
            )
        ]


def _together(goods: Sequence[_Goods]) -> _Goods:
    units: Counter[int] = Counter()
    without: dict[int, Counter[str]] = {}
    for each in goods:
        units.update(each.units)
        for line_id, lacks in each.without.items():
            without.setdefault(line_id, Counter()).update(lacks)
    return _Goods(units, without)


def _slip(
    shop: Shop,
    order: Order,
    lines: Sequence[OrderLine],
    inside: _Goods,
    others: Sequence[_Goods],
    parcel: Parcel | None,
    part: str,
) -> Slip:
    settings = shop.settings["shop"].written_in(order.locale)
    _ = shop.templates.gettext(settings.locale)
    day = order.placed_at.astimezone(ZoneInfo(settings.timezone))
    to = parcel.sent_to if parcel is not None and parcel.sent_to else order.address
    about = [(_("Ordered"), str(format_date(day, "medium", locale=settings.locale)))]
    if parcel is not None:
        about += [
            (_("Box"), parcel.box),
            (_("Weight"), f"{parcel.weight / 1000:g} kg" if parcel.weight else ""),
            (_("Carrier"), parcel.way if parcel.carrier else ""),
            (_("Tracking"), parcel.tracking_number),
        ]
    elif order.shipping:
        about.append((_("Delivery"), str(order.shipping.get("title", ""))))
    from opticworks.documents.slip import Slip  # draws PDFs: 20 MB that few need

    return Slip(
        shop=settings.name,
        order=order.number,
        to=facts.lines_of(c.Address.model_validate(to), settings.locale),
        lines=inside.lines(lines, _),
        facts=about,
        part=part,
        others=_together(others).lines(lines, _),
        note=shop.settings["documents"].slip_note,
        gettext=_,
    )


def _line(line: OrderLine, quantity: int, lacks: Mapping[str, int], gettext: Gettext) -> SlipLine:
    inside = {sku: each - lacks.get(sku, 0) for sku, each in demand.each_of(line).items()}
    without = demand.said_parts(line, lacks)
    from opticworks.documents.slip import SlipLine

    said = gettext(N_("without {parts}")).format(parts=without) if without else ""
    return SlipLine(
        title=line.title,
        quantity=quantity,
        note=" · ".join(part for part in (line.options, line.sku, said) if part),
        contents=demand.said_parts(line, inside),
    )


# --- labels of many parcels -----------------------------------------------------------------------


def labels_pdf(db: Session, parcels: Sequence[tuple[str, Parcel]], title: str) -> bytes:
    """The labels of (order number, parcel) pairs as one PDF, in this order."""
    from opticworks.documents import merge

    return merge.pdf(
        [
            merge.Sheet(title=number, format=file.format, content=file.content)
            for number, parcel in parcels
            if (file := _best(shipments.label_files(db, parcel.id))) is not None
        ],
        title,
    )


def labels_zpl(db: Session, parcels: Sequence[tuple[str, Parcel]]) -> bytes:
    """The ZPL labels of these parcels one after the other, as a label printer takes them."""
    found: list[bytes] = []
    for _, parcel in parcels:
        files: Sequence[Any] = shipments.label_files(db, parcel.id)
        found += [file.content for file in files if file.format == "ZPL"][:1]
    return b"\n".join(found)


def _best(files: Sequence[LabelFile]) -> LabelFile | None:
    rank = {name: place for place, name in enumerate(PRINTABLE)}
    return min(files, key=lambda file: rank.get(file.format, 9), default=None)
