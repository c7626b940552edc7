"""Who a customer is, for "once per customer": an e-mail address without its disguises."""

from __future__ import annotations

import hashlib
import unicodedata
from contextlib import suppress

GMAIL = ("gmail.com", "googlemail.com")


def normalized(email: str) -> str:
    """The address by which one mailbox is known however it is written; "" if it is none yet.

    Case and what follows a plus sign don't count; nor do dots at Gmail.
    """
    text = unicodedata.normalize("NFKC", email).strip().casefold()
    name, at, domain = text.rpartition("@")
    if not at or not name or "." not in domain:
        return ""
    with suppress(UnicodeError):  # a name newer than this encoding counts as it is written
        domain = domain.encode("idna").decode()
    name = name.partition("+")[0] or name
    if domain in GMAIL:
        name, domain = name.replace(".", ""), GMAIL[0]
    return f"{name}@{domain}"


def allowance(discount_key: str, email: str) -> str:
    """The key under which a customer's uses of a discount are counted; "" without an address.

    The address itself is not in it: what is counted need not say who it was.
    """
    known = normalized(email)
    if not known:
        return ""
    return f"{discount_key}:by:{hashlib.sha256(known.encode()).hexdigest()[:32]}"
