"""What pages show of reviews: only published ones, from memory where nothing was changed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import urlencode

from sqlalchemy import ColumnElement, Select, func, select

from opticworks.contracts import N_, Ctx, Rating
from opticworks.plugin import Memory, memory_of, remembered, whole
from opticworks_reviews.models import PUBLISHED, Review
from opticworks_reviews.settings import ReviewsSettings

SCOPE = "reviews"  #: of what is remembered: see the migration reviews_0001
PAGE, STARS, SORT = "reviews-page", "reviews-stars", "reviews-sort"  #: in a page's address
SORTS: Mapping[str, tuple[str, tuple[ColumnElement[Any], ...]]] = {
    "newest": (N_("Newest first"), (Review.published_at.desc(), Review.id.desc())),
    "highest": (N_("Most stars first"), (Review.stars.desc(), Review.id.desc())),
    "lowest": (N_("Fewest stars first"), (Review.stars.asc(), Review.id.desc())),
}
NEWEST = "newest"
AROUND = 2  #: page numbers shown on either side of the current one


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """A review as a page shows it."""

    id: int
    name: str
    stars: int
    headline: str
    body: str
    options: str
    verified: bool
    incentive: str
    at: datetime
    changed: bool
    answer: str
    answered_at: datetime | None

    @property
    def rating(self) -> Rating:
        """As stars are drawn."""
        return Rating(stars=tuple(int(self.stars == n) for n in range(1, 6)))  # type: ignore[arg-type]


@dataclass(frozen=True, slots=True, kw_only=True)
class Bar:
    """How many gave so many stars, and where those reviews are."""

    stars: int
    count: int
    percent: int
    url: str
    selected: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """A way to see the list otherwise; without an address it stands for a gap."""

    title: str
    url: str
    selected: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """Which reviews of a product are to be shown: `stars` is 0 for all."""

    stars: int = 0
    sort: str = NEWEST
    page: int = 1

    @classmethod
    def read(cls, query: Mapping[str, str]) -> Asked:
        """From an address; what it can't mean is left out."""
        stars, page, sort = query.get(STARS, ""), query.get(PAGE, ""), query.get(SORT, "")
        return cls(
            stars=int(stars) if stars in ("1", "2", "3", "4", "5") else 0,
            sort=sort if sort in SORTS else NEWEST,
            page=max(whole(page, digits=5), 1),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Listed:
    """What is shown below a product."""

    rating: Rating
    bars: tuple[Bar, ...]
    reviews: tuple[Shown, ...]
    sorts: tuple[Link, ...]
    pages: tuple[Link, ...]
    previous: str
    next: str
    stars: int
    total: int
    all_url: str


def ratings(skus: Sequence[str], ctx: Ctx) -> dict[str, Rating]:
    """By SKU, those without a published review left out. One statement, or none."""
    memory = memory_of(ctx.db, SCOPE)
    known = {sku: memory.things.get(("rating", sku)) for sku in skus}
    missing = [sku for sku, rating in known.items() if rating is None]
    if missing:
        counted: dict[str, list[int]] = {sku: [0] * 5 for sku in missing}
        statement = (
            select(Review.sku, Review.stars, func.count())
            .where(Review.sku.in_(missing), Review.status == PUBLISHED)
            .group_by(Review.sku, Review.stars)
        )
        for sku, stars, count in ctx.db.execute(statement):
            counted[sku][stars - 1] = count
        for sku, (one, two, three, four, five) in counted.items():
            rating = Rating(stars=(one, two, three, four, five))
            known[sku] = rating = memory.shared(rating, rating)  # most have none
            memory.keep(("rating", sku), rating)
    return {sku: rating for sku, rating in known.items() if rating is not None and rating.count}


def listed(ctx: Ctx, skus: Sequence[str], path: str, query: Mapping[str, str]) -> Listed | None:
    """A product's reviews as its page's address asks for them; None where there are none."""
    rating = sum(ratings(skus, ctx).values(), Rating())
    if not rating.count:
        return None
    settings: ReviewsSettings = ctx.settings["reviews"]
    asked = Asked.read(query)
    total = rating.stars[asked.stars - 1] if asked.stars else rating.count
    last = max(1, -(-total // settings.per_page))
    asked = Asked(stars=asked.stars, sort=asked.sort, page=min(asked.page, last))
    kept = {name: query[name] for name in ("variant",) if query.get(name)}

    def url(stars: int = asked.stars, sort: str = asked.sort, page: int = 1) -> str:
        given = {
            **kept,
            **({STARS: stars} if stars else {}),
            **({SORT: sort} if sort != NEWEST else {}),
            **({PAGE: page} if page > 1 else {}),
        }
        return f"{path}?{urlencode(given)}#reviews" if given else f"{path}#reviews"

    return Listed(
        rating=rating,
        bars=tuple(
            Bar(
                stars=number,
                count=rating.stars[number - 1],
                percent=round(100 * rating.stars[number - 1] / rating.count),
                url=url(stars=number),
                selected=asked.stars == number,
            )
            for number in (5, 4, 3, 2, 1)
        ),
        reviews=_reviews(ctx, skus, asked, settings.per_page) if total else (),
        sorts=tuple(
            Link(title=title, url=url(sort=code), selected=code == asked.sort)
            for code, (title, _) in SORTS.items()
        ),
        pages=tuple(
            Link(title=str(n), url=url(page=n), selected=n == asked.page)
            if n
            else Link(title="…", url="", selected=False)
            for n in _numbers(asked.page, last)
        ),
        previous=url(page=asked.page - 1) if asked.page > 1 else "",
        next=url(page=asked.page + 1) if asked.page < last else "",
        stars=asked.stars,
        total=total,
        all_url=url(stars=0),
    )


def _numbers(page: int, last: int) -> Iterator[int]:
    """The numbers of pages to link to, 0 for a gap; none where there is one page."""
    before = 0
    for number in range(1, last + 1) if last > 1 else ():
        if number in (1, last) or abs(number - page) <= AROUND:
            if number > before + 1:
                yield 0
            yield number
            before = number


def _reviews(ctx: Ctx, skus: Sequence[str], asked: Asked, size: int) -> tuple[Shown, ...]:
    def read(memory: Memory) -> tuple[tuple[Shown, ...], bool]:
        rows = ctx.db.scalars(_statement(skus, asked, size))
        return tuple(_shown(row) for row in rows), True

    if asked != Asked():  # what everybody sees first is remembered
        return read(Memory(None))[0]
    return remembered(ctx.db, SCOPE, ("page", tuple(skus), size), read)


def _statement(skus: Sequence[str], asked: Asked, size: int) -> Select[Review]:
    statement = select(Review).where(Review.sku.in_(skus), Review.status == PUBLISHED)
    if asked.stars:
        statement = statement.where(Review.stars == asked.stars)
    return statement.order_by(*SORTS[asked.sort][1]).limit(size).offset((asked.page - 1) * size)


def _shown(row: Review) -> Shown:
    return Shown(
        id=row.id,
        name=row.name,
        stars=row.stars,
        headline=row.headline,
        body=row.body,
        options=row.options,
        verified=row.verified,
        incentive=row.incentive,
        at=row.created_at,
        changed=row.changed_at is not None,
        answer=row.answer,
        answered_at=row.answered_at,
    )
