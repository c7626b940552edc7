"""Labels as files: 4 by 6 inches, with a barcode that scanners read, as PNG, PDF and ZPL."""

from __future__ import annotations

import io
from collections.abc import Sequence

import zxingcpp
from PIL import Image, ImageDraw, ImageFont

from opticworks.testing.standins import Object
from opticworks.testing.standins.lettering import pieces

DPI = 203
WIDTH, HEIGHT = 4 * DPI, 6 * DPI
MARGIN = 40
WARNING = "SAMPLE: NO POSTAGE PAID"
TYPES = {"png": "image/png", "pdf": "application/pdf", "zpl": "application/zpl"}


def label(shipment: Object, extension: str) -> bytes:
    """The label of a bought shipment. Raises KeyError for a format that there isn't."""
    makers = {"png": _png, "pdf": lambda each: pages([each]), "zpl": _zpl}
    return makers[extension](shipment)


def pages(shipments: Sequence[Object]) -> bytes:
    """One PDF with a page for each label."""
    return _pdf([_picture(shipment) for shipment in shipments])


def manifest(codes: Sequence[str], form_id: str) -> bytes:
    """A SCAN form: one barcode for all parcels of the day, and their numbers."""
    picture, draw = _page()
    draw.text((MARGIN, MARGIN), "SCAN FORM", fill=0, font=ImageFont.load_default(52))
    draw.text((MARGIN, 110), WARNING, fill=0, font=ImageFont.load_default(26))
    _barcode(picture, form_id, 170)
    text = "\n".join((f"{len(codes)} parcels", "", *codes[:30]))
    draw.text((MARGIN, 420), text, fill=0, font=ImageFont.load_default(24))
    return _pdf([picture])


def _page() -> tuple[Image.Image, ImageDraw.ImageDraw]:
    picture = Image.new("1", (WIDTH, HEIGHT), 1)
    return picture, ImageDraw.Draw(picture)


def _picture(shipment: Object) -> Image.Image:
    picture, draw = _page()
    rate = shipment["selected_rate"]
    title = f"{rate['carrier']} {rate['service']}"
    _write(draw, 30, title[:34], 40)
    draw.text((MARGIN, 90), WARNING, fill=0, font=ImageFont.load_default(26))
    draw.line((0, 140, WIDTH, 140), fill=0, width=6)
    _write(draw, 160, _lines(shipment["from_address"]), 22)
    _write(draw, 345, "SHIP TO:", 22)
    _write(draw, 380, _lines(shipment["to_address"]), 36)
    draw.line((0, 700, WIDTH, 700), fill=0, width=6)
    _barcode(picture, shipment["tracking_code"], 730)
    code = shipment["tracking_code"]
    draw.text((WIDTH // 2, 1010), code, fill=0, font=ImageFont.load_default(34), anchor="mt")
    draw.text(
        (MARGIN, 1120),
        f"REF {shipment['reference'] or ''}",
        fill=0,
        font=ImageFont.load_default(24),
    )
    return picture


def _write(draw: ImageDraw.ImageDraw, top: int, text: str, size: int) -> None:
    """Lines from the left margin on, each piece in a font that has its letters."""
    for number, line in enumerate(text.splitlines()):
        left, height = float(MARGIN), top + number * size * 1.25
        for path, piece in pieces(line):
            font = ImageFont.truetype(path, size)
            draw.text((left, height + size), piece, fill=0, font=font, anchor="ls")
            left += draw.textlength(piece, font=font)


def _barcode(picture: Image.Image, text: str, top: int) -> None:
    """Code 128 across the page, with the quiet zone that scanners want."""
    code = zxingcpp.create_barcode(text, zxingcpp.BarcodeFormat.Code128)
    bars = Image.fromarray(code.to_image(scale=1))
    scale = max(1, (WIDTH - 20) // bars.width)
    wide = bars.resize((bars.width * scale, 250), Image.Resampling.NEAREST).convert("1")
    picture.paste(wide, ((WIDTH - wide.width) // 2, top))


def _lines(address: Object) -> str:
    last = f"{address['city'] or ''} {address['state'] or ''} {address['zip'] or ''}"
    parts = (address["name"], address["company"], address["street1"], address["street2"], last)
    abroad = address["country"] if address["country"] != "US" else ""
    return "\n".join(part[:36] for part in (*parts, abroad) if part and part.strip())


def _png(shipment: Object) -> bytes:
    out = io.BytesIO()
    _picture(shipment).save(out, "PNG", dpi=(DPI, DPI), optimize=True)
    return out.getvalue()


def _pdf(pictures: Sequence[Image.Image]) -> bytes:
    out = io.BytesIO()
    first, *rest = pictures
    # Without a date, so that one label is one file whenever it is asked for.
    dateless = {"creationDate": None, "modDate": None}
    first.save(out, "PDF", resolution=DPI, save_all=True, append_images=rest, **dateless)
    return out.getvalue()


def _zpl(shipment: Object) -> bytes:
    """What a label printer draws by itself, its barcode included."""
    fields = [f"^FO{MARGIN},30^A0N,40,40^FD{_plain(shipment['selected_rate']['service'])}^FS"]
    fields.append(f"^FO{MARGIN},90^A0N,26,26^FD{WARNING}^FS")
    for number, line in enumerate(_lines(shipment["to_address"]).splitlines()):
        fields.append(f"^FO{MARGIN},{385 + number * 46}^A0N,38,38^FD{_plain(line)}^FS")
    code = shipment["tracking_code"]
    fields.append(f"^FO{MARGIN},730^BY3^BCN,250,Y,N,N^FD{code}^FS")
    return "\n".join(["^XA", "^CI28", f"^PW{WIDTH}^LL{HEIGHT}", *fields, "^XZ", ""]).encode()


def _plain(text: str) -> str:
    """Text without the two characters that begin a command."""
    return text.replace("^", " ").replace("~", " ")
