"""Forms made from pydantic models: WTForms renders them, pydantic alone says what is right.

    form = SchemaForm(Rate, values=rate, post=request.POST, currency="EUR")
    model = form.validate()          # a Rate, or None and form.errors

The macros `schema_form`, `schema_field` and `save_bar` of admin/macros.pt show it (docs/admin.md).
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Iterator, Mapping, Sequence
from itertools import groupby
from typing import Any, Generic, TypeVar

from pydantic import BaseModel, SecretStr, ValidationError
from pydantic_core import PydanticUndefined
from wtforms.form import BaseForm
from wtforms.utils import unset_value

from opticworks.web.schema_fields import (
    Amount,
    Area,
    Base,
    Choice,
    Refused,
    scalar,
)
from opticworks.web.schema_spec import (
    Around,
    Spec,
    ini_only,
    is_list,
    is_model,
    item_type,
    plain,
)

M = TypeVar("M", bound=BaseModel)
MOST_ROWS = 200
BLANK_ROWS = 2  #: offered below the rows there are, for browsers without script
NEEDED = "{name} is needed."
INI_ONLY = "{name} is set in the ini file only."
MEANWHILE = "Somebody else saved this while you were editing. The form holds what you typed."
VERSION = "_version"  #: the name of what tells which values a form shows

#: What pydantic says for programmers, said for whoever fills in the form.
SENTENCES = {
    "string_too_short": "Use at least {min_length} characters.",
    "string_too_long": "Use at most {max_length} characters.",
    "string_pattern_mismatch": "Some of these characters, or their order, can't be used here.",
    "greater_than_equal": "Use {ge} or more.",
    "greater_than": "Use more than {gt}.",
    "less_than_equal": "Use {le} or less.",
    "less_than": "Use less than {lt}.",
    "decimal_max_places": "Use at most {decimal_places} decimals.",
    "decimal_max_digits": "Use at most {max_digits} digits.",
    "too_short": "At least {min_length} is needed.",
    "too_long": "Use at most {max_length}.",
    "literal_error": "Choose one of these.",
    "enum": "Choose one of these.",
    "int_from_float": "Enter a whole number.",
    "int_parsing": "Enter a whole number.",
    "int_parsing_size": "This number is too large.",
    "int_type": "Enter a whole number.",
    "extra_forbidden": "There is no such setting.",
}
NUMBERS = ("decimal_parsing", "decimal_type", "float_parsing", "float_type", "finite_number")
#: What an empty field is told is needed for.
WANTING = ("_parsing", "_type", "too_short", "missing", "mismatch")


def sentence(problem: Mapping[str, Any], field: Base | None = None) -> str:
    """One of pydantic's errors as a plain sentence, about `field` if it is known."""
    kind, values = str(problem["type"]), dict(problem.get("ctx", {}))
    if field is not None:
        if field.missing and kind.endswith(WANTING):
            return NEEDED.format(name=field.label.text)
        if kind == "string_pattern_mismatch" and (sample := field.spec.extra.get("example")):
            return f"Write it like {sample}."
        if isinstance(field, Amount):
            values = {name: field.show(value) for name, value in values.items()}
    if kind in NUMBERS:
        return "Enter a number."
    if kind in SENTENCES:
        return SENTENCES[kind].format(**values)
    said = str(problem["msg"]).removeprefix("Value error, ").strip()
    return f"{said[:1].upper()}{said[1:]}" + ("" if said.endswith((".", "!", "?")) else ".")


def _version(values: Mapping[str, Any]) -> str:
    text = json.dumps(values, sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:24]


def _same(one: Any, other: Any) -> bool:
    """Whether a value is what was stored, which has lists where models have tuples."""
    kept = tuple(other) if isinstance(one, tuple) and isinstance(other, list) else other
    return bool(one == kept)


def as_data(value: Any) -> dict[str, Any]:
    """A model's or a mapping's values by name, one level deep."""
    if isinstance(value, BaseModel):
        return {name: getattr(value, name) for name in type(value).model_fields}
    return dict(value) if isinstance(value, Mapping) else {}


