"""What staff typed into forms about orders, and what those forms hold: read, or refused."""

from __future__ import annotations

import uuid

from opticworks.checkout.settle import Refused
from opticworks.money import Money
from opticworks.web.numbers import whole

INCOMPLETE = "This form is incomplete. Reload the page and try again."
MOST = 10**15  #: minor units that anybody means


def quantity(text: str, title: str) -> int:
    """A number of units of something; nothing is none. Raises Refused."""
    text = text.strip()
    number = whole(text or "0", -1, digits=6)
    if number < 0:
        raise Refused(f"The quantity of {title} must be a whole number, not {text[:20]!r}.")
    return number


def amount(text: str, currency: str, what: str) -> int:
    """An amount in minor units; nothing is none. Raises Refused."""
    text = text.strip()
    if not text:
        return 0
    try:
        minor = Money.parse(text[:40], currency).minor
    except ValueError:
        raise Refused(f"The amount for {what} can't be read: {text[:20]!r}.") from None
    if minor < 0 or minor > MOST:
        raise Refused(f"The amount for {what} can't be {text[:20]!r}.")
    return minor


def key(text: str) -> uuid.UUID:
    """The id of a thing, or of the form itself, made when it was shown so that two clicks do one
    deed. Raises Refused."""
    try:
        return uuid.UUID(text)
    except ValueError:
        raise Refused(INCOMPLETE) from None
