"""One page for a whole product: its words, options, variants with prices and stock, and parts."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from pyramid.httpexceptions import HTTPNotFound, HTTPSeeOther
from pyramid.request import Request
from pyramid.response import Response
from sqlalchemy import select

from opticworks import kernel
from opticworks.plugin import Crumb, Page, admin_view, flash, whole
from opticworks_catalog import bundles, goods, writing
from opticworks_catalog.admin import EDIT, PATH, READ, convert, matrix, merge, queries, renaming
from opticworks_catalog.admin import form as forms
from opticworks_catalog.admin.form import ProductForm, VariantRow
from opticworks_catalog.admin.listing import STATUS, left_of
from opticworks_catalog.models import ACTIVE, ARCHIVED, DRAFT, PUBLISHED, Product
from opticworks_catalog.present import product_path
from opticworks_catalog.writing import ProductInput, VariantInput

LIST = Crumb(title="Products", path=PATH)
POLICIES = (
    ("deny", "Stop at zero"),
    ("backorder", "Sell beyond zero"),
    ("untracked", "Not counted"),
)
#: The grid's columns: cell, head, group, kind.
COLUMNS = (
    ("sku", "SKU", "sell", "text"),
    ("price", "Price", "sell", "decimal"),
    ("compare_at", "Before", "sell", "decimal"),
    ("stock", "Stock", "sell", "numeric"),
    ("barcode", "Barcode", "ship", "text"),
    ("weight", "Weight g", "ship", "numeric"),
    ("length", "Length mm", "ship", "numeric"),
    ("width", "Width mm", "ship", "numeric"),
    ("height", "Height mm", "ship", "numeric"),
    ("ships", "Is shipped", "ship", (("yes", "Yes"), ("no", "No"))),
    ("stock_policy", "At zero stock", "rules", POLICIES),
    ("percent_off", "Bundle % off", "rules", "decimal"),
    ("tax_code", "Tax code", "rules", "text"),
    ("hs_code", "Customs no.", "rules", "text"),
    ("origin_country", "Made in", "rules", "text"),
    ("status", "Status", "rules", ((ACTIVE, "On sale"), (ARCHIVED, "Archived"))),
)
GROUPS = (("sell", "Prices and stock"), ("ship", "Code, weight, size"), ("rules", "Tax and rules"))


@dataclass(slots=True)
class Notes:
    """What the page has to say besides errors of fields."""

    error: str = ""
    status: int = 200
    taken: list[str] = field(default_factory=list)
    disputed: list[tuple[str, str, str]] = field(default_factory=list)
    losing: list[tuple[str, str, int]] = field(default_factory=list)  #: SKU, on the shelf, kept
    confirmed: str = ""
    dirty: bool = False
    said: str = ""
    focus: str = ""  #: the cell to go on in


def product_id(request: Request) -> int:
    """The id in the address. Raises HTTPNotFound."""
    key = whole(request.matchdict["id"], -1, digits=17)
    if key < 0:
        raise HTTPNotFound("There is no such product.")
    return key


def stored_product(request: Request, key: int) -> ProductInput:
    try:
        return writing.read(request.db, key)
    except LookupError:
        raise HTTPNotFound(
            "There is no such product. It may have been deleted; look for it in the list."
        ) from None


def currency_of(request: Request) -> str:
    return str(request.ctx.settings["shop"].currency)


def on_shelf(request: Request, product: ProductInput) -> dict[str, int]:
    levels = kernel.availability(request.db, [variant.sku for variant in product.variants])
    return {sku: level.on_hand for sku, level in levels.items()}


def empty(request: Request) -> ProductInput:
    """A product before anything is typed: a draft with one variant."""
    blank = VariantInput(sku="", price=0)
    return ProductInput(handle="", title="", currency=currency_of(request), variants=(blank,))


def blank_form(request: Request) -> ProductForm:
    form = forms.from_product(empty(request), currency_of(request), {})
    row = form.variants[0]
    row.cells |= {"price": "", "stock": "", "stock_was": ""}
    return form


def page_of(
    request: Request,
    form: ProductForm,
    key: int | None,
    base: ProductInput | None,
    notes: Notes | None = None,
) -> dict[str, Any]:
    notes = notes or Notes()
    if notes.status != 200:
        request.response.status_int = notes.status
    title = form["title"] or (base.title if base else "")
    published = base is not None and base.status == PUBLISHED
    skus = [row["sku_was"] for row in form.variants if row["sku_was"]]
    return {
        "page": Page(title if key else "New product", crumbs=(LIST,)),
        "form": form,
        "notes": notes,
        "summary": convert.summary(form.errors, form),
        "key": key,
        "action": f"{PATH}/{key}" if key else f"{PATH}/new",
        "base": merge.pack(base),
        "status_word": STATUS[base.status] if base else None,
        "columns": COLUMNS,
        "groups": GROUPS,
        "grid": _grid(form),
        "statuses": [(DRAFT, "Draft"), (PUBLISHED, "Published"), (ARCHIVED, "Archived")],
        "all_collections": queries.all_collections(request.db),
        "shop_url": product_path(base.handle) if published and base and base.variants else "",
        "base_url": request.shop.config.base_url,
        "bundle_levels": _bundle_levels(request, base),
        "preview": kernel.to_html(form["description"], below=1) if notes.said == "preview" else "",
        "currency": currency_of(request),
        "skus": skus,
        "may_edit": EDIT.code in request.identity.permissions,
    }


def _grid(form: ProductForm) -> list[tuple[VariantRow, list[tuple[Any, ...]]]]:
    """The rows with their cells made ready: (id, cell, value, kind, group, label, error)."""
    found = []
    for i, row in enumerate(form.variants):
        name = row.title or row["sku"] or "New variant"
        cells = [
            (
                f"variant.{i}.{cell}",
                cell,
                row[cell],
                kind,
                group,
                f"{head}, {name}",
                form.errors.get(f"variants.{i}.{cell}")
                or (form.errors.get(f"variants.{i}.size") if cell == "length" else ""),
            )
            for cell, head, group, kind in COLUMNS
        ]
        found.append((row, cells))
    return found


def _bundle_levels(request: Request, base: ProductInput | None) -> list[tuple[str, str, str]]:
    """What can be sold of each bundle now: SKU, how many, and which part decides."""
    bundles = [variant for variant in base.variants if variant.components] if base else []
    if not bundles:
        return []
    parts = {sku for bundle in bundles for sku, _ in bundle.components}
    items = goods.read_items(sorted({bundle.sku for bundle in bundles} | parts), request.ctx)
    levels = kernel.availability(request.db, parts)
    found = []
    for bundle in bundles:
        free = left_of(items[bundle.sku], items, levels)
        scarcest = min(bundle.components, key=lambda part: max(levels[part[0]].free, 0) // part[1])
        found.append((bundle.sku, "any number" if free is None else str(free), scarcest[0]))
    return found


# --- showing --------------------------------------------------------------------------------------


@admin_view(
    "catalog.admin.product.new",
    EDIT.code,
    renderer="admin/catalog/product_edit.pt",
    request_method=("GET", "HEAD"),
)
def new(request: Request) -> dict[str, Any]:
    return page_of(request, blank_form(request), None, None)


@admin_view(
    "catalog.admin.product",
    READ.code,
    renderer="admin/catalog/product_edit.pt",
    request_method=("GET", "HEAD"),
)
def show(request: Request) -> dict[str, Any]:
    key = product_id(request)
    product = stored_product(request, key)
    form = forms.from_product(product, currency_of(request), on_shelf(request, product))
    return page_of(request, form, key, product)


# --- saving ---------------------------------------------------------------------------------------


@admin_view(
    "catalog.admin.product.new",
    EDIT.code,
    renderer="admin/catalog/product_edit.pt",
    request_method="POST",
)
def create(request: Request) -> dict[str, Any] | Response:
    blank = blank_form(request)
    blank.variants = []
    form = forms.read(request.POST, blank)
    return _act(request, form, None, None)


@admin_view(
    "catalog.admin.product",
    EDIT.code,
    renderer="admin/catalog/product_edit.pt",
    request_method="POST",
)
def update(request: Request) -> dict[str, Any] | Response:
    key = product_id(request)
    # Whoever saves the same product waits here, and then sees what was saved.
    request.db.execute(select(Product.id).where(Product.id == key).with_for_update())
    stored = stored_product(request, key)
    shown = forms.from_product(stored, currency_of(request), on_shelf(request, stored))
    try:
        base = merge.unpack(_text(request, "base"))
    except ValueError as error:
        return page_of(request, shown, key, stored, Notes(str(error), 422))
    seen = forms.from_product(base, currency_of(request), on_shelf(request, stored))
    form = forms.read(request.POST, seen)
    return _act(request, form, key, stored, base)


def _text(request: Request, name: str) -> str:
    value = request.POST.get(name, "")
    return value if isinstance(value, str) else ""


def _act(
    request: Request,
    form: ProductForm,
    key: int | None,
    stored: ProductInput | None,
    base: ProductInput | None = None,
) -> dict[str, Any] | Response:
    """What the pressed button means: make variants, show the text, or save."""
    matrix.clean(form.options)
    lost = matrix.fit(form)
    losing = [*lost, *(row for row in form.variants if row.remove)]
    notes = Notes(dirty=True)
    button = _text(request, "do")
    if button in ("matrix", "preview"):
        if button == "matrix":
            try:
                added = matrix.complete(form)
                notes.said = f"{added} new variants." if added != 1 else "1 new variant."
                new = (i for i, row in enumerate(form.variants) if row.is_new)
                notes.focus = f"variant.{next(new, 0)}.price"
            except ValueError as error:
                notes.error, notes.status = str(error), 422
        else:
            notes.said = "preview"
        form.variants += lost
        return page_of(request, form, key, base or stored, notes)
    gone = sorted(row["sku_was"] for row in losing if row["sku_was"])
    if base is not None and (needing := bundles.needing(request.db, gone)):
        return _needed(request, form, key, base, lost, needing)
    if gone and _text(request, "confirmed") != " ".join(gone):
        levels = kernel.availability(request.db, gone)
        notes.losing = [(sku, str(levels[sku].on_hand), levels[sku].held) for sku in gone]
        notes.confirmed, notes.status = " ".join(gone), 422
        for row in lost:
            row.remove = True
        form.variants += lost
        return page_of(request, form, key, base or stored, notes)
    form.variants = [row for row in form.variants if not row.remove]
    return _save(request, form, key, stored, base)


def _needed(
    request: Request,
    form: ProductForm,
    key: int | None,
    base: ProductInput,
    lost: list[VariantRow],
    needing: dict[str, str],
) -> dict[str, Any]:
    """Bundles are made of what was to be removed: say so before anybody is asked to confirm it,
    and put it back."""
    for row in [*lost, *form.variants]:
        row.remove = (row.remove or row in lost) and row["sku_was"] not in needing
    stored = forms.from_product(base, currency_of(request), {})
    matrix.restore(form, lost, stored)
    sentences = [
        f"{part} is a part of the bundle {bundle}, so it is back in the form. Archive it, or "
        "change the bundle first."
        for part, bundle in needing.items()
    ]
    return page_of(request, form, key, base, Notes(" ".join(sentences), 422, dirty=True))


def _save(
    request: Request,
    form: ProductForm,
    key: int | None,
    stored: ProductInput | None,
    base: ProductInput | None,
) -> dict[str, Any] | Response:
    matrix.name_new(form)
    wanted = convert.to_product(form, currency_of(request), base)
    counts, seen = convert.stock_of(form, wanted)
    notes = Notes(dirty=True, status=422)
    if form.errors:
        form.errors |= writing.problems(request.db, wanted, product_id=key)
        convert.recipe_errors(form, wanted, form.errors)
        return page_of(request, form, key, base, notes)
    renames = renaming.of(form)
    if stored is not None and base is not None and stored != base:
        return _put_together(request, key, form, (base, wanted, stored), renames)
    try:
        with request.db.begin_nested():
            if key is not None and renames:
                renaming.rename(request.db, key, renames, request.identity.email)
            saved = writing.save(request.db, wanted, product_id=key)
            kernel.count_stock(
                request.db,
                counts,
                seen=seen,
                reason="Product page",
                actor=request.identity.email,
            )
    except writing.Invalid as error:
        form.errors |= error.problems
        convert.recipe_errors(form, wanted, form.errors)
        notes.error = form.errors.pop("", "")
        return page_of(request, form, key, base, notes)
    except kernel.StockMoved as moved:
        return _moved(request, form, key, base, moved)
    except ValueError as error:  # stock that orders keep, a SKU that can't change
        notes.error = str(error)
        return page_of(request, form, key, base, notes)
    changes = (*saved.changes, *(f"stock of {sku}" for sku in counts))
    changes += tuple(f"{old} is now {new}" for old, new in renames.items())
    _note(request, wanted.title, changes, created=saved.created)
    return HTTPSeeOther(f"{PATH}/{saved.product_id}")


def _note(request: Request, title: str, changes: Iterable[str], *, created: bool) -> None:
    changed = list(changes)
    if not changed:
        flash(request, "Nothing was changed.")
        return
    verb = "catalog.created" if created else "catalog.changed"
    kernel.audit(
        request.db, request.identity.email, verb, f"product {title}", changes=changed[:200]
    )
    if created:
        flash(request, f"{title} was saved.")
        return
    rest = f" and {len(changed) - 4} more" if len(changed) > 4 else ""
    flash(request, f"Saved: {'; '.join(changed[:4])}{rest}.")


def _moved(
    request: Request,
    form: ProductForm,
    key: int | None,
    base: ProductInput | None,
    moved: kernel.StockMoved,
) -> dict[str, Any]:
    """Stock changed while the page was open: say so beside each, and keep what was typed."""
    now = {move.sku: move.now for move in moved.moves}
    for i, row in enumerate(form.variants):
        if row["sku"] in now:
            form.errors[f"variants.{i}.stock"] = (
                f"Meanwhile the stock moved from {row['stock_was']} to {now[row['sku']]}. Save "
                "again if yours is right."
            )
            row.cells["stock_was"] = str(now[row["sku"]])
    return page_of(request, form, key, base, Notes(dirty=True, status=409))


def _put_together(
    request: Request,
    key: int | None,
    form: ProductForm,
    versions: tuple[ProductInput, ProductInput, ProductInput],
    renames: dict[str, str],
) -> dict[str, Any]:
    """Somebody else saved meanwhile: show both changes in one form, and save nothing yet."""
    base, mine, theirs = versions
    if renames:
        back = {new: old for old, new in renames.items()}
        mine = renaming.with_skus(mine, back)
    merged = merge.merge(base, mine, theirs)
    stock = on_shelf(request, theirs)
    fresh = forms.from_product(merged.product, currency_of(request), stock)
    typed = {row["sku_was"] or row["sku"]: row for row in form.variants}
    for row in fresh.variants:
        row.cells["sku_was"] = row["sku"] if row["sku"] in stock else ""
        mine_row = typed.get(row["sku"])
        if mine_row is not None:
            row.cells |= {name: mine_row[name] for name in ("sku", "stock", "stock_was")}
    notes = Notes(
        dirty=True, status=409, taken=merged.taken, disputed=merged.disputed, said="meanwhile"
    )
    return page_of(request, fresh, key, theirs, notes)
