"""Whether orders, the ledger and the providers agree about the money, and putting right what not.

These views ask providers, so they run outside the request's transaction. What the page found is
sealed into each button: nothing is kept between the page and the click.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from datetime import date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from pyramid.httpexceptions import HTTPNotFound, HTTPSeeOther
from pyramid.request import Request
from pyramid.response import Response

from opticworks.admin.shell import flash
from opticworks.checkout.differences import Difference
from opticworks.checkout.reconcile import TooMany, compare
from opticworks.checkout.repair import REPAIRS, Deed, repair
from opticworks.checkout.settle import Refused
from opticworks.shop import Shop
from opticworks.web.keys import UnknownKey
from opticworks.web.page import Page
from opticworks.web.policy import admin_view

DAYS = 7
MOST = 3000  #: payments of one provider that a page waits for
PURPOSE = "reconcile"
PATH = "/admin/payments/reconcile"


@dataclass(frozen=True, slots=True)
class Row:
    """A difference as it is shown: its sentence, its order's page, and its buttons."""

    sentence: str
    number: str
    sealed: str
    deeds: tuple[tuple[str, Deed], ...]


@admin_view(
    "admin.reconcile",
    "payments.reconcile",
    renderer="admin/reconcile.pt",
    request_method=("GET", "HEAD"),
)
def reconcile(request: Request) -> dict[str, Any]:
    shop: Shop = request.shop
    zone = ZoneInfo(shop.settings["shop"].timezone)
    asked = "since" in request.GET
    since = _date(request.GET.get("since", "")) or (
        shop.now().astimezone(zone).date() - timedelta(days=DAYS)
    )
    request.db.close()
    problem, rows = "", []
    if asked:
        try:
            found = compare(shop, datetime.combine(since, time(), zone), MOST)
            rows = [_row(shop, each) for each in found]
        except TooMany as error:
            problem = f"{error} Choose a later day, or run: opticworks payments reconcile"
    return {
        "page": Page("Reconcile payments"),
        "asked": asked,
        "since": since.isoformat(),
        "rows": rows,
        "problem": problem,
    }


def _date(text: str) -> date | None:
    try:
        found = date.fromisoformat(text)
    except ValueError:
        return None
    return found if 2000 < found.year < 9000 else None


def _row(shop: Shop, found: Difference) -> Row:
    known = {name: value for name, value in asdict(found).items() if value}
    if found.at is not None:
        known["at"] = found.at.isoformat()
    sealed = shop.vault.encrypt(json.dumps([PURPOSE, known]))
    deeds = tuple((deed, REPAIRS[deed]) for deed in found.repairs)
    return Row(found.sentence, found.number, sealed, deeds)


def _unsealed(shop: Shop, text: str) -> Difference | None:
    """The difference that a page of ours has shown; None for anything else."""
    try:
        purpose, known = json.loads(shop.vault.decrypt(text))
    except (UnknownKey, ValueError, TypeError):
        return None
    if purpose != PURPOSE:
        return None
    at = datetime.fromisoformat(known["at"]) if "at" in known else None
    return Difference(**{**known, "at": at, "repairs": tuple(known.get("repairs", ()))})


@admin_view("admin.reconcile.repair", "payments.reconcile", request_method="POST")
def put_right(request: Request) -> Response:
    """One repair of one difference, which is looked at again first."""
    shop: Shop = request.shop
    known = _unsealed(shop, request.POST.get("found", ""))
    deed = request.POST.get("deed", "")
    if known is None or deed not in known.repairs:
        raise HTTPNotFound("There is no such difference.")
    actor = request.identity.email
    request.db.close()
    try:
        repair(shop, known, deed, actor=actor)
        flash(request, REPAIRS[deed].done)
    except Refused as error:
        flash(request, str(error), "problem")
    since = _date(request.POST.get("since", ""))
    query = {"since": since.isoformat()} if since else {}
    return HTTPSeeOther(request.route_path("admin.reconcile", _query=query))
