"""Whether Resend may send for the shop's domain: asked by a job, shown on the Plugins page."""

from __future__ import annotations

from typing import Any

import resend
from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from opticworks.contracts import ProviderError
from opticworks.plugin import defer
from opticworks_resend_mail.mailer import ResendMailer
from opticworks_resend_mail.models import Domain

CHECK = "resend_mail.check_domain"

MISSING = (
    "The account at Resend has no domain {name}. Add it there (Domains, Add Domain), or send from "
    "another domain (sender's address)."
)
#: What each status means for mail: title, tone, sentence.
WORDS = {
    "verified": ("Verified", "good", "Resend sends for {name}."),
    "missing": ("Not at Resend", "bad", MISSING),
    "unknown": ("Not known", "neutral", "Resend could not be asked about {name}: {error}"),
    "waiting": ("Not asked yet", "waiting", "Resend is asked about {name} every hour."),
}
REFUSED = (
    "Resend refuses mail from {name} until these DNS records are there and you pressed Verify at "
    "Resend:"
)
UNVERIFIED = ("Not verified", "bad", REFUSED)
STANDIN = ("Stand-in", "neutral", "It delivers nothing and takes mail from every domain.")


def ask(mailer: ResendMailer, name: str) -> dict[str, Any]:
    """What Resend says of the domain: status, error, records."""
    try:
        listed = mailer.account.ask(resend.Domains.list)["data"]
        found = next((each for each in listed if each["name"].lower() == name), None)
        if found is None:
            return {"status": "missing", "error": "", "records": []}
        whole = mailer.account.ask(lambda: resend.Domains.get(found["id"]))
    except ProviderError as error:
        # A key for sending alone may not ask; it sends all the same.
        return {"status": "unknown", "error": str(error), "records": []}
    kept = ("record", "name", "type", "value", "priority", "status")
    records = [
        {field: each.get(field) for field in kept}
        for each in whole.get("records") or []
        if each.get("record") in ("SPF", "DKIM")
    ]
    return {"status": str(whole["status"]), "error": "", "records": records}


def check(shop: Any, mailer: ResendMailer, name: str) -> None:
    """Ask and keep the answer."""
    said = ask(mailer, name)
    with shop.unit("resend_domain") as db:
        values = {**said, "checked_at": shop.now()}
        statement = insert(Domain).values(name=name, **values)
        db.execute(statement.on_conflict_do_update(index_elements=["name"], set_=values))


def check_soon(db: Session) -> None:
    """Ask as soon as the worker comes to it."""
    defer(db, CHECK, queueing_lock=CHECK)


def shown(db: Session, name: str, *, standin: bool = False) -> dict[str, Any]:
    """What the Plugins page says of the domain."""
    row = db.scalar(select(Domain).where(Domain.name == name))
    status = row.status if row is not None else "waiting"
    title, tone, sentence = WORDS.get(status, UNVERIFIED)
    if standin and status in ("missing", "waiting"):
        title, tone, sentence = STANDIN
    open_records = [each for each in row.records if each["status"] != "verified"] if row else []
    return {
        "name": name,
        "title": title,
        "tone": tone,
        "sentence": sentence.format(name=name, error=row.error if row is not None else ""),
        "records": open_records,
        "at": row.checked_at if row is not None else None,
    }
