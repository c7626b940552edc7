"""Subject and first words of each kind of message: the defaults, and what staff wrote instead.

What staff write is never a template: `{name}` is replaced from a fixed set, and nothing else.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from opticworks.contracts import MessageDraft, MessageKind, OrderView, Phrase
from opticworks.notifications.models import Wording
from opticworks.plugins import answers

VARIABLE = re.compile(r"\{([a-z_]+)\}")
BRACES = re.compile(r"\{([^{}]*)\}")  #: what staff may have meant as one
MOST_SUBJECT, MOST_INTRO = 150, 2000

#: Variables that the kernel fills in for every message about an order.
OF_ORDERS: Mapping[str, str] = {
    "order": "the order's number",
    "name": "the customer's first name",
    "total": "what the order costs",
}
EVERYWHERE: Mapping[str, str] = {"shop": "the shop's name"}


class BadWording(ValueError):
    """Words that can't be used, with a sentence for staff; `field` is subject or intro."""

    def __init__(self, field: str, sentence: str) -> None:
        super().__init__(sentence)
        self.field = field


class Changed(Exception):
    """Somebody else saved this wording meanwhile."""


@dataclass(frozen=True, slots=True)
class Words:
    """What a message says: `own` if staff wrote it."""

    subject: str
    intro: str
    own: bool = False
    version: int = 0


def kinds(shop: Any) -> dict[str, MessageKind]:
    """Every kind of message by code, the kernel's first, then in the order of the ini."""
    found: dict[str, MessageKind] = {}
    for answer in answers(shop.hooks.message_kinds):
        for kind in answer:
            found.setdefault(kind.code, kind)
    return found


def variables(kind: MessageKind) -> dict[str, str]:
    """What may stand in braces, and what it is."""
    return {**dict(kind.variables), **EVERYWHERE}


def of_kind(db: Session, kind: MessageKind, gettext: Callable[[str], str] = str) -> Words:
    """The wording in force."""
    row = db.get(Wording, kind.code)
    if row is None:
        return Words(gettext(kind.subject), gettext(kind.intro))
    return Words(row.subject, row.intro, own=True, version=row.version)


def own(db: Session) -> set[str]:
    """Codes of the kinds that staff reworded."""
    return set(db.scalars(select(Wording.kind)))


def fill(text: str, values: Mapping[str, str]) -> str:
    """The text with its variables replaced; unknown ones stay as they are. What a value leaves
    empty leaves no double space behind."""
    filled = VARIABLE.sub(lambda match: values.get(match[1], match[0]), text)
    return "\n".join(re.sub(r"[ \t]{2,}", " ", line).strip() for line in filled.splitlines())


def values(
    draft: MessageDraft,
    order: OrderView | None,
    shop: Any,
    money: Callable[[Any], str],
    gettext: Callable[[str], str],
) -> dict[str, str]:
    """What the variables of a draft stand for."""
    found = {"shop": str(shop.name)}
    if order is not None:
        found |= {
            "order": order.number,
            "name": order.address.first_name,
            "total": money(order.total),
        }
    return found | {name: said(value, gettext) for name, value in draft.words.items()}


def said(words: str | Phrase, gettext: Callable[[str], str]) -> str:
    """Words of a draft in the language of the message."""
    if isinstance(words, Phrase):
        return fill(gettext(words.text), words.values)
    return gettext(words)


def save(db: Session, kind: MessageKind, subject: str, intro: str, version: int) -> None:
    """Keep staff's words. `version` is that of the wording the form showed (0: the default).

    Raises BadWording, and Changed when somebody was quicker.
    """
    subject = " ".join(subject.split())
    intro = "\n".join(line.rstrip() for line in intro.strip().splitlines())
    if not subject:
        raise BadWording("subject", "Write a subject.")
    limits = (("subject", subject, MOST_SUBJECT), ("intro", intro, MOST_INTRO))
    for field, text, most in limits:
        if len(text) > most:
            raise BadWording(field, f"This is {len(text)} characters long; {most} are the most.")
        known = variables(kind)
        unknown = [name for name in BRACES.findall(text) if name not in known]
        if unknown:
            listed = ", ".join(f"{{{name}}}" for name in known)
            raise BadWording(
                field, f"{{{unknown[0][:40]}}} stands for nothing here. What may be used: {listed}."
            )
    row = db.get(Wording, kind.code, with_for_update=True)
    if (row.version if row is not None else 0) != version:
        raise Changed(kind.code)
    if row is not None:
        row.subject, row.intro, row.version = subject, intro, version + 1
        return
    statement = insert(Wording).values(kind=kind.code, subject=subject, intro=intro)
    statement = statement.on_conflict_do_nothing(index_elements=["kind"])
    if db.execute(statement.returning(Wording.kind)).first() is None:
        raise Changed(kind.code)


def back_to_default(db: Session, kind: MessageKind) -> bool:
    """Forget staff's words; False if there were none."""
    row = db.get(Wording, kind.code)
    if row is None:
        return False
    db.delete(row)
    db.flush()
    return True
