"""Customers who come over HTTP, as a browser without JavaScript does."""

from __future__ import annotations

import json
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass, field
from http.cookiejar import CookieJar
from typing import Any

from bs4 import BeautifulSoup

ADDRESS = {
    "email": "ada@example.com",
    "firstName": "Ada",
    "lastName": "Lovelace",
    "address": "12 Analytical Way",
    "city": "San Francisco",
    "postalCode": "94104",
}


@dataclass
class Answer:
    """A page, and where redirects have led."""

    status: int
    url: str
    body: str
    html: Any = field(repr=False)

    @property
    def heading(self) -> str:
        found = self.html.find("h1")
        return " ".join(found.get_text().split()) if found is not None else ""

    def form(self, id: str) -> dict[str, str]:
        """What a browser would send of the form as it stands."""
        form = self.html.find("form", id=id)
        assert form is not None, f"{self.status} {self.url} has no form {id}: {self.heading}"
        values = {}
        for tag in form.find_all(["input", "select", "textarea"]):
            name, kind = tag.get("name"), tag.get("type", "")
            if not name or kind == "submit" or tag.has_attr("disabled"):
                continue
            if kind in ("radio", "checkbox") and not tag.has_attr("checked"):
                continue
            if tag.name == "select":
                chosen = tag.find("option", selected=True) or tag.find("option")
                values[name] = chosen.get("value", chosen.get_text()) if chosen else ""
            else:
                values[name] = tag.get("value", "") if tag.name == "input" else tag.get_text()
        return values


class Visitor:
    """Someone with cookies at the shop's address. A connection that breaks raises OSError."""

    def __init__(self, address: str, timeout: float = 60.0) -> None:
        self.address, self.timeout = address, timeout
        self.cookies = CookieJar()
        self._opener = urllib.request.build_opener(
            urllib.request.HTTPCookieProcessor(self.cookies), urllib.request.ProxyHandler({})
        )

    def at(self, address: str) -> Visitor:
        """The same visitor at another process of the shop. (Cookies know no ports.)"""
        other = Visitor(address, self.timeout)
        for cookie in self.cookies:
            other.cookies.set_cookie(cookie)
        return other

    def get(self, path: str) -> Answer:
        return self._open(urllib.request.Request(self.address + path))

    def post(self, path: str, fields: Mapping[str, str]) -> Answer:
        """Send a form from one of the shop's own pages; redirects are followed."""
        body = urllib.parse.urlencode(fields).encode()
        return self._open(
            urllib.request.Request(self.address + path, body, {"Origin": self.address})
        )

    def send(self, path: str, body: bytes, headers: Mapping[str, str]) -> Answer:
        """What comes from elsewhere: a vendor's webhook."""
        return self._open(urllib.request.Request(self.address + path, body, dict(headers)))

    def _open(self, request: urllib.request.Request) -> Answer:
        try:
            with self._opener.open(request, timeout=self.timeout) as answer:
                return self._read(answer)
        except urllib.error.HTTPError as error:
            with error:
                return self._read(error)

    @staticmethod
    def _read(answer: Any) -> Answer:
        body = answer.read().decode()
        return Answer(answer.status, answer.url, body, BeautifulSoup(body, "html.parser"))

    def fill_cart(self, sku: str, quantity: int = 1) -> Answer:
        return self.post("/cart/lines", {"sku": sku, "quantity": str(quantity)})

    def checkout(self, **typed: str) -> dict[str, str]:
        """The filled checkout form, ready to be sent with "Place Order"."""
        return {**self.get("/checkout").form("checkout"), **ADDRESS, **typed, "action": "place"}

    def place(self, form: Mapping[str, str]) -> Answer:
        return self.post("/checkout", form)

    def place_by_script(self, form: Mapping[str, str]) -> dict[str, Any]:
        """What a payment provider's script is answered: an `action`, where to `go`, a `message`."""
        headers = {"Origin": self.address, "Accept": "application/json"}
        body = urllib.parse.urlencode(form).encode()
        answer = self._open(urllib.request.Request(self.address + "/checkout", body, headers))
        said: dict[str, Any] = json.loads(answer.body)
        return said
