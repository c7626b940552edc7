"""Collections: what they say, which products are in them, and in which order."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass, field
from typing import Any

from pyramid.httpexceptions import HTTPNotFound, HTTPSeeOther
from pyramid.request import Request
from pyramid.response import Response
from sqlalchemy import delete, func, insert, or_, select, update
from sqlalchemy.orm import Session

from opticworks import kernel
from opticworks.plugin import Crumb, Page, admin_view, flash, whole
from opticworks_catalog import writing
from opticworks_catalog.admin import COLLECTIONS, EDIT, PATH, READ
from opticworks_catalog.admin.form import slug
from opticworks_catalog.admin.listing import STATUS
from opticworks_catalog.finding import handles
from opticworks_catalog.models import (
    DRAFT,
    HANDLE,
    PUBLISHED,
    Collection,
    CollectionProduct,
    Product,
    Variant,
)
from opticworks_catalog.present import collection_path
from opticworks_catalog.statements import escaped

PRODUCTS = Crumb(title="Products", path=PATH)
LIST = Crumb(title="Collections", path=COLLECTIONS)
LENGTHS = {
    "title": 200,
    "handle": 120,
    "description": 20_000,
    "seo_title": 200,
    "seo_description": 400,
    "status": 20,
}
MOST_PRODUCTS = 5000
MOST_FOUND = 10
_ROW = re.compile(r"product\.(\d{1,17})\.(id|place|remove)")


@dataclass(slots=True)
class CollectionForm:
    """A collection's page. `products` are ids in order, `found` those a search has offered."""

    texts: dict[str, str]
    products: list[int]
    errors: dict[str, str] = field(default_factory=dict)
    found: list[Any] = field(default_factory=list)

    def __getitem__(self, name: str) -> str:
        return self.texts.get(name, "")


def stored(db: Session, key: int) -> CollectionForm:
    """Raises HTTPNotFound."""
    row = db.get(Collection, key, populate_existing=True)
    if row is None:
        raise HTTPNotFound("There is no such collection. It may have been deleted.")
    ids = db.scalars(
        select(CollectionProduct.product_id)
        .where(CollectionProduct.collection_id == key)
        .order_by(CollectionProduct.position, CollectionProduct.product_id)
    )
    return CollectionForm({name: getattr(row, name) for name in LENGTHS}, list(ids))


def version(form: CollectionForm) -> str:
    """Changes with anything that was stored, so that nobody overwrites what they did not see."""
    text = repr((sorted(form.texts.items()), form.products))
    return hashlib.sha256(text.encode()).hexdigest()[:24]


def read(request: Request, before: CollectionForm) -> CollectionForm:
    """What was sent, over what is stored."""
    texts = dict(before.texts)
    for name in LENGTHS:
        value = request.POST.get(name)
        if isinstance(value, str):
            texts[name] = value.replace("\r\n", "\n").strip()
    if "products" not in request.POST:
        return CollectionForm(texts, list(before.products))
    rows: dict[int, dict[str, str]] = {}
    for name, value in request.POST.items():
        if isinstance(value, str) and (match := _ROW.fullmatch(name)):
            rows.setdefault(int(match[1]), {})[match[2]] = value.strip()
    kept = [row for row in rows.values() if not row.get("remove") and whole(row.get("id", ""))]
    kept.sort(key=lambda row: whole(row.get("place", "")) or 1_000_000)
    ids = [whole(row["id"]) for row in kept]
    chosen = [whole(text) for text in request.POST.getall("add_id") if isinstance(text, str)]
    return CollectionForm(texts, list(dict.fromkeys(i for i in ids + chosen if i)))


def page_of(
    request: Request,
    form: CollectionForm,
    key: int | None,
    seen: str,
    *,
    dirty: bool = False,
    error: str = "",
    status: int = 200,
) -> dict[str, Any]:
    if status != 200:
        request.response.status_int = status
    known = {
        row.id: row
        for row in request.db.execute(
            select(Product.id, Product.title, Product.status, Product.handle).where(
                Product.id.in_(form.products)
            )
        )
    }
    published = key is not None and form["status"] == PUBLISHED and not dirty
    return {
        "page": Page(
            form["title"] if key and form["title"] else "New collection", crumbs=(PRODUCTS, LIST)
        ),
        "form": form,
        "key": key,
        "action": f"{COLLECTIONS}/{key}" if key else f"{COLLECTIONS}/new",
        "rows": [(known[i], STATUS[known[i].status]) for i in form.products if i in known],
        "statuses": [(DRAFT, "Draft"), (PUBLISHED, "Published")],
        "shop_url": collection_path(form["handle"]) if published else "",
        "base_url": request.shop.config.base_url,
        "version": seen,
        "dirty": dirty,
        "error": error,
        "may_edit": EDIT.code in request.identity.permissions,
    }


