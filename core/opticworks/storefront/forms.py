"""What the checkout's form posts, and what it shows of an address that was checked."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from webob.multidict import MultiDict

from opticworks import contracts as c
from opticworks.checkout import addresses
from opticworks.checkout.fields import clean
from opticworks.checkout.quoting import ADDRESS_FIELDS

LONGEST = 200
TYPED = ("email", *ADDRESS_FIELDS)  #: what is kept as typed


def typed(posted: Mapping[str, Any]) -> dict[str, str]:
    """What was typed, valid or not, cut to a size worth keeping. Files are no text."""
    values = {name: posted.get(name, "") for name in (*TYPED, "payment")}
    return {
        name: clean(value)[:LONGEST] if isinstance(value, str) else ""
        for name, value in values.items()
    }


#: Fields of the form that make a place, which a verifier may suggest another writing of.
PLACE_FIELDS = tuple(field for field, name in ADDRESS_FIELDS.items() if name in addresses.PLACE)


def place_fields(address: c.Address) -> dict[str, str]:
    """The place as the form's fields have it."""
    return {field: str(getattr(address, ADDRESS_FIELDS[field])) for field in PLACE_FIELDS}


@dataclass(frozen=True, slots=True)
class AddressQuestion:
    """What the checkout shows of a verifier's verdict. `choices` are (value, lines, checked) of the
    address as typed and as suggested, `options` both as text, so that a choice between them can be
    told from a field that was edited meanwhile."""

    state: str
    messages: tuple[str, ...]
    choices: tuple[tuple[str, tuple[str, ...], bool], ...]
    options: str


def address_question(check: addresses.Check | None) -> AddressQuestion | None:
    if check is None:
        return None
    both = {"typed": check.typed, **({"suggestion": check.suggestion} if check.suggestion else {})}
    return AddressQuestion(
        state=check.state,
        messages=check.messages,
        choices=tuple(
            (name, tuple(addresses.lines(address)), name == check.chosen)
            for name, address in both.items()
        ),
        options=json.dumps([place_fields(address) for address in both.values()]),
    )


def with_chosen_address(posted: MultiDict) -> MultiDict:
    """The posted fields with the address that was chosen of the two that were shown.

    Fields that hold neither of the two were edited since: they stay as they are.
    """
    try:
        options = json.loads(str(posted.get("address_options", "")))
        chosen = options[("typed", "suggestion").index(str(posted.get("address_choice", "")))]
        shown = [{name: str(option[name]) for name in PLACE_FIELDS} for option in options]
        wanted = {name: str(chosen[name])[:LONGEST] for name in PLACE_FIELDS}
    except (ValueError, LookupError, TypeError):
        return posted
    if {name: clean(str(posted.get(name, ""))) for name in PLACE_FIELDS} not in shown:
        return posted
    merged = posted.copy()
    for name, value in wanted.items():
        merged[name] = value
    return merged
