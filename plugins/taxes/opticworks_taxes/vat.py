"""VAT IDs of businesses in the European Union, and when they move the tax to the customer.

What is looked at here is the number itself: its form and its check digits. Whether it is
registered is for VIES to say (see `vies`).
"""

from __future__ import annotations

from importlib.metadata import version

from stdnum.eu import vat
from stdnum.exceptions import ValidationError

from opticworks.contracts import Address, say
from opticworks_taxes.rules import Exemption
from opticworks_taxes.settings import Region

#: Countries as addresses write them; Greece is EL in a VAT ID.
EU = frozenset(code.upper() for code in vat.MEMBER_STATES) - {"XI"}
GREECE = {"GR": "EL"}
CHECKED = f"form and check digits, python-stdnum {version('python-stdnum')}"
LONGEST = 20


def read(text: str) -> str:
    """The VAT ID as VIES writes it ("EL094259216"); empty for what can't be one."""
    try:
        number: str = vat.validate(text[: 2 * LONGEST])
    except ValidationError:
        return ""
    return GREECE.get(number[:2], number[:2]) + number[2:]


def asked(region: Region, country: str, home: str) -> bool:
    """Whether a business there is asked for its VAT ID: abroad, in the Union, from within it."""
    here, there = home.upper(), country.upper()
    return region.vat_ids and there in EU and here in EU and here != there


def problem(region: Region, address: Address, home: str) -> str:
    """What is wrong with the VAT ID that was typed, as a sentence; empty if nothing is."""
    if not address.vat_id or not asked(region, address.country, home) or read(address.vat_id):
        return ""
    return say(
        "“{number}” is no VAT ID: a letter or digit is wrong or missing. Write it with its "
        "country, like DE136695976, or leave the field empty to pay with VAT.",
        number=address.vat_id[:LONGEST],
    )


def reverse_charge(region: Region, address: Address, home: str) -> Exemption | None:
    """The customer owes the tax: goods go to another country of the Union, to a business that is
    registered outside the shop's own."""
    if not address.vat_id or not asked(region, address.country, home):
        return None
    number = read(address.vat_id)
    if not number or number[:2] == GREECE.get(home.upper(), home.upper()):
        return None
    return Exemption(kind="reverse_charge", reference=number)
