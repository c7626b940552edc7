"""The shop's text pages, as staff write, arrange and remove them."""

from __future__ import annotations

import re
import unicodedata
from typing import Any
from urllib.parse import quote

from pyramid.httpexceptions import HTTPNotFound, HTTPSeeOther
from pyramid.request import Request
from pyramid.response import Response

from opticworks.admin.shell import flash
from opticworks.audit import service as audit
from opticworks.pages import editing, service
from opticworks.pages.editing import PageText
from opticworks.pages.models import ShopPage
from opticworks.web.numbers import whole
from opticworks.web.page import Crumb, Page
from opticworks.web.policy import admin_view
from opticworks.web.schema_form import SchemaForm

LIST = Crumb(title="Pages", path="/admin/pages")


def slug_of(title: str) -> str:
    """An address made from a title: "Über uns & mehr" is "uber-uns-mehr"."""
    plain = unicodedata.normalize("NFKD", title).encode("ascii", "ignore").decode().lower()
    slug = re.sub(r"[^a-z0-9]+", "-", plain).strip("-")[:80].strip("-")
    return f"{slug}-page" if slug in editing.RESERVED else slug


@admin_view("admin.pages", "pages.edit", renderer="admin/pages.pt", request_method=("GET", "HEAD"))
def pages(request: Request) -> dict[str, Any]:
    groups = editing.arranged(request.db)
    return {"page": Page("Pages"), "groups": groups, "named": sum(bool(g) for g, _ in groups)}


@admin_view("admin.pages.move", "pages.edit", request_method="POST")
def move(request: Request) -> Response:
    by = {"up": -1, "down": 1}.get(request.POST.get("by", ""), 0)
    slug, group = request.POST.get("slug", ""), request.POST.get("group", "")
    if by and editing.move(request.db, slug=slug, group=group, by=by, actor=request.identity.email):
        _changed(request)
        flash(request, f"{group or 'The page'} was moved {'up' if by < 0 else 'down'}.")
    return HTTPSeeOther(f"/admin/pages#page-{quote(slug)}" if slug else "/admin/pages")


def _changed(request: Request) -> None:
    """The footer shows it at once, in this process."""
    shop = request.shop
    request.tm.get().addAfterCommitHook(lambda done: shop.forget() if done else None)


def _editor(
    request: Request,
    form: SchemaForm[PageText],
    found: ShopPage | None = None,
    *,
    theirs: ShopPage | None = None,
    who: str = "",
) -> dict[str, Any]:
    previewing = request.POST.get("_action") == "preview"
    known = {group for group, _ in editing.arranged(request.db) if group}
    return {
        "page": Page(found.title if found else "New page", crumbs=(LIST,)),
        "form": form,
        "found": found,
        "version": found.version if found else 0,
        "groups": sorted(known),
        "preview": service.to_html(form["body"].text, below=1) if previewing else "",
        "previewing": previewing,
        "theirs": theirs,
        "who": who,
    }


@admin_view(
    "admin.pages.new", "pages.edit", renderer="admin/page.pt", request_method=("GET", "HEAD")
)
def new(request: Request) -> dict[str, Any]:
    return _editor(request, SchemaForm(PageText))


@admin_view("admin.pages.new", "pages.edit", renderer="admin/page.pt", request_method="POST")
def create(request: Request) -> dict[str, Any] | Response:
    form = SchemaForm(PageText, None, request.POST)
    if request.POST.get("_action") == "preview":
        return _editor(request, form)
    text = form.validate()
    if text is not None:
        slug = text.slug or slug_of(text.title)
        try:
            if not slug:
                form.refuse("slug", "No address can be made from this title: enter one.")
            else:
                editing.create(request.db, text, slug, actor=request.identity.email)
        except editing.Taken:
            form.refuse("slug", f"There is a page at /pages/{slug} already. Choose another.")
        if not form.errors:
            _changed(request)
            flash(request, f"The page “{text.title}” is in the shop.")
            return HTTPSeeOther(f"/admin/pages/{slug}")
    request.response.status_int = 422
    return _editor(request, form)


def _found(request: Request) -> ShopPage:
    page = service.get(request.db, request.matchdict["slug"])
    if page is None:
        raise HTTPNotFound("There is no such page. It may have been renamed or deleted.")
    return page


@admin_view("admin.page", "pages.edit", renderer="admin/page.pt", request_method=("GET", "HEAD"))
def edit(request: Request) -> dict[str, Any]:
    found = _found(request)
    return _editor(request, SchemaForm(PageText, editing.read(found)), found)


@admin_view("admin.page", "pages.edit", renderer="admin/page.pt", request_method="POST")
def save(request: Request) -> dict[str, Any] | Response:
    found = _found(request)
    slug = found.slug
    form = SchemaForm(PageText, editing.read(found), request.POST)
    if request.POST.get("_action") == "preview":
        return {**_editor(request, form, found), "version": _version(request)}
    text = form.validate()
    if text is None:
        request.response.status_int = 422
        return {**_editor(request, form, found), "version": _version(request)}
    new = text.slug or slug
    actor = request.identity.email
    try:
        done = editing.change(request.db, slug, text, new, _version(request), actor=actor)
    except editing.Taken:
        form.refuse("slug", f"There is a page at /pages/{new} already. Choose another.")
        request.response.status_int = 422
        return _editor(request, form, found)
    except editing.Conflict:
        request.response.status_int = 409
        entries = audit.of_subject(request.db, f"page {slug}")
        who = entries[-1].actor if entries else "Somebody"
        return _editor(request, form, found, theirs=found, who=who)
    if done:
        _changed(request)
        moved = f" Links to /pages/{slug} lead to it." if new != slug else ""
        flash(request, f"Saved.{moved} Kept copies of the page follow within five minutes.")
    else:
        flash(request, "Nothing was changed.")
    return HTTPSeeOther(f"/admin/pages/{new}")


def _version(request: Request) -> int:
    return whole(request.POST.get("_version"), -1, digits=9)


@admin_view(
    "admin.page.delete",
    "pages.edit",
    renderer="admin/page_delete.pt",
    request_method=("GET", "HEAD"),
)
def ask(request: Request) -> dict[str, Any]:
    found = _found(request)
    crumb = Crumb(title=found.title, path=f"/admin/pages/{found.slug}")
    return {
        "page": Page("Delete the page", crumbs=(LIST, crumb)),
        "found": found,
        "effects": [
            ("x", f"/pages/{found.slug}, and every address it once had, is not found any more."),
            ("triangle-alert", "Links to it in other pages and in mails lead nowhere."),
            ("info", "Its text is gone for good. To hide it from the footer, empty its group."),
        ],
        "error": "",
        "blocked": "",
    }


@admin_view("admin.page.delete", "pages.edit", request_method="POST")
def delete(request: Request) -> Response:
    found = _found(request)
    title = found.title
    editing.remove(request.db, found.slug, actor=request.identity.email)
    _changed(request)
    flash(request, f"The page “{title}” was deleted.")
    return HTTPSeeOther("/admin/pages")
