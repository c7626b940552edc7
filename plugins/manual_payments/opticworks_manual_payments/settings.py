"""What the shop's owner sets: the account, and how long an unpaid order is held."""

from __future__ import annotations

import re
from collections.abc import Iterator

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator
from pydantic_core import PydanticCustomError

#: An account nobody owns, so that a new shop shows complete instructions before it has its own.
SAMPLE_ACCOUNT = {
    "account_holder": "OpticWorks Inc.",
    "bank": "Golden Gate Example Bank, San Francisco",
    "account_number": "000123456789",
    "routing_number": "110000000",
    "bic": "GGEXUS6SXXX",
}


def _refuse(sentence: str) -> PydanticCustomError:
    return PydanticCustomError("bank_details", sentence)


class BankTransferSettings(BaseModel):
    """Where buyers send the money (an IBAN, or an account and routing number) and the deadlines."""

    model_config = ConfigDict(frozen=True, extra="forbid", str_strip_whitespace=True)

    account_holder: str = Field(
        default=SAMPLE_ACCOUNT["account_holder"], title="Account holder", max_length=100
    )
    bank: str = Field(default=SAMPLE_ACCOUNT["bank"], title="Bank", max_length=100)
    iban: str = Field(default="", title="IBAN")
    account_number: str = Field(
        default=SAMPLE_ACCOUNT["account_number"], title="Account number", max_length=34
    )
    routing_number: str = Field(default=SAMPLE_ACCOUNT["routing_number"], title="Routing number")
    bic: str = Field(default=SAMPLE_ACCOUNT["bic"], title="BIC (SWIFT)")
    note: str = Field(default="", title="Extra note for the buyer", max_length=500)
    hold_days: int = Field(default=3, title="Days an unpaid order is held", ge=1, le=60)
    remind_after_days: int = Field(default=2, title="Days until the reminder", ge=1, le=59)

    @field_validator("iban")
    @classmethod
    def _iban(cls, value: str) -> str:
        compact = value.replace(" ", "").upper()
        if compact and not _valid_iban(compact):
            raise _refuse("This is no valid IBAN, check it for a typing mistake")
        return " ".join(compact[i : i + 4] for i in range(0, len(compact), 4))

    @field_validator("routing_number")
    @classmethod
    def _routing_number(cls, value: str) -> str:
        if value and not _valid_routing_number(value):
            raise _refuse("This is no valid routing number, it has nine digits and a check digit")
        return value

    @field_validator("bic")
    @classmethod
    def _bic(cls, value: str) -> str:
        compact = value.replace(" ", "").upper()
        if compact and not re.fullmatch(r"[A-Z]{6}[A-Z0-9]{2}([A-Z0-9]{3})?", compact):
            raise _refuse("This is no valid BIC, it has 8 or 11 letters and digits")
        return compact

    @model_validator(mode="after")
    def _reminder_before_expiry(self) -> BankTransferSettings:
        if self.remind_after_days >= self.hold_days:
            raise _refuse(
                "The reminder must come before the order expires: make the days until the reminder "
                "fewer than those an unpaid order is held"
            )
        return self

    @property
    def is_sample(self) -> bool:
        """Whether buyers would still be told to pay into the sample account."""
        return not self.iban and self.account_number == SAMPLE_ACCOUNT["account_number"]

    def missing(self) -> Iterator[str]:
        """What a buyer would need to know and isn't set, one sentence each."""
        if not self.account_holder:
            yield "The account holder is missing."
        if not self.bank:
            yield "The bank is missing."
        if not self.iban and not (self.account_number and self.routing_number):
            yield "The bank account is missing: set the IBAN, or account number and routing number."


def _valid_iban(compact: str) -> bool:
    """ISO 13616: moved to the front, letters as numbers, the remainder by 97 is 1."""
    if not re.fullmatch(r"[A-Z]{2}\d{2}[A-Z0-9]{11,30}", compact):
        return False
    digits = "".join(str(int(char, 36)) for char in compact[4:] + compact[:4])
    return int(digits) % 97 == 1


def _valid_routing_number(number: str) -> bool:
    """ABA: nine digits weighted 3, 7, 1 sum to a multiple of ten."""
    if not re.fullmatch(r"\d{9}", number):
        return False
    return sum(int(digit) * (3, 7, 1)[i % 3] for i, digit in enumerate(number)) % 10 == 0
