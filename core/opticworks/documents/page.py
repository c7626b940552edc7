"""What all documents are made of: paper, styles, tables, and pages that are numbered."""

from __future__ import annotations

import io
from collections.abc import Callable, Sequence
from typing import Any

from reportlab.lib import colors
from reportlab.lib.enums import TA_LEFT, TA_RIGHT
from reportlab.lib.pagesizes import A4, A6, letter
from reportlab.lib.styles import ParagraphStyle
from reportlab.lib.units import inch, mm
from reportlab.pdfgen.canvas import Canvas
from reportlab.platypus import (
    BaseDocTemplate,
    Flowable,
    Frame,
    NextPageTemplate,
    PageBreak,
    PageTemplate,
    Paragraph,
    Spacer,
    Table,
    TableStyle,
)

from opticworks.documents import fonts

PAPERS = {"letter": letter, "a4": A4, "a6": A6, "4x6": (4 * inch, 6 * inch)}
INK, GREY, LINE = colors.HexColor("#111111"), colors.HexColor("#5f5f5f"), colors.HexColor("#d4d4d4")
Gettext = Callable[[str], str]
#: One document among several of a file: its flowables, and what stands at the foot of its pages.
Part = tuple[list[Flowable], str]


def small(paper: str) -> bool:
    """Whether it is a label's paper, printed with smaller type and margins."""
    return paper in ("a6", "4x6")


def text(
    words: str, size: float = 9.5, *, bold: bool = False, grey: bool = False, right: bool = False
) -> Paragraph:
    """One paragraph; it wraps, and a word longer than its line is broken."""
    style = ParagraphStyle(
        "text",
        fontName=fonts.BOLD if bold else fonts.REGULAR,
        fontSize=size,
        leading=size * 1.38,
        textColor=GREY if grey else INK,
        alignment=TA_RIGHT if right else TA_LEFT,
        splitLongWords=1,
        wordWrap="CJK" if _eastern(words) else None,
    )
    return Paragraph(fonts.markup(words, bold), style)


def _eastern(words: str) -> bool:
    """Whether lines may break between any two characters, as Chinese ones do."""
    return any(ord(character) > 0x2E80 for character in words) and " " not in words


def lines(words: Sequence[str], size: float = 9.5, **look: Any) -> list[Flowable]:
    return [text(line, size, **look) for line in words if line]


def gap(points: float) -> Spacer:
    return Spacer(1, points)


def table(
    rows: Sequence[Sequence[Any]],
    widths: Sequence[float],
    *,
    head: int = 0,
    ruled: bool = True,
    right: bool = False,
) -> Table:
    """A table over any number of pages, with its head on each; `right`: what stands in its last
    column keeps to the edge."""
    look: list[Any] = [
        ("VALIGN", (0, 0), (-1, -1), "TOP"),
        ("LEFTPADDING", (0, 0), (-1, -1), 0),
        ("RIGHTPADDING", (0, 0), (-2, -1), 8),
        ("RIGHTPADDING", (-1, 0), (-1, -1), 0),
        ("TOPPADDING", (0, 0), (-1, -1), 4 if ruled else 1.5),
        ("BOTTOMPADDING", (0, 0), (-1, -1), 4 if ruled else 1.5),
    ]
    if right:
        look.append(("ALIGN", (-1, 0), (-1, -1), "RIGHT"))
    if ruled:
        look.append(("LINEBELOW", (0, 0), (-1, -1), 0.5, LINE))
    if head:
        look.append(("LINEBELOW", (0, head - 1), (-1, head - 1), 0.9, INK))
    return Table(rows, colWidths=widths, repeatRows=head, style=TableStyle(look))


class _Numbered(Canvas):
    """Writes "2 / 3" when it is known how many pages each part has."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._pages: list[dict[str, Any]] = []
        self.part, self.foot, self.margin = 0, "", 0.0

    def showPage(self) -> None:  # reportlab's name
        self._pages.append(dict(self.__dict__))
        self._startPage()

    def save(self) -> None:
        pages = self._pages
        for page in pages:
            self.__dict__.update(page)
            mine = [each for each in pages if each["part"] == page["part"]]
            if len(mine) > 1:
                self._foot(f"{mine.index(page) + 1} / {len(mine)}")
            else:
                self._foot("")
            super().showPage()
        super().save()

    def _foot(self, number: str) -> None:
        width = self._pagesize[0] - 2 * self.margin
        for words, right in ((self.foot, False), (number, True)):
            if words:
                note = text(words, 7, grey=True, right=right)
                _, height = note.wrap(width, 40)
                note.drawOn(self, self.margin, max(8, self.margin * 0.55 - height / 2))


def width_of(paper: str) -> float:
    """Points between the margins."""
    return float(PAPERS[paper][0] - 2 * _margin(paper))


def _margin(paper: str) -> float:
    return float(6 * mm if small(paper) else 19 * mm)


def draw(parts: Sequence[Part], paper: str, title: str, author: str) -> bytes:
    """One PDF with every part on pages of its own. `paper` is one of PAPERS."""
    fonts.ready()
    out, margin, size = io.BytesIO(), _margin(paper), PAPERS[paper]
    document = BaseDocTemplate(
        out,
        pagesize=size,
        title=title,
        author=author,
        creator="OpticWorks",
        leftMargin=margin,
        rightMargin=margin,
        topMargin=margin,
        bottomMargin=margin * 1.15,
        invariant=1,
    )
    frame = Frame(
        margin,
        margin * 1.15,
        size[0] - 2 * margin,
        size[1] - margin * 2.15,
        leftPadding=0,
        rightPadding=0,
        topPadding=0,
        bottomPadding=0,
    )

    def on_page(number: int, foot: str) -> Callable[[Any, Any], None]:
        def mark(canvas: Any, _: Any) -> None:
            canvas.part, canvas.foot, canvas.margin = number, foot, margin

        return mark

    story: list[Flowable] = []
    for number, (flowables, foot) in enumerate(parts):
        name = f"part{number}"
        document.addPageTemplates(
            PageTemplate(id=name, frames=[frame], onPage=on_page(number, foot))
        )
        story += [NextPageTemplate(name), PageBreak()] if number else []
        story += flowables
    document.build(story, canvasmaker=_Numbered)
    return out.getvalue()
