"""Entries of a list that staff add, change and delete: what rates and exemptions share."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel
from pyramid.httpexceptions import HTTPNotFound, HTTPSeeOther
from pyramid.request import Request
from pyramid.response import Response

from opticworks import kernel
from opticworks.plugin import Crumb, Page, SchemaForm, flash
from opticworks_taxes import reading


def _nothing(request: Request, row: Any, entry: Any) -> tuple[str, str] | None:
    return None


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """One kind of entries: its table, its form (with `of` and `write`), and its words. `of_one`
    is the address that an entry's id follows, `key` what the audit calls one, `sentence` what is
    about to be deleted, `refused` a field and why the entry can't be saved."""

    model: type[Any]
    entry: type[Any]
    path: str
    of_one: str
    crumbs: tuple[Crumb, ...]
    word: str
    key: str
    action: str
    title: Callable[[Any], str]
    sentence: Callable[[Any], str]
    effects: tuple[tuple[str, str], ...]
    refused: Callable[[Request, Any, Any], tuple[str, str] | None] = _nothing


def new(request: Request, kind: Kind) -> dict[str, Any] | Response:
    """The form of a new entry, or what came of it."""
    start = {
        "country": request.ctx.settings["shop"].countries[0],
        "starts": reading.today(request.ctx),
    }
    return _save(request, kind, kind.model(), start)


def edit(request: Request, kind: Kind) -> dict[str, Any] | Response:
    """The form of the entry in the address, or what came of it."""
    row = _find(request, kind)
    return _save(request, kind, row, kind.entry.of(row))


def _save(request: Request, kind: Kind, row: Any, values: Any) -> dict[str, Any] | Response:
    form = _form(request, kind.entry, values, shared=row.id is not None)
    entry = form.validate()
    if entry is not None:
        problem = kind.refused(request, row, entry)
        if problem is None:
            _write(request, kind, row, entry)
            flash(request, f"{kind.title(entry)} was saved.")
            return HTTPSeeOther(kind.path)
        form.refuse(*problem)
    heading = kind.title(kind.entry.of(row)) if row.id else f"New {kind.word}"
    request.response.status_int = 422 if form.posted else 200
    return {
        "page": Page(heading, crumbs=kind.crumbs),
        "form": form,
        "heading": heading,
        "back": kind.crumbs[-1].path,
        "delete": f"{request.path}/delete" if row.id else "",
    }


def _write(request: Request, kind: Kind, row: Any, entry: BaseModel) -> None:
    before = None if row.id is None else kind.entry.of(row).model_dump(mode="json")
    entry.write(row, request.identity.email)  # type: ignore[attr-defined]
    request.db.add(row)
    request.db.flush()
    action = f"{kind.action}.{'changed' if before else 'added'}"
    after = entry.model_dump(mode="json")
    changed(request, action, f"{kind.key}:{row.id}", before=before, after=after)


def delete(request: Request, kind: Kind) -> dict[str, Any] | Response:
    """Ask whether the entry in the address shall go, or take it away and note what was in it."""
    row = _find(request, kind)
    entry = kind.entry.of(row)
    if request.method == "POST":
        key, before = f"{kind.key}:{row.id}", entry.model_dump(mode="json")
        request.db.delete(row)
        request.db.flush()
        changed(request, f"{kind.action}.deleted", key, before=before)
        flash(request, f"{kind.title(entry)} was deleted.")
        return HTTPSeeOther(kind.path)
    article = "an" if kind.word[0] in "aeiou" else "a"
    return {
        "page": Page(f"Delete {article} {kind.word}", crumbs=kind.crumbs),
        "what": kind.sentence(row),
        "back": f"{kind.of_one}/{row.id}",
        "effects": kind.effects,
    }


def changed(request: Request, action: str, subject: str, **data: Any) -> None:
    """Note who changed it, and let the shop's pages see it at once."""
    kernel.audit(request.db, request.identity.email, action, subject, **data)
    reading.forget(request.db)
    request.shop.forget()


def _form(
    request: Request, model: type[BaseModel], values: Any, *, shared: bool
) -> SchemaForm[Any]:
    shop = request.ctx.settings["shop"]
    return SchemaForm(
        model,
        values=values,
        post=request.POST if request.method == "POST" else None,
        locale=shop.locale,
        currency=shop.currency,
        timezone=shop.timezone,
        shared=shared,
    )


def _find(request: Request, kind: Kind) -> Any:
    lock = request.method == "POST"
    row = request.db.get(kind.model, int(request.matchdict["id"]), with_for_update=lock)
    if row is None:
        raise HTTPNotFound("There is no such entry any more. Look at the list.")
    return row