# --- the list -------------------------------------------------------------------------------------


@admin_view(
    "catalog.admin.collections",
    READ.code,
    renderer="admin/catalog/collections.pt",
    request_method=("GET", "HEAD"),
)
def collections(request: Request) -> dict[str, Any]:
    counts = (
        select(func.count())
        .where(CollectionProduct.collection_id == Collection.id)
        .correlate(Collection)
        .scalar_subquery()
    )
    rows = request.db.execute(
        select(
            Collection.id,
            Collection.title,
            Collection.handle,
            Collection.status,
            Collection.updated_at,
            counts.label("products"),
        ).order_by(Collection.position, Collection.id)
    ).all()
    return {
        "page": Page("Collections", crumbs=(PRODUCTS,)),
        "rows": [(row, STATUS[row.status]) for row in rows],
        "may_edit": EDIT.code in request.identity.permissions,
    }


@admin_view("catalog.admin.collections", EDIT.code, request_method="POST")
def move(request: Request) -> Response:
    """Move a collection up or down in the shop's menus."""
    match = re.fullmatch(r"(\d{1,17}):(up|down)", request.POST.get("move", ""))
    rows = list(
        request.db.scalars(
            select(Collection).order_by(Collection.position, Collection.id).with_for_update()
        )
    )
    at = next((i for i, row in enumerate(rows) if match and row.id == int(match[1])), None)
    if match is not None and at is not None:
        to = at + (1 if match[2] == "down" else -1)
        if 0 <= to < len(rows):
            rows.insert(to, rows.pop(at))
            for place, row in enumerate(rows):
                row.position = place
            kernel.audit(
                request.db, request.identity.email, "catalog.collections_ordered", "collections"
            )
            request.db.flush()
    return HTTPSeeOther(COLLECTIONS)


# --- one collection -------------------------------------------------------------------------------


def _key(request: Request) -> int:
    return whole(request.matchdict["id"])


@admin_view(
    "catalog.admin.collection.new",
    EDIT.code,
    renderer="admin/catalog/collection_edit.pt",
    request_method=("GET", "HEAD"),
)
def new(request: Request) -> dict[str, Any]:
    return page_of(request, CollectionForm({"status": DRAFT}, []), None, "")


@admin_view(
    "catalog.admin.collection",
    READ.code,
    renderer="admin/catalog/collection_edit.pt",
    request_method=("GET", "HEAD"),
)
def show(request: Request) -> dict[str, Any]:
    form = stored(request.db, _key(request))
    return page_of(request, form, _key(request), version(form))


@admin_view(
    "catalog.admin.collection.new",
    EDIT.code,
    renderer="admin/catalog/collection_edit.pt",
    request_method="POST",
)
def create(request: Request) -> dict[str, Any] | Response:
    before = CollectionForm({"status": DRAFT}, [])
    return _act(request, read(request, before), None, before, "")


@admin_view(
    "catalog.admin.collection",
    EDIT.code,
    renderer="admin/catalog/collection_edit.pt",
    request_method="POST",
)
def change(request: Request) -> dict[str, Any] | Response:
    key = _key(request)
    request.db.execute(select(Collection.id).where(Collection.id == key).with_for_update())
    before = stored(request.db, key)
    seen = request.POST.get("version", "")
    return _act(request, read(request, before), key, before, seen if isinstance(seen, str) else "")


def _act(
    request: Request, form: CollectionForm, key: int | None, before: CollectionForm, seen: str
) -> dict[str, Any] | Response:
    if request.POST.get("do") == "add":
        _find(request, form)
        return page_of(request, form, key, seen, dirty=True)
    if key is not None and seen != version(before):
        return page_of(
            request,
            form,
            key,
            version(before),
            dirty=True,
            error=_meanwhile(form, before),
            status=409,
        )
    form.texts["handle"] = form["handle"] or slug(form["title"])[:120]
    form.errors |= _problems(request.db, form, key)
    if form.errors:
        return page_of(request, form, key, seen, dirty=True, status=422)
    key = _save(request, form, key, before)
    return HTTPSeeOther(f"{COLLECTIONS}/{key}")


def _meanwhile(form: CollectionForm, now: CollectionForm) -> str:
    """What somebody else saved while this page was open, in one sentence."""
    theirs = [
        f"{name.replace('_', ' ')} “{now[name][:60]}”"
        for name in LENGTHS
        if form[name] != now[name]
    ]
    if form.products != now.products:
        theirs.append(f"{len(now.products)} products, in their order")
    what = f" It has now: {', '.join(theirs)}." if theirs else ""
    return (
        "Somebody else saved this collection while you had it open. Nothing of yours is saved "
        f"yet, and nothing is lost.{what} What you see below is yours; save it to keep it."
    )


