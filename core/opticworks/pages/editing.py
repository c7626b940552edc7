"""Writing the shop's text pages: create, change, order, delete; old addresses keep working."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict, Field, field_validator
from sqlalchemy import delete, func, select, update
from sqlalchemy.orm import Session

from opticworks.audit import service as audit
from opticworks.pages.models import FormerSlug, ShopPage

RESERVED = frozenset({"new", "move"})  #: addresses of the editor itself
STEP = 10


class PageText(BaseModel):
    """What staff write of a page. The body is Markdown."""

    model_config = ConfigDict(frozen=True, str_strip_whitespace=True)

    title: str = Field(title="Title", min_length=1, max_length=120)
    body: str = Field(
        "",
        title="Text",
        max_length=100_000,
        description="Markdown: # heading, **bold**, [link](/products), - list, | table |.",
        json_schema_extra={"widget": "markdown", "rows": 18},
    )
    slug: str = Field(
        "",
        title="Address",
        pattern=r"^$|^[a-z0-9]+(-[a-z0-9]+)*$",
        max_length=80,
        description="Behind /pages/. Left empty it is made from the title.",
        json_schema_extra={
            "section": "Where it stands",
            "width": "half",
            "example": "shipping-and-returns",
        },
    )
    group: str = Field(
        "",
        title="Group in the footer",
        max_length=60,
        description="Left empty the page is in no menu.",
        json_schema_extra={"width": "half", "attributes": {"list": "groups"}},
    )
    seo_title: str = Field(
        "",
        title="Title for search engines",
        max_length=120,
        description="Left empty it is the title.",
        json_schema_extra={"section": "Search engines"},
    )
    description: str = Field(
        "",
        title="Description for search engines",
        max_length=320,
        description="One or two sentences that are shown below the title in results.",
        json_schema_extra={"widget": "textarea", "rows": 3},
    )

    @field_validator("slug")
    @classmethod
    def _free(cls, value: str) -> str:
        if value in RESERVED:
            raise ValueError(f"“{value}” is an address of the editor, choose another")
        return value


class Taken(Exception):
    """Another page has that address."""


class Conflict(Exception):
    """Somebody else changed the page after it was opened."""


def read(page: ShopPage) -> PageText:
    """What the editor shows of a page, whatever a plugin may have written into it."""
    return PageText.model_construct(**{name: getattr(page, name) for name in PageText.model_fields})


def _subject(slug: str) -> str:
    return f"page {slug}"


def create(db: Session, text: PageText, slug: str, *, actor: str) -> None:
    """A new page at the end of its group. Raises Taken."""
    if db.get(ShopPage, slug) is not None:
        raise Taken(slug)
    last = db.scalar(select(func.max(ShopPage.position)).where(ShopPage.group == text.group))
    if last is None:
        last = db.scalar(select(func.max(ShopPage.position))) or 0
    db.execute(delete(FormerSlug).where(FormerSlug.slug == slug))
    fields = text.model_dump(exclude={"slug"})
    db.add(ShopPage(slug=slug, **fields, position=last + STEP))
    audit.record(db, actor, "page.created", _subject(slug), title=text.title)


def change(db: Session, slug: str, text: PageText, new: str, seen: int, *, actor: str) -> bool:
    """Change the page at `slug` if its version is still the one `seen`; whether anything did.

    Another slug leaves the old one behind as a redirect. Raises Taken and Conflict.
    """
    page = db.get(ShopPage, slug, with_for_update=True, populate_existing=True)
    if page is None or page.version != seen:
        raise Conflict(slug)
    before = read(page).model_dump(exclude={"slug"})
    after = text.model_dump(exclude={"slug"})
    changed = [name for name in after if after[name] != before[name]]
    if new != slug:
        if db.get(ShopPage, new) is not None:
            raise Taken(new)
        changed.append("slug")
        db.execute(delete(FormerSlug).where(FormerSlug.slug == new))
        db.execute(update(ShopPage).where(ShopPage.slug == slug).values(slug=new))
        db.add(FormerSlug(slug=slug, page_slug=new))
    if not changed:
        return False
    values = {**after, "version": seen + 1, "updated_at": func.now()}
    db.execute(update(ShopPage).where(ShopPage.slug == new).values(**values))
    moved = {"slug": [slug, new]} if new != slug else {}
    audit.record(db, actor, "page.changed", _subject(new), changed=changed, **moved)
    return True


def remove(db: Session, slug: str, *, actor: str) -> bool:
    """Delete the page and its former addresses; whether it was there."""
    title = db.scalar(delete(ShopPage).where(ShopPage.slug == slug).returning(ShopPage.title))
    if title is None:
        return False
    audit.record(db, actor, "page.deleted", _subject(slug), title=title)
    return True


def arranged(db: Session) -> list[tuple[str, list[ShopPage]]]:
    """(group, pages) as the footer shows them; pages of no menu come last."""
    groups: dict[str, list[ShopPage]] = {}
    for page in db.scalars(select(ShopPage).order_by(ShopPage.position, ShopPage.slug)):
        groups.setdefault(page.group, []).append(page)
    return sorted(groups.items(), key=lambda pair: not pair[0])


def move(db: Session, *, slug: str = "", group: str = "", by: int, actor: str) -> bool:
    """Move a page within its group, or a whole group, `by` places; whether anything moved."""
    db.execute(select(ShopPage.slug).order_by(ShopPage.slug).with_for_update())
    groups = arranged(db)
    if slug:
        found = next((pages for _, pages in groups if slug in {p.slug for p in pages}), [])
        place = next((i for i, page in enumerate(found) if page.slug == slug), -1)
        moved = _swap(found, place, place + by)
    else:
        place = next((i for i, (name, _) in enumerate(groups) if name and name == group), -1)
        target = place + by
        named = 0 <= target < len(groups) and bool(groups[target][0])
        moved = named and _swap(groups, place, target)
    if not moved:
        return False
    for number, page in enumerate((page for _, pages in groups for page in pages), 1):
        page.position = number * STEP
    audit.record(db, actor, "page.moved", _subject(slug) if slug else "pages", group=group or None)
    return True


def _swap(entries: list[Any], place: int, target: int) -> bool:
    if not (0 <= place < len(entries) and 0 <= target < len(entries)) or place == target:
        return False
    entries.insert(target, entries.pop(place))
    return True
