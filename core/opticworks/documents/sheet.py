"""Drawing an invoice or a credit note from its facts."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from typing import Any

from babel.dates import format_date
from babel.numbers import format_percent
from reportlab.platypus import Flowable, KeepTogether

from opticworks.contracts import N_
from opticworks.documents.models import Document
from opticworks.documents.page import Gettext, draw, gap, lines, table, text, width_of
from opticworks.money import Money

TITLES = {
    "invoice": N_("Invoice"),
    "credit_note": N_("Credit note"),
    "credit_reversal": N_("Reversal of a credit note"),
}
SUMS = {
    "subtotal": N_("Subtotal"),
    "shipping": N_("Shipping"),
    "discount": N_("Discount"),
    "tax": N_("Tax"),
}


def filename(document: Document) -> str:
    """What the file is called: the number, with nothing in it that a path would be."""
    plain = "".join(c if c.isalnum() or c in "-_." else "-" for c in document.number)
    return f"{document.kind.replace('_', '-')}-{plain.strip('.')}.pdf"


def pdf(document: Document, gettext: Gettext = str) -> bytes:
    """The document as a PDF; the same document is the same bytes."""
    return draw_facts(document.facts, document.number, gettext)


def draw_facts(facts: Mapping[str, Any], number: str, gettext: Gettext = str) -> bytes:
    """Facts as in opticworks.documents.facts."""
    sheet = _Sheet(facts, number, gettext)
    title = f"{sheet.title} {number}"
    return draw(
        [(sheet.flowables(), f"{title} · {facts['seller'][0]}")],
        facts["paper"],
        title,
        facts["seller"][0],
    )


class _Sheet:
    def __init__(self, facts: Mapping[str, Any], number: str, gettext: Gettext) -> None:
        self.facts, self.number, self._ = facts, number, gettext
        self.title = gettext(TITLES[facts["kind"]])
        self.width = width_of(facts["paper"])

    def money(self, minor: int) -> str:
        return Money(minor, self.facts["currency"]).format(self.facts["locale"])

    def day(self, iso: str) -> str:
        return str(format_date(date.fromisoformat(iso), "long", locale=self.facts["locale"]))

    def percent(self, rate: str | None) -> str:
        if rate is None:
            return ""
        locale = self.facts["locale"]
        return str(format_percent(Decimal(rate), locale=locale, decimal_quantization=False))

    def flowables(self) -> list[Flowable]:
        return [
            *self.head(),
            gap(16),
            self.rows(),
            gap(8),
            KeepTogether([self.sums(), *self.notes()]),
        ]

    def head(self) -> list[Flowable]:
        facts, _ = self.facts, self._
        seller = [
            text(facts["seller"][0], 13, bold=True),
            *lines([*facts["seller"][1:], facts.get("contact", "")], 8.5, grey=True),
            *lines(facts["tax_ids"], 8.5, grey=True),
        ]
        buyer = [text(_("Bill to"), 8, grey=True), *lines(facts["buyer"])]
        if facts["buyer_tax_id"]:
            buyer.append(text(_("VAT ID {number}").format(number=facts["buyer_tax_id"])))
        about = [
            (_("Number"), self.number),
            (_("Issued"), self.day(facts["issued"])),
            (_("Order"), facts["order"]),
            (_("Ordered"), self.day(facts["placed"])),
        ]
        if facts.get("refers_to"):
            about.insert(1, (_("For invoice"), facts["refers_to"]))
        if facts.get("reverses"):
            about.insert(1, (_("Reverses"), facts["reverses"]))
        if paid := facts["paid"]:
            about.append((_("Paid with"), _(paid)))
        half = self.width / 2
        facts_table = table(
            [[text(name, grey=True), text(value)] for name, value in about],
            [half * 0.34, half * 0.66],
            ruled=False,
        )
        return [
            table(
                [[seller, text(self.title, 22, bold=True, right=True)]], [half, half], ruled=False
            ),
            gap(22),
            table([[buyer, facts_table]], [half, half], ruled=False),
        ]

    def rows(self) -> Flowable:
        _, width = self._, self.width
        columns = (_("Quantity"), _("Price"), _("Amount"))
        head = [
            text(_("Item"), 8, grey=True),
            *(text(name, 8, grey=True, right=True) for name in columns),
        ]
        body = [
            [
                [text(self.title_of(line)), *lines(self.below(line), 8, grey=True)],
                text(str(line["quantity"]), right=True),
                text("" if line["unit"] is None else self.money(line["unit"]), right=True),
                text(self.money(line["total"]), right=True),
            ]
            for line in self.facts["lines"]
        ]
        widths = [width - 210, 54, 76, 80]
        return table([head, *body], widths, head=1)

    def title_of(self, line: Mapping[str, Any]) -> str:
        title: str = line["title"]
        return self._(title) if line.get("ours") else title

    def below(self, line: Mapping[str, Any]) -> list[str]:
        """What stands below a row's title."""
        _, said = self._, [line["note"]]
        if line.get("of"):
            said.append(_("Part of {bundle}").format(bundle=line["of"]))
        if line.get("without"):
            said.append(_("without {parts}").format(parts=line["without"]))
        return said

    def sums(self) -> Flowable:
        _, rows = self._, []
        for row in self.facts["sums"]:
            name = row["label"] or SUMS.get(row["kind"], row["kind"])
            label = _(name)
            if row["kind"] == "shipping" and row["label"]:
                label = _("Shipping: {title}").format(title=row["label"])
            if row["rate"]:
                label = f"{label} ({self.percent(row['rate'])})"
            rows.append([text(label, grey=True), text(self.money(row["amount"]), right=True)])
        total = self.money(self.facts["total"])
        rows.append([text(_("Total"), 12, bold=True), text(total, 12, bold=True, right=True)])
        block = table(rows, [self.width * 0.34, self.width * 0.2], ruled=False)
        block.hAlign = "RIGHT"
        return block

    def notes(self) -> list[Flowable]:
        _, facts = self._, self.facts
        found: list[Flowable] = []
        if facts["taxes"]:
            included = _("contained in the prices") if facts["tax_included"] else ""
            head = (_("Tax"), _("Rate"), _("Net"), _("Tax amount"))
            rows = [[text(name, 8, grey=True, right=at > 0) for at, name in enumerate(head)]]
            for tax in facts["taxes"]:
                amounts = (
                    self.percent(tax["rate"]),
                    self.money(tax["net"]),
                    self.money(tax["tax"]),
                )
                label = " ".join(part for part in (tax["label"], included) if part)
                rows.append([text(label, 8.5), *(text(each, 8.5, right=True) for each in amounts)])
            widths = [self.width - 240, 60, 90, 90]
            found += [gap(18), table(rows, widths, head=1)]
        remarks = [_(each) for each in facts["remarks"]]
        found += [gap(10), *lines(remarks, 8.5)] if remarks else []
        if facts["footer"]:
            found += [gap(22), *lines(facts["footer"].splitlines(), 8, grey=True)]
        return found
