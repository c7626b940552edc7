"""Countries and their states as a checkout offers them, by ISO 3166 code.

Country names come from CLDR (Babel). CLDR's Python data has no subdivisions, so the states of
the countries whose addresses need one stand here (ISO 3166-2).
"""

from __future__ import annotations

from functools import lru_cache

from babel import Locale

STATES: dict[str, tuple[tuple[str, str], ...]] = {
    "US": (
        ("AL", "Alabama"), ("AK", "Alaska"), ("AZ", "Arizona"), ("AR", "Arkansas"),
        ("CA", "California"), ("CO", "Colorado"), ("CT", "Connecticut"), ("DE", "Delaware"),
        ("DC", "District of Columbia"), ("FL", "Florida"), ("GA", "Georgia"), ("HI", "Hawaii"),
        ("ID", "Idaho"), ("IL", "Illinois"), ("IN", "Indiana"), ("IA", "Iowa"),
        ("KS", "Kansas"), ("KY", "Kentucky"), ("LA", "Louisiana"), ("ME", "Maine"),
        ("MD", "Maryland"), ("MA", "Massachusetts"), ("MI", "Michigan"), ("MN", "Minnesota"),
        ("MS", "Mississippi"), ("MO", "Missouri"), ("MT", "Montana"), ("NE", "Nebraska"),
        ("NV", "Nevada"), ("NH", "New Hampshire"), ("NJ", "New Jersey"), ("NM", "New Mexico"),
        ("NY", "New York"), ("NC", "North Carolina"), ("ND", "North Dakota"), ("OH", "Ohio"),
        ("OK", "Oklahoma"), ("OR", "Oregon"), ("PA", "Pennsylvania"), ("PR", "Puerto Rico"),
        ("RI", "Rhode Island"), ("SC", "South Carolina"), ("SD", "South Dakota"),
        ("TN", "Tennessee"), ("TX", "Texas"), ("UT", "Utah"), ("VT", "Vermont"),
        ("VA", "Virginia"), ("WA", "Washington"), ("WV", "West Virginia"), ("WI", "Wisconsin"),
        ("WY", "Wyoming"),
    ),
    "CA": (
        ("AB", "Alberta"), ("BC", "British Columbia"), ("MB", "Manitoba"),
        ("NB", "New Brunswick"), ("NL", "Newfoundland and Labrador"), ("NS", "Nova Scotia"),
        ("NT", "Northwest Territories"), ("NU", "Nunavut"), ("ON", "Ontario"),
        ("PE", "Prince Edward Island"), ("QC", "Quebec"), ("SK", "Saskatchewan"), ("YT", "Yukon"),
    ),
    "AU": (
        ("ACT", "Australian Capital Territory"), ("NSW", "New South Wales"),
        ("NT", "Northern Territory"), ("QLD", "Queensland"), ("SA", "South Australia"),
        ("TAS", "Tasmania"), ("VIC", "Victoria"), ("WA", "Western Australia"),
    ),
}  # fmt: skip


Choices = tuple[tuple[str, str], ...]  #: (code, name)


@lru_cache(maxsize=64)
def countries(codes: tuple[str, ...], locale: str) -> Choices:
    """The countries the shop ships to, by name."""
    names = Locale.parse(locale).territories
    found = ((code, names.get(code, code)) for code in codes)
    return tuple(sorted(found, key=lambda pair: pair[1]))


@lru_cache(maxsize=64)
def states(codes: tuple[str, ...], locale: str) -> tuple[tuple[str, Choices], ...]:
    """States of these countries, grouped by the country's name."""
    names = Locale.parse(locale).territories
    return tuple((names.get(code, code), STATES[code]) for code in codes if code in STATES)


def needs_state(country: str) -> bool:
    return country in STATES


def is_state(country: str, state: str) -> bool:
    return any(code == state for code, _ in STATES.get(country, ()))
