"""The table of rates, and who is exempt from them."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Date,
    Identity,
    Index,
    Numeric,
    String,
    Text,
    UniqueConstraint,
    text,
)
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from opticworks.plugin import plugin_base

if TYPE_CHECKING:
    # A type checker can't see through a base that a function makes.
    class Base(DeclarativeBase): ...
else:
    Base = plugin_base("taxes")


class Rate(Base):
    """One rate: what is charged on a class of goods that go to a place, from a day on.

    `state` and `postal` are empty for the whole country; `postal` is the beginning of the codes
    it holds for. Rates of different layers add up (a state's and a county's, GST and PST); in
    one layer the most exact counts, and of those the newest that has started.
    """

    __tablename__ = "taxes_rate"
    __table_args__ = (
        UniqueConstraint("country", "state", "postal", "tax_class", "layer", "starts"),
        CheckConstraint("rate >= 0 AND rate <= 1", name="rate"),
        CheckConstraint("layer BETWEEN 1 AND 9", name="layer"),
        CheckConstraint("country ~ '^[A-Z]{2}$'", name="country"),
    )

    id: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    country: Mapped[str] = mapped_column(String(2))
    state: Mapped[str] = mapped_column(String(10), server_default="")
    postal: Mapped[str] = mapped_column(String(20), server_default="")
    tax_class: Mapped[str] = mapped_column(String(40), server_default="standard")
    title: Mapped[str] = mapped_column(String(60))
    rate: Mapped[Decimal] = mapped_column(Numeric(9, 7))
    shipping: Mapped[bool] = mapped_column(server_default=text("false"))
    layer: Mapped[int] = mapped_column(server_default="1")
    starts: Mapped[date] = mapped_column(Date)


class VatCheck(Base):
    """What was checked of the VAT ID that an order's reverse charge rests on, and when.

    `checked` says what was looked at before the order was taken; `valid`, `name`, `address` and
    `reference` (the number of the consultation) are what VIES answered at `vies_at`.
    """

    __tablename__ = "taxes_vat_check"
    __table_args__ = (CheckConstraint("(vies_at IS NULL) = (valid IS NULL)", name="answer"),)

    order_number: Mapped[str] = mapped_column(Text, primary_key=True)
    vat_id: Mapped[str] = mapped_column(String(20))
    checked: Mapped[str] = mapped_column(Text)
    checked_at: Mapped[datetime]
    vies_at: Mapped[datetime | None]
    valid: Mapped[bool | None]
    name: Mapped[str] = mapped_column(Text, server_default="")
    address: Mapped[str] = mapped_column(Text, server_default="")
    reference: Mapped[str] = mapped_column(Text, server_default="")
    seen_by: Mapped[str] = mapped_column(Text, server_default="")


class Exemption(Base):
    """Goods that this customer has sent to this place are not taxed, and why.

    `reference` is the VAT ID or the certificate's number, `evidence` what staff looked at and
    when; both stay with every order they were used for.
    """

    __tablename__ = "taxes_exemption"
    __table_args__ = (
        CheckConstraint("kind IN ('exempt', 'reverse_charge')", name="kind"),
        CheckConstraint("ends IS NULL OR ends >= starts", name="days"),
        Index("ix_taxes_exemption_email", "email"),
    )

    id: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    email: Mapped[str] = mapped_column(Text)
    country: Mapped[str] = mapped_column(String(2))
    postal: Mapped[str] = mapped_column(String(20))
    kind: Mapped[str] = mapped_column(String(20), server_default="exempt")
    reference: Mapped[str] = mapped_column(String(60))
    evidence: Mapped[str] = mapped_column(Text, server_default="")
    starts: Mapped[date] = mapped_column(Date)
    ends: Mapped[date | None] = mapped_column(Date)
    actor: Mapped[str] = mapped_column(Text)
