"""The admin's screens: discounts with their state and uses, and codes by the thousand."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

from babel import Locale
from pyramid.config import Configurator
from pyramid.httpexceptions import HTTPNotFound, HTTPSeeOther
from pyramid.request import Request
from pyramid.response import Response
from sqlalchemy import exists, or_, select

from opticworks import kernel
from opticworks.contracts import Permission
from opticworks.money import Money
from opticworks.plugin import (
    Crumb,
    Page,
    SchemaForm,
    admin_view,
    escaped_cell,
    flash,
    item_groups,
    whole,
)
from opticworks_discounts import watching, writing
from opticworks_discounts.forms import BatchEntry, DiscountEntry
from opticworks_discounts.models import AUTOMATIC, BATCH, CODE, Code, Discount
from opticworks_discounts.offers import effect
from opticworks_discounts.selecting import buys, gets

READ = Permission(code="discounts.read", title="See discounts and who used them")
EDIT = Permission(code="discounts.edit", title="Make and change discounts")
PATH = "/admin/discounts"
LIST = Crumb(title="Discounts", path=PATH)
PER_PAGE = 50
USES = 100  #: of one discount that its page shows
MOST_UNKNOWN = 5  #: SKUs that are said to be unknown
SEE = ("GET", "HEAD")
ONE = f"{PATH}/{{id:\\d{{1,18}}}}"
ROUTES = {
    "discounts.list": PATH,
    "discounts.new": f"{PATH}/new",
    "discounts.edit": ONE,
    "discounts.uses": f"{ONE}/uses",
    "discounts.copy": f"{ONE}/copy",
    "discounts.turn": f"{ONE}/turn",
    "discounts.codes": f"{ONE}/codes",
    "discounts.codes.csv": f"{ONE}/codes.csv",
}


class Word(NamedTuple):
    """A state as a badge shows it."""

    label: str
    tone: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """A discount in the list."""

    id: int
    title: str
    code: str
    effect: str
    minimum: Money | None
    word: Word
    uses: str
    starts_at: datetime | None
    ends_at: datetime | None


def includeme(config: Configurator) -> None:
    for name, pattern in ROUTES.items():
        config.add_route(name, pattern)
    config.scan("opticworks_discounts.admin")


def state_of(discount: Discount, used: int, now: datetime) -> Word:
    """Whether customers can have it at that moment, in a word."""
    if not discount.active:
        return Word("Off", "neutral")
    if discount.ends_at is not None and discount.ends_at <= now:
        return Word("Expired", "neutral")
    if discount.total_limit is not None and used >= discount.total_limit:
        return Word("Used up", "neutral")
    if discount.starts_at is not None and discount.starts_at > now:
        return Word("Scheduled", "waiting")
    return Word("Active", "good")


def uses_of(discount: Discount, used: int) -> str:
    """ "3 of 10", or "3" without a limit."""
    return f"{used} of {discount.total_limit}" if discount.total_limit else str(used)


# --- the list -----------------------------------------------------------------------------------


@admin_view("discounts.list", READ.code, renderer="admin/discounts/list.pt", request_method=SEE)
def overview(request: Request) -> dict[str, Any]:
    query = request.GET.get("q", "").strip()[:80]
    page = max(whole(request.GET.get("page"), digits=5), 1)
    statement = select(Discount).order_by(Discount.id.desc())
    if query:
        statement = statement.where(_matches(query))
    rows = list(request.db.scalars(statement.limit(PER_PAGE + 1).offset((page - 1) * PER_PAGE)))

    def address(number: int) -> str:
        return str(request.route_path("discounts.list", _query={"q": query, "page": number}))

    return {
        "page": Page("Discounts"),
        "query": query,
        "lines": _lines(request, rows[:PER_PAGE]),
        "newer": address(page - 1) if page > 1 else "",
        "older": address(page + 1) if len(rows) > PER_PAGE else "",
        "may_edit": EDIT.code in request.identity.permissions,
    }


def _matches(query: str) -> Any:
    """By a part of the name, or by a code in any spelling."""
    pattern = "%" + query.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_") + "%"
    own = exists().where(Code.discount_id == Discount.id, Code.key == kernel.fold_code(query))
    return or_(Discount.title.ilike(pattern), own)


def _lines(request: Request, rows: list[Discount]) -> list[Line]:
    used = kernel.used(request.db, [row.allowance for row in rows])
    counts = writing.count_codes(request.db, [row.id for row in rows])
    codes = writing.codes_of(request.db, [row.id for row in rows if row.method == CODE])
    return [_line(request, row, used[row.allowance], counts, codes) for row in rows]


def _line(
    request: Request,
    row: Discount,
    used: int,
    counts: Mapping[int, int],
    codes: Mapping[int, list[Code]],
) -> Line:
    ctx = request.ctx
    code = {AUTOMATIC: "By itself", BATCH: f"{counts.get(row.id, 0)} codes"}.get(row.method, "")
    return Line(
        id=row.id,
        title=row.title,
        code=code or " ".join(each.code for each in codes.get(row.id, ())),
        effect=effect(row, ctx.locale),
        minimum=Money(row.minimum, row.currency) if row.minimum else None,
        word=state_of(row, used, ctx.now),
        uses=uses_of(row, used),
        starts_at=row.starts_at,
        ends_at=row.ends_at,
    )


# --- one discount -------------------------------------------------------------------------------


@admin_view("discounts.new", EDIT.code, renderer="admin/discounts/edit.pt")
def new(request: Request) -> dict[str, Any] | Response:
    return _edit(request, Discount(), "")


@admin_view("discounts.edit", EDIT.code, renderer="admin/discounts/edit.pt")
def edit(request: Request) -> dict[str, Any] | Response:
    row = _find(request)
    codes = writing.codes_of(request.db, [row.id])[row.id] if row.method == CODE else []
    return _edit(request, row, codes[0].code if codes else "")


def _find(request: Request) -> Discount:
    lock = request.method == "POST"
    key = int(request.matchdict["id"])
    row: Discount | None = request.db.get(Discount, key, with_for_update=lock)
    if row is None:
        raise HTTPNotFound("There is no such discount. Look for it in the list.")
    return row


def _edit(request: Request, row: Discount, code: str) -> dict[str, Any] | Response:
    known = row.id is not None
    form = _form(request, row, code)
    entry = form.validate()
    if entry is not None and _saved(request, form, row, entry):
        flash(request, f"{entry.title} was saved.")
        if unknown := _unknown(request, row):
            sentence = "Nothing is sold under {skus} at the moment. Check how it is written."
            flash(request, sentence.format(skus=", ".join(unknown)), "problem")
        return HTTPSeeOther(request.route_path("discounts.edit", id=row.id))
    request.response.status_int = 422 if form.posted else 200
    values: dict[str, Any] = {
        "page": Page(row.title if known else "New discount", crumbs=(LIST,)),
        "heading": row.title if known else "New discount",
        "form": form,
        "back": PATH,
        "discount": None,
    }
    return {**values, **_about(request, row)} if known else values


def _form(request: Request, row: Discount, code: str) -> SchemaForm[DiscountEntry]:
    shop = request.ctx.settings["shop"]
    known = row.id is not None
    exclude = ["method"] if known else []
    if known and row.method != CODE:
        exclude.append("code")
    if not (groups := _groups(request, row)):
        exclude += ["groups", "buy_groups"]
    places = dict.fromkeys([*shop.countries, *(row.countries or [])])
    names = Locale.parse(shop.locale).territories
    return SchemaForm(
        DiscountEntry,
        values=DiscountEntry.of(row, code) if known else None,
        post=request.POST if request.method == "POST" else None,
        locale=shop.locale,
        currency=shop.currency,
        timezone=shop.timezone,
        exclude=exclude,
        shared=known,
        choices={
            "countries": {place: names.get(place, place) for place in places},
            "groups": groups,
            "buy_groups": groups,
        },
    )


def _groups(request: Request, row: Discount) -> dict[str, str]:
    """Titles of the groups there are, and of those that the discount names and that are gone."""
    titles = {group.key: group.title for group in item_groups(request)}
    named = [*(row.groups or []), *(row.buy_groups or [])]
    return {**{key: f"{key} (deleted)" for key in named}, **titles}


def _saved(
    request: Request, form: SchemaForm[DiscountEntry], row: Discount, entry: DiscountEntry
) -> bool:
    """Write it down; False if another discount has the code."""
    action = "discount.changed" if row.id is not None else "discount.added"
    try:
        with request.db.begin_nested():
            entry.write(row, request.ctx.currency)
            writing.add(request.db, row, entry.code if entry.method == CODE else "")
    except writing.Taken as error:
        form.refuse("code", str(error))
        return False
    kernel.audit(
        request.db,
        request.identity.email,
        action,
        f"discount {row.id}",
        after=entry.model_dump(mode="json"),
    )
    return True


def _unknown(request: Request, row: Discount) -> list[str]:
    """The first SKUs that it names in full and that no goods have, as misspelt ones are. A
    discount may name what is sold later, so this is said and not refused."""
    named = [*gets(row).skus, *buys(row).skus]
    if not named:
        return []
    asked = tuple(dict.fromkeys(spelt for sku in named for spelt in (sku, sku.upper())))
    answers = request.hooks.items(skus=asked, ctx=request.ctx)
    known = {sku.casefold() for answer in answers for sku in answer or ()}
    return [sku for sku in dict.fromkeys(named) if sku.casefold() not in known][:MOST_UNKNOWN]


def _about(request: Request, row: Discount) -> dict[str, Any]:
    """What there is to see of a discount besides its form."""
    used = kernel.used(request.db, [row.allowance])[row.allowance]
    shop = request.ctx.settings["shop"]
    rush = next(iter(watching.rushes(request.ctx, row.id)), None)
    return {
        "discount": row,
        "rush": rush,
        "word": state_of(row, used, request.ctx.now),
        "used": uses_of(row, used),
        "uses": kernel.uses(request.db, row.allowance, limit=USES),
        "most": USES,
        "codes": writing.count_codes(request.db, [row.id]).get(row.id, 0),
        "batch": SchemaForm(BatchEntry, locale=shop.locale) if row.method == BATCH else None,
    }


@admin_view("discounts.uses", READ.code, renderer="admin/discounts/uses.pt", request_method=SEE)
def uses(request: Request) -> dict[str, Any]:
    """Who used it: for staff who may look and not change."""
    row = _find(request)
    page = Page(row.title, crumbs=(LIST,))
    return {"page": page, "heading": row.title, **_about(request, row)}


@admin_view("discounts.copy", EDIT.code, request_method="POST")
def copy(request: Request) -> Response:
    """Another discount like this one, turned off and without a code, to be changed."""
    row = _find(request)
    fields = {
        column.key: getattr(row, column.key)
        for column in Discount.__table__.columns
        if column.key not in ("id", "created_at")
    }
    twin = Discount(**{**fields, "title": f"{row.title} (copy)"[:80], "active": False})
    writing.add(request.db, twin)
    kernel.audit(
        request.db, request.identity.email, "discount.copied", f"discount {twin.id}", of=row.id
    )
    flash(request, f"This is a copy of {row.title}. It is off until you turn it on.")
    return HTTPSeeOther(request.route_path("discounts.edit", id=twin.id))


@admin_view("discounts.turn", EDIT.code, request_method="POST")
def turn(request: Request) -> Response:
    row = _find(request)
    row.active = request.POST.get("to") == "on"
    state = "on" if row.active else "off"
    kernel.audit(request.db, request.identity.email, f"discount.{state}", f"discount {row.id}")
    back = {"to": "off" if row.active else "on"}
    flash(request, f"{row.title} is {state}.", undo=(request.path, back))
    return HTTPSeeOther(request.route_path("discounts.edit", id=row.id))


# --- codes of a batch ---------------------------------------------------------------------------


@admin_view("discounts.codes", EDIT.code, request_method="POST")
def make_codes(request: Request) -> Response:
    row = _find(request)
    if row.method != BATCH:
        raise HTTPNotFound("This discount has no batch of codes.")
    form = SchemaForm(BatchEntry, post=request.POST, locale=request.ctx.locale)
    entry = form.validate()
    if entry is None:
        said = " ".join(sentence for _, sentence in form.summary)
        flash(request, f"No codes were made. {said}", "problem")
        return HTTPSeeOther(request.route_path("discounts.edit", id=row.id))
    made = writing.generate(request.db, row, entry.count, entry.prefix.upper())
    kernel.audit(
        request.db, request.identity.email, "discount.codes", f"discount {row.id}", made=made
    )
    flash(request, f"{made} codes were made.")
    return HTTPSeeOther(request.route_path("discounts.edit", id=row.id) + "#codes")


@admin_view("discounts.codes.csv", EDIT.code, request_method=SEE)
def download(request: Request) -> Response:
    """Every code with whether it was used, for a spreadsheet or a mailing."""
    row = _find(request)
    codes = writing.codes_of(request.db, [row.id])[row.id]
    used = kernel.used(request.db, [code.allowance for code in codes])
    out = io.StringIO()
    table = csv.writer(out)
    table.writerow(("code", "used", "discount", "made"))
    for code in codes:
        spent = "yes" if used[code.allowance] else "no"
        made = code.created_at.isoformat(timespec="seconds")
        table.writerow((escaped_cell(code.code), spent, escaped_cell(row.title), made))
    return Response(
        out.getvalue(),
        content_type="text/csv",
        charset="utf-8",
        content_disposition=f'attachment; filename="discount-{row.id}-codes.csv"',
    )