class Part(BaseForm):
    """The fields of one model, in a form or deeper in it."""

    def __init__(
        self,
        model: type[BaseModel],
        around: Around,
        *,
        path: str = "",
        prefix: str = "",
        exclude: Collection[str] = (),
    ) -> None:
        self.model = model
        self.failed = False
        fields = []
        for name, info in model.model_fields.items():
            if name in exclude:
                continue
            kind, optional = plain(info.annotation)
            spec = Spec(path + name, name, kind, optional, info, around)
            default = info.get_default(call_default_factory=True, validated_data={})
            default = None if default is PydanticUndefined else default
            fields.append((name, field_class(spec)(spec, default=default)))
        super().__init__(fields, prefix=prefix)

    @property
    def visible(self) -> list[Base]:
        return [field for field in self if field.kind != "hidden"]

    def state(self) -> list[Any]:
        """What stands in the fields, to compare a row with a blank one."""
        return [
            field.data
            if field.kind in ("check", "checks")
            else field.state()
            if isinstance(field, (Group, Rows))
            else field.text.strip()
            for field in self
        ]

    def read(self) -> dict[str, Any]:
        """What pydantic is to check; fields that can't be read are left out and marked."""
        found = {}
        for name, field in self._fields.items():
            try:
                found[name] = field.read()
            except Refused as error:
                field.mark((), str(error))
                self.failed = True
            self.failed = self.failed or getattr(field, "failed", False)
        return found

    def at(self, place: Sequence[Any]) -> tuple[Base | None, Sequence[Any]]:
        """The innermost field that pydantic's location leads to, and what is left of it."""
        field = self._fields.get(place[0]) if place else None
        if field is None:
            return None, place
        deeper: tuple[Base | None, Sequence[Any]] = (None, place[1:])
        if isinstance(field, Group):
            deeper = field.part.at(place[1:])
        elif isinstance(field, Rows) and (row := field.row_at(place[1:])) is not None:
            deeper = row.part.at(place[2:])
        return deeper if deeper[0] is not None else (field, place[1:])

    def problems(self, above: str = "") -> Iterator[tuple[str, str, str]]:
        """(id, title, sentence) of all that is marked, in the order of the page."""
        for field in self:
            title = f"{above}{field.label.text}"
            if field.error:
                yield "" if field.kind == "hidden" else field.id, title, field.error
            if isinstance(field, Group):
                yield from field.part.problems(f"{title}, ")
            elif isinstance(field, Rows):
                for number, row in enumerate(field.rows, 1):
                    if row.error:
                        yield row.id, f"{title} {number}", row.error
                    yield from row.part.problems(f"{title} {number}, ")


class Group(Base):
    """A model inside a model: a fieldset. Optional and left empty it is None."""

    kind = "group"

    def __init__(self, spec: Spec, **kw: Any) -> None:
        super().__init__(spec, **kw)
        self.part = self._part()

    def _part(self) -> Part:
        spec = self.spec
        if ini_only(spec.type):
            raise TypeError(f"{spec.path}: what only the ini sets can't stand inside a model.")
        return Part(spec.type, spec.around, path=f"{spec.path}.", prefix=f"{self.name}-")

    @property
    def failed(self) -> bool:
        return self.part.failed

    def process(self, formdata: Any, data: Any = unset_value, extra_filters: Any = None) -> None:
        self.object_data = self.default if data is unset_value else data
        self.part.process(formdata, data=as_data(self.object_data))

    def state(self) -> list[Any]:
        return self.part.state()

    def read(self) -> Any:
        if self.spec.optional:
            pristine = self._part()
            pristine.process(None)
            if self.part.state() == pristine.state():
                return None
        return self.part.read()


class Row:
    """One row of a table of models. `place` orders the rows where there is no script."""

    def __init__(self, rows: Rows, index: int | str) -> None:
        self.index = index
        self.name = f"{rows.name}-{index}"
        self.id = f"{rows.id}-{index}"
        spec = rows.spec
        self.part = Part(rows.model, spec.around, path=f"{spec.path}[].", prefix=f"{self.name}-")
        self.place = ""
        self.blank = False
        self.error = ""

    @property
    def title(self) -> str:
        """What a folded row is called: its first texts."""
        texts = [
            field.text
            for field in self.part
            if field.kind == "line" and not isinstance(field, (Area, Choice)) and field.text
        ]
        return " · ".join(texts[:2])

    @property
    def has_errors(self) -> bool:
        return bool(self.error) or any(True for _ in self.part.problems())


