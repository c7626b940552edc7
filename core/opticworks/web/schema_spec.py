"""What a form knows of one field of a pydantic model: its plain type, its options, its choices."""

from __future__ import annotations

import types
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from babel.numbers import get_decimal_symbol
from pydantic import BaseModel
from pydantic.fields import FieldInfo


@dataclass(frozen=True, slots=True)
class Around:
    """What a form knows besides its model: language, currency, zone, choices made at run time."""

    locale: str = "en_US"
    currency: str = "USD"
    timezone: str = "UTC"
    choices: Mapping[str, Mapping[str, str]] = field(default_factory=dict)

    @property
    def point(self) -> str:
        return str(get_decimal_symbol(self.locale))


@dataclass(frozen=True, slots=True)
class Spec:
    """One field of a model: `path` in the model ("origin.line1"), its plain type, its options."""

    path: str
    name: str
    type: Any
    optional: bool
    info: FieldInfo
    around: Around

    @property
    def extra(self) -> Mapping[str, Any]:
        extra = self.info.json_schema_extra
        return extra if isinstance(extra, Mapping) else {}

    @property
    def widget(self) -> str:
        return str(self.extra.get("widget", ""))

    @property
    def label(self) -> str:
        return self.info.title or self.name.replace("_", " ").capitalize()

    def limit(self, name: str) -> Any:
        """A constraint of the field (`max_length`, `ge`), or None."""
        found = (getattr(entry, name, None) for entry in self.info.metadata)
        return next((value for value in found if value is not None), None)

    def choices(self) -> list[tuple[str, str]] | None:
        """(value, title) pairs, if the field is a choice: from the form, the field, its type."""
        given = self.around.choices.get(self.path, self.extra.get("choices"))
        titles = {str(value): str(title) for value, title in (given or {}).items()}
        inner = item_type(self.type) if is_list(self.type) else self.type
        if get_origin(inner) is Literal:
            values = [str(value) for value in get_args(inner)]
        elif isinstance(inner, type) and issubclass(inner, Enum):
            values = [str(member.value) for member in inner]
        elif given is None:
            return None
        else:
            values = list(titles)
        words = {value: value.replace("_", " ").capitalize() for value in values}
        return [(value, titles.get(value, words[value])) for value in values]


def ini_only(model: type[BaseModel]) -> frozenset[str]:
    """Fields that whoever runs the server sets and nobody in the admin: `"ini": True` in their
    json_schema_extra (addresses of other servers, paths)."""
    return frozenset(
        name
        for name, info in model.model_fields.items()
        if isinstance(info.json_schema_extra, Mapping) and info.json_schema_extra.get("ini")
    )


def plain(annotation: Any) -> tuple[Any, bool]:
    """The type without Annotated and without `| None`, and whether None is allowed."""
    if get_origin(annotation) is Annotated:
        return plain(get_args(annotation)[0])
    if get_origin(annotation) in (Union, types.UnionType):
        parts = [part for part in get_args(annotation) if part is not type(None)]
        optional = len(parts) < len(get_args(annotation))
        return (plain(parts[0])[0] if len(parts) == 1 else annotation), optional
    return annotation, False


def is_list(kind: Any) -> bool:
    return get_origin(kind) in (tuple, list, set, frozenset)


def item_type(kind: Any) -> Any:
    return plain(get_args(kind)[0])[0]


def is_model(kind: Any) -> bool:
    return isinstance(kind, type) and issubclass(kind, BaseModel)
