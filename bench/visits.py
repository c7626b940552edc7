"""What the virtual visitors do: look at pages that all differ, or buy something."""

from __future__ import annotations

import itertools
import random
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from json import loads
from urllib.parse import urlencode

from bench.client import Answer, Ask, BadAnswer, Flow

ADDRESS = {
    "email": "ada@example.com",
    "firstName": "Ada",
    "lastName": "Lovelace",
    "company": "",
    "address": "12 Analytical Way",
    "address2": "",
    "city": "San Francisco",
    "state": "CA",
    "postalCode": "94104",
    "country": "US",
    "phone": "",
}

VISIT = 50  #: pages that one visitor looks at


@dataclass(frozen=True, slots=True)
class Target:
    """A page to ask for, and text that its body has and no other's."""

    path: str
    marker: bytes
    sku: str = ""


def get(host: str, path: str, cookies: str = "") -> bytes:
    """A GET of that path, as bytes on the wire."""
    cookie = f"Cookie: {cookies}\r\n" if cookies else ""
    return f"GET {path} HTTP/1.1\r\nHost: {host}\r\n{cookie}Accept: text/html\r\n\r\n".encode()


def post(
    host: str, path: str, fields: dict[str, str], cookies: str, *, htmx: bool, json: bool = False
) -> bytes:
    """A form sent to that path, by a script if `htmx`, or by one that wants `json`."""
    body = urlencode(fields).encode()
    lines = [
        f"POST {path} HTTP/1.1",
        f"Host: {host}",
        f"Origin: http://{host}",
        "Content-Type: application/x-www-form-urlencoded",
        f"Content-Length: {len(body)}",
        *([f"Cookie: {cookies}"] if cookies else []),
        *(["HX-Request: true"] if htmx else []),
        *(["Accept: application/json"] if json else []),
    ]
    return "\r\n".join([*lines, "", ""]).encode() + body


def _whole(answer: Answer, name: str, marker: bytes) -> None:
    """Raises BadAnswer unless it is the full page."""
    if answer.status != 200 or marker not in answer.body:
        start = answer.body[:300].decode(errors="replace")
        raise BadAnswer(f"{name}: {answer.status}, not the page with {marker!r}: {start}")


def look(host: str, name: str, targets: Sequence[Target], seed: int) -> Flow:
    """Ask for the pages one after the other in an order of one's own, for ever."""
    order = list(targets)
    random.Random(seed).shuffle(order)
    asks = [(get(host, target.path), target.marker) for target in order]
    for number, (data, marker) in enumerate(itertools.cycle(asks)):
        _whole((yield Ask(name, data, visitor=number % VISIT == 0)), name, marker)


def buy(host: str, targets: Sequence[Target], seed: int, payment: str = "") -> Flow:
    """Guests who buy one thing each, in six requests: product, add, address, rates, place, thanks.

    What a browser with JavaScript sends; the assets and the cart's badge are left out. With
    `payment` "stripe" there is one more, coming back from the card form; what the browser says to
    Stripe itself is not the shop's.
    """
    order = list(targets)
    random.Random(seed).shuffle(order)
    for target in itertools.cycle(order):
        yield from _order(host, target, payment)


def _order(host: str, target: Target, payment: str) -> Flow:
    jar: dict[str, str] = {}

    def cookies() -> str:
        return "; ".join(f"{name}={value}" for name, value in jar.items())

    answer = yield Ask("product", get(host, target.path), visitor=True)
    _whole(answer, "product", target.marker)

    added = {"sku": target.sku, "quantity": "1"}
    answer = yield Ask("add", post(host, "/cart/lines", added, "", htmx=True))
    _whole(answer, "add", b"is in your cart.")
    jar.update(answer.cookies())

    answer = yield Ask("address", get(host, "/checkout", cookies()))
    _whole(answer, "address", b'name="csrf_token"')
    jar.update(answer.cookies())
    form = {
        **ADDRESS,
        "csrf_token": field_of(answer, "csrf_token"),
        "cart": field_of(answer, "cart"),
        "quote": field_of(answer, "quote"),
        "total": field_of(answer, "total"),
        "payment": payment or _choice(answer, "payment"),
        "shipping": _choice(answer, "shipping"),
    }
    answer = yield Ask("rates", post(host, "/checkout/update", form, cookies(), htmx=True))
    _whole(answer, "rates", b'name="shipping"')
    form |= {
        "quote": field_of(answer, "quote"),
        "total": field_of(answer, "total"),
        "shipping": _choice(answer, "shipping"),
        "action": "place",
    }
    by_card = payment == "stripe"
    answer = yield Ask("place", post(host, "/checkout", form, cookies(), htmx=False, json=by_card))
    if by_card:
        _whole(answer, "place", b"client_secret")
        jar.update(answer.cookies())
        back = loads(answer.body)["back"].removeprefix(f"http://{host}")
        answer = yield Ask("return", get(host, back, cookies()))
    path = answer.header("Location").removeprefix(f"http://{host}")
    if answer.status != 303 or not path.startswith("/orders/"):
        start = answer.body[:300].decode(errors="replace")
        raise BadAnswer(f"place: {answer.status} to {path or 'nowhere'}: {start}")
    answer = yield Ask("thanks", get(host, path))
    _whole(answer, "thanks", b"12 Analytical Way")


def field_of(answer: Answer, name: str) -> str:
    """The value of a field of the page. Raises BadAnswer when it has none."""
    found = re.search(rb'name="%b"[^>]* value="([^"]*)"' % name.encode(), answer.body)
    if found is None:
        raise BadAnswer(f"The page has no field {name}.")
    return found[1].decode()


def _choice(answer: Answer, name: str) -> str:
    """The value of the radio button that is preselected."""
    found = re.search(rb'name="%b"[^>]* value="([^"]*)"[^>]* checked=' % name.encode(), answer.body)
    if found is None:
        raise BadAnswer(f"No {name} is preselected.")
    return found[1].decode()


Visits = Callable[[int], Flow]
