"""The settings of the shop and of every plugin, each as a form made from its model."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from pydantic import BaseModel, SecretStr, ValidationError
from pyramid.httpexceptions import HTTPNotFound, HTTPSeeOther
from pyramid.request import Request
from pyramid.response import Response
from sqlalchemy import func, select

from opticworks.admin import timeline, words
from opticworks.admin.choices import shop_choices
from opticworks.admin.shell import flash
from opticworks.audit import service as audit
from opticworks.carts import service as carts
from opticworks.carts.models import Cart
from opticworks.contracts import (
    DocumentSettings,
    ReturnSettings,
    ShippingSettings,
    ShopSettings,
)
from opticworks.money import Money, exponent
from opticworks.plugins import Plugin, State
from opticworks.settings import editing
from opticworks.settings import service as settings_room
from opticworks.settings.editing import shown
from opticworks.shop import Shop
from opticworks.web.keys import UnknownKey, derive
from opticworks.web.numbers import whole
from opticworks.web.page import Crumb, Page
from opticworks.web.policy import admin_view
from opticworks.web.schema_form import SchemaForm

LIST = Crumb(title="Settings", path="/admin/settings")
HISTORY = 10
HISTORY_WORDS = {
    "settings.saved": "Changed",
    "settings.rotated": "Encrypted anew",
    "settings.cleared": "Given back to the ini file",
}
MOST = 2  #: new problems named of each other plugin


@dataclass(slots=True)
class Subject:
    """The settings of one code: their model, and the values they have from ini and database."""

    code: str
    title: str
    description: str
    schema: type[BaseModel]
    plugin: Plugin | None = None
    base: BaseModel | None = None  #: defaults and the ini's values
    now: BaseModel | None = None  #: those with the database's on top
    version: int = 0
    stored: Mapping[str, Any] = field(default_factory=dict)
    ini: Mapping[str, str] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)

    @property
    def changed(self) -> int:
        return len(self.stored)


def subjects(request: Request) -> list[Subject]:
    """The kernel's own, then the plugins in the order of the ini, as far as they have settings."""
    found = [
        Subject("shop", "The shop", "Name, currency, language, countries, carts.", ShopSettings),
        Subject(
            "shipping",
            "Shipping",
            "Boxes, free shipping, handling fee, and labels that are bought by themselves.",
            ShippingSettings,
        ),
        Subject(
            "returns",
            "Returns",
            "What customers may send back and until when, and withdrawal from the contract.",
            ReturnSettings,
        ),
        Subject(
            "documents",
            "Documents",
            "Packing slips and invoices: paper, numbers, what stands on them.",
            DocumentSettings,
        ),
    ]
    for plugin in request.shop.plugins:
        if plugin.info is not None and plugin.info.settings is not None:
            if plugin.state is State.DISABLED or not plugin.info.settings.model_fields:
                continue
            found.append(
                Subject(
                    plugin.code,
                    plugin.title,
                    plugin.info.description,
                    plugin.info.settings,
                    plugin,
                )
            )
    return found


def read(request: Request, code: str) -> Subject:
    """The subject with its values. Raises HTTPNotFound."""
    subject = next((each for each in subjects(request) if each.code == code), None)
    if subject is None:
        raise HTTPNotFound("There are no settings of that name, or their plugin is not enabled.")
    shop: Shop = request.shop
    row = editing.current(request.db, code)
    subject.version, subject.stored = row.version, row.data
    subject.ini = shop.config.plugin_settings.get(code, {})
    try:
        subject.base = settings_room.validate(subject.schema, subject.ini, {})
    except (ValidationError, settings_room.BadText) as error:
        subject.problems.append(f"The ini's values can't be used: {_said(error, code)}")
    try:
        values = settings_room.reveal(row.data, shop.vault)
    except UnknownKey as error:
        subject.problems.append(str(error))
        values = settings_room.without_secrets(row.data)
    try:
        subject.now = settings_room.validate(subject.schema, subject.ini, values)
    except (ValidationError, settings_room.BadText) as error:
        subject.now = subject.base
        subject.problems.append(f"The saved values can't be used: {_said(error, code)}")
    if subject.plugin is not None:
        subject.problems += subject.plugin.problems
    return subject


def _said(error: Exception, code: str) -> str:
    if isinstance(error, ValidationError):
        return " ".join(settings_room.sentences(error, code))
    return str(error)


@admin_view(
    "admin.settings", "settings.edit", renderer="admin/settings.pt", request_method=("GET", "HEAD")
)
def overview(request: Request) -> dict[str, Any]:
    found = [read(request, subject.code) for subject in subjects(request)]
    return {
        "page": Page("Settings"),
        "subjects": found,
        "words": words,
        "warnings": request.shop.warnings,
    }


