"""The kinds of field that a pydantic model is rendered with; see opticworks.web.schema_form.

Each keeps what was typed as text, shows it again, and `read()`s it as what pydantic is to check.
WTForms names, binds and renders them; it validates nothing.
"""

from __future__ import annotations

import json
import types
from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from enum import Enum
from html import escape
from typing import Any, Literal, Union, get_args, get_origin
from zoneinfo import ZoneInfo

import wtforms
from pydantic import SecretStr
from wtforms import widgets
from wtforms.widgets import html_params

from opticworks.money import Money, exponent
from opticworks.web.engine import Markup
from opticworks.web.schema_spec import Spec, is_list, item_type

LONGEST = 100_000  #: characters of one field whose model says no length
INPUT_TYPES = frozenset({"text", "email", "url", "tel", "search", "date"})


class Refused(ValueError):
    """What was typed can't be read as a value; the message is a sentence for who typed it."""


def decimal_text(text: str, point: str) -> str:
    """A number as people write it ("1,234.50", "12,50" where commas are the point) for Decimal.

    Raises Refused where it could mean two numbers.
    """
    compact = "".join(text.split()).replace("’", "").replace("'", "")
    other = "," if point == "." else "."
    if other in compact:
        groups = compact.partition(point)[0].lstrip("+-").split(other)
        grouped = len(groups[0]) in (1, 2, 3) and all(len(group) == 3 for group in groups[1:])
        if grouped and (point in compact or len(groups) > 2 or point == "."):
            compact = compact.replace(other, "")
        elif other == "." and len(groups) == 2 and not grouped and point not in compact:
            pass  # "12.50" can mean only one thing
        else:
            raise Refused(f"Write the number like 1250{point}50, without other signs.")
    return compact.replace(point, ".")


class Base(wtforms.Field):
    """What the fields have in common. `kind` says how the macro lays it out."""

    kind = "line"
    error = ""
    missing = False  #: nothing was typed: say "Enter …", whatever pydantic says

    def __init__(self, spec: Spec, **kw: Any) -> None:
        self.spec = spec
        # Not the bare name, which may be an id of the page's own ("status").
        kw["id"] = f"f-{kw.get('_prefix', '')}{kw['name']}"
        super().__init__(label=spec.label, description=spec.info.description or "", **kw)
        self.text = ""
        self.typed: list[str] | None = None

    @property
    def hint(self) -> str:
        return str(self.description)

    @property
    def required(self) -> bool:
        """Worth the browser's own check: outside rows, where a blank row must stay blank."""
        need = self.spec.info.is_required() or bool(self.spec.limit("min_length"))
        return need and not self.spec.optional and "[]" not in self.spec.path

    @property
    def suffix(self) -> str:
        return str(self.spec.extra.get("suffix", ""))

    def process_data(self, value: Any) -> None:
        self.data = value
        self.text = "" if value is None else self.show(value)

    def process_formdata(self, valuelist: list[Any]) -> None:
        self.typed = [entry for entry in valuelist if isinstance(entry, str)]
        self.text = self.typed[0] if self.typed else ""

    def show(self, value: Any) -> str:
        return str(value)

    def read(self) -> Any:
        """The value for pydantic. Raises Refused."""
        return self.text

    def mark(self, place: Sequence[Any], sentence: str) -> Base:
        """Note an error; `place` is what is left of pydantic's location. Answers whose it is."""
        self.error = self.error or sentence
        return self

    def attributes(self) -> dict[str, Any]:
        about = bool(self.error or self.hint)
        attributes: dict[str, Any] = {"autocomplete": "off", "required": self.required}
        if self.error:
            attributes["aria-invalid"] = "true"
        if about:
            attributes["aria-describedby"] = f"{self.id}-help"
        if most := self.spec.limit("max_length"):
            attributes["maxlength"] = most
        return {**attributes, **self.spec.extra.get("attributes", {})}

    @property
    def control(self) -> Markup:
        """The input itself."""
        return Markup(self(**self.attributes()))

    def _value(self) -> str:
        return self.text


class Line(Base):
    """One line of text."""

    def __init__(self, spec: Spec, **kw: Any) -> None:
        kind = spec.widget if spec.widget in INPUT_TYPES else "text"
        super().__init__(spec, widget=widgets.TextInput(input_type=kind), **kw)

    def read(self) -> Any:
        text = " ".join(self.text.split("\n")).strip()
        if any(ord(sign) < 32 and sign != "\t" for sign in text):
            text = "".join(sign for sign in text if ord(sign) >= 32)
        if not text and self.spec.optional:
            return None
        if len(text) > LONGEST:
            raise Refused(f"Use at most {LONGEST:,} characters.")
        self.missing = not text
        return text


class Area(Base):
    """Several lines of text."""

    widget = widgets.TextArea()

    def attributes(self) -> dict[str, Any]:
        rows = self.spec.extra.get("rows", 5)
        return {"rows": rows, **super().attributes()}

    def read(self) -> Any:
        text = self.text.replace("\r\n", "\n").replace("\r", "\n").strip()
        if not text and self.spec.optional:
            return None
        if len(text) > LONGEST:
            raise Refused(f"Use at most {LONGEST:,} characters.")
        self.missing = not text
        return text