def _find(request: Request, form: CollectionForm) -> None:
    """Add the product that the words mean, or offer those that they may mean."""
    text = request.POST.get("add", "")
    text = " ".join(text.split())[:100] if isinstance(text, str) else ""
    if not text:
        return
    like = f"%{escaped(text)}%"
    sku = select(Variant.product_id).where(Variant.sku.ilike(like))
    found = request.db.execute(
        select(Product.id, Product.title, Product.handle)
        .where(
            or_(Product.title.ilike(like), Product.handle == text.lower(), Product.id.in_(sku)),
            Product.id.not_in(form.products),
        )
        .order_by(func.lower(Product.title), Product.id)
        .limit(MOST_FOUND + 1)
    ).all()
    if len(found) == 1:
        form.products.append(found[0].id)
    elif not found:
        form.errors["add"] = f"No product that is not here already is like {text!r}."
    else:
        form.found = list(found[:MOST_FOUND])


def _problems(db: Session, form: CollectionForm, key: int | None) -> dict[str, str]:
    errors = {
        name: f"It has {len(form[name]):,} characters; there is room for {most:,}."
        for name, most in LENGTHS.items()
        if len(form[name]) > most
    }
    if not form["title"]:
        errors["title"] = "Enter a title."
    named = form["handle"] or form["title"]  # the address follows from the title
    if named and not re.fullmatch(HANDLE, form["handle"]):
        errors["handle"] = 'Use small letters, digits and single hyphens, like "desk-lamps".'
    if form["status"] not in (DRAFT, PUBLISHED):
        errors["status"] = "A collection is a draft or published."
    if len(form.products) > MOST_PRODUCTS:
        errors["add"] = f"A collection has at most {MOST_PRODUCTS:,} products."
    if "handle" not in errors:
        other = db.scalar(select(Collection.id).where(Collection.handle == form["handle"]))
        if other is not None and other != key:
            errors["handle"] = "Another collection has this address. Choose another one."
        elif kept := handles.problem(db, handles.COLLECTION, form["handle"], key):
            errors["handle"] = kept
    return errors


def _save(request: Request, form: CollectionForm, key: int | None, before: CollectionForm) -> int:
    db = request.db
    if key is None:
        last = db.scalar(select(func.max(Collection.position)))
        row = Collection(**form.texts, position=0 if last is None else last + 1)
        db.add(row)
        db.flush()
        key = row.id
    elif form.texts != before.texts or form.products != before.products:
        db.execute(
            update(Collection)
            .where(Collection.id == key)
            .values(**form.texts, updated_at=func.now())
        )
    own = handles.Target(handles.COLLECTION, key)
    handles.changed(db, [handles.Change(own, before["handle"], form["handle"])])
    known = set(db.scalars(select(Product.id).where(Product.id.in_(form.products))))
    wanted = [i for i in form.products if i in known]
    if wanted != before.products:
        db.execute(delete(CollectionProduct).where(CollectionProduct.collection_id == key))
        if wanted:
            db.execute(
                insert(CollectionProduct),
                [
                    {"collection_id": key, "product_id": i, "position": place}
                    for place, i in enumerate(wanted)
                ],
            )
        writing.touched(db, set(wanted) ^ set(before.products))
    kernel.audit(
        db, request.identity.email, "catalog.collection_saved", f"collection {form['handle']}"
    )
    flash(request, f"{form['title']} was saved.")
    return key


@admin_view("catalog.admin.collection.remove", EDIT.code, request_method="POST")
def remove(request: Request) -> Response:
    """Delete a collection; its products stay."""
    key = _key(request)
    form = stored(request.db, key)
    typed = request.POST.get("confirm", "")
    if not isinstance(typed, str) or typed.strip().casefold() != form["title"].casefold():
        flash(request, "Nothing was deleted: type the title to confirm.", "problem")
        return HTTPSeeOther(f"{COLLECTIONS}/{key}")
    handles.retire(request.db, handles.Target(handles.COLLECTION, key), form["handle"])
    request.db.execute(delete(Collection).where(Collection.id == key))
    writing.touched(request.db, set(form.products))
    kernel.audit(
        request.db,
        request.identity.email,
        "catalog.collection_deleted",
        f"collection {form['handle']}",
    )
    flash(request, f"{form['title']} was deleted. Its products are still there.")
    return HTTPSeeOther(COLLECTIONS)
