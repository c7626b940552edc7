"""The checkout's fields, for customers and for staff who mend an address. Their names are what
browsers and the customer's scripts know."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from email_validator import EmailNotValidError, validate_email
from webob.multidict import MultiDict
from wtforms import Form, SelectField, StringField, ValidationError, validators

from opticworks import contracts as c
from opticworks.checkout import regions
from opticworks.checkout.quoting import ADDRESS_FIELDS
from opticworks.contracts import N_

NOT_A_CHOICE = N_("Not a valid choice.")  #: what WTForms says of a value that is not offered


def _text(label: str, missing: str = "", most: int = 100) -> StringField:
    checks: list[Any] = [_at_most(most)]
    checks.insert(0, validators.DataRequired(missing) if missing else validators.Optional())
    return StringField(label, checks, filters=[clean])


def _at_most(most: int) -> Callable[[Form, StringField], None]:
    def check(form: Form, field: StringField) -> None:
        if len(field.data or "") > most:
            raise ValidationError(c.say("Use at most {most} characters here.", most=most))

    return check


def clean(value: str | None) -> str:
    """Without control characters, which no address has and which break labels and mails."""
    text = value or ""
    if not text.isprintable():
        text = "".join(ch for ch in text if ch.isprintable())
    return text.strip()


class CheckoutForm(Form):
    """Contact and address. Choices of country and state come from the shop's settings: `groups`
    has them as a template prints them, under a heading that is empty where it needs none."""

    groups: Mapping[str, tuple[tuple[str, regions.Choices], ...]]

    email = _text("E-mail", N_("Enter your e-mail address, so that we can send the order."), 254)
    country = SelectField("Country", validate_choice=True)
    firstName = _text("First name", N_("Enter your first name."))
    lastName = _text("Last name", N_("Enter your last name."))
    company = _text("Company (optional)")
    address = _text("Address", N_("Enter your street and house number."), 200)
    address2 = _text("Apartment, suite, etc. (optional)", most=200)
    city = _text("City", N_("Enter your city."))
    state = SelectField("State", validate_choice=False)
    postalCode = _text("ZIP code", N_("Enter your ZIP code."), 20)
    phone = _text("Phone (optional, for the carrier)", most=40)
    vatId = _text("VAT ID (optional)", most=40)

    def validate_email(self, field: StringField) -> None:
        try:
            checked = validate_email(field.data or "", check_deliverability=False)
        except EmailNotValidError:
            raise ValidationError(
                c.say("Enter a complete e-mail address, like name@example.com.")
            ) from None
        field.data = checked.normalized

    def validate_state(self, field: SelectField) -> None:
        country = self.country.data or ""
        if regions.needs_state(country) and not regions.is_state(country, field.data or ""):
            raise ValidationError(c.say("Choose your state."))

    def validate_postalCode(self, field: StringField) -> None:
        digits = (field.data or "").replace("-", "").replace(" ", "")
        if self.country.data == "US" and not re.fullmatch(r"[0-9]{5}([0-9]{4})?", digits):
            raise ValidationError(c.say("Enter a ZIP code of 5 digits, like 94104."))

    @property
    def sentences(self) -> dict[str, str]:
        """The first problem of each field, by the field's name."""
        return {name: c.say(str(problems[0])) for name, problems in self.errors.items() if name}

    def to_address(self) -> c.Address:
        values = {
            name: self[field].data or "" for field, name in ADDRESS_FIELDS.items() if field in self
        }
        if not regions.needs_state(values["country"]):
            values["state"] = ""
        return c.Address(**values)


def checkout_form(
    settings: c.ShopSettings,
    posted: Any = None,
    details: Mapping[str, Any] | None = None,
) -> CheckoutForm:
    """The form as posted, or filled with what was typed earlier, with sensible defaults."""
    data = {"country": settings.countries[0], "state": settings.default_state, **(details or {})}
    form = CheckoutForm(posted, data=data)
    countries = regions.countries(settings.countries, settings.locale)
    states = regions.states(settings.countries, settings.locale)
    if alone := len(settings.countries) == 1:  # it needs no heading above its states
        states = tuple(("", choices) for _, choices in states)
    form.groups = {"country": (("", countries),), "state": states}
    form.country.choices = list(countries)
    form.state.choices = [c for _, choices in states for c in choices] if alone else dict(states)
    return form


def address_form(
    settings: c.ShopSettings, address: c.Address, posted: MultiDict | None = None
) -> CheckoutForm:
    """The checkout's fields of an address that an order has already, as posted or filled with it.
    Its country can be chosen though the shop ships there no more; its VAT ID stays as it is."""
    countries = tuple(dict.fromkeys((*settings.countries, address.country)))
    details = {field: getattr(address, name) for field, name in ADDRESS_FIELDS.items()}
    form = checkout_form(settings.model_copy(update={"countries": countries}), posted, details)
    del form.email, form.vatId
    return form
