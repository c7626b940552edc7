"""Asks VIES, the Union's register of VAT IDs, whether one is registered. Talks to the network:
never call it inside a transaction."""

from __future__ import annotations

import json
from dataclasses import dataclass
from urllib.error import URLError
from urllib.parse import quote, urlencode
from urllib.request import Request, urlopen

from opticworks.contracts import ProviderError

SECONDS = 10
MOST = 64_000  #: bytes of an answer


@dataclass(frozen=True, slots=True)
class Answer:
    """What the register said. `reference` proves the consultation; it is given only where the
    shop's own VAT ID was sent along."""

    valid: bool
    name: str
    address: str
    reference: str


def ask(base: str, number: str, own: str = "") -> Answer:
    """Whether the number is registered; `own` is the shop's VAT ID.

    Raises ProviderError when the register, or that of the member state, gives no answer.
    """
    url = f"{base}/ms/{quote(number[:2])}/vat/{quote(number[2:], safe='')}"
    if own:
        url += "?" + urlencode(
            {"requesterMemberStateCode": own[:2], "requesterNumber": own[2:]},
        )
    request = Request(url, headers={"Accept": "application/json"})
    try:
        with urlopen(request, timeout=SECONDS) as response:
            body = json.loads(response.read(MOST))
    except (URLError, OSError, ValueError) as error:
        raise ProviderError(f"VIES could not be asked: {type(error).__name__}") from None
    if not isinstance(body, dict) or not isinstance(body.get("isValid"), bool):
        raise ProviderError("VIES gave no answer that can be read.")
    state = str(body.get("userError", ""))
    if state not in ("", "VALID", "INVALID"):
        raise ProviderError(f"VIES can't say at the moment: {state[:60]}")
    return Answer(
        valid=body["isValid"],
        name=_text(body.get("name")),
        address=_text(body.get("address")),
        reference=_text(body.get("requestIdentifier")),
    )


def _text(value: object) -> str:
    """A text of the answer; "---" is how a member state that tells nothing says so."""
    text = " ".join(str(value or "").split())[:500]
    return "" if text == "---" else text
