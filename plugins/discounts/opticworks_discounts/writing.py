"""Writing discounts and codes down, in the caller's transaction."""

from __future__ import annotations

import secrets
from collections.abc import Collection, Iterable

from sqlalchemy import func, insert, select
from sqlalchemy.orm import Session

from opticworks import kernel
from opticworks_discounts.models import BATCH, Code, Discount

#: Of a random code: without what people confuse (0 O, 1 I L, U V).
ALPHABET = "23456789ABCDEFGHJKMNPQRSTWXYZ"
RANDOM = 10  #: characters; 29^10 codes can't be found by trying
MOST_CODES = 10_000  #: of one batch at once


class Taken(ValueError):
    """Another discount has this code; the sentence is for staff."""


def add(db: Session, discount: Discount, code: str = "") -> Discount:
    """A new discount, with its code if it has one. Raises Taken."""
    db.add(discount)
    db.flush()
    return changed(db, discount, code)


def changed(db: Session, discount: Discount, code: str = "") -> Discount:
    """Take over what was changed on the discount, its code included. Raises Taken."""
    db.flush()
    if discount.method != BATCH:
        _set_code(db, discount, kernel.clean_code(code))
    # Unlimited uses are counted too.
    kernel.grant(db, discount.allowance, discount.total_limit)
    return discount


def _set_code(db: Session, discount: Discount, code: str) -> None:
    key = kernel.fold_code(code)
    owner = db.scalars(select(Code).where(Code.key == key)).one_or_none() if key else None
    if owner is not None and owner.discount_id != discount.id:
        raise Taken(f"Another discount has the code {owner.code}. Choose a different one.")
    for old in db.scalars(select(Code).where(Code.discount_id == discount.id)):
        if old.key == key:
            old.code = code
        else:
            db.delete(old)
    if key and owner is None:
        db.add(Code(discount_id=discount.id, code=code, key=key))
    db.flush()


def generate(db: Session, discount: Discount, count: int, prefix: str = "") -> int:
    """Give a batch `count` more random codes, each good for one order; how many were made."""
    if not 1 <= count <= MOST_CODES:
        raise ValueError(f"Make between 1 and {MOST_CODES} codes at once.")
    wanted: dict[str, str] = {}  # by key: what two spellings have in common is one code
    while len(wanted) < count:
        new = [random_code(prefix) for _ in range(count - len(wanted))]
        codes = {kernel.fold_code(code): code for code in new}
        wanted |= {key: codes[key] for key in codes.keys() - _known(db, codes)}
    rows = [
        {"discount_id": discount.id, "code": code, "key": key}
        for key, code in sorted(wanted.items())
    ]
    db.execute(insert(Code), rows)
    return len(rows)


def random_code(prefix: str) -> str:
    """ "SUMMER-7K2MQ-9XDTR": a word to know it by, and what can't be guessed."""
    text = "".join(secrets.choice(ALPHABET) for _ in range(RANDOM))
    return "-".join(filter(None, (prefix, text[:5], text[5:])))


def _known(db: Session, keys: Collection[str]) -> set[str]:
    """Those of the keys that a code has already."""
    return set(db.scalars(select(Code.key).where(Code.key.in_(keys))))


def codes_of(db: Session, discount_ids: Iterable[int]) -> dict[int, list[Code]]:
    """The codes of each discount, in the order they were made."""
    found: dict[int, list[Code]] = {number: [] for number in discount_ids}
    rows = select(Code).where(Code.discount_id.in_(list(found))).order_by(Code.id)
    for code in db.scalars(rows):
        found[code.discount_id].append(code)
    return found


def count_codes(db: Session, discount_ids: Collection[int]) -> dict[int, int]:
    """How many codes each discount has."""
    rows = (
        select(Code.discount_id, func.count())
        .where(Code.discount_id.in_(discount_ids))
        .group_by(Code.discount_id)
    )
    return {row[0]: row[1] for row in db.execute(rows)}
