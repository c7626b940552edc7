"""Which of the offered rates is bought, by the shop's rule. Pure functions."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from opticworks import contracts as c

UNKNOWN = 1_000  #: days of a rate that promises none: later than any that does
SURE = 90  #: percent of parcels that must have arrived for a rate to count as that quick


def days(rate: c.Rate) -> int:
    """Working days until delivery: what the vendor measured for most parcels, or else promises."""
    measured = [within for percent, within in rate.percentiles.items() if percent >= SURE]
    if measured:
        return min(measured)
    return rate.max_days if rate.max_days is not None else UNKNOWN


def _price(rate: c.Rate) -> tuple[int, int, str]:
    return (rate.amount.minor, days(rate), rate.code)


def cheapest(rates: Sequence[c.Rate]) -> c.Rate | None:
    return min(rates, key=_price, default=None)


def fastest(rates: Sequence[c.Rate]) -> c.Rate | None:
    """The quickest; of equally quick ones the cheapest. None if none says how long it takes."""
    known = [rate for rate in rates if days(rate) < UNKNOWN]
    return min(known, key=lambda rate: (days(rate), *_price(rate)), default=None)


def within(rates: Sequence[c.Rate], most: int) -> c.Rate | None:
    """The cheapest that arrives within so many days."""
    return cheapest([rate for rate in rates if days(rate) <= most])


def preferred(rates: Sequence[c.Rate], carriers: Sequence[str]) -> c.Rate | None:
    """The cheapest of these carriers, or of any if they offer none."""
    names = {name.casefold().strip() for name in carriers}
    return cheapest([rate for rate in rates if rate.carrier.casefold() in names]) or cheapest(rates)


def ordered(rates: Sequence[c.Rate], choice: c.ShippingChoice | None) -> c.Rate | None:
    """The carrier's service that the customer chose; where that isn't offered (any more), the
    cheapest that keeps the time which the customer was promised."""
    if choice is None:
        return None
    named = (choice.carrier.casefold(), choice.service.casefold())
    same = [rate for rate in rates if (rate.carrier.casefold(), rate.service.casefold()) == named]
    if same:
        return cheapest(same)
    return within(rates, choice.max_days) if choice.max_days is not None else None


def why(rate: c.Rate, settings: c.ShippingSettings, choice: c.ShippingChoice | None) -> str:
    """Why the shop's rule picks that rate, in a few words."""
    if settings.rule == "ordered":
        named = choice and (choice.carrier.casefold(), choice.service.casefold())
        if named == (rate.carrier.casefold(), rate.service.casefold()):
            return "what the customer chose"
        return "the cheapest that keeps the time the customer was promised"
    if settings.rule == "within":
        return f"the cheapest within {settings.within_days} days"
    if settings.rule == "preferred":
        names = {name.casefold().strip() for name in settings.carriers}
        if rate.carrier.casefold() in names:
            return "the cheapest of the preferred carriers"
        return "the cheapest, since no preferred carrier offers one"
    return f"the {settings.rule}"


def sure(rate: c.Rate) -> tuple[int, int] | None:
    """(percent, days): within how many days nearly all parcels arrive, where that was measured."""
    known = [percent for percent in sorted(rate.percentiles) if percent >= SURE]
    return (known[0], rate.percentiles[known[0]]) if known else None


def choose(
    rates: Sequence[c.Rate], settings: c.ShippingSettings, choice: c.ShippingChoice | None
) -> c.Rate | None:
    """The rate that the shop's rule picks; None if there is none that keeps it."""
    picks: dict[str, Callable[[], c.Rate | None]] = {
        "ordered": lambda: ordered(rates, choice),
        "cheapest": lambda: cheapest(rates),
        "fastest": lambda: fastest(rates),
        "within": lambda: within(rates, settings.within_days),
        "preferred": lambda: preferred(rates, settings.carriers),
    }
    return picks[settings.rule]()