class Hidden(Line):
    """Carried along, never shown."""

    kind = "hidden"

    def __init__(self, spec: Spec, **kw: Any) -> None:
        super().__init__(spec, **kw)
        self.widget = widgets.HiddenInput()

    def attributes(self) -> dict[str, Any]:
        return {}


class Number(Line):
    """A whole number or a decimal one, written as people of the shop's language do."""

    def attributes(self) -> dict[str, Any]:
        whole = self.spec.type is int
        return {"inputmode": "numeric" if whole else "decimal", **super().attributes()}

    def show(self, value: Any) -> str:
        number = format(value, "f") if isinstance(value, Decimal) else str(value)
        return number.replace(".", self.spec.around.point)

    def read(self) -> Any:
        text = super().read()
        return decimal_text(text, self.spec.around.point) if text else text


class Amount(Number):
    """Money: typed "12.50", kept in minor units (int) or as a Decimal."""

    @property
    def suffix(self) -> str:
        return self.spec.around.currency

    def attributes(self) -> dict[str, Any]:
        return {**super().attributes(), "inputmode": "decimal"}

    def show(self, value: Any) -> str:
        currency = self.spec.around.currency
        if isinstance(value, int):
            value = Money(value, currency).to_decimal()
        elif isinstance(value, Decimal) and value == round(value, exponent(currency)):
            value = round(value, exponent(currency))
        return super().show(value)

    def read(self) -> Any:
        text = super().read()
        if not text:
            return text
        try:
            money = Money.parse(text, self.spec.around.currency)
        except ValueError:
            sample = self.show(1250)
            raise Refused(f"Write an amount like {sample}.") from None
        if abs(money.minor) >= 2**53:
            raise Refused("This amount is too large.")
        return money.minor if self.spec.type is int else text


class Check(Base):
    """Yes or no."""

    kind = "check"
    widget = widgets.CheckboxInput()

    def process_data(self, value: Any) -> None:
        self.data = bool(value)

    def process_formdata(self, valuelist: list[Any]) -> None:
        self.data = bool(valuelist)

    def attributes(self) -> dict[str, Any]:
        return {**super().attributes(), "value": "1", "required": False, "autocomplete": False}

    def read(self) -> Any:
        return bool(self.data)


class Choice(Base):
    """One of several; a value that is no longer offered stays visible."""

    def show(self, value: Any) -> str:
        return str(value.value if isinstance(value, Enum) else value)

    def offered(self) -> Iterator[tuple[str, str]]:
        known = self.spec.choices() or []
        if self.spec.optional or (self.spec.info.is_required() and not self.text):
            yield "", str(self.spec.extra.get("empty", "Choose one"))
        yield from known
        if self.text and self.typed is None and self.text not in dict(known):
            yield self.text, f"{self.text} (no longer offered)"

    @property
    def control(self) -> Markup:
        options = "".join(
            f"<option {html_params(value=value, selected=value == self.text)}>"
            f"{escape(title)}</option>"
            for value, title in self.offered()
        )
        attributes = {k: v for k, v in self.attributes().items() if k != "autocomplete"}
        return Markup(
            f"<select {html_params(id=self.id, name=self.name, **attributes)}>{options}</select>"
        )

    def read(self) -> Any:
        if not self.text and self.spec.optional:
            return None
        known = dict(self.spec.choices() or [])
        kept = self.object_data is not None and self.text == self.show(self.object_data)
        if self.text not in known and not kept:
            raise Refused("Choose one of these.")
        return _literal(self.spec.type, self.text)


class Checks(Base):
    """Any of several, as checkboxes."""

    kind = "checks"

    def process_data(self, value: Any) -> None:
        self.data = [
            str(entry.value if isinstance(entry, Enum) else entry) for entry in value or ()
        ]

    def process_formdata(self, valuelist: list[Any]) -> None:
        self.data = [entry for entry in valuelist if isinstance(entry, str)]

    def options(self) -> list[tuple[str, str, bool]]:
        """(value, title, checked) for each box."""
        chosen = self.data
        return [(value, title, value in chosen) for value, title in self.spec.choices() or []]

    def read(self) -> Any:
        known = dict(self.spec.choices() or [])
        if any(value not in known for value in self.data):
            raise Refused("Choose among these.")
        inner = item_type(self.spec.type)
        return [_literal(inner, value) for value in dict.fromkeys(self.data)]