class Rows(Base):
    """A list of models: rows that can be added, removed and put in order, without script too."""

    kind = "rows"

    def __init__(self, spec: Spec, **kw: Any) -> None:
        super().__init__(spec, **kw)
        self.model: type[BaseModel] = item_type(spec.type)
        self.rows: list[Row] = []
        self.kept: list[Row] = []
        self.failed = False
        if ini_only(self.model):
            raise TypeError(f"{spec.path}: what only the ini sets can't stand in a row.")
        if any(plain(info.annotation)[0] is SecretStr for info in self.model.model_fields.values()):
            raise TypeError(f"{spec.path}: a secret can't stand in a row, whose place may change.")

    @property
    def cards(self) -> bool:
        """Are rows too large for one line?"""
        fields = self.template.part.visible
        return len(fields) > 6 or any(
            field.kind in ("group", "rows", "checks") or isinstance(field, Area) for field in fields
        )

    @property
    def token(self) -> str:
        """What stands for the index in the row that script copies; one per depth."""
        return f"__new{self.spec.path.count('[]')}__"

    @property
    def template(self) -> Row:
        return self._row(self.token)

    def _row(self, index: int | str, formdata: Any = None, data: Any = None) -> Row:
        row = Row(self, index)
        row.part.process(formdata, data=as_data(data))
        return row

    def process(self, formdata: Any, data: Any = unset_value, extra_filters: Any = None) -> None:
        given = self.default if data is unset_value else data
        before: list[Any] = list(given or ())
        if formdata is None:
            self.kept = [self._row(index, None, value) for index, value in enumerate(before)]
        else:
            self.kept = self._posted(formdata, before)
        self.rows = [*self.kept, *self._blank(len(before))]
        for number, row in enumerate(self.kept, 1):
            row.place = str(number)

    def _posted(self, formdata: Any, before: list[Any]) -> list[Row]:
        start = f"{self.name}-"
        named = {key[len(start) :].partition("-")[0] for key in formdata if key.startswith(start)}
        found = sorted(int(n) for n in named if n.isascii() and n.isdecimal() and len(n) < 6)
        if len(found) > MOST_ROWS:
            self.mark((), f"Use at most {MOST_ROWS} rows.")
            self.failed = True
        pristine = self.template.part.state()
        rows: list[tuple[float, Row]] = []
        for index in found[:MOST_ROWS]:
            row = self._row(index, formdata, before[index] if index < len(before) else None)
            removed = f"{row.name}-remove" in formdata
            if not removed and row.part.state() != pristine:
                rows.append((_place((formdata.getlist(f"{row.name}-place") or [""])[0]), row))
        return [row for _, row in sorted(rows, key=lambda pair: pair[0])]

    def _blank(self, taken: int) -> list[Row]:
        used = [row.index for row in self.kept if isinstance(row.index, int)]
        first = max([taken - 1, *used]) + 1
        count = min(BLANK_ROWS if self.spec.path.count("[]") == 0 else 1, MOST_ROWS)
        rows = [self._row(first + offset) for offset in range(count)]
        for row in rows:
            row.blank = True
        return rows

    def state(self) -> list[Any]:
        return [row.part.state() for row in self.kept]

    def read(self) -> Any:
        found = [row.part.read() for row in self.kept]
        self.failed = self.failed or any(row.part.failed for row in self.kept)
        self.missing = not found
        return found

    def row_at(self, place: Sequence[Any]) -> Row | None:
        known = place and isinstance(place[0], int) and place[0] < len(self.kept)
        return self.kept[place[0]] if known else None

    def mark(self, place: Sequence[Any], said: str) -> Base:
        row = self.row_at(place)
        if row is None:
            return super().mark(place, said)
        row.error = row.error or said
        return self


def _place(text: str) -> float:
    try:
        place = float(text)
    except (ValueError, OverflowError):
        return float("inf")
    return place if place == place else float("inf")  # NaN sorts nowhere


def field_class(spec: Spec) -> type[Base]:
    """The class of field for a spec."""
    if is_model(spec.type):
        return Group
    if is_list(spec.type) and is_model(item_type(spec.type)):
        return Rows
    return scalar(spec)


def _titled(title: str, said: str) -> str:
    """The sentence with its field before it, unless it names it itself."""
    above, _, name = title.rpartition(", ")
    if said.startswith(f"{name} "):
        return f"{above}: {said}" if above else said
    return f"{title}: {said}"


