"""The hours in which nobody is written to, on the clock where a parcel went. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from babel.core import get_global

STEP = timedelta(minutes=15)
LONGEST = timedelta(days=2)


def _clocks(**zones: str) -> dict[str, str]:
    """Zones by state, from the states of each zone ("__" stands for its slash)."""
    named = {zone.replace("__", "/"): states.split() for zone, states in zones.items()}
    return {state: zone for zone, states in named.items() for state in states}


#: Countries with several clocks: that of most of a state, by the state's code.
_STATES: dict[str, dict[str, str]] = {
    "US": _clocks(
        America__New_York="CT DC DE FL GA IN KY MA MD ME MI NC NH NJ NY OH PA RI SC VA VT WV",
        America__Chicago="AL AR IA IL KS LA MN MO MS ND NE OK SD TN TX WI",
        America__Denver="CO ID MT NM UT WY",
        America__Los_Angeles="CA NV OR WA",
        America__Phoenix="AZ",
        America__Anchorage="AK",
        Pacific__Honolulu="HI",
        America__Puerto_Rico="PR",
    ),
    "CA": _clocks(
        America__Toronto="ON QC",
        America__Halifax="NB NS PE",
        America__Edmonton="AB NT",
        America__Vancouver="BC",
        America__Winnipeg="MB",
        America__St_Johns="NL",
        America__Regina="SK",
        America__Whitehorse="YT",
    ),
    "AU": _clocks(
        Australia__Sydney="NSW VIC TAS ACT",
        Australia__Brisbane="QLD",
        Australia__Adelaide="SA",
        Australia__Darwin="NT",
        Australia__Perth="WA",
    ),
}
#: Where most people of a country with many clocks live, from one end to the other.
_ENDS = {
    "US": ("America/New_York", "America/Los_Angeles"),
    "CA": ("America/Halifax", "America/Vancouver"),
    "AU": ("Australia/Sydney", "Australia/Perth"),
}


def zones(country: str, state: str, shop_zone: str) -> tuple[str, ...]:
    """The clocks that may hang where the parcel went; the shop's where nothing is known."""
    known = _STATES.get(country, {}).get(state.strip().upper())
    if known:
        return (known,)
    if country in _ENDS:
        return _ENDS[country]
    found = tuple(get_global("territory_zones").get(country, ()))
    return found or (shop_zone,)


def opens(moment: datetime, clocks: Sequence[str], from_hour: int, until_hour: int) -> datetime:
    """The first moment from then on in which it is day on all of these clocks, or, where there is
    none within two days, on the first of them."""
    at = moment
    while at < moment + LONGEST:
        if all(_open(at, clock, from_hour, until_hour) for clock in clocks):
            return at
        at = _next_step(at)
    return opens(moment, clocks[:1], from_hour, until_hour)


def _next_step(at: datetime) -> datetime:
    """The next full quarter of an hour; every zone's hours begin at one."""
    start = at.replace(minute=at.minute // 15 * 15, second=0, microsecond=0)
    return start + STEP


def _open(at: datetime, clock: str, from_hour: int, until_hour: int) -> bool:
    return from_hour <= at.astimezone(ZoneInfo(clock)).hour < until_hour
