"""Reading settings: one validated, frozen mapping from a plugin's code to its settings model."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any, get_origin

from pydantic import BaseModel, ValidationError
from sqlalchemy import Engine, NullPool, create_engine, select
from sqlalchemy.exc import ProgrammingError
from sqlalchemy.orm import Session

from opticworks.settings.models import Setting


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
    else that isn't a plain scalar as JSON. Raises BadText for what is no JSON.
    """
    merged: dict[str, Any] = {}
    for name, text in ini.items():
        field = schema.model_fields.get(name)
        merged[name] = text
        if text.strip()[:1] in ("[", "{"):
            merged[name] = _json(name, text)
        elif field is not None and get_origin(field.annotation) is tuple:
            merged[name] = [part.strip() for part in re.split(r"[,\n]", text) if part.strip()]
    return schema.model_validate({**merged, **values})


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
