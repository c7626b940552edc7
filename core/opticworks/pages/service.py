"""Reading and writing the shop's text pages; Markdown is rendered and sanitised on reading."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any

import nh3
from markdown_it import MarkdownIt
from sqlalchemy import delete, func, or_, select
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.orm import Session

from opticworks.pages.models import FormerSlug, ShopPage

_markdown = MarkdownIt("commonmark", {"html": False}).enable("table")
_LEVELS = ("h1", "h2", "h3", "h4", "h5", "h6")


@lru_cache(maxsize=1024)
def to_html(text: str, *, below: int = 0) -> str:
    """Markdown as HTML that can't carry a script, however it was written. On a page that has
    headings of its own down to the level `below`, those of the text come under them."""
    tokens = _markdown.parse(text)
    headings = [token for token in tokens if token.tag in _LEVELS]
    least = min((_LEVELS.index(token.tag) for token in headings), default=below)
    for token in headings:
        deeper = _LEVELS.index(token.tag) + max(0, below - least)
        token.tag = _LEVELS[min(deeper, len(_LEVELS) - 1)]
    return nh3.clean(_markdown.renderer.render(tokens, _markdown.options, {}))


def put_page(
    db: Session,
    slug: str,
    *,
    title: str,
    body: str,
    description: str = "",
    group: str = "",
    position: int = 100,
) -> None:
    """Create or replace the page under `slug`."""
    values: dict[str, Any] = {
        "title": title,
        "body": body,
        "description": description,
        "group": group,
        "position": position,
    }
    statement = upsert(ShopPage).values(slug=slug, **values)
    # The sitemap says when a page really changed.
    differs = or_(*(getattr(ShopPage, name) != value for name, value in values.items()))
    changed = {**values, "version": ShopPage.version + 1, "updated_at": func.now()}
    db.execute(
        statement.on_conflict_do_update(index_elements=[ShopPage.slug], set_=changed, where=differs)
    )
    db.execute(delete(FormerSlug).where(FormerSlug.slug == slug))


def get(db: Session, slug: str) -> ShopPage | None:
    return db.get(ShopPage, slug)


@dataclass(frozen=True, slots=True)
class PageLink:
    """A text page as others refer to it."""

    title: str
    path: str
    updated_at: datetime


def text_pages(db: Session) -> tuple[PageLink, ...]:
    """Every text page, in its position."""
    rows = db.execute(
        select(ShopPage.title, ShopPage.slug, ShopPage.updated_at).order_by(
            ShopPage.position, ShopPage.slug
        )
    )
    return tuple(PageLink(title, f"/pages/{slug}", changed) for title, slug, changed in rows)


def moved_to(db: Session, slug: str) -> str | None:
    """The slug of the page that once was at `slug`, or None."""
    return db.scalar(select(FormerSlug.page_slug).where(FormerSlug.slug == slug))


Group = tuple[str, tuple[tuple[str, str], ...]]


def footer(db: Session) -> tuple[Group, ...]:
    """Pages for the footer: (heading, ((title, path), …)), in their positions."""
    rows: Sequence[tuple[str, str, str]] = [
        (group, title, slug)
        for group, title, slug in db.execute(
            select(ShopPage.group, ShopPage.title, ShopPage.slug)
            .where(ShopPage.group != "")
            .order_by(ShopPage.position, ShopPage.slug)
        )
    ]
    groups: dict[str, list[tuple[str, str]]] = {}
    for group, title, slug in rows:
        groups.setdefault(group, []).append((title, f"/pages/{slug}"))
    return tuple((group, tuple(entries)) for group, entries in groups.items())