def _form(request: Request, subject: Subject, values: Any, post: Any = None) -> SchemaForm[Any]:
    shop = request.shop.settings["shop"]
    return SchemaForm(
        subject.schema,
        values,
        post,
        locale=shop.locale,
        currency=shop.currency,
        timezone=shop.timezone,
        choices=_choices(request, shop.locale) if subject.code == "shop" else None,
        notes=_notes(subject),
    )


def _choices(request: Request, locale: str) -> dict[str, Mapping[str, str]]:
    offered = request.shop.providers.mailers().values()
    mailers = {"": "The first plugin of the ini file"} | {m.code: m.title for m in offered}
    chosen = request.shop.settings["shop"].mailer
    if chosen not in mailers:
        mailers[chosen] = f"{chosen} (not offered now, so the first one sends)"
    return {**shop_choices(locale), "mailer": mailers}


def _notes(subject: Subject) -> dict[str, str]:
    """Where values come from that do not stand in the database alone."""
    notes = {}
    for name in subject.ini.keys() & subject.schema.model_fields.keys():
        secret = isinstance(getattr(subject.base, name, None), SecretStr)
        text = "a value" if secret else f"“{subject.ini[name][:60]}”"
        key = f"{subject.code}.{name}"
        if subject.plugin is not None:
            key = f"plugin.{key}"
        notes[name] = (
            f"The ini file says {text} ({key}); what is saved here goes before it."
            if name in subject.stored
            else f"From the ini file ({key})."
        )
    return notes


@admin_view(
    "admin.setting", "settings.edit", renderer="admin/setting.pt", request_method=("GET", "HEAD")
)
def edit(request: Request) -> dict[str, Any]:
    subject = read(request, request.matchdict["code"])
    return _page(request, subject, _form(request, subject, subject.now))


@admin_view("admin.setting", "settings.edit", renderer="admin/setting.pt", request_method="POST")
def save(request: Request) -> dict[str, Any] | Response:
    subject = read(request, request.matchdict["code"])
    form = _form(request, subject, subject.now, request.POST)
    model = form.validate()
    if model is None:
        request.response.status_int = 422
        return _page(request, subject, form, seen=_seen(request), version=_version(request))
    changes = editing.differences(subject.now, model)
    if _version(request) != subject.version:
        return _told(request, subject, model)
    if not changes:
        flash(request, "Nothing was changed.")
        return HTTPSeeOther(request.path)
    effects = _effects(request, subject, model)
    if effects and request.POST.get("_confirm") != "1":
        request.response.status_int = 422
        again = any(isinstance(getattr(model, name), SecretStr) for name in changes)
        if again:
            effects.append("What you typed as a secret is never sent back: type it once more.")
        return _page(request, subject, form, effects=effects)
    try:
        data = editing.changed(model, subject.base, request.shop.vault)
        actor = request.identity.email
        editing.save(request.db, subject.code, data, subject.version, actor=actor, changes=changes)
    except editing.Conflict:  # in the very moment in between
        request.db.rollback()
        return _told(request, read(request, subject.code), model)
    if isinstance(model, ShopSettings):
        carts.change_currency(request.db, model.currency)
    shop: Shop = request.shop
    request.tm.get().addAfterCommitHook(lambda done: shop.settings_changed() if done else None)
    runs = subject.plugin is None or subject.plugin.state is State.ENABLED
    note = "" if runs else " The plugin does not run: restart the shop to let it try again."
    flash(request, f"Saved: {editing.describe(changes, subject.schema)}.{note}")
    return HTTPSeeOther(request.path)


def _key(request: Request) -> bytes:
    return derive(request.shop.config.secret, "settings form")


def _version(request: Request) -> int:
    return whole(request.POST.get("_version"), -1, digits=9)


def _seen(request: Request) -> dict[str, str]:
    """Fingerprints of the values that the form was opened with."""
    try:
        found = json.loads(request.POST.get("_seen", "{}"))
    except (ValueError, RecursionError):
        return {}
    return {str(k): str(v) for k, v in found.items()} if isinstance(found, dict) else {}


def _told(request: Request, subject: Subject, typed: BaseModel) -> dict[str, Any]:
    """Somebody else saved meanwhile: both values, and nothing saved yet."""
    request.response.status_int = 409
    theirs = subject.now if subject.now is not None else typed
    values, clashes, taken = editing.merge(typed, theirs, _seen(request), _key(request))
    entries = audit.of_subject(request.db, editing.subject(subject.code))
    who = entries[-1].actor if entries else "Somebody"
    form = _form(request, subject, values)
    return _page(
        request,
        subject,
        form,
        conflict={
            "who": who,
            "clashes": [(editing.describe([c.name], subject.schema), c) for c in clashes],
            "taken": editing.describe(taken, subject.schema),
        },
    )