class Lines(Area):
    """A list, one entry per line."""

    @property
    def hint(self) -> str:
        return str(self.description) or "One per line."

    def attributes(self) -> dict[str, Any]:
        return (
            {"rows": min(max(self.text.count("\n") + 2, 3), 12)}
            | Base.attributes(self)
            | {"maxlength": False}
        )

    def show(self, value: Any) -> str:
        return "\n".join(str(entry) for entry in value)

    def read(self) -> Any:
        text = super().read() or ""
        found = [line.strip() for line in text.split("\n") if line.strip()]
        if len(found) > 2000:
            raise Refused("These are too many; use at most 2,000.")
        self.missing = not found
        return found

    def mark(self, place: Sequence[Any], sentence: str) -> Base:
        if place and isinstance(place[0], int):
            sentence = f"Entry {place[0] + 1}: {sentence}"
        return super().mark((), sentence)


class Moment(Base):
    """A date and time in the shop's zone; UTC in the model."""

    widget = widgets.TextInput(input_type="datetime-local")

    @property
    def hint(self) -> str:
        zone = self.spec.around.timezone
        return " ".join(part for part in (str(self.description), f"Time zone: {zone}.") if part)

    def show(self, value: Any) -> str:
        if not isinstance(value, datetime):
            return str(value)
        local = value.astimezone(ZoneInfo(self.spec.around.timezone)) if value.tzinfo else value
        seconds = "seconds" if local.second else "minutes"
        return str(local.replace(tzinfo=None, microsecond=0).isoformat(timespec=seconds))

    def read(self) -> Any:
        text = self.text.strip()
        if not text:
            self.missing = True
            return None
        try:
            local = datetime.fromisoformat(text)
            if local.tzinfo is None:
                local = local.replace(tzinfo=ZoneInfo(self.spec.around.timezone))
            moment = local.astimezone(UTC)
        except (ValueError, OverflowError):
            raise Refused("Write a date and time like 2026-03-04T15:30.") from None
        if moment.astimezone(local.tzinfo).replace(tzinfo=None) != local.replace(tzinfo=None):
            raise Refused("The clocks are put forward then: this time does not exist.")
        return moment


class Day(Line):
    """A date."""

    def __init__(self, spec: Spec, **kw: Any) -> None:
        super().__init__(spec, **kw)
        self.widget = widgets.TextInput(input_type="date")

    def read(self) -> Any:
        text = super().read()
        if not text:
            return None
        try:
            return date.fromisoformat(text)
        except ValueError:
            raise Refused("Write a date like 2026-03-04.") from None


class Secret(Base):
    """Never shown again: left empty it stays, a checkbox clears it."""

    kind = "secret"
    widget = widgets.PasswordInput(hide_value=True)

    @property
    def is_set(self) -> bool:
        return bool(self._kept())

    @property
    def hint(self) -> str:
        kept = "It is set. Leave this empty to keep it." if self.is_set else ""
        return " ".join(part for part in (str(self.description), kept) if part)

    @property
    def required(self) -> bool:
        return False

    def _kept(self) -> str:
        value = self.object_data
        return str(value.get_secret_value() if isinstance(value, SecretStr) else value or "")

    def process(self, formdata: Any, *args: Any, **kw: Any) -> None:
        super().process(formdata, *args, **kw)
        self.cleared = formdata is not None and f"{self.name}-clear" in formdata

    def show(self, value: Any) -> str:
        return ""

    def attributes(self) -> dict[str, Any]:
        return {**super().attributes(), "autocomplete": "new-password", "spellcheck": "false"}

    def read(self) -> Any:
        if self.text.strip():
            return SecretStr(self.text.strip())
        if self.cleared:
            return None if self.spec.optional else SecretStr("")
        kept = self.object_data
        return SecretStr(self._kept()) if kept is not None or not self.spec.optional else None


class Json(Area):
    """Whatever has no field of its own, as JSON."""

    def show(self, value: Any) -> str:
        from pydantic_core import to_jsonable_python

        return json.dumps(to_jsonable_python(value), indent=2, ensure_ascii=False)

    def read(self) -> Any:
        text = super().read()
        try:
            return json.loads(text) if text else None
        except (ValueError, RecursionError):
            raise Refused("This is no complete JSON.") from None


def _literal(kind: Any, text: str) -> Any:
    """The member of a Literal or Enum that is written so."""
    if get_origin(kind) is Literal:
        return next((value for value in get_args(kind) if str(value) == text), text)
    if isinstance(kind, type) and issubclass(kind, Enum):
        return next((member for member in kind if str(member.value) == text), text)
    return text


def scalar(spec: Spec) -> type[Base]:
    """The class of field for a spec that holds no models."""
    if spec.widget == "hidden":
        return Hidden
    if spec.type is SecretStr:
        return Secret
    if is_list(spec.type):
        inner = item_type(spec.type)
        if spec.choices() is not None:
            return Checks
        return Lines if inner in (str, int, float, Decimal) else Json
    if spec.type is bool:
        return Check
    if spec.choices() is not None:
        return Choice
    if spec.widget == "money":
        return Amount
    if spec.widget in ("textarea", "markdown"):
        return Area
    if spec.type in (int, float, Decimal):
        return Number
    if spec.type is datetime:
        return Moment
    if spec.type is date:
        return Day
    origin = get_origin(spec.type)
    return Json if origin in (dict, Union, types.UnionType) or spec.type in (dict, Any) else Line
