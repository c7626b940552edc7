"""The admin's screens: the table of rates, its file, exemptions, and a place to try them."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from pyramid.config import Configurator
from pyramid.httpexceptions import HTTPSeeOther
from pyramid.request import Request
from pyramid.response import Response
from sqlalchemy import select

from opticworks.contracts import Address, Permission
from opticworks.money import Money
from opticworks.plugin import Crumb, Page, admin_view, flash, whole
from opticworks_taxes import entries, reading, table_file, trial
from opticworks_taxes.forms import (
    KINDS,
    Country,
    ExemptionEntry,
    Postal,
    RateEntry,
    State,
    TaxClass,
    percent_of,
)
from opticworks_taxes.models import Exemption, Rate
from opticworks_taxes.rules import STANDARD

READ = Permission(code="taxes.read", title="See tax rates and exemptions")
EDIT = Permission(code="taxes.edit", title="Change tax rates and exemptions")
PATH = "/admin/taxes"
EXEMPTIONS = f"{PATH}/exemptions"
VAT_IDS = f"{PATH}/vat-ids"
LIST = Crumb(title="Taxes", path=PATH)
EXEMPT_LIST = Crumb(title="Exemptions", path=EXEMPTIONS)
PER_PAGE = 200
SEE = ("GET", "HEAD")
AMOUNT = r"^\d{1,9}([.,]\d{1,3})?$"
ROUTES = {
    "taxes.rates": PATH,
    "taxes.rate.new": f"{PATH}/rates/new",
    "taxes.rate": f"{PATH}/rates/{{id:\\d{{1,18}}}}",
    "taxes.rate.delete": f"{PATH}/rates/{{id:\\d{{1,18}}}}/delete",
    "taxes.import": f"{PATH}/import",
    "taxes.export": f"{PATH}/rates.csv",
    "taxes.exemptions": EXEMPTIONS,
    "taxes.exemption.new": f"{EXEMPTIONS}/new",
    "taxes.exemption": f"{EXEMPTIONS}/{{id:\\d{{1,18}}}}",
    "taxes.vat_ids": VAT_IDS,
    "taxes.vat_id.seen": f"{VAT_IDS}/{{number}}/seen",
    "taxes.exemption.delete": f"{EXEMPTIONS}/{{id:\\d{{1,18}}}}/delete",
}


def includeme(config: Configurator) -> None:
    for name, pattern in ROUTES.items():
        config.add_route(name, pattern)
    config.allow_body("taxes.import", 4_000_000)
    config.scan("opticworks_taxes.admin")
    config.scan("opticworks_taxes.vat_admin")


def tabs(current: str) -> list[tuple[str, str, bool]]:
    return [
        (label, path, path == current)
        for label, path in (
            ("Rates", PATH),
            ("Exemptions", EXEMPTIONS),
            ("VAT IDs", VAT_IDS),
        )
    ]


def _another(request: Request, row: Rate, entry: RateEntry) -> tuple[str, str] | None:
    """What keeps a rate from being saved: one of its place, class, layer and day is there."""
    same = select(Rate.id).where(
        Rate.country == entry.country,
        Rate.state == entry.state,
        Rate.postal == entry.postal,
        Rate.tax_class == entry.tax_class,
        Rate.layer == entry.layer,
        Rate.starts == entry.starts,
    )
    if request.db.scalar(same) in (None, row.id):
        return None
    return "starts", "There is a rate for this place, class and layer from this day. Change it."


RATES = entries.Kind(
    model=Rate,
    entry=RateEntry,
    path=PATH,
    of_one=f"{PATH}/rates",
    crumbs=(LIST,),
    word="rate",
    key="taxes",
    action="taxes.rate",
    title=lambda entry: entry.title,
    sentence=lambda row: (
        f"{row.title}, {percent_of(row.rate)} %, {row.country} {row.state} {row.postal}".strip()
    ),
    effects=(
        ("percent", "New orders no longer pay it, from now on."),
        ("package", "Orders that were placed keep the rate they were placed with."),
    ),
    refused=_another,
)
EXEMPT = entries.Kind(
    model=Exemption,
    entry=ExemptionEntry,
    path=EXEMPTIONS,
    of_one=EXEMPTIONS,
    crumbs=(LIST, EXEMPT_LIST),
    word="exemption",
    key="taxes:exemption",
    action="taxes.exemption",
    title=lambda entry: f"The exemption of {entry.email}",
    sentence=lambda row: f"{row.email}, {row.reference}",
    effects=(
        ("percent", "New orders of this customer are taxed, from now on."),
        ("package", "Orders that were placed keep their exemption and its reference."),
    ),
)


# --- rates --------------------------------------------------------------------------------------


class Question(BaseModel):
    """What to try: an address and a price as it would be entered."""

    model_config = ConfigDict(frozen=True, extra="ignore", str_strip_whitespace=True)

    country: Country
    state: State = ""
    postal: Postal = ""
    tax_class: TaxClass = STANDARD
    price: str = Field("100", pattern=AMOUNT)
    shipping: str = Field("0", pattern=AMOUNT)


@admin_view("taxes.rates", READ.code, renderer="admin/taxes/rates.pt", request_method=SEE)
def rates(request: Request) -> dict[str, Any]:
    chosen = request.GET.get("in", "").strip().upper()[:2]
    page = max(whole(request.GET.get("page"), digits=5), 1)
    order = (Rate.country, Rate.state, Rate.postal, Rate.layer, Rate.tax_class, Rate.starts.desc())
    query = select(Rate).order_by(*order).limit(PER_PAGE + 1).offset((page - 1) * PER_PAGE)
    if chosen:
        query = query.where(Rate.country == chosen)
    found = list(request.db.scalars(query))
    countries = list(request.db.scalars(select(Rate.country).distinct().order_by(Rate.country)))
    shop = request.ctx.settings["shop"]

    def address(number: int) -> str:
        return str(request.route_path("taxes.rates", _query={"in": chosen, "page": number}))

    return {
        "page": Page("Taxes"),
        "tabs": tabs(PATH),
        "rows": found[:PER_PAGE],
        "chosen": chosen,
        "countries": countries,
        "missing": [code for code in shop.countries if code not in countries],
        "today": reading.today(request.ctx),
        "newer": address(page - 1) if page > 1 else "",
        "older": address(page + 1) if len(found) > PER_PAGE else "",
        "may_edit": EDIT.code in request.identity.permissions,
        **_tried(request),
    }


def _tried(request: Request) -> dict[str, Any]:
    """The box to try a price: what was asked, the answer, or what is wrong with the question."""
    shop = request.ctx.settings["shop"]
    asked = {
        "country": shop.countries[0],
        "state": shop.default_state,
        "postal": "",
        "tax_class": STANDARD,
        "price": "100",
        "shipping": "0",
    }
    values: dict[str, Any] = {"asked": asked, "answer": None, "wrong": ""}
    if "try" not in request.GET:
        return values
    asked.update({name: request.GET.get(name, "").strip()[:40] for name in asked})
    try:
        question = Question.model_validate({k: v for k, v in asked.items() if v})
        address = Address(
            country=question.country, state=question.state, postal_code=question.postal
        )
        price, shipping = (
            Money.typed(text, request.ctx.currency).to_decimal()
            for text in (question.price, question.shipping)
        )
        values["answer"] = trial.ask(request.ctx, address, price, question.tax_class, shipping)
    except ValidationError as error:
        problem = error.errors()[0]
        name = str(problem["loc"][0]) if problem["loc"] else ""
        said = "Enter an amount like 19.90" if name in ("price", "shipping") else problem["msg"]
        values["wrong"] = f"{said}."
    except ValueError as error:
        values["wrong"] = str(error)
    return values


@admin_view("taxes.rate.new", EDIT.code, renderer="admin/taxes/edit.pt")
def new_rate(request: Request) -> dict[str, Any] | Response:
    return entries.new(request, RATES)


@admin_view("taxes.rate", EDIT.code, renderer="admin/taxes/edit.pt")
def edit_rate(request: Request) -> dict[str, Any] | Response:
    return entries.edit(request, RATES)


@admin_view("taxes.rate.delete", EDIT.code, renderer="admin/taxes/delete.pt")
def delete_rate(request: Request) -> dict[str, Any] | Response:
    return entries.delete(request, RATES)


@admin_view("taxes.import", EDIT.code, renderer="admin/taxes/import.pt")
def import_rates(request: Request) -> dict[str, Any] | Response:
    values: dict[str, Any] = {
        "page": Page("Import rates", crumbs=(LIST,)),
        "columns": ", ".join(table_file.COLUMNS),
        "text": "",
        "problems": (),
    }
    if request.method != "POST":
        return values
    text = request.POST.get("text", "")
    values["text"] = text if isinstance(text, str) else ""
    try:
        values["text"] = _uploaded(request) or values["text"]
        result = table_file.read(values["text"])
    except ValueError as error:
        result = table_file.Reading(problems=[table_file.Problem(0, str(error))])
    if result.problems:
        request.response.status_int = 422
        return {**values, "problems": result.problems}
    done = table_file.write(request.db, result.entries)
    entries.changed(request, "taxes.imported", "taxes", added=done.added, changed=done.changed)
    flash(request, f"{done.added} rates added, {done.changed} changed, {done.same} as they were.")
    return HTTPSeeOther(PATH)


def _uploaded(request: Request) -> str:
    file = request.POST.get("file")
    if file is None or isinstance(file, (str, bytes)):
        return ""
    return table_file.decode(file.file.read())


@admin_view("taxes.export", READ.code, request_method=SEE)
def export_rates(request: Request) -> Response:
    rows = request.db.scalars(
        select(Rate).order_by(Rate.country, Rate.state, Rate.postal, Rate.layer, Rate.id)
    ).all()
    return Response(
        table_file.dump(rows),
        content_type="text/csv",
        charset="utf-8",
        content_disposition='attachment; filename="tax-rates.csv"',
    )


# --- exemptions ---------------------------------------------------------------------------------


@admin_view("taxes.exemptions", READ.code, renderer="admin/taxes/exemptions.pt", request_method=SEE)
def exemptions(request: Request) -> dict[str, Any]:
    rows = request.db.scalars(select(Exemption).order_by(Exemption.email, Exemption.id)).all()
    return {
        "page": Page("Exemptions", crumbs=(LIST,)),
        "tabs": tabs(EXEMPTIONS),
        "rows": rows,
        "kinds": KINDS,
        "today": reading.today(request.ctx),
        "may_edit": EDIT.code in request.identity.permissions,
    }


@admin_view("taxes.exemption.new", EDIT.code, renderer="admin/taxes/edit.pt")
def new_exemption(request: Request) -> dict[str, Any] | Response:
    return entries.new(request, EXEMPT)


@admin_view("taxes.exemption", EDIT.code, renderer="admin/taxes/edit.pt")
def edit_exemption(request: Request) -> dict[str, Any] | Response:
    return entries.edit(request, EXEMPT)


@admin_view("taxes.exemption.delete", EDIT.code, renderer="admin/taxes/delete.pt")
def delete_exemption(request: Request) -> dict[str, Any] | Response:
    return entries.delete(request, EXEMPT)
