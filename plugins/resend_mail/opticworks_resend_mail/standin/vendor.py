"""What Resend does with mails: the state of one account, and its rules. Objects are plain dicts
as the API writes them, so that they can be kept in a JSON file."""

from __future__ import annotations

import base64
import re
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from email.utils import format_datetime, parseaddr
from pathlib import Path
from typing import Any

from opticworks.testing.standins import Account, Object

#: Resend's own addresses for tests ("Send Test Emails"), with or without a +label.
TEST_ADDRESSES = {
    "delivered@resend.dev": "delivered",
    "bounced@resend.dev": "bounced",
    "complained@resend.dev": "complained",
    "suppressed@resend.dev": "suppressed",
}
FIELDS = frozenset(
    {
        *("from", "to", "subject", "bcc", "cc", "reply_to", "html", "text", "template", "headers"),
        *("scheduled_at", "attachments", "tags", "topic_id"),
    }
)
TAG = re.compile(r"[A-Za-z0-9_-]{1,256}")
ADDRESS = re.compile(r"[^@\s<>\x00-\x1f]+@[^@\s<>\x00-\x1f]+")
BOUNCE = {
    "type": "Permanent",
    "subType": "General",
    "message": "The recipient's email provider sent a hard bounce message.",
    "diagnosticCode": ["smtp; 550 5.1.1 user unknown"],
}
SUPPRESSED = {
    "type": "OnAccountSuppressionList",
    "reason": "previous_bounce",
    "message": "The recipient is on the suppression list, because of an earlier hard bounce.",
    "diagnosticCode": [],
}


