"""Accounts of staff: create, sign in, change the password, deactivate."""

from __future__ import annotations

import hashlib
import unicodedata
from datetime import datetime

from email_validator import EmailNotValidError, validate_email
from sqlalchemy import select
from sqlalchemy.orm import Session

from opticworks.audit import service as audit
from opticworks.staff import passwords
from opticworks.staff.models import ROLES, Staff
from opticworks.web.limits import Limits

PER_PAIR = "10/15 minute"  #: of one account from one address
PER_ACCOUNT = "100/hour"  #: from everywhere: a stranger must not lock somebody out so easily
PER_ADDRESS = "30/15 minute"


class StaffError(ValueError):
    """An account can't be made or changed as asked; the message says why."""


class TooManyTries(Exception):
    """Signing in is paused for this account or this address for `wait` seconds."""

    def __init__(self, wait: int) -> None:
        super().__init__(f"Too many tries. Wait {max(1, round(wait / 60))} minutes and try again.")
        self.wait = wait


def normalise(email: str) -> str:
    """One spelling per address, by which accounts are unique and found."""
    return unicodedata.normalize("NFKC", email).strip().casefold()


def create_staff(
    db: Session,
    email: str,
    password: str,
    *,
    name: str = "",
    role: str = "owner",
    actor: str,
    demo: bool = False,
) -> Staff:
    """A new account. Raises StaffError with a sentence."""
    try:
        validate_email(email.strip(), check_deliverability=False, test_environment=demo)
    except EmailNotValidError as error:
        raise StaffError(f"{email!r} is no e-mail address: {error}") from None
    if role not in ROLES:
        raise StaffError(f"{role!r} is no role. Choose one of {', '.join(ROLES)}.")
    email = normalise(email)
    if by_email(db, email) is not None:
        raise StaffError(f"There is an account {email} already.")
    staff = Staff(
        email=email,
        name=name.strip() or email.partition("@")[0],
        password=_hash(password, email),
        role=role,
        demo=demo,
        active=True,
        epoch=1,
    )
    db.add(staff)
    audit.record(db, actor, "staff.created", subject(email), role=role, demo=demo or None)
    db.flush()
    return staff


def _hash(password: str, email: str) -> str:
    try:
        passwords.check(password, email, email.partition("@")[0])
    except passwords.WeakPassword as error:
        raise StaffError(str(error)) from None
    return passwords.hash_password(password)


def subject(email: str) -> str:
    """What an audit entry about that account is filed under."""
    return f"staff {email}"


def by_email(db: Session, email: str) -> Staff | None:
    return db.scalars(select(Staff).where(Staff.email == normalise(email))).one_or_none()


def get(db: Session, staff_id: int, epoch: int) -> Staff | None:
    """The active member of staff whose sessions of that epoch are still good."""
    return db.scalars(
        select(Staff).where(Staff.id == staff_id, Staff.epoch == epoch, Staff.active.is_(True))
    ).one_or_none()


def everyone(db: Session) -> list[Staff]:
    return list(db.scalars(select(Staff).order_by(Staff.email)))


def authenticate(
    db: Session, limits: Limits, email: str, password: str, *, address: str, now: datetime
) -> Staff | None:
    """The account whose password this is, else None: same answer, same time, for no account.

    Raises TooManyTries, passwords.Busy, and LimitsDown when tries can't be counted.
    """
    account = hashlib.sha256(normalise(email).encode()).hexdigest()[:32]
    pair = ("for", account, "from", address)
    for rate, key in (
        (PER_ADDRESS, ("from", address)),
        (PER_PAIR, pair),
        (PER_ACCOUNT, ("for", account)),
    ):
        if not limits.allow(rate, "sign-in", *key, fail_closed=True):
            raise TooManyTries(limits.wait(rate, "sign-in", *key))
    staff = by_email(db, email)
    usable = staff is not None and staff.active
    good = passwords.verify(staff.password if staff is not None and usable else None, password)
    if staff is None or not good:
        if staff is not None:
            audit.record(db, staff.email, "staff.sign_in_failed", subject(staff.email))
        return None
    limits.clear(PER_PAIR, "sign-in", *pair)
    limits.clear(PER_ACCOUNT, "sign-in", "for", account)
    if passwords.outdated(staff.password):
        staff.password = passwords.hash_password(password)
    staff.last_login_at = now
    audit.record(db, staff.email, "staff.signed_in", subject(staff.email))
    return staff


def set_password(db: Session, staff: Staff, password: str, *, actor: str) -> None:
    """A new password; every session of the account ends. Raises StaffError with a sentence."""
    staff.password = _hash(password, staff.email)
    staff.epoch += 1
    audit.record(db, actor, "staff.password_changed", subject(staff.email))


def deactivate(db: Session, staff: Staff, *, actor: str) -> None:
    """Close the account and sign it out everywhere. Raises StaffError for the last owner."""
    owners = [each for each in everyone(db) if each.role == "owner" and each.active]
    if staff.active and owners == [staff] and not staff.demo:
        raise StaffError(f"{staff.email} is the only owner. Add another owner first.")
    staff.active = False
    staff.epoch += 1
    audit.record(db, actor, "staff.deactivated", subject(staff.email))


def demo_accounts(db: Session) -> list[str]:
    """E-mail addresses of active demo accounts, which production must not have."""
    return list(
        db.scalars(
            select(Staff.email)
            .where(Staff.demo.is_(True), Staff.active.is_(True))
            .order_by(Staff.email)
        )
    )
