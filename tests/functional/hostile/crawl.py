"""Finds every form and every query parameter by following the shop's own links, as staff."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, urljoin, urlsplit

from pyramid.interfaces import IRoutesMapper
from pyramid.request import Request

from opticworks.testing.shops import Browser

START = (
    *("/", "/admin", "/cart", "/checkout", "/products", "/search?q=sensor", "/dev/mail"),
    # Asked for by scripts and by machines, not by links.
    *("/cart/badge", "/cart/drawer", "/search/suggest?q=sen", "/admin/catalog/skus?q=RS1"),
    *("/robots.txt", "/sitemap.xml"),
)
PER_ROUTE = 4  #: pages of one route that are looked at
KINDS = {"select": "choice", "textarea": "text"}


@dataclass(frozen=True)
class Field:
    """A field as a browser sees it: text, number, choice, tick, file or hidden."""

    name: str
    kind: str
    value: str


@dataclass(frozen=True)
class Form:
    """A form with one of its buttons; `route` names what it is sent to."""

    action: str
    route: str
    fields: tuple[Field, ...]

    @property
    def token(self) -> list[tuple[str, str]]:
        return [(f.name, f.value) for f in self.fields if f.name == "csrf_token"]

    @property
    def takes_files(self) -> bool:
        """Forms with a file in them have a limit of their own."""
        return any(f.kind == "file" for f in self.fields)

    @property
    def own(self) -> list[Field]:
        """The fields without the token."""
        return [f for f in self.fields if f.name != "csrf_token"]


@dataclass
class Site:
    """The browser, and what was found."""

    browser: Browser
    more: tuple[str, ...] = ()  #: addresses to begin at besides START
    forms: dict[tuple[str, str], Form] = field(default_factory=dict)
    parameters: dict[str, tuple[str, set[str]]] = field(default_factory=dict)
    pages: dict[str, list[str]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._mapper = self.browser.app.registry.getUtility(IRoutesMapper)
        waiting = [*START, *self.more]
        for address in waiting:
            self._note(address)
        seen: set[str] = set()
        while waiting:
            address = waiting.pop(0)
            if address in seen:
                continue
            seen.add(address)
            waiting += [link for link in self._look(address) if link not in seen]

    @property
    def routes(self) -> list[Any]:
        return list(self._mapper.get_routes())

    def route_of(self, address: str, method: str = "GET") -> str:
        """The name of the route behind an address, "" if there is none."""
        request = Request.blank(urlsplit(address).path, method=method)
        route = self._mapper(request)["route"]
        return route.name if route is not None else ""

    def places(self, name: str, count: int) -> list[int]:
        """Which of the `count` parts of a route's addresses vary."""
        route = self._mapper.get_route(name)
        pattern = route.pattern.strip("/").split("/") if route is not None else []
        if len(pattern) != count:  # it takes any number of parts
            return list(range(count))
        return [place for place, part in enumerate(pattern) if "{" in part]

    def _look(self, address: str) -> Iterator[str]:
        route = self.route_of(address)
        known = self.pages.setdefault(route, [])
        if not route or len(known) >= PER_ROUTE or route in ("assets", "media", "catalog.image"):
            return
        known.append(address)
        answer = self.browser.get(address, status="*")
        if answer.status_int in (301, 302, 303):
            yield urljoin(address, answer.location.removeprefix("http://localhost"))
            return
        if answer.status_int != 200 or answer.content_type != "text/html":
            return
        for link in answer.html.select("a[href], iframe[src]"):
            target = urljoin(address, link.get("href") or link["src"])
            if target.startswith("/") and not target.startswith("//"):
                target = target.partition("#")[0]
                self._note(target)
                yield target
        for form in answer.html.select("form"):
            self._keep(address, form)

    def _note(self, address: str) -> None:
        """Which query parameters an address takes."""
        parts = urlsplit(address)
        names = {name for name, _ in parse_qsl(parts.query)}
        if names:
            self.parameters.setdefault(self.route_of(address), (parts.path, set()))[1].update(names)

    def _keep(self, page: str, form: Any) -> None:
        action = urljoin(page, form.get("action") or page)
        if form.get("method", "get").lower() == "get":
            names = [tag["name"] for tag in form.select("[name]")]
            path = urlsplit(action).path
            self.parameters.setdefault(self.route_of(action), (path, set()))[1].update(names)
            return
        fields = tuple(self._fields(form))
        typed = tuple(f for f in fields if f.kind != "button")
        route = self.route_of(action, "POST")
        for button in [f for f in fields if f.kind == "button"] or [None]:
            pressed = re.sub(r"\d+", "N", f"{button.name}={button.value[:20]}") if button else ""
            own = (*typed, button) if button else typed
            self.forms.setdefault((route, pressed), Form(action, route, own))

    @staticmethod
    def _fields(form: Any) -> Iterator[Field]:
        for tag in form.select("[name]"):
            kind = KINDS.get(tag.name, tag.get("type", "text"))
            if tag.name == "button":
                kind = "button"
            if tag.name == "select":
                chosen = tag.select_one("option[selected]") or tag.select_one("option")
                value = chosen.get("value", chosen.text) if chosen else ""
            elif tag.name == "textarea":
                value = tag.text
            else:
                value = tag.get("value", "")
            if kind in ("checkbox", "radio"):
                if not tag.has_attr("checked") and kind == "radio":
                    continue
                kind = "tick"
            yield Field(tag["name"], kind, value)
