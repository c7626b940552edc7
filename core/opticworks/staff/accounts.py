"""What members of staff do with their own account: a forgotten password, another address.

Asking for a new password tells nobody whether there is an account: the answer, the statements and
so the time are the same, and whatever differs happens in a job.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from email_validator import EmailNotValidError, validate_email
from sqlalchemy.orm import Session

from opticworks.audit import service as audit
from opticworks.events import ACCOUNT_CHANGED, ACCOUNT_EMAIL_ASKED, ACCOUNT_RESET_ASKED
from opticworks.jobs import defer, task
from opticworks.links import service as links
from opticworks.links.models import MailedLink
from opticworks.notifications.service import emit
from opticworks.staff import passwords
from opticworks.staff.models import Staff
from opticworks.staff.service import (
    StaffError,
    TooManyTries,
    by_email,
    normalise,
    set_password,
    subject,
)
from opticworks.web.limits import Limits

RESET, EMAIL = "staff-reset", "staff-email"  #: purposes of links
RESET_LASTS = timedelta(minutes=60)
EMAIL_LASTS = timedelta(hours=24)
PER_ADDRESS = "10/hour"  #: from one network address
PER_ACCOUNT = "3/hour"  #: mails to one account, whoever asks
OWN_PASSWORD = "10/15 minute"  #: tries at the own password, by somebody who is signed in


class BadLink(Exception):
    """A link that does not work (any more)."""


def ask_reset(db: Session, limits: Limits, email: str, *, address: str) -> None:
    """Let the account with that e-mail address, if there is one, be sent a link.

    Raises TooManyTries for the network address alone, and LimitsDown when nothing can be counted.
    """
    if not limits.allow(PER_ADDRESS, "reset", "from", address, fail_closed=True):
        raise TooManyTries(limits.wait(PER_ADDRESS, "reset", "from", address))
    account = hashlib.sha256(normalise(email).encode()).hexdigest()[:32]
    few = limits.allow(PER_ACCOUNT, "reset", "for", account, fail_closed=True)
    staff = by_email(db, email)
    found = staff.id if staff is not None and staff.active and few else 0
    # A job in any case: whether there is an account must not show in the time this takes.
    defer(db, "staff.write_reset", account=found, link=links.new_id())


@task("staff.write_reset")
def write_reset(shop: Any, account: int, link: str) -> None:
    """Make the link and announce it; a second run finds it made."""
    with shop.unit() as db:
        staff = db.get(Staff, account)
        if staff is None or not staff.active:
            return
        made = links.make(
            db,
            RESET,
            str(staff.id),
            staff.email,
            now=shop.now(),
            lifetime=RESET_LASTS,
            public_id=link,
        )
        if made:
            data = {"to": staff.email, "name": staff.name}
            emit(db, ACCOUNT_RESET_ASKED, link, data)


def find_reset(db: Session, secrets: Sequence[str], token: str, *, now: datetime) -> Staff:
    """The account that this link may give a new password. Raises BadLink."""
    return _of_link(db, secrets, token, now)[0]


def _of_link(
    db: Session, secrets: Sequence[str], token: str, now: datetime
) -> tuple[Staff, MailedLink]:
    link = links.find(db, secrets, RESET, token, now=now)
    staff = db.get(Staff, int(link.subject)) if link is not None else None
    if link is None or staff is None or not staff.active or staff.email != link.address:
        raise BadLink
    return staff, link


def reset(
    db: Session, secrets: Sequence[str], token: str, password: str, *, now: datetime
) -> Staff:
    """The new password; every session ends. Raises BadLink, StaffError and passwords.Busy."""
    staff, link = _of_link(db, secrets, token, now)
    set_password(db, staff, password, actor=staff.email)
    if not links.use(db, link, now=now):
        raise BadLink
    tell_changed(db, staff, "password")
    return staff


def change_password(db: Session, staff: Staff, password: str, *, now: datetime) -> None:
    """A new password by its owner; links that were sent before work no more."""
    set_password(db, staff, password, actor=staff.email)
    links.withdraw(db, RESET, str(staff.id), now=now)
    tell_changed(db, staff, "password")


def check_own(limits: Limits, staff: Staff, password: str) -> bool:
    """Is that the own password? Raises TooManyTries, LimitsDown and passwords.Busy."""
    key = ("own-password", str(staff.id))
    if not limits.allow(OWN_PASSWORD, *key, fail_closed=True):
        raise TooManyTries(limits.wait(OWN_PASSWORD, *key))
    return passwords.verify(staff.password, password)


def rename(db: Session, staff: Staff, name: str) -> None:
    """What to call somebody. Raises StaffError with a sentence."""
    name = " ".join(name.split())
    if not name or len(name) > 80:
        raise StaffError("Write a name of at most 80 characters.")
    if name != staff.name:
        staff.name = name
        audit.record(db, staff.email, "staff.renamed", subject(staff.email))


def ask_email(db: Session, staff: Staff, email: str, *, now: datetime) -> str:
    """Send a link to the new address, which counts only once it is opened; the address as it is
    kept. Raises StaffError with a sentence."""
    try:
        validate_email(email.strip(), check_deliverability=False, test_environment=staff.demo)
    except EmailNotValidError as error:
        raise StaffError(f"{email!r} is no e-mail address: {error}") from None
    email = normalise(email)
    if email == staff.email:
        raise StaffError("This is your address already.")
    if by_email(db, email) is not None:
        raise StaffError(f"There is an account {email} already.")
    link = links.new_id()
    links.make(db, EMAIL, str(staff.id), email, now=now, lifetime=EMAIL_LASTS, public_id=link)
    emit(db, ACCOUNT_EMAIL_ASKED, link, {"to": email, "name": staff.name})
    audit.record(db, staff.email, "staff.email_asked", subject(staff.email))
    return email


def find_email(
    db: Session, secrets: Sequence[str], token: str, *, now: datetime
) -> tuple[Staff, str]:
    """The account, and the address that this link proves to be its owner's. Raises BadLink."""
    link = links.find(db, secrets, EMAIL, token, now=now)
    staff = db.get(Staff, int(link.subject)) if link is not None else None
    if link is None or staff is None or not staff.active:
        raise BadLink
    return staff, link.address


def confirm_email(db: Session, secrets: Sequence[str], token: str, *, now: datetime) -> Staff:
    """The new address holds; the former one is told. Raises BadLink and StaffError."""
    staff, email = find_email(db, secrets, token, now=now)
    if by_email(db, email) is not None:
        raise StaffError(f"There is an account {email} already.")
    link = links.find(db, secrets, EMAIL, token, now=now)
    if link is None or not links.use(db, link, now=now):
        raise BadLink
    links.withdraw(db, RESET, str(staff.id), now=now)
    former = staff.email
    tell_changed(db, staff, "email")
    staff.email = email
    audit.record(db, former, "staff.email_changed", subject(email))
    db.flush()
    return staff


def tell_changed(db: Session, staff: Staff, what: str) -> None:
    """Let the owner of an account know that somebody, they or not, changed it."""
    emit(db, ACCOUNT_CHANGED, links.new_id(), {"to": staff.email, "name": staff.name, "what": what})


@task("staff.forget_links", schedule="41 4 * * *")
def forget_links(shop: Any) -> None:
    with shop.unit() as db:
        links.prune(db, now=shop.now())
