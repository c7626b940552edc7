"""Choices for the shop's settings that only Babel and the time zone database know."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from functools import lru_cache
from zoneinfo import available_timezones

from babel import Locale
from babel.core import get_global

from opticworks.contracts import COUNTRIES


@lru_cache(maxsize=8)
def shop_choices(locale: str) -> Mapping[str, Mapping[str, str]]:
    """By path of the field: {value: title} of currencies in use, time zones and countries."""
    known = Locale.parse(locale)
    territories = get_global("territory_currencies")
    in_use = {
        code
        for history in territories.values()
        for code, _, end, tender in history
        if tender and (end is None or date(*end) > date.today())
    }
    currencies = {code: f"{code} – {known.currencies.get(code, code)}" for code in sorted(in_use)}
    countries = {
        code: str(name)
        for code, name in sorted(known.territories.items(), key=lambda pair: str(pair[1]))
        if code in COUNTRIES
    }
    zones = {
        name: name.replace("_", " ") for name in sorted(available_timezones()) if "/" in name
    } | {"UTC": "UTC"}
    return {"currency": currencies, "timezone": zones, "origin.country": countries}
