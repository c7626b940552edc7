"""Reading settings: one validated, frozen mapping from a plugin's code to its settings model."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from difflib import get_close_matches
from typing import Any, get_origin

from pydantic import BaseModel, ConfigDict, SecretStr, ValidationError
from pydantic_core import to_jsonable_python
from sqlalchemy import Engine, NullPool, create_engine, select
from sqlalchemy.exc import ProgrammingError
from sqlalchemy.orm import Session

from opticworks.contracts import KERNEL_SETTINGS
from opticworks.settings.models import Setting
from opticworks.web.keys import Vault
from opticworks.web.schema_spec import ini_only

SECRET = "$secret"  #: {"$secret": "<key id>:<token>"} is how a secret is stored


class ThemeChoice(BaseModel):
    """The theme chosen in the admin; empty for the one that the ini names."""

    model_config = ConfigDict(frozen=True)

    code: str = ""


class Settings(Mapping[str, Any]):
    """`settings["shop"].currency`, `settings["catalog"].page_size`: validated models by code.

    `settings["mode"]` is the ini's mode: "development", "test" or "production".
    """

    def __init__(self, models: Mapping[str, Any], version: object = None) -> None:
        self._models = dict(models)
        self.version = version

    def __getitem__(self, code: str) -> Any:
        return self._models[code]

    def __iter__(self) -> Iterator[str]:
        return iter(self._models)

    def __len__(self) -> int:
        return len(self._models)


def stored(engine: Engine) -> dict[str, tuple[int, dict[str, Any]]]:
    """What the database holds, by code: (version, values). Empty before the first migration.

    On a connection of its own: the caller may hold the pool's last one.
    """
    own = create_engine(engine.url, poolclass=NullPool)
    with Session(own) as db:
        try:
            return {row.code: (row.version, row.data) for row in db.scalars(select(Setting))}
        except ProgrammingError as error:
            if getattr(error.orig, "sqlstate", "") == "42P01":  # undefined_table
                return {}
            raise


def validate(
    schema: type[BaseModel], ini: Mapping[str, str], values: Mapping[str, Any]
) -> BaseModel:
    """The model of the ini's text values overlaid with stored values. Raises ValidationError.

    Ini values are text: a list of words is written there one to a line or with commas, anything
    else that isn't a plain scalar as JSON. Raises BadText for what is no JSON. A stored value of a
    setting that only the ini may set is passed over.
    """
    merged: dict[str, Any] = {}
    for name, text in ini.items():
        field = schema.model_fields.get(name)
        merged[name] = text
        if text.strip()[:1] in ("[", "{"):
            merged[name] = _json(name, text)
        elif field is not None and get_origin(field.annotation) is tuple:
            merged[name] = [part.strip() for part in re.split(r"[,\n]", text) if part.strip()]
    theirs = ini_only(schema)
    merged |= {name: value for name, value in values.items() if name not in theirs}
    return schema.model_validate(merged)


def conceal(value: Any, vault: Vault) -> Any:
    """A model's value as JSON for the database, its secrets encrypted."""
    if isinstance(value, SecretStr):
        text = value.get_secret_value()
        return {SECRET: vault.encrypt(text)} if text else ""
    if isinstance(value, BaseModel):
        names = type(value).model_fields
        return {name: conceal(getattr(value, name), vault) for name in names}
    if isinstance(value, Mapping):
        return {str(key): conceal(entry, vault) for key, entry in value.items()}
    if isinstance(value, (list, tuple, set, frozenset)):
        return [conceal(entry, vault) for entry in value]
    return to_jsonable_python(value)


def _each_secret(data: Any, change: Any) -> Any:
    if isinstance(data, dict):
        if data.keys() == {SECRET}:
            return change(data)
        return {key: _each_secret(value, change) for key, value in data.items()}
    return [_each_secret(value, change) for value in data] if isinstance(data, list) else data


def reveal(data: Any, vault: Vault) -> Any:
    """Stored values with their secrets in the clear. Raises UnknownKey."""
    return _each_secret(data, lambda entry: vault.decrypt(entry[SECRET]))


def rotated(data: Any, vault: Vault) -> Any:
    """Stored values with every secret under the newest root secret. Raises UnknownKey."""
    return _each_secret(data, lambda entry: {SECRET: vault.rotate(entry[SECRET])})


def without_secrets(data: Any) -> Any:
    """Stored values with every secret left out, for where one can't be read any more."""
    return _each_secret(data, lambda entry: "")


def strangers(
    ini: Mapping[str, Mapping[str, str]], schemas: Mapping[str, type[BaseModel]]
) -> Iterator[str]:
    """Sentences about settings of the ini that nobody reads: no such plugin, no such setting."""
    for code, values in ini.items():
        prefix = code if code in KERNEL_SETTINGS else f"plugin.{code}"
        lines = ", ".join(f"{prefix}.{name}" for name in values)
        if code not in schemas:
            near = get_close_matches(code, schemas, 1)
            hint = f" Did you mean {near[0]!r}?" if near else ""
            yield (
                f"The ini sets {lines}, but no plugin {code!r} with settings is enabled, so "
                f"nothing reads it.{hint}"
            )
            continue
        for name in values.keys() - schemas[code].model_fields.keys():
            near = get_close_matches(name, schemas[code].model_fields, 1)
            hint = f" Did you mean {prefix}.{near[0]}?" if near else ""
            yield f"The ini sets {prefix}.{name}, but there is no such setting.{hint}"


class BadText(ValueError):
    """A value of the ini that can't be read; the message says where."""


def _json(name: str, text: str) -> Any:
    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        where = f"line {error.lineno}, character {error.colno}"
        raise BadText(f"{name}: this is no complete JSON ({error.msg} at {where}).") from None


#: What pydantic says for programmers, said for whoever writes the ini.
PLAIN = {
    "extra_forbidden": "There is no such setting. Correct its name or remove the line",
    "model_type": "Write this as JSON, like {…}",
    "model_attributes_type": "Write this as JSON, like {…}",
    "missing": "This is missing",
}


def sentences(error: ValidationError, where: str) -> list[str]:
    """A validation error as plain sentences that name the setting."""
    found = []
    for problem in error.errors():
        name = ".".join(str(part) for part in (where, *problem["loc"]))
        said = PLAIN.get(problem["type"], problem["msg"]).removeprefix("Value error, ")
        found.append(f"Setting {name}: {said}.")
    return found
