"""Hashing passwords with argon2id, a few at a time: each takes 64 MB and a fifth of a second."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

MIN_LENGTH = 10
MAX_LENGTH = 200
CONCURRENT = 2
PATIENCE = 5.0  #: seconds to wait for a free place

_hasher = PasswordHasher()
_places = threading.BoundedSemaphore(CONCURRENT)
#: What is verified when there is no such account, so that the answer takes just as long.
_NOBODY = (
    "$argon2id$v=19$m=65536,t=3,p=4$rFyKfDP0BZ2LtATHfeUTjw$"
    "rqd0kb3xGoYpt0UQHWvBQys/diNKJxN+9nOx1Kbuim8"
)


class Busy(Exception):
    """Too many people are signing in at this moment."""


class WeakPassword(ValueError):
    """The password is not accepted; the message says why."""


@contextmanager
def _place() -> Iterator[None]:
    if not _places.acquire(timeout=PATIENCE):
        raise Busy("Many people are signing in at this moment. Try again in a few seconds.")
    try:
        yield
    finally:
        _places.release()


def check(password: str, *personal: str) -> None:
    """Raises WeakPassword with a sentence when it is too short, too simple or known to all."""
    if len(password) < MIN_LENGTH:
        raise WeakPassword(f"Use at least {MIN_LENGTH} characters.")
    if len(password) > MAX_LENGTH:
        raise WeakPassword(f"Use at most {MAX_LENGTH} characters.")
    if len(set(password)) < 5:
        raise WeakPassword("Use more different characters.")
    lowered = password.casefold()
    if any(len(word) > 3 and word.casefold() in lowered for word in personal):
        raise WeakPassword("Leave your e-mail address out of the password.")


def hash_password(password: str) -> str:
    with _place():
        return _hasher.hash(password)


def verify(stored: str | None, password: str) -> bool:
    """Is it the password? As slow for no account (`stored` None) as for one. Raises Busy."""
    with _place():
        try:
            return _hasher.verify(stored or _NOBODY, password[:MAX_LENGTH]) and stored is not None
        except (VerificationError, InvalidHashError):
            return False


def outdated(stored: str) -> bool:
    """Was the hash made with weaker parameters than today's?"""
    return _hasher.check_needs_rehash(stored)
