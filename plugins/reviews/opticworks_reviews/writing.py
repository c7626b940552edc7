"""Reviews written down and decided upon, in the caller's transaction."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import datetime, timedelta

from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from opticworks.contracts import OrderView
from opticworks_reviews.models import PUBLISHED, WAITING, Decision, Review
from opticworks_reviews.products import Bought, bought
from opticworks_reviews.settings import ReviewsSettings

#: Why a review may be kept back. That it is a bad one is not among them.
REASONS = {
    "spam": "Advertising, or sent many times",
    "off_topic": "Not about the product",
    "abusive": "Insults or threatens somebody",
    "private": "Names or details of private people",
    "unlawful": "Unlawful, or somebody else's text",
    "not_genuine": "Not by a customer, or paid for",
    "other": "Another reason",
}
_LINK = re.compile(r"https?:|www\.|\b\S+@\S+\.\S+|\b[\w-]+\.(com|net|org|io|shop|ru|cn)\b", re.I)


class TooLate(ValueError):
    """The review may not be changed any more."""


def write(
    db: Session,
    order: OrderView,
    about: Bought,
    given: dict[str, str | int],
    settings: ReviewsSettings,
    now: datetime,
) -> Review:
    """The buyer's review of that product: new, or changed. `given` holds stars, headline, body and
    name. Raises TooLate."""
    email = order.email.strip().lower()
    values = {
        "product": about.product,
        "sku": about.sku,
        "title": about.title,
        "options": about.options,
        "order_number": order.number,
        "email": email,
        "verified": about.verified,
        "incentive": settings.incentive,
        "created_at": now,
        "status": WAITING,
        **given,
    }
    made = db.scalar(
        insert(Review)
        .values(**values)
        .on_conflict_do_nothing(index_elements=["email", "product"])
        .returning(Review.id)
    )
    row = db.scalars(
        select(Review)
        .where(Review.email == email, Review.product == about.product)
        .with_for_update()
    ).one()
    if made is None:
        _change(row, given, settings, now)
    note(db, row, "written" if made is not None else "changed", at=now)
    if at_once(row, settings):
        decide(db, row, PUBLISHED, "", now, note_="By the shop's rule")
    return row


def _change(
    row: Review, given: dict[str, str | int], settings: ReviewsSettings, now: datetime
) -> None:
    if not may_change(row, settings, now):
        raise TooLate
    for name, value in given.items():
        setattr(row, name, value)
    row.status, row.changed_at, row.published_at = WAITING, now, None


def may_change(row: Review, settings: ReviewsSettings, now: datetime) -> bool:
    return now < row.created_at + timedelta(days=settings.edit_days)


def at_once(row: Review, settings: ReviewsSettings) -> bool:
    """Whether it is shown before anybody has looked at it."""
    said = f"{row.headline} {row.body} {row.name}"
    return row.stars <= settings.publish_up_to and _LINK.search(said) is None


def decide(
    db: Session, row: Review, status: str, actor: str, now: datetime, *, note_: str = ""
) -> bool:
    """Publish, reject or queue a review; False if it is in that state already."""
    if row.status == status:
        return False
    row.status = status
    row.published_at = now if status == PUBLISHED else None
    note(db, row, status, actor, note_, at=now)
    return True


def answer(db: Session, row: Review, text: str, actor: str, now: datetime) -> None:
    """The shop's answer below the review; no text takes it away."""
    row.answer, row.answered_at = text, now if text else None
    note(db, row, "answered" if text else "answer_removed", actor, at=now)


def note(
    db: Session, row: Review, action: str, actor: str = "", note: str = "", *, at: datetime
) -> None:
    db.add(Decision(review_id=row.id, action=action, actor=actor, note=note, at=at))


def decisions(db: Session, row: Review) -> list[Decision]:
    """What happened to a review, newest first."""
    statement = select(Decision).where(Decision.review_id == row.id)
    return list(db.scalars(statement.order_by(Decision.at.desc(), Decision.id.desc())))


def verify(db: Session, order: OrderView) -> None:
    """Take the badge from reviews of what came back, or give it again."""
    verified = {each.product: each.verified for each in bought(order)}
    rows = select(Review).where(Review.order_number == order.number).with_for_update()
    for row in db.scalars(rows):
        row.verified = verified.get(row.product, False)


def reviewed(db: Session, email: str, products: Iterable[str]) -> dict[str, Review]:
    """The address's own reviews of these products, by product."""
    statement = select(Review).where(
        Review.email == email.strip().lower(), Review.product.in_(list(products))
    )
    return {row.product: row for row in db.scalars(statement)}


def count_waiting(db: Session) -> int:
    return db.scalar(select(func.count()).where(Review.status == WAITING)) or 0
