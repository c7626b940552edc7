"""Staff upload a product file, see what it would do, and import it; and export the catalogue."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

from pyramid.config import Configurator
from pyramid.httpexceptions import HTTPNotFound, HTTPSeeOther
from pyramid.request import Request
from pyramid.response import Response
from sqlalchemy import delete, select

from opticworks import kernel
from opticworks.plugin import Crumb, Page, admin_view, flash
from opticworks_catalog.admin import EDIT, PATH, READ
from opticworks_catalog.exchange import jobs
from opticworks_catalog.exchange.report import KINDS, Report
from opticworks_catalog.models import Import

IMPORT, EXPORT = "/admin/catalog/import", "/admin/catalog/export.csv"
MOST_BYTES = 32_000_000
SHOWN = 300  #: entries of a report on its page; the file has all
KEPT = timedelta(days=30)
LIST = Crumb(title="Products", path=PATH)
IMPORTS = Crumb(title="Import", path=IMPORT)


class Word(NamedTuple):
    label: str
    tone: str


STATES = {
    "trying": Word("Being checked", "waiting"),
    "tried": Word("Checked", "waiting"),
    "importing": Word("Being imported", "waiting"),
    "imported": Word("Imported", "good"),
    "refused": Word("Can't be read", "bad"),
}
STOPPED = Word("Stopped", "bad")
TONES = {"skipped": "bad", "picture": "waiting", "stock": "waiting"}


def includeme(config: Configurator) -> None:
    for name, pattern in (
        ("catalog.admin.import", IMPORT),
        ("catalog.admin.import.one", IMPORT + "/{id:[0-9]{1,15}}"),
        ("catalog.admin.import.report", IMPORT + "/{id:[0-9]{1,15}}/report.csv"),
        ("catalog.admin.export", EXPORT),
    ):
        config.add_route(name, pattern)
    config.allow_body("catalog.admin.import", MOST_BYTES)


@admin_view(
    "catalog.admin.import",
    EDIT.code,
    renderer="admin/catalog/import.pt",
    request_method=("GET", "HEAD"),
)
def imports(request: Request) -> dict[str, Any]:
    rows = request.db.execute(
        select(Import.id, Import.name, Import.state, Import.actor, Import.created_at)
        .order_by(Import.id.desc())
        .limit(20)
    ).all()
    return {
        "page": Page("Import products", crumbs=(LIST,)),
        "rows": [
            (row, STOPPED if jobs.stopped(request.db, row) else STATES[row.state]) for row in rows
        ],
        "currency": request.shop.settings["shop"].currency,
        "may_count": request.has_permission("stock.edit"),
        "most": MOST_BYTES // 1_000_000,
    }


@admin_view("catalog.admin.import", EDIT.code, request_method="POST")
def upload(request: Request) -> Response:
    field = request.POST.get("file")
    content = b"" if field is None or isinstance(field, str) else field.file.read()
    if not content:
        flash(request, "Choose a CSV file that isn't empty.", "problem")
        return HTTPSeeOther(IMPORT)
    db, now = request.db, datetime.now(UTC)
    db.execute(delete(Import).where(Import.created_at < now - KEPT))
    row = Import(
        name=_name(field.filename),
        content=content,
        with_stock="stock" in request.POST and bool(request.has_permission("stock.edit")),
        with_pictures="pictures" in request.POST,
        state="trying",
        actor=request.identity.email,
    )
    db.add(row)
    jobs.start(db, row)
    return HTTPSeeOther(f"{IMPORT}/{row.id}")


def _name(filename: Any) -> str:
    """The file's own name, without the folders that some browsers send."""
    name = str(filename or "").replace("\\", "/").rpartition("/")[2]
    return "".join(c for c in name if c.isprintable())[-200:] or "products.csv"


@admin_view(
    "catalog.admin.import.one",
    EDIT.code,
    renderer="admin/catalog/import_one.pt",
    request_method=("GET", "HEAD"),
)
def one(request: Request) -> dict[str, Any]:
    row = _row(request)
    stopped = jobs.stopped(request.db, row)
    report = Report.of_json(row.report) if row.report else None
    one_by_one, together = report.gathered if report else ([], [])
    if len(one_by_one) > SHOWN:  # what was not imported is not to be lost among notes
        one_by_one.sort(key=lambda entry: list(KINDS).index(entry.kind))
    entries = [*together, *one_by_one[:SHOWN]]
    return {
        "page": Page(row.name, crumbs=(LIST, IMPORTS)),
        "row": row,
        "word": STOPPED if stopped else STATES[row.state],
        "running": row.state in jobs.RUNNING and not stopped,
        "stopped": stopped,
        "report": report,
        "entries": [
            (entry, Word(KINDS[entry.kind].capitalize(), TONES.get(entry.kind, "neutral")))
            for entry in entries
        ],
        "more": max(0, len(one_by_one) - SHOWN),
        "worth": bool(report and report.created + report.changed + len(entries)),
    }


@admin_view("catalog.admin.import.one", EDIT.code, request_method="POST")
def go(request: Request) -> Response:
    row = _row(request, lock=True)
    if jobs.stopped(request.db, row):
        kernel.audit(
            request.db,
            request.identity.email,
            "catalog.import.resumed",
            f"import:{row.id}",
            file=row.name,
        )
        jobs.start(request.db, row)
    elif row.state == "tried":
        row.state, row.finished_at, row.report = "importing", None, None
        row.actor = request.identity.email
        row.with_stock = row.with_stock and bool(request.has_permission("stock.edit"))
        kernel.audit(request.db, row.actor, "catalog.import", f"import:{row.id}", file=row.name)
        jobs.start(request.db, row)
    return HTTPSeeOther(f"{IMPORT}/{row.id}")


@admin_view("catalog.admin.import.report", EDIT.code, request_method=("GET", "HEAD"))
def report_file(request: Request) -> Response:
    row = _row(request)
    if not row.report:
        raise HTTPNotFound("There is no report yet.")
    return _file(Report.of_json(row.report).as_csv(), f"report-{row.id}.csv")


@admin_view("catalog.admin.export", READ.code, request_method=("GET", "HEAD"))
def export(request: Request) -> Response:
    from opticworks_catalog.exchange.dumping import dump  # large, and seldom asked for

    text = "".join(dump(request.db, request.shop.config.base_url))
    return _file(text, f"products-{datetime.now(UTC):%Y-%m-%d}.csv")


def _file(text: str, name: str) -> Response:
    return Response(
        text.encode(),
        content_type="text/csv",
        charset="utf-8",
        content_disposition=f'attachment; filename="{name}"',
    )


def _row(request: Request, *, lock: bool = False) -> Import:
    row = request.db.get(Import, int(request.matchdict["id"]), with_for_update=lock)
    if row is None:
        raise HTTPNotFound("This import doesn't exist, or is too old to be kept.")
    found: Import = row
    return found
