"""What is printed of an order: packing slips, and the labels of many parcels in one file."""

from __future__ import annotations

import uuid
from collections.abc import Collection, Mapping, Sequence
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from babel.dates import format_date
from sqlalchemy.orm import Session

from opticworks import contracts as c
from opticworks.checkout import parcels as bench_room
from opticworks.contracts.goods import contents_of, named
from opticworks.documents import facts
from opticworks.orders.models import Order, OrderLine
from opticworks.shipping import service as shipments
from opticworks.shipping.models import LIVE, LabelFile, Parcel
from opticworks.shop import Shop

if TYPE_CHECKING:
    from opticworks.documents.slip import Slip, SlipLine

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
    wanted = {
        line.id: sum(part.quantity for each in parcels for part in each.lines
                     if part.order_line_id == line.id) + max(found.left[line.id], 0)
        for line in found.lines
    }  # fmt: skip
    boxed = [
        (parcel, {part.order_line_id: part.quantity for part in parcel.lines}) for parcel in parcels
    ]
    if not parcels and any(wanted.values()):
        return [_slip(shop, order, found.lines, wanted, wanted, None, "")]
    several = len(parcels) + (1 if any(left > 0 for left in found.left.values()) else 0)
    gettext = shop.templates.gettext(shop.settings["shop"].locale)
    return [
        _slip(
            shop,
            order,
            found.lines,
            inside,
            wanted,
            parcel,
            f"{gettext('Parcel')} {place} / {several}" if several > 1 else "",
        )
        for place, (parcel, inside) in enumerate(boxed, 1)
        if parcel_ids is None or parcel.id in parcel_ids
    ]


def _slip(
    shop: Shop,
    order: Order,
    lines: Sequence[OrderLine],
    inside: Mapping[int, int],
    wanted: Mapping[int, int],
    parcel: Parcel | None,
    part: str,
) -> Slip:
    settings, gettext = shop.settings["shop"], shop.templates.gettext
    _ = gettext(settings.locale)
    day = order.placed_at.astimezone(ZoneInfo(settings.timezone))
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
        to=facts.lines_of(c.Address.model_validate(order.address), settings.locale),
        lines=[_line(line, inside[line.id]) for line in lines if inside.get(line.id)],
        facts=about,
        part=part,
        others=[
            _line(line, elsewhere)
            for line in lines
            if (elsewhere := wanted[line.id] - inside.get(line.id, 0)) > 0
        ],
        note=shop.settings["documents"].slip_note,
    )


def _line(line: OrderLine, quantity: int) -> SlipLine:
    held = contents_of(
        (part["quantity"], named(part.get("title") or part["sku"], part.get("options", "")))
        for part in line.components
    )
    from opticworks.documents.slip import SlipLine

    return SlipLine(
        title=line.title,
        quantity=quantity,
        note=" · ".join(part for part in (line.options, line.sku) if part),
        contents=held,
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