class Refused(Exception):
    """An answer that is an error: HTTP status, name, sentence, headers."""

    def __init__(
        self, status: int, name: str, message: str, headers: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(message)
        self.status, self.name, self.message = status, name, message
        self.headers = dict(headers or {})

    @property
    def body(self) -> Object:
        return {"statusCode": self.status, "name": self.name, "message": self.message}


@dataclass
class Vendor(Account):
    """One account: its mails and domains."""

    kinds = ("email", "domain")
    kept = ("keys",)

    keys: dict[str, list[Any]] = field(default_factory=dict)  #: as `Keys` has them
    mailbox: Path | None = None  #: a Maildir that shows what was received

    @property
    def emails(self) -> dict[str, Object]:
        """What was received, by id, in order."""
        return self.objects["email"]

    @property
    def domains(self) -> dict[str, Object]:
        return self.objects["domain"]

    @property
    def moment(self) -> datetime:
        return datetime.fromtimestamp(self.clock(), UTC)

    # --- mails ------------------------------------------------------------------------------

    def receive(self, given: Any, *, batch: bool = False) -> Object:
        """Take one mail in. In a batch attachments are dropped without a word, as Resend does."""
        params = checked(given, self.moment)
        stamp = self.moment
        email: Object = {
            "object": "email",
            "id": str(uuid.uuid4()),
            "message_id": params.get("headers", {}).get("Message-ID", ""),
            "to": _list(params["to"]),
            "from": params["from"],
            "created_at": stamp.strftime("%Y-%m-%d %H:%M:%S.%f+00"),
            "subject": params["subject"],
            "html": params.get("html", ""),
            "text": params.get("text", ""),
            "bcc": _list(params.get("bcc")),
            "cc": _list(params.get("cc")),
            "reply_to": _list(params.get("reply_to")),
            "last_event": "queued",
            "headers": params.get("headers", {}),
            "tags": params.get("tags", []),
            "attachments": [] if batch else params.get("attachments", []),
            "scheduled_at": params.get("scheduled_at"),
        }
        self.add(email)
        if email["scheduled_at"]:
            self.happen(email, "scheduled")
        else:
            self.deliver(email)
        return email

    def deliver(self, email: Object) -> None:
        """The mail leaves; what becomes of it is told by its address."""
        email["scheduled_at"] = None
        local, _, host = parseaddr(email["to"][0])[1].lower().rpartition("@")
        outcome = TEST_ADDRESSES.get(f"{local.partition('+')[0]}@{host}", "delivered")
        if outcome == "suppressed":
            self.happen(email, "suppressed", suppressed=SUPPRESSED)
            return
        self.happen(email, "sent")
        if self.mailbox is not None:
            keep(self.mailbox, email)
        if outcome == "bounced":
            self.happen(email, "bounced", bounce=BOUNCE)
            return
        self.happen(email, "delivered")
        if outcome == "complained":
            self.happen(email, "complained")

    def release_due(self) -> int:
        """Let scheduled mails leave whose time has come; how many."""
        with self.lock:
            now = self.moment
            due = [
                email
                for email in self.emails.values()
                if email["scheduled_at"] and datetime.fromisoformat(email["scheduled_at"]) <= now
            ]
            for email in due:
                self.deliver(email)
            if due:
                self.save()
            return len(due)

    def happen(self, email: Object, what: str, **more: Any) -> None:
        """Note an event of a mail and tell whoever delivers webhooks."""
        email["last_event"] = what
        stamp = self.moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")
        data = {
            "email_id": email["id"],
            "created_at": email["created_at"].replace(" ", "T") + ":00",
            "from": email["from"],
            "to": email["to"],
            "subject": email["subject"],
            "tags": {tag["name"]: tag["value"] for tag in email["tags"]},
            **more,
        }
        event = {"type": f"email.{what}", "created_at": stamp, "data": data}
        self.announced({"id": f"msg_{uuid.uuid4().hex}", **event})

    def email(self, id: str) -> Object:
        try:
            return self.emails[id]
        except KeyError:
            raise Refused(404, "not_found", "Email not found") from None

    def cancel(self, id: str) -> Object:
        email = self.email(id)
        if not email["scheduled_at"]:
            raise Refused(422, "validation_error", "Only scheduled emails can be canceled.")
        email["scheduled_at"], email["last_event"] = None, "canceled"
        return {"object": "email", "id": id}

    def update(self, id: str, given: Mapping[str, Any]) -> Object:
        email = self.email(id)
        if not email["scheduled_at"]:
            raise Refused(422, "validation_error", "Only scheduled emails can be changed.")
        email["scheduled_at"] = _moment(given.get("scheduled_at"), self.moment)
        return {"object": "email", "id": id}

    # --- domains ----------------------------------------------------------------------------

    def add_domain(self, name: str, status: str = "verified") -> Object:
        """A domain of the account, its DNS records in that state."""
        state = "verified" if status == "verified" else "not_started"
        records = [
            ("SPF", "send", "MX", "feedback-smtp.us-east-1.amazonses.com", 10),
            ("SPF", "send", "TXT", "v=spf1 include:amazonses.com ~all", None),
            ("DKIM", "resend._domainkey", "TXT", "p=MIGfMA0GCSqGSIb3DQEBAQUAA4GNADCBiQ", None),
        ]
        domain: Object = {
            "object": "domain",
            "id": str(uuid.uuid4()),
            "name": name,
            "status": status,
            "created_at": self.moment.strftime("%Y-%m-%d %H:%M:%S.%f+00"),
            "region": "us-east-1",
            "open_tracking": False,
            "click_tracking": False,
            "capabilities": {"sending": "enabled", "receiving": "disabled"},
            "records": [
                {
                    "record": record,
                    "name": where,
                    "type": kind,
                    "ttl": "Auto",
                    "status": state,
                    "value": value,
                    **({"priority": priority} if priority else {}),
                }
                for record, where, kind, value, priority in records
            ],
        }
        return self.add(domain)

    def domain(self, id: str) -> Object:
        try:
            return self.domains[id]
        except KeyError:
            raise Refused(404, "not_found", "Domain not found") from None

    def check_sender(self, params: Mapping[str, Any]) -> None:
        """Once the account has domains, mail comes from a verified one."""
        host = parseaddr(params["from"])[1].rpartition("@")[2].lower()
        known = {each["name"]: each["status"] for each in self.domains.values()}
        if known and known.get(host) != "verified":
            raise Refused(
                403,
                "validation_error",
                f"The {host} domain is not verified. Please, add and "
                "verify your domain on https://resend.com/domains",
            )


def checked(given: Any, now: datetime) -> Object:
    """The parameters of one mail. Raises Refused for what Resend does not take."""
    if not isinstance(given, dict):
        raise Refused(422, "validation_error", "An email must be an object.")
    for name in ("from", "to", "subject"):
        if not given.get(name):
            raise Refused(422, "missing_required_field", f"Missing `{name}` field.")
    if not any(given.get(name) for name in ("html", "text", "template")):
        raise Refused(422, "missing_required_field", "Missing `html` or `text` field.")
    if unknown := sorted(given.keys() - FIELDS):
        raise Refused(422, "validation_error", f"Unknown field `{unknown[0]}`.")
    to = _list(given["to"])
    if len(to) > 50:
        raise Refused(422, "validation_error", "The `to` field has more than 50 recipients.")
    for name in ("from", "to", "reply_to", "cc", "bcc"):
        for text in _list(given.get(name)):
            if not ADDRESS.fullmatch(parseaddr(text)[1]) or "\n" in text:
                raise Refused(422, "validation_error", f"Invalid `{name}` field.")
    for tag in given.get("tags", []):
        if not (TAG.fullmatch(tag.get("name", "")) and TAG.fullmatch(tag.get("value", ""))):
            raise Refused(
                422,
                "validation_error",
                "Tags should only contain ASCII letters, numbers, underscores, or dashes.",
            )
    for each in given.get("attachments", []):
        if not each.get("filename") or not (each.get("content") or each.get("path")):
            raise Refused(422, "invalid_attachment", "An attachment needs a name and content.")
    if given.get("scheduled_at"):
        return {**given, "scheduled_at": _moment(given["scheduled_at"], now)}
    return dict(given)


def _moment(text: Any, now: datetime) -> str:
    try:
        moment = datetime.fromisoformat(str(text))
    except ValueError:
        raise Refused(422, "validation_error", "Invalid `scheduled_at` field.") from None
    if moment > now + timedelta(days=30):
        raise Refused(422, "validation_error", "Emails can be scheduled up to 30 days ahead.")
    return moment.isoformat()


def _list(value: Any) -> list[str]:
    return [] if value is None else [value] if isinstance(value, str) else list(value)


def as_mail(email: Object) -> EmailMessage:
    """A received mail as the recipient's server would get it."""
    mail = EmailMessage()
    stamp = datetime.fromisoformat(email["created_at"].replace(" ", "T") + ":00")
    headers = {
        "From": email["from"],
        "To": ", ".join(email["to"]),
        "Reply-To": ", ".join(email["reply_to"]),
        "Subject": email["subject"],
        "Date": format_datetime(stamp),
        **email["headers"],
    }
    for name, value in headers.items():
        if value and name not in mail:
            mail[name] = value
    mail.set_content(email["text"] or "")
    if email["html"]:
        mail.add_alternative(email["html"], subtype="html")
    for each in email["attachments"]:
        main, _, sub = str(each.get("content_type") or "application/octet-stream").partition("/")
        content = base64.b64decode(each.get("content", ""))
        mail.add_attachment(content, maintype=main, subtype=sub, filename=each["filename"])
    return mail


def keep(folder: Path, email: Object) -> None:
    """Put a mail into the Maildir that /dev/mail shows."""
    for place in ("tmp", "new", "cur"):
        (folder / place).mkdir(parents=True, exist_ok=True)
    name = email["id"].replace("-", "")
    draft = folder / "tmp" / name
    draft.write_bytes(as_mail(email).as_bytes())
    draft.replace(folder / "new" / name)
