"""Saving settings: only what differs from the ini is kept, and nobody overwrites unseen changes."""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel, SecretStr
from sqlalchemy import func, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from opticworks.audit import service as audit
from opticworks.settings.models import Setting
from opticworks.settings.service import conceal, rotated
from opticworks.web.keys import UnknownKey, Vault
from opticworks.web.schema_spec import ini_only

HIDDEN = "••••"  #: what stands for a secret wherever values are shown


class Conflict(Exception):
    """Somebody else saved these settings after they were read."""


@dataclass(frozen=True, slots=True)
class Row:
    """What the database holds under one code; version 0 is nothing yet."""

    version: int
    data: dict[str, Any]


def current(db: Session, code: str) -> Row:
    row = db.execute(
        select(Setting.version, Setting.data).where(Setting.code == code)
    ).one_or_none()
    return Row(row.version, row.data) if row is not None else Row(0, {})


def changed(model: BaseModel, base: BaseModel | None, vault: Vault) -> dict[str, Any]:
    """The values that differ from `base` (ini and defaults), ready to be stored; none of those
    that only the ini may set."""
    names = type(model).model_fields.keys() - ini_only(type(model))
    return {
        name: conceal(getattr(model, name), vault)
        for name in sorted(names)
        if base is None or getattr(model, name) != getattr(base, name)
    }


def shown(value: Any) -> Any:
    """A value as JSON that holds no secret."""
    if isinstance(value, SecretStr):
        return HIDDEN if value.get_secret_value() else ""
    if isinstance(value, BaseModel):
        return {name: shown(getattr(value, name)) for name in type(value).model_fields}
    if isinstance(value, Mapping):
        return {str(key): shown(entry) for key, entry in value.items()}
    if isinstance(value, (list, tuple, set, frozenset)):
        return [shown(entry) for entry in value]
    from pydantic_core import to_jsonable_python

    return to_jsonable_python(value)


def differences(before: BaseModel | None, after: BaseModel) -> dict[str, list[Any]]:
    """{name: [before, after]} of what changed, for the record: secrets only as "replaced"."""
    found: dict[str, list[Any]] = {}
    for name in type(after).model_fields:
        old, new = getattr(before, name, None), getattr(after, name)
        if old != new:
            said = [shown(old), shown(new)]
            found[name] = said if said[0] != said[1] else [HIDDEN, "replaced"]
    return found


def save(
    db: Session,
    code: str,
    data: Mapping[str, Any],
    seen: int,
    *,
    actor: str,
    changes: Mapping[str, Any],
) -> int:
    """Store the values if the version is still the one `seen`; the new version.

    Leaves an entry in the audit record. Raises Conflict.
    """
    if seen == 0:
        statement: Any = insert(Setting).values(code=code, data=dict(data), version=1)
        statement = statement.on_conflict_do_nothing()
    else:
        statement = (
            update(Setting)
            .where(Setting.code == code, Setting.version == seen)
            .values(data=dict(data), version=seen + 1, updated_at=func.now())
        )
    if db.execute(statement.returning(Setting.version)).one_or_none() is None:
        raise Conflict(code)
    audit.record(db, actor, "settings.saved", subject(code), changes=dict(changes))
    return seen + 1


def clear(db: Session, code: str, name: str | None, *, actor: str) -> list[str]:
    """Forget the saved value of one setting or of all of them, so that the ini holds again; the
    names that were forgotten."""
    row = db.get(Setting, code, with_for_update=True)
    names = [key for key in (row.data if row is not None else {}) if name in (None, key)]
    if row is not None and names:
        row.data = {key: value for key, value in row.data.items() if key not in names}
        row.version += 1
        row.updated_at = func.now()
        audit.record(db, actor, "settings.cleared", subject(code), names=names)
    return names


def subject(code: str) -> str:
    """What audit entries about these settings are filed under."""
    return f"settings {code}"


def fingerprints(model: BaseModel | None, key: bytes) -> dict[str, str]:
    """A short keyed hash of every value, so that a form can tell what its user has changed."""
    if model is None:
        return {}
    found = {}
    for name in type(model).model_fields:
        text = json.dumps(_plain(getattr(model, name)), sort_keys=True, default=str)
        found[name] = hmac.new(key, f"{name}={text}".encode(), hashlib.sha256).hexdigest()[:16]
    return found


def _plain(value: Any) -> Any:
    """A value as JSON, secrets in the clear: only ever hashed with a key."""
    if isinstance(value, SecretStr):
        return value.get_secret_value()
    if isinstance(value, BaseModel):
        return {name: _plain(getattr(value, name)) for name in type(value).model_fields}
    if isinstance(value, (list, tuple)):
        return [_plain(entry) for entry in value]
    return shown(value)


@dataclass(frozen=True, slots=True)
class Clash:
    """A value that two people changed at the same time."""

    name: str
    theirs: Any
    yours: Any


def merge(
    typed: BaseModel, theirs: BaseModel, seen: Mapping[str, str], key: bytes
) -> tuple[dict[str, Any], list[Clash], list[str]]:
    """What the form should show after somebody else saved: (values, clashes, taken over).

    Values the user did not touch become `theirs`; those both changed stay as typed and are
    listed, as are the names of what was taken over.
    """
    mine, other = fingerprints(typed, key), fingerprints(theirs, key)
    values, clashes, taken = {}, [], []
    for name in mine:
        touched = mine[name] != seen.get(name)
        values[name] = getattr(typed if touched else theirs, name)
        if other[name] != seen.get(name) and mine[name] != other[name]:
            if touched:
                pair = (shown(getattr(theirs, name)), shown(getattr(typed, name)))
                clashes.append(Clash(name, *pair))
            else:
                taken.append(name)
    return values, clashes, taken


def rotate(db: Session, vault: Vault, *, actor: str) -> tuple[int, list[str]]:
    """Encrypt every stored secret anew under the current root secret.

    (number of settings changed, codes that hold a secret no key reads).
    """
    count, unreadable = 0, []
    for row in db.scalars(select(Setting).order_by(Setting.code).with_for_update()):
        try:
            data = rotated(row.data, vault)
        except UnknownKey:
            unreadable.append(row.code)
            continue
        if data != row.data:
            row.data, row.version = data, row.version + 1
            audit.record(db, actor, "settings.rotated", subject(row.code))
            count += 1
    return count, unreadable


def describe(names: Iterable[str], schema: type[BaseModel]) -> str:
    """Names of settings as their titles, for a sentence."""
    fields = schema.model_fields
    return ", ".join((fields[name].title or name) if name in fields else name for name in names)
