"""Reviews, what was decided about them, and whom to ask for one.

The kernel is referred to by SKU and order number. A product is what shares a page: `product` is
the page's path, or the SKU of what has none.
"""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Identity, Index, Text, text
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from opticworks.contracts import Rating
from opticworks.plugin import plugin_base, timestamp

if TYPE_CHECKING:
    # A type checker can't see through a base that a function makes.
    class Base(DeclarativeBase): ...
else:
    Base = plugin_base("reviews")

WAITING, PUBLISHED, REJECTED = "waiting", "published", "rejected"
STATUSES = (WAITING, PUBLISHED, REJECTED)

#: A request: nothing was sent, one mail was, two were; or nothing more will be, because the
#: buyer has written, or for another reason.
PLANNED, ASKED, REMINDED, WRITTEN, STOPPED = "planned", "asked", "reminded", "written", "stopped"
STATES = (PLANNED, ASKED, REMINDED, WRITTEN, STOPPED)


def _one_of(column: str, values: tuple[str, ...]) -> str:
    return f"{column} IN ({', '.join(repr(value) for value in values)})"


class Review(Base):
    """What one buyer says of one product.

    `sku`, `title` and `options` are what they bought; `verified` holds while that line of the
    order is paid and has not come back; `incentive` is what the writer was given for it.
    """

    __tablename__ = "reviews_review"
    __table_args__ = (
        CheckConstraint("stars BETWEEN 1 AND 5", name="stars"),
        CheckConstraint(_one_of("status", STATUSES), name="status"),
        CheckConstraint("NOT verified OR order_number <> ''", name="verified"),
        Index("uq_reviews_review_author", "email", "product", unique=True),
        Index("ix_reviews_review_shown", "sku", "published_at", "id"),
        Index("ix_reviews_review_status", "status", "id"),
    )

    id: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    product: Mapped[str] = mapped_column(Text)
    sku: Mapped[str] = mapped_column(Text)
    title: Mapped[str] = mapped_column(Text)
    options: Mapped[str] = mapped_column(Text, server_default="")
    order_number: Mapped[str] = mapped_column(Text, server_default="", index=True)
    email: Mapped[str] = mapped_column(Text)
    name: Mapped[str] = mapped_column(Text)
    stars: Mapped[int]
    headline: Mapped[str] = mapped_column(Text, server_default="")
    body: Mapped[str] = mapped_column(Text, server_default="")
    verified: Mapped[bool] = mapped_column(server_default=text("false"))
    incentive: Mapped[str] = mapped_column(Text, server_default="")
    status: Mapped[str] = mapped_column(Text, server_default=WAITING)
    created_at: Mapped[datetime] = timestamp()
    changed_at: Mapped[datetime | None]
    published_at: Mapped[datetime | None]
    answer: Mapped[str] = mapped_column(Text, server_default="")
    answered_at: Mapped[datetime | None]

    @property
    def rating(self) -> Rating:
        """As stars are drawn."""
        return Rating(stars=tuple(int(self.stars == n) for n in range(1, 6)))  # type: ignore[arg-type]


class Decision(Base):
    """What was done with a review, by whom and why. Append-only."""

    __tablename__ = "reviews_decision"

    id: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    review_id: Mapped[int] = mapped_column(
        BigInteger, ForeignKey("reviews_review.id", ondelete="CASCADE"), index=True
    )
    action: Mapped[str] = mapped_column(Text)
    note: Mapped[str] = mapped_column(Text, server_default="")
    actor: Mapped[str] = mapped_column(Text)  #: of staff, or "" for the writer or the shop itself
    at: Mapped[datetime] = timestamp()


class Request(Base):
    """One order whose buyer is asked for reviews. `due_at` is when the next mail may leave; None
    while that can't be said, or when none will."""

    __tablename__ = "reviews_request"
    __table_args__ = (
        CheckConstraint(_one_of("state", STATES), name="state"),
        Index("ix_reviews_request_due", "due_at", postgresql_where=text("due_at IS NOT NULL")),
    )

    order_number: Mapped[str] = mapped_column(Text, primary_key=True)
    state: Mapped[str] = mapped_column(Text, server_default=PLANNED)
    reason: Mapped[str] = mapped_column(Text, server_default="")
    due_at: Mapped[datetime | None]
    asked_at: Mapped[datetime | None]
    reminded_at: Mapped[datetime | None]
    created_at: Mapped[datetime] = timestamp()
