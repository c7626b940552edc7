"""EasyPost as a verifier of addresses."""

from __future__ import annotations

import re
from typing import Any

from opticworks.contracts import Address, AddressVerdict, say
from opticworks_easypost_shipping import writing
from opticworks_easypost_shipping.client import Api, understood
from opticworks_easypost_shipping.settings import EasyPostSettings

LIMIT = 3.0  #: seconds, since somebody waits at the checkout
#: Words that carriers shorten; to write them out is no mistake.
SHORT = {
    "apartment": "apt",
    "avenue": "ave",
    "boulevard": "blvd",
    "building": "bldg",
    "circle": "cir",
    "court": "ct",
    "drive": "dr",
    "east": "e",
    "floor": "fl",
    "highway": "hwy",
    "lane": "ln",
    "mount": "mt",
    "north": "n",
    "northeast": "ne",
    "northwest": "nw",
    "parkway": "pkwy",
    "place": "pl",
    "road": "rd",
    "saint": "st",
    "south": "s",
    "southeast": "se",
    "southwest": "sw",
    "square": "sq",
    "street": "st",
    "suite": "ste",
    "terrace": "ter",
    "west": "w",
}
CAPITALS = frozenset({"N", "E", "S", "W", "NE", "NW", "SE", "SW", "PO"})


class EasyPostAddresses:
    """Verifies addresses; those outside the US only if the settings say so."""

    code = "easypost"
    title = "EasyPost"

    def __init__(self, settings: EasyPostSettings) -> None:
        self.settings = settings
        self._api = Api(settings)

    @understood
    def verify(self, address: Address) -> AddressVerdict:
        """What EasyPost makes of it. A difference in capitals, short forms or the four digits
        after a ZIP is none that a customer is asked about."""
        if address.country != "US" and not self.settings.verify_abroad:
            sentence = say("Only addresses in the US are checked.")
            return AddressVerdict(state="unknown", messages=(sentence,))
        given = writing.address(address)
        # Asked once: somebody waits, and who is silent for so long is silent for longer.
        answer = self._api.act(lambda client: client.address.create(verify=True, **given), LIMIT)
        delivery = (answer.get("verifications") or {}).get("delivery")
        if delivery is None:
            sentence = say("The address could not be checked.")
            return AddressVerdict(state="unknown", messages=(sentence,))
        # A carrier's own check says success and lists errors all the same: the errors count.
        wrong = delivery.get("errors") or []
        if wrong or not delivery.get("success"):
            return AddressVerdict(state="undeliverable", messages=_sentences(wrong))
        suggestion = _suggestion(address, answer)
        if suggestion is None:
            return AddressVerdict(state="verified")
        return AddressVerdict(state="corrected", suggestion=suggestion)


def _sentences(errors: list[Any]) -> tuple[str, ...]:
    said = [each if isinstance(each, str) else str(each.get("message") or "") for each in errors]
    found = tuple(dict.fromkeys(f"{each.rstrip('.')}." for each in said if each.strip()))
    return found or (say("The address was not found."),)


def _suggestion(given: Address, answer: Any) -> Address | None:
    """The address as EasyPost has it, in the customer's writing where both mean the same; None
    when that is all of it."""
    street = " ".join(filter(None, (answer.get("street1"), answer.get("street2"))))
    changes: dict[str, str] = {}
    if _plain(street) != _plain(f"{given.line1} {given.line2}"):
        changes |= {"line1": _title(street), "line2": ""}
    city, state = str(answer.get("city") or ""), str(answer.get("state") or "")
    code = str(answer.get("zip") or "")
    if city and _plain(city) != _plain(given.city):
        changes["city"] = _title(city)
    if state and state.upper() != given.state.upper():
        changes["state"] = state.upper()
    short = code[:5] if given.country == "US" else code
    known = given.postal_code[:5] if given.country == "US" else given.postal_code
    if code and _plain(short) != _plain(known):
        changes["postal_code"] = short
    return given.model_copy(update=changes) if changes else None


def _plain(text: str) -> str:
    """Letters and digits, in small letters and short forms, for comparing."""
    words = re.findall(r"\w+", text.casefold().replace("#", " apt "))
    return " ".join(SHORT.get(word, word) for word in words)


def _title(text: str) -> str:
    """A carrier's capitals as people write addresses."""
    words = [
        word if word.upper() in CAPITALS else word.lower() if word[:1].isdigit() else word.title()
        for word in text.split()
    ]
    return " ".join(words)
