"""Many files as one: labels of several parcels in the order in which they are packed."""

from __future__ import annotations

import io
import logging
from collections.abc import Sequence
from dataclasses import dataclass

from PIL import Image
from pypdf import PdfReader, PdfWriter
from pypdf.errors import PyPdfError

from opticworks.documents.page import draw, gap, text

log = logging.getLogger(__name__)
DPI = 203  #: of label printers, where a picture does not say


@dataclass(frozen=True, slots=True, kw_only=True)
class Sheet:
    """A file to be put into the whole; `title` names it where it can't be."""

    title: str
    format: str
    content: bytes


def pdf(sheets: Sequence[Sheet], title: str) -> bytes:
    """All sheets as one PDF, PNG pictures at their printed size. What can't be read gets a page
    that says so: nobody finds out at the packing table that a label is missing."""
    whole = PdfWriter()
    for sheet in sheets:
        content = sheet.content
        try:
            if sheet.format == "PNG":
                content = _picture(content)
            pages = PdfReader(io.BytesIO(content)).pages
            for page in pages:
                whole.add_page(page)
            if len(pages) == 0:
                raise ValueError("no page")
        except (PyPdfError, ValueError, OSError, KeyError, TypeError) as error:
            log.warning("The label of %s can't be put into one file: %s", sheet.title, error)
            for page in PdfReader(io.BytesIO(_missing(sheet))).pages:
                whole.add_page(page)
    whole.add_metadata({"/Title": title})
    out = io.BytesIO()
    whole.write(out)
    return out.getvalue()


def _picture(content: bytes) -> bytes:
    out = io.BytesIO()
    with Image.open(io.BytesIO(content)) as picture:
        dpi = float(picture.info.get("dpi", (DPI, DPI))[0]) or DPI
        picture.convert("L" if picture.mode in ("1", "L", "P", "LA") else "RGB").save(
            out, "PDF", resolution=dpi
        )
    return out.getvalue()


def _missing(sheet: Sheet) -> bytes:
    said = f"This label is a {sheet.format} file that can't be put here. Print it by itself."
    return draw([([text(sheet.title, 14, bold=True), gap(8), text(said)], "")], "4x6", "", "")