def _effects(request: Request, subject: Subject, model: BaseModel) -> list[str]:
    """What staff should know before these settings hold: new problems, and what changes."""
    shop: Shop = request.shop
    found = []
    if isinstance(model, ShopSettings) and isinstance(subject.now, ShopSettings):
        found += _currency_effects(request, subject.now, model)
    before, after = dict(shop.settings), {**shop.settings, subject.code: model}
    plugins = [plugin for plugin in shop.plugins.enabled if plugin is not subject.plugin]
    for plugin in plugins:
        old = set(_problems(shop, plugin, before))
        new = [said for said in _problems(shop, plugin, after) if said not in old]
        found += [f"{plugin.title}: {said}" for said in new[:MOST]]
        if len(new) > MOST:
            found.append(f"{plugin.title}: {len(new) - MOST} more of this kind.")
    if subject.plugin is not None and subject.plugin.module is not None:
        own = _problems(shop, subject.plugin, after)
        found += [f"{subject.title}: {said}" for said in own]
        if own:
            found.append(
                "With these values the plugin does not run after the next start, and in production "
                f"the shop does not start (opticworks settings clear {subject.code} mends that)."
            )
    return found


def _problems(shop: Shop, plugin: Plugin, models: Mapping[str, Any]) -> list[str]:
    settings = settings_room.Settings(models)
    try:
        return list(shop.plugins.ask(plugin, "problems", settings=settings) or ())
    except Exception as error:
        return [f"It failed while looking for problems: {error}"]


def _currency_effects(request: Request, old: ShopSettings, new: ShopSettings) -> list[str]:
    if old.currency == new.currency:
        return []
    open_carts = request.db.scalar(
        select(func.count()).select_from(Cart).where(Cart.state == "open")
    )
    was, becomes = Money(12900, old.currency), Money(12900, new.currency)
    found = [
        (
            f"Prices are not converted: what is priced in {old.currency} can't be bought until it "
            f"has a price in {new.currency}."
        ),
        (
            "Amounts in settings, like prices of shipping, keep their number: "
            f"{was.format(old.locale)} becomes {becomes.format(new.locale)}."
        ),
        f"{open_carts} open carts are priced anew in {new.currency}.",
        f"Orders that are there keep {old.currency}; reports count those in {new.currency}.",
    ]
    if exponent(old.currency) != exponent(new.currency):
        found.append(
            f"{new.currency} has {exponent(new.currency)} decimals and {old.currency} "
            f"{exponent(old.currency)}: every price has to be entered anew."
        )
    return found


def _history(request: Request, subject: Subject) -> list[timeline.Entry]:
    entries = audit.of_subject(request.db, editing.subject(subject.code), HISTORY)
    found = []
    for entry in reversed(entries):
        changes = entry.data.get("changes", {})
        detail = " · ".join(
            f"{editing.describe([name], subject.schema)}: {_became(old, new)}"
            for name, (old, new) in changes.items()
        )
        title = HISTORY_WORDS.get(entry.action, "Changed")
        detail = detail or editing.describe(entry.data.get("names", ()), subject.schema)
        found.append(timeline.Entry(entry.at, title, "pencil", detail, entry.actor))
    return found


def _became(old: Any, new: Any) -> str:
    """What became of a value; of rows of several fields each, which of them."""
    rows = [row for value in (old, new) if isinstance(value, list) for row in value]
    if not any(isinstance(row, dict) for row in rows):
        return f"{_short(old)} → {_short(new)}"
    before, after = _rows(old), _rows(new)
    said = [
        *(f"{name} added" for name in after if name not in before),
        *(f"{name} removed" for name in before if name not in after),
        *(f"{name} changed" for name in after if before.get(name, after[name]) != after[name]),
    ]
    return ", ".join(said) or "in another order"


def _rows(rows: Any) -> dict[str, Any]:
    """The rows of a setting by what they are called, or else by their place."""
    names = ("title", "name", "code")
    return {
        next((str(row[name]) for name in names if row.get(name)), f"row {place}"): row
        for place, row in enumerate(rows if isinstance(rows, list) else (), 1)
    }


def _short(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list):
        text = ", ".join(map(str, value))
    else:
        text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return (text if len(text) <= 60 else text[:59] + "…") or "empty"


def _page(
    request: Request,
    subject: Subject,
    form: SchemaForm[Any],
    *,
    effects: list[str] | None = None,
    conflict: Mapping[str, Any] | None = None,
    seen: Mapping[str, str] | None = None,
    version: int | None = None,
) -> dict[str, Any]:
    marks = editing.fingerprints(subject.now, _key(request)) if seen is None else seen
    return {
        "page": Page(f"{subject.title} settings", crumbs=(LIST,)),
        "subject": subject,
        "form": form,
        "words": words,
        "effects": effects or [],
        "conflict": conflict,
        "seen": json.dumps(dict(marks)),
        "version": subject.version if version is None else version,
        "history": _history(request, subject),
        "short": _short,
        "shown": shown,
    }
