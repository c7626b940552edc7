"""Forms made from models: every kind of field shown, typed, read, refused and shown again."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from enum import Enum
from typing import Annotated, Literal

import pytest
from bs4 import BeautifulSoup
from pydantic import BaseModel, Field, SecretStr, field_validator, model_validator
from webob.multidict import MultiDict

from opticworks.plugin import SchemaForm


class Size(Enum):
    small = "s"
    large = "l"


class Place(BaseModel):
    city: str = Field("", title="City", max_length=20)
    country: str = Field("US", title="Country", min_length=2, max_length=2)


class Bracket(BaseModel):
    up_to: int = Field(title="Up to", gt=0)
    price: Decimal = Field(title="Price", ge=0)


class Rate(BaseModel):
    name: str = Field(title="Name", min_length=1)
    kind: Literal["flat", "table"] = "flat"
    active: bool = True
    brackets: tuple[Bracket, ...] = Field(default=(), title="Brackets")


class Everything(BaseModel):
    name: str = Field(title="Name", min_length=1, max_length=40, description="As buyers read it.")
    text: str = Field("", json_schema_extra={"widget": "textarea"})
    count: int = Field(1, ge=1, le=99)
    weight: Decimal | None = None
    price: int = Field(0, ge=0, json_schema_extra={"widget": "money"})
    on: bool = False
    mode: Literal["a", "b"] = Field("a", json_schema_extra={"choices": {"a": "First"}})
    size: Size = Size.small
    words: tuple[str, ...] = ()
    days: tuple[Literal["mon", "tue"], ...] = ()
    starts: datetime | None = None
    day: date | None = None
    key: SecretStr = SecretStr("")
    place: Place = Place()
    other: Place | None = None
    rates: tuple[Rate, ...] = ()
    extra: dict[str, int] = Field(default_factory=dict)
    id: int = Field(7, json_schema_extra={"widget": "hidden"})

    @field_validator("name")
    @classmethod
    def _name(cls, value: str) -> str:
        if value == "taken":
            raise ValueError("this name is taken, choose another")
        return value

    @model_validator(mode="after")
    def _whole(self) -> Everything:
        if self.name == "odd":
            raise ValueError("Odd things can't be saved")
        return self


FULL = Everything(
    name="Ada",
    text="one\ntwo",
    count=3,
    weight=Decimal("1.50"),
    price=1250,
    on=True,
    mode="b",
    size=Size.large,
    words=("x", "y"),
    days=("tue",),
    starts=datetime(2026, 7, 1, 16, 0, tzinfo=UTC),
    day=date(2026, 7, 2),
    key=SecretStr("sk_live_1"),
    place=Place(city="Rome", country="IT"),
    other=Place(city="Bonn", country="DE"),
    rates=(
        Rate(
            name="Post",
            kind="table",
            active=False,
            brackets=(
                Bracket(up_to=5, price=Decimal("2")),
                Bracket(up_to=9, price=Decimal("3.5")),
            ),
        ),
        Rate(name="Van"),
    ),
    extra={"k": 1},
    id=9,
)
ZONE = {"locale": "en_US", "currency": "USD", "timezone": "America/New_York"}


def controls(form: SchemaForm[Everything]) -> MultiDict[str, str]:
    """What a browser would send of the form as it is shown."""
    sent: MultiDict[str, str] = MultiDict()

    def part(fields: object) -> None:
        for field in fields:  # type: ignore[attr-defined]
            if field.kind == "group":
                part(field.part)
            elif field.kind == "rows":
                for row in field.rows:
                    sent[f"{row.name}-place"] = row.place
                    part(row.part)
            elif field.kind == "checks":
                for value, _, checked in field.options():
                    if checked:
                        sent.add(field.name, value)
            else:
                tag = BeautifulSoup(field.control, "html.parser").find(True)
                if tag.name == "select":
                    sent[field.name] = tag.find("option", selected=True)["value"]
                elif tag.name == "textarea":
                    sent[field.name] = tag.text.lstrip("\r\n")
                elif tag.get("type") != "checkbox" or tag.has_attr("checked"):
                    sent[field.name] = tag["value"]

    part(form)
    return sent


def typed(**fields: str) -> SchemaForm[Everything]:
    """The form of FULL with some fields typed anew; a name "rates-0-name" goes by keyword."""
    sent = controls(SchemaForm(Everything, FULL, **ZONE))
    for name, value in fields.items():
        sent[name.replace("__", "-")] = value
    return SchemaForm(Everything, FULL, sent, **ZONE)


@pytest.mark.parametrize("zone", [ZONE, {**ZONE, "locale": "de_DE", "timezone": "Asia/Tokyo"}])
def test_a_form_sent_back_as_it_is_shown_changes_nothing(zone: dict[str, str]) -> None:
    sent = controls(SchemaForm(Everything, FULL, **zone))
    form = SchemaForm(Everything, FULL, sent, **zone)
    assert form.validate() == FULL
    assert form.errors == {}


def test_values_are_shown_as_people_write_them() -> None:
    sent = controls(SchemaForm(Everything, FULL, **{**ZONE, "locale": "de_DE"}))
    assert sent["price"] == "12,50"
    assert sent["weight"] == "1,50"
    assert sent["starts"] == "2026-07-01T12:00"
    assert sent["words"] == "x\ny"
    assert "sk_live_1" not in str(sent)


@pytest.mark.parametrize(
    ("locale", "text", "minor"),
    [
        ("en_US", "1,234.50", 123450),
        ("en_US", "1234.5", 123450),
        ("en_US", "1,234", 123400),
        ("en_US", "12,50", None),
        ("de_DE", "1.234,50", 123450),
        ("de_DE", "12,50", 1250),
        ("de_DE", "12.50", 1250),
        ("de_DE", "1.234", None),
        ("fr_FR", "1 234,50", 123450),
        ("en_US", "12.505", None),
        ("en_US", "1e400", None),
        ("en_US", "NaN", None),
        ("en_US", "99999999999999999", None),
        ("en_US", "-1", None),
        ("en_US", "٣", 300),
    ],
)
def test_money_is_read_as_it_is_written_or_not_at_all(
    locale: str, text: str, minor: int | None
) -> None:
    zone = {**ZONE, "locale": locale}
    sent = controls(SchemaForm(Everything, FULL, **zone))
    sent["price"] = text
    form = SchemaForm(Everything, FULL, sent, **zone)
    model = form.validate()
    assert (model.price if model else None) == minor
    assert ("price" in form.errors) == (minor is None)


def test_a_currency_without_decimals_takes_none() -> None:
    form = SchemaForm(Everything, FULL, MultiDict(price="12.50"), currency="JPY")
    form.validate()
    assert form.errors["price"] == "Write an amount like 1250."
    assert SchemaForm(Everything, FULL, currency="JPY")["price"].text == "1250"


def test_mistakes_are_said_in_sentences_at_their_fields_and_what_was_typed_stays() -> None:
    form = typed(
        name="",
        count="many",
        weight="heavy",
        mode="zzz",
        starts="yesterday",
        place__country="USA",
        rates__0__brackets__1__up_to="-3",
        extra="{",
    )
    assert form.validate() is None
    assert form.errors == {
        "name": "Name is needed.",
        "count": "Enter a whole number.",
        "weight": "Enter a number.",
        "mode": "Choose one of these.",
        "starts": "Write a date and time like 2026-03-04T15:30.",
        "place-country": "Use at most 2 characters.",
        "rates-0-brackets-1-up_to": "Use more than 0.",
        "extra": "This is no complete JSON.",
    }
    assert form.summary[0] == ("f-name", "Name is needed.")
    assert ("f-rates-0-brackets-1-up_to", "Rates 1, Brackets 2, Up to: Use more than 0.") in (
        form.summary
    )
    assert 'value="many"' in form["count"].control
    assert 'aria-describedby="f-count-help"' in form["count"].control


def test_the_models_own_rules_speak() -> None:
    form = typed(name="taken")
    assert form.validate() is None
    assert form.errors == {"name": "This name is taken, choose another."}
    form = typed(name="odd")
    assert form.validate() is None
    assert form.summary == [("", "Odd things can't be saved.")]


def test_a_callers_own_error_joins_them() -> None:
    form = typed()
    assert form.validate() is not None
    form.refuse("name", "There is one of that name already.")
    assert form.summary == [("f-name", "Name: There is one of that name already.")]


def test_a_secret_is_kept_replaced_or_cleared_and_never_shown() -> None:
    form = typed(key="")
    assert form["key"].is_set
    assert form.validate().key.get_secret_value() == "sk_live_1"  # type: ignore[union-attr]
    form = typed(key=" sk_live_2 ", name="")
    assert form.validate() is None
    assert "sk_live" not in form["key"].control
    assert typed(key="n").validate().key.get_secret_value() == "n"  # type: ignore[union-attr]
    cleared = typed(**{"key-clear": "1"}).validate()
    assert cleared.key.get_secret_value() == ""  # type: ignore[union-attr]


def test_rows_are_added_removed_and_put_in_order_without_script() -> None:
    form = typed(
        **{"rates-2-name": "Bike", "rates-2-kind": "flat", "rates-2-place": "0.5"},
        **{"rates-0-remove": "1", "rates-1-name": "Truck"},
    )
    model = form.validate()
    assert [rate.name for rate in model.rates] == ["Bike", "Truck"]  # type: ignore[union-attr]
    shown = form["rates"].rows
    assert [row.title for row in shown] == ["Bike", "Truck", "", ""]
    assert [row.place for row in shown] == ["1", "2", "", ""]
    assert [row.blank for row in shown] == [False, False, True, True]


def test_a_blank_row_is_no_row_and_a_half_filled_one_is_refused() -> None:
    assert len(typed().validate().rates) == 2  # type: ignore[union-attr]
    form = typed(**{"rates-2-kind": "table"})
    assert form.validate() is None
    assert form.errors == {"rates-2-name": "Name is needed."}


def test_the_row_that_script_copies_is_blank_and_knows_its_depth() -> None:
    rates = SchemaForm(Everything, FULL)["rates"]
    names = [field.name for field in rates.template.part]
    assert names[0] == "rates-__new0__-name"
    assert names[3] == "rates-__new0__-brackets"
    assert rates.template.part["brackets"].template.name == ("rates-__new0__-brackets-__new1__")


def test_an_optional_group_left_empty_is_none() -> None:
    form = typed(other__city="", other__country="US")
    assert form.validate().other is None  # type: ignore[union-attr]


def test_a_time_that_the_clocks_skip_is_refused() -> None:
    form = typed(starts="2026-03-08T02:30")
    assert form.validate() is None
    assert "does not exist" in form.errors["starts"]


def test_choices_may_be_made_at_run_time() -> None:
    choices = {"place.country": {"US": "United States", "CA": "Canada"}, "words": {"x": "X"}}
    form = SchemaForm(Everything, FULL, choices=choices)
    options = BeautifulSoup(form["place"].part["country"].control, "html.parser").find_all("option")
    assert [option.text for option in options] == [
        "United States",
        "Canada",
        "IT (no longer offered)",
    ]
    assert form["words"].kind == "checks"
    sent = MultiDict({"words": "z", "place-country": "FR"})
    form = SchemaForm(Everything, FULL, sent, choices=choices)
    form.validate()
    assert form.errors["words"] == "Choose among these."
    assert form.errors["place-country"] == "Choose one of these."


def test_fields_that_are_not_shown_keep_their_values() -> None:
    sent = controls(SchemaForm(Everything, FULL, exclude=("rates", "key"), **ZONE))
    sent["rates-0-name"] = "Sneaked"
    sent["key"] = "sneaked"
    form = SchemaForm(Everything, FULL, sent, exclude=("rates", "key"), **ZONE)
    assert form.validate() == FULL


HOSTILE = [
    {},
    {"name": "<script>alert(1)</script>"},
    {"name": "x" * 1_000_000},
    {"text": "x" * 200_000, "name": "x"},
    {"count": "9" * 5000},
    {"count": "1_000"},
    {"starts": "99999-01-01T00:00"},
    {"starts": "0001-01-01T00:00"},
    {"day": "2026-02-31"},
    {"words": "\n".join(str(n) for n in range(3000))},
    {"rates-99999999999999999999-name": "x"},
    {"rates-²-name": "x", "rates--name": "x", "rates-x-name": "x", "rates-0": "x"},
    {f"rates-{n}-name": "x" for n in range(5000)},
    {"rates-0-place": "nan", "rates-0-name": "a", "rates-1-place": "1e999", "rates-1-name": "b"},
    {"rates-0-brackets-0-price": "1e99999999"},
    {"extra": "[" * 100_000},
    {"weight": "Infinity"},
    {"price": "1" * 500},
    {"id": "drop table"},
]


@pytest.mark.parametrize("fields", HOSTILE)
@pytest.mark.parametrize("values", [None, FULL])
def test_whatever_is_sent_is_answered(fields: dict[str, str], values: Everything | None) -> None:
    form = SchemaForm(Everything, values, MultiDict(fields), **ZONE)
    assert form.validate() is None
    assert form.summary
    shown = "".join(field.control for field in form if field.kind in ("line", "hidden"))
    assert "<script>" not in shown


def test_many_rows_are_refused_rather_than_cut_off() -> None:
    form = typed(**{f"rates-{n}-name": "x" for n in range(201)})
    assert form.validate() is None
    assert form.errors["rates"] == "Use at most 200 rows."


def test_one_line_stays_one_line() -> None:
    model = typed(name="Ada\r\nBcc: eve@example.com").validate()
    assert model is not None
    assert "\n" not in model.name
    assert "\r" not in model.name


def test_a_secret_in_a_row_is_a_mistake_of_the_model() -> None:
    class Hook(BaseModel):
        url: str
        key: Annotated[SecretStr, Field(title="Key")]

    class Hooks(BaseModel):
        hooks: tuple[Hook, ...] = ()

    with pytest.raises(TypeError, match="a secret can't stand in a row"):
        SchemaForm(Hooks)


def test_a_field_may_have_any_name() -> None:
    class Awkward(BaseModel):
        data: str = "a"
        errors: str = "b"
        process: str = "c"
        status: str = "d"

    form = SchemaForm(Awkward, None, MultiDict(data="1", errors="2", process="3", status="4"))
    assert form.validate() == Awkward(data="1", errors="2", process="3", status="4")
    assert form["status"].id == "f-status"


class Vendor(BaseModel):
    name: str = ""
    api_base: str = Field("https://api.example", json_schema_extra={"ini": True})


class Wrapped(BaseModel):
    vendor: Vendor = Vendor()


class Several(BaseModel):
    vendors: tuple[Vendor, ...] = ()


@pytest.mark.parametrize("prefix", ["", "own"])
def test_what_only_the_ini_sets_is_no_field_and_no_post_changes_it(prefix: str) -> None:
    values = Vendor(api_base="http://127.0.0.1:1")
    start = f"{prefix}-" if prefix else ""
    assert "api_base" not in SchemaForm(Vendor, values, prefix=prefix)
    honest = SchemaForm(Vendor, values, MultiDict({f"{start}name": "A"}), prefix=prefix)
    assert honest.validate() == Vendor(name="A", api_base="http://127.0.0.1:1")
    for path in ("api_base", "api_base-0", "api_base-clear"):
        post = MultiDict({f"{start}name": "A", f"{start}{path}": "http://evil.example"})
        form = SchemaForm(Vendor, values, post, prefix=prefix)
        assert form.validate() is None
        assert form.summary == [("", "api_base is set in the ini file only.")]


@pytest.mark.parametrize("model", [Wrapped, Several])
def test_what_only_the_ini_sets_stands_at_the_top(model: type[BaseModel]) -> None:
    with pytest.raises(TypeError, match="only the ini"):
        SchemaForm(model)