class SchemaForm(Generic[M]):
    """A form for `model`, filled from `values` or, if there is a `post`, from what was typed.

    `values` is a model or a mapping of its fields; those in `exclude` are not shown and keep it.
    Fields with `"ini": True` in their json_schema_extra are not shown either, and a post that
    names one is refused.
    `choices` gives values and titles made at run time, by path ("country", "rates[].country");
    `notes` adds a sentence to a field's hint. `locale`, `currency` and `timezone` are the shop's:
    money is typed in `currency`, times are of that zone. With `shared` the `values` are a row that
    others may save meanwhile: who posts a form that shows older ones is told so first. Lock the row
    before.
    """

    def __init__(
        self,
        model: type[M],
        values: BaseModel | Mapping[str, Any] | None = None,
        post: Any = None,
        *,
        locale: str = "en_US",
        currency: str = "USD",
        timezone: str = "UTC",
        choices: Mapping[str, Mapping[str, str]] | None = None,
        exclude: Collection[str] = (),
        notes: Mapping[str, str] | None = None,
        prefix: str = "",
        shared: bool = False,
    ) -> None:
        self.model = model
        self.posted = post is not None
        self.errors: dict[str, str] = {}
        self.error = ""  #: what is wrong with the whole
        self._values = as_data(values)
        self.version = _version(self._values) if shared else ""
        self._seen = str((post or {}).get(VERSION, self.version))
        around = Around(locale, currency, timezone, choices or {})
        self._ini_only = ini_only(model)
        self._part = Part(model, around, exclude={*exclude, *self._ini_only}, prefix=prefix)
        self._forbidden = self._named(post or ())
        self._part.process(post, data=self._values)
        for name, note in (notes or {}).items():
            if name in self._part:
                field = self._part[name]
                field.description = f"{field.description} {note}".strip()

    def _named(self, post: Collection[str]) -> list[str]:
        """Fields that only the ini sets and the post names all the same, at whatever depth."""
        found = []
        for name in sorted(self._ini_only):
            own = f"{self._part._prefix}{name}"
            if any(key == own or key.startswith(f"{own}-") for key in post):
                found.append(name)
        return found

    def __getitem__(self, name: str) -> Base:
        return self._part[name]  # type: ignore[no-any-return]

    def __contains__(self, name: str) -> bool:
        return name in self._part

    def __iter__(self) -> Iterator[Base]:
        return iter(self._part)

    @property
    def sections(self) -> list[tuple[str, list[Base]]]:
        """Fields by the `section` that their model names, in its order; hidden ones in ""."""
        current = ""

        def section(field: Base) -> str:
            nonlocal current
            current = str(field.spec.extra.get("section", current))
            return current

        return [(title, list(fields)) for title, fields in groupby(self, key=section)]

    @property
    def summary(self) -> list[tuple[str, str]]:
        """(field's id, sentence) of every error, in the order of the page; "" is the whole form."""
        whole = [("", self.error)] if self.error else []
        return whole + [(at, _titled(title, said)) for at, title, said in self._part.problems()]

    def refuse(self, name: str, said: str) -> None:
        """Add an error of the caller's own ("There is a product of that name already.")."""
        if name in self._part:
            self._part[name].mark((), said)
        else:
            self.error = self.error or said
        self.errors.setdefault(name, said)

    def validate(self) -> M | None:
        """The model that was typed, or None: then `errors` and `summary` say why."""
        if not self.posted:
            return None
        found = self._part.read()
        hidden = {
            name: value
            for name, value in self._values.items()
            if name not in self._part and name in self.model.model_fields
        }
        model: M | None = None
        try:
            model = self.model.model_validate({**hidden, **found})
        except ValidationError as error:
            for problem in error.errors():
                self._mark(problem)
        for name in self._forbidden:
            self.error = self.error or INI_ONLY.format(name=name)
        if self.version and self._seen != self.version:
            self.error = self.error or self._meanwhile(model)
        self.errors = {"": self.error} if self.error else {}
        for at, title, said in self._part.problems():
            self.errors.setdefault(at.removeprefix("f-") or title, said)
        return None if self.errors else model

    def _meanwhile(self, typed: M | None) -> str:
        """Somebody saved other values than the form was made of: where theirs differ."""
        mine = as_data(typed)
        others = [
            field.label.text
            for name, field in self._part._fields.items()
            if name in mine and not _same(mine[name], self._values.get(name))
        ]
        where = f" You typed something else than they did in: {', '.join(others)}." * bool(others)
        return f"{MEANWHILE}{where} Look at it; saving again replaces theirs."

    def _mark(self, problem: Any) -> None:
        field, place = self._part.at(problem["loc"])
        said = sentence(problem, field)
        if isinstance(field, Rows) and field.kept and problem["type"] == "too_short" and not place:
            return  # its rows are there, and say themselves what is wrong
        if field is not None:
            field.mark(place, said)
        elif not self._part.failed:  # else it may speak of a field that could not be read
            where = ".".join(str(part) for part in problem["loc"])
            self.error = self.error or (f"{where}: {said}" if where else said)
