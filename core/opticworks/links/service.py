"""Making, finding and using single-use links; staff accounts use them, and customers' may.

A link is `<public id>.<signature>`: the id is a row, the signature needs the root secret. Of one
purpose and subject only the newest link works, once, until it expires.
"""

from __future__ import annotations

import hmac
import secrets
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import delete, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from opticworks.links.models import MailedLink
from opticworks.web.keys import derive, sign

KEEP = timedelta(days=30)  #: after its expiry a link's row is of no use


def new_id() -> str:
    """An id for a link; not a secret, since the signature is what counts."""
    return secrets.token_urlsafe(15)


def make(
    db: Session,
    purpose: str,
    subject: str,
    address: str,
    *,
    now: datetime,
    lifetime: timedelta,
    public_id: str,
) -> bool:
    """Write the link down, in place of older ones; False if that id is known already."""
    statement = (
        insert(MailedLink)
        .values(
            public_id=public_id,
            purpose=purpose,
            subject=subject,
            address=address,
            expires_at=now + lifetime,
        )
        .on_conflict_do_nothing(index_elements=["public_id"])
        .returning(MailedLink.id)
    )
    made = db.scalar(statement)
    if made is None:
        return False
    withdraw(db, purpose, subject, now=now, but=made)
    return True


def withdraw(db: Session, purpose: str, subject: str, *, now: datetime, but: int = 0) -> None:
    """No link of that purpose and subject works any more, `but` that one."""
    db.execute(
        update(MailedLink)
        .where(MailedLink.purpose == purpose, MailedLink.subject == subject)
        .where(MailedLink.used_at.is_(None), MailedLink.id != but)
        .values(used_at=now)
    )


def token(secret: str, purpose: str, public_id: str) -> str:
    """What stands in the address; nobody without the root secret can make it."""
    return f"{public_id}.{sign(derive(secret, f'link:{purpose}'), public_id)[:32]}"


def path(shop: Any, pattern: str, purpose: str, public_id: str) -> str:
    """The absolute address of a link; `pattern` has `{token}`."""
    own = token(shop.config.secret, purpose, public_id)
    return f"{shop.config.base_url}{pattern.format(token=own)}"


def find(
    db: Session, known: Sequence[str], purpose: str, given: str, *, now: datetime
) -> MailedLink | None:
    """The link, if it is genuine under one of the `known` root secrets, unused and in time."""
    public_id = given.partition(".")[0]
    if not given.isascii() or not public_id:
        return None
    if not any(hmac.compare_digest(token(each, purpose, public_id), given) for each in known):
        return None
    return db.scalar(
        select(MailedLink).where(
            MailedLink.public_id == public_id,
            MailedLink.purpose == purpose,
            MailedLink.used_at.is_(None),
            MailedLink.expires_at > now,
        )
    )


def use(db: Session, link: MailedLink, *, now: datetime) -> bool:
    """Use the link up; False if somebody was quicker."""
    statement = (
        update(MailedLink)
        .where(MailedLink.id == link.id, MailedLink.used_at.is_(None))
        .values(used_at=now)
        .returning(MailedLink.id)
    )
    return db.execute(statement).first() is not None


def prune(db: Session, *, now: datetime) -> None:
    """Forget links that expired long ago."""
    db.execute(delete(MailedLink).where(MailedLink.expires_at < now - KEEP))
