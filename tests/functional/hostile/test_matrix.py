"""Every form and every query parameter, sent as nobody should: nothing breaks, nothing is said
back as markup, and answers.txt shows what each answers.

Forms and parameters are found by following the shop's own links, so a new screen is in the matrix
as soon as something leads to it. `OPTICWORKS_WRITE_ANSWERS=1` writes the table anew.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlencode

from webtest import TestResponse

from .crawl import Field, Form, Site

TABLE = Path(__file__).parent / "answers.txt"
SCRIPT = "<script>alert('owned')</script>\"'><img src=x onerror=alert(1)>"
LONG = "x" * 60_000
URLENCODED = "application/x-www-form-urlencoded"
PADDING = b"&padding=" + b"x" * 30_000_000  # written down once: to encode it costs more than a page
TYPED = ("text", "search", "email", "tel", "url", "password", "textarea")
NUMBERS = ("-1", "1e999", "NaN", "99999999999999999999999", "٣", "0x10", "1,5")

Pairs = list[tuple[str, str]]


def usual(form: Form) -> Pairs:
    """What a browser would send of the untouched form."""
    return [(f.name, f.value) for f in form.fields if f.kind not in ("file", "button")]


def buttons(form: Form) -> Pairs:
    return [(f.name, f.value) for f in form.fields if f.kind == "button"]


def changed(form: Form, change: Callable[[Field], str | None]) -> Pairs:
    """The form with the fields that `change` answers for."""
    pairs = form.token
    for each in form.own:
        if each.kind in ("file", "button"):
            continue
        value = change(each)
        pairs.append((each.name, each.value if value is None else value))
    return pairs + buttons(form)


def nothing(form: Form) -> Pairs:
    return form.token + buttons(form)


def script(form: Form) -> Pairs:
    return changed(form, lambda f: SCRIPT if f.kind in TYPED else None)


def oversize(form: Form) -> Pairs:
    return changed(form, lambda f: LONG if f.kind in TYPED else None)


def wrong_type(form: Form) -> Pairs:
    return changed(form, lambda f: "nonsense" if f.kind not in TYPED else None)


def numbers(form: Form) -> Pairs:
    return changed(form, lambda f: NUMBERS[len(f.name) % len(NUMBERS)])


def foreign_ids(form: Form) -> Pairs:
    return changed(form, lambda f: "999999999" if f.kind in ("hidden", "tick", "choice") else None)


def repeated(form: Form) -> Pairs:
    return form.token + [pair for pair in usual(form) for _ in range(3)] + buttons(form)


#: Columns that send a form of the shop's own page with other content.
CONTENTS = {
    "nothing": nothing,
    "script": script,
    "long": oversize,
    "type": wrong_type,
    "number": numbers,
    "ids": foreign_ids,
    "thrice": repeated,
}
#: Columns that are refused before any view looks at them.
REFUSALS = ("origin", "token", "huge", "bytes")


#: What changes a cart is taken from pages that are cached for everybody too, which hold no token:
#: there the origin alone decides.
BY_ORIGIN = {"cart.lines", "cart.line", "cart.codes"}


def refusals(site: Site, form: Form) -> dict[str, int]:
    """The status of each kind of request that must not reach a view."""
    browser = site.browser
    foreign = browser.post(
        form.action, usual(form), headers={"Origin": "https://evil.example"}, status="*"
    )
    token = [(f.name, f.value) for f in form.own if f.kind not in ("file", "button")]
    without = browser.post(form.action, token + buttons(form), status="*")
    token_first = urlencode(form.token).encode()
    huge = browser.post(form.action, token_first + PADDING, content_type=URLENCODED, status="*")
    content = b"csrf_token=" + (form.token[0][1].encode() if form.token else b"") + b"&a=%ff%00"
    raw = browser.post(form.action, content, content_type=URLENCODED, status="*")
    return {
        "origin": foreign.status_int,
        "token": without.status_int,
        "huge": huge.status_int,
        "bytes": raw.status_int,
    }


def rows(site: Site) -> dict[str, Form]:
    """Every form by the name of its row: its route and the button that is pressed."""
    return {f"{route} {button}".strip(): form for (route, button), form in site.forms.items()}


def recorded() -> dict[tuple[str, str], int]:
    """The table: (row, column) to status."""
    if not TABLE.exists():
        return {}
    lines = [line for line in TABLE.read_text().splitlines() if line and not line.startswith("#")]
    columns = lines[0].split("|")[1:]
    cells = {}
    for line in lines[1:]:
        name, *values = (part.strip() for part in line.split("|"))
        for column, value in zip(columns, values, strict=True):
            if value:
                cells[name, column.strip()] = int(value)
    return cells


def write(cells: dict[tuple[str, str], int]) -> None:
    known = {**recorded(), **cells}
    names = sorted({row for row, _ in known})
    columns = [*REFUSALS, *CONTENTS]
    width = max(map(len, names)) + 1
    head = f"{'form':<{width}}| " + " | ".join(f"{c:>7}" for c in columns)
    lines = [
        "# What every form of the shop answers to what nobody should send: HTTP status by form and",
        "# kind of mischief. Written by test_matrix.py with OPTICWORKS_WRITE_ANSWERS=1, which also",
        "# holds the shop to it. 303 goes on to a page that says what happened or what is wrong.",
        head,
    ]
    for name in names:
        values = " | ".join(f"{known.get((name, c), ''):>7}" for c in columns)
        lines.append(f"{name:<{width}}| {values}")
    TABLE.write_text("\n".join(lines) + "\n")


def hold(cells: dict[tuple[str, str], int]) -> None:
    """Compare with the table, or write it."""
    if os.environ.get("OPTICWORKS_WRITE_ANSWERS"):
        write(cells)
    known = recorded()
    different = {
        cell: (status, known.get(cell))
        for cell, status in cells.items()
        if known.get(cell) != status
    }
    assert not different, f"(answered, in {TABLE.name}): {different}"


def sound(where: str, answer: TestResponse) -> list[str]:
    """What is wrong with an answer, whatever was sent."""
    wrong = []
    if answer.status_int >= 500:
        wrong.append(f"{where} answered {answer.status_int}")
    text = answer.text if answer.content_type == "text/html" else ""
    for evil in ("<script>alert", "<img src=x"):
        if evil in text:
            wrong.append(f"{where} said {evil} back as markup")
    return wrong


def test_hostile_requests_break_nothing_and_are_never_said_back_as_markup(site: Site) -> None:
    """One after the other on one shop: to fill it and to find all of its forms costs much."""
    what_others_send_or_nobody_can_read_reaches_no_view(site)
    # Nothing was changed by it, so the same shop goes on.
    assert take_anything(site) == []
    assert any_address(site) == []
    assert forgotten(site) == []
    content_breaks_nothing(site)


def what_others_send_or_nobody_can_read_reaches_no_view(site: Site) -> None:
    cells = {}
    for name, form in rows(site).items():
        for column, status in refusals(site, form).items():
            cells[name, column] = status
            taken = (column == "token" and form.route in BY_ORIGIN) or (
                column == "huge" and form.takes_files
            )
            assert taken or 400 <= status < 500, (name, column, status)
            assert status < 500, (name, column, status)
        assert cells[name, "origin"] == 403, name
    hold(cells)


def content_breaks_nothing(site: Site) -> None:
    cells, wrong = {}, []
    # What removes things comes last, so that the others still find them.
    forms = sorted(rows(site).items(), key=lambda row: "delete" in row[0] or "remove" in row[0])
    for column, content in CONTENTS.items():
        followed = set()
        for name, form in forms:
            if form.route == "admin.sign_out":
                continue
            answer = site.browser.post(form.action, content(form), status="*")
            cells[name, column] = answer.status_int
            wrong += sound(form.action, answer)
            # What was just said back stands there; of other content, one look at each page tells.
            goes_on = answer.status_int in (302, 303)
            if goes_on and (column == "script" or answer.location not in followed):
                followed.add(answer.location)
                wrong += sound(form.action, site.browser.get(answer.location, status="*"))
    assert wrong == []
    # Whatever was stored by it, no page of the shop shows it as markup.
    shown = [page for pages in site.pages.values() for page in pages]
    assert [w for page in shown for w in sound(page, site.browser.get(page, status="*"))] == []
    hold(cells)


QUERIES = (
    SCRIPT,
    "-1",
    "99999999999999999999",
    "1e9",
    "NaN",
    "٣",
    "' OR 1=1 --",
    "%",
    "\\",
    "2026-13-45",
    "é" * 4000,
)
PARTS = ("999999999999999999999999", "-1", "%3Cscript%3E", "..%2f..", "%f0%9f%92%a9")


def take_anything(site: Site) -> list[str]:
    """What goes wrong when query parameters hold nonsense."""
    wrong = []
    assert len(site.parameters) > 10
    for path, names in site.parameters.values():
        for name in sorted(names):
            for value in QUERIES:
                where = f"{path}?{name}={value[:20]}"
                wrong += sound(where, site.browser.get(path, {name: value}, status="*"))
            for value in ("%00", "%ff"):
                if site.browser.get(f"{path}?{name}={value}", status="*").status_int != 400:
                    wrong.append(f"{path}?{name}={value} is no text, and was taken")
    return wrong


def any_address(site: Site) -> list[str]:
    """What goes wrong when that part of an address which names something is no id of ours."""
    wrong = []
    for route, pages in site.pages.items():
        parts = pages[0].partition("?")[0].strip("/").split("/") if pages else []
        for place in site.places(route, len(parts)):
            for value in PARTS:
                address = "/" + "/".join([*parts[:place], value, *parts[place + 1 :]])
                wrong += sound(address, site.browser.get(address, status="*"))
    return wrong


#: Addresses that no page links to, and why.
UNLINKED = {
    "assets": "files, asked for by pages",
    "media": "pictures, asked for by pages",
    "catalog.image": "pictures, asked for by pages",
    "webhook": "vendors report there",
    "payment.return": "payment providers send buyers back there",
    "health": "monitors ask it",
    "cart.code.remove": "a code has to be on the cart; the codes' own tests post there",
    "checkout.update": "the checkout's script posts its form there",
    "checkout.address": "as above",
    "catalog.admin.preview_text": "the editor's script posts text there",
    "catalog.admin.import.one": "an upload has to be there; the import's own tests post nonsense",
    "catalog.admin.import.report": "as above",
    "discounts.codes": "only for a discount that hands out single codes",
    "discounts.codes.csv": "as above",
    "admin.order.label": "a label has to have been bought; its own tests ask for it",
    "admin.return.label": "a carrier that sells labels has to be there; its own tests post there",
    "admin.return.label.file": "a label has to have been bought; its own tests ask for it",
    "order.returned.label": "as above",
    "admin.shipping.batch.file": "as above",
    "admin.shipping.manifest": "as above",
    "admin.shipping.slips": "a button of the list of orders asks for them",
    "admin.job.replay": "a job has to have failed",
    "admin.webhooks.replay": "a vendor has to have reported something",
    "admin.theme.use": "a theme has to be looked at first",
    "admin.messages.kind.default": "a message has to be reworded first",
    "mail.stop": "stands in marketing mails; the link's own tests look and post there",
    "catalog.collections": "an address people guess; it leads to /products",
    "sitemap.part": "only when there is more than one part",
    "catalog.admin.product.preview": "only for a product that is not published",
    "discounts.uses": "only for a discount that somebody has used",
    "smtp_mail.show": "development's mailbox; in tests nothing arrives there",
    "smtp_mail.html": "as above",
    "smtp_mail.source": "as above",
}


def forgotten(site: Site) -> list[str]:
    """Addresses that the crawl did not come to: no link leads there, so staff don't either."""
    posted = {form.route for form in site.forms.values()}
    reached = {route for route, pages in site.pages.items() if pages} | posted | {*site.parameters}
    return sorted({route.name for route in site.routes} - reached - {*UNLINKED})
