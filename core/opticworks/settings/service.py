"""Reading settings: one validated, frozen mapping from a plugin's code to its settings model."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

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

    Ini values are text: a field that isn't a plain scalar is written there as JSON.
    """
    merged: dict[str, Any] = {}
    for name, text in ini.items():
        merged[name] = text
        if text.strip()[:1] in ("[", "{"):
            merged[name] = json.loads(text)
        elif name in schema.model_fields and "\n" in text.strip():
            merged[name] = [line.strip() for line in text.strip().splitlines()]
    return schema.model_validate({**merged, **values})


def sentences(error: ValidationError, where: str) -> list[str]:
    """A validation error as plain sentences that name the setting."""
    return [
        f"Setting {where}.{'.'.join(str(part) for part in problem['loc'])}: {problem['msg']}."
        for problem in error.errors()
    ]
