"""Which rates hold for a class of goods at a place. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from fractions import Fraction

from opticworks.contracts import N_, say

STANDARD = "standard"
#: Classes that are never taxed unless the table says otherwise, and how an order says so.
UNTAXED = {"zero": N_("Zero-rated"), "exempt": N_("Exempt from tax")}


@dataclass(frozen=True, slots=True, kw_only=True)
class Rate:
    """A row of the table (see models.Rate)."""

    country: str
    title: str
    rate: Decimal
    starts: date
    state: str = ""
    postal: str = ""
    tax_class: str = STANDARD
    shipping: bool = False
    layer: int = 1

    @property
    def place(self) -> str:
        """Where it holds, in short: "US-CA 941"."""
        return " ".join(
            filter(None, ("-".join(filter(None, (self.country, self.state))), self.postal))
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Exemption:
    kind: str
    reference: str

    @property
    def sentence(self) -> str:
        """What the order says about it, to customer and staff alike."""
        if self.kind == "reverse_charge":
            return say(
                "Reverse charge: VAT is owed by the customer, VAT ID {number}",
                number=self.reference,
            )
        return say("Tax exempt, certificate {number}", number=self.reference)


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """The rates of one country as they stand on a day, those to come left out.

    `covered` is false when the table has nothing at all on the country.
    """

    rates: tuple[Rate, ...] = ()
    covered: bool = False

    def of(self, tax_class: str) -> tuple[Rate, ...]:
        """The rates that goods of the class pay, one of each layer.

        A rate for the class itself counts before the standard one; then the longest beginning
        of the postal code, then the state, then the newest.
        """
        code = class_of(tax_class)
        best: dict[int, Rate] = {}
        for rate in self.rates:
            if rate.tax_class != code and (code in UNTAXED or rate.tax_class != STANDARD):
                continue
            known = best.get(rate.layer)
            if known is None or _exactness(rate, code) > _exactness(known, code):
                best[rate.layer] = rate
        return tuple(best[layer] for layer in sorted(best))

    def of_shipping(self, tax_class: str = STANDARD) -> tuple[Rate, ...]:
        """The rates that shipping pays."""
        return tuple(rate for rate in self.of(tax_class) if rate.shipping)

    @property
    def classes(self) -> frozenset[str]:
        """Every class that the table or these rules know."""
        return frozenset({STANDARD, *UNTAXED, *(rate.tax_class for rate in self.rates)})


def table(rates: Iterable[Rate], state: str, postal: str, day: date) -> Table:
    """The table of one country's rates at a place on a day."""
    known = tuple(rates)
    code = postal_code(postal)
    here = tuple(
        rate
        for rate in known
        if rate.starts <= day
        and rate.state in ("", state.strip().upper())
        and code.startswith(rate.postal)
    )
    return Table(rates=here, covered=bool(known))


def class_of(tax_code: str) -> str:
    """A tax code of the catalogue as the table writes it; empty is standard."""
    return tax_code.strip().lower() or STANDARD


def postal_code(text: str) -> str:
    """A postal code without what people write between its characters."""
    return re.sub(r"[\s-]", "", text).upper()


def sum_of(rates: Iterable[Rate]) -> Fraction:
    return sum((Fraction(rate.rate) for rate in rates), Fraction(0))


def _exactness(rate: Rate, code: str) -> tuple[bool, int, bool, date]:
    return (rate.tax_class == code, len(rate.postal), bool(rate.state), rate.starts)
