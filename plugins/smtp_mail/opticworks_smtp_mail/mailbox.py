"""The mailer of development: a Maildir that is read in the browser."""

from __future__ import annotations

import contextlib
import hashlib
import os
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email import message_from_binary_file, policy
from email.message import EmailMessage
from pathlib import Path

from opticworks.contracts import DeliveryEvent, NoWebhooks, OutgoingMessage, ProviderError
from opticworks_smtp_mail.compose import compose

CODE = "mailbox"


@dataclass(frozen=True, slots=True)
class Letter:
    """One mail in the box, with the name it is found by."""

    id: str
    arrived: datetime
    mail: EmailMessage

    def part(self, kind: str) -> str:
        """The text of the part "html" or "plain", or an empty text."""
        body = self.mail.get_body((kind,))
        return str(body.get_content()) if body is not None else ""


class Mailbox:
    """Mails as files of a Maildir, each under a name made of its key: a key is kept once."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def keep(self, mail: EmailMessage, key: str) -> str:
        """Add a mail unless its key has one; returns its id."""
        name = hashlib.sha256(key.encode()).hexdigest()[:32]
        for place in ("tmp", "new", "cur"):
            (self.folder / place).mkdir(parents=True, exist_ok=True)
        draft = self.folder / "tmp" / f"{name}.{uuid.uuid4().hex}"
        draft.write_bytes(mail.as_bytes())
        try:
            # Whole or not at all, and never twice: a link fails where the name is taken.
            if self._path(name) is None:
                with contextlib.suppress(FileExistsError):
                    os.link(draft, self.folder / "new" / name)
        finally:
            draft.unlink()
        return name

    def letters(self, limit: int = 200) -> list[Letter]:
        """What is in the box, newest first."""
        found = [
            path
            for place in ("new", "cur")
            for path in (self.folder / place).glob("*")
            if path.is_file()
        ]
        found.sort(key=lambda path: (path.stat().st_mtime_ns, path.name), reverse=True)
        return [self._read(path) for path in found[:limit]]

    def letter(self, id: str) -> Letter | None:
        """One mail, or None."""
        path = self._path(id)
        return None if path is None else self._read(path)

    def _path(self, id: str) -> Path | None:
        if not id.isalnum():
            return None
        # A mail program that opens the Maildir moves mails to cur and adds ":2,<flags>".
        for path in (self.folder / "new" / id, *(self.folder / "cur").glob(f"{id}*")):
            if path.is_file() and path.name.partition(":")[0] == id:
                return path
        return None

    def _read(self, path: Path) -> Letter:
        with path.open("rb") as file:
            mail = message_from_binary_file(file, policy=policy.default)
        arrived = datetime.fromtimestamp(path.stat().st_mtime, UTC)
        return Letter(path.name.partition(":")[0], arrived, mail)


class MailboxMailer:
    """Puts every mail into the mailbox, once per key."""

    code = CODE
    title = "Mailbox at /dev/mail"
    keyed = True

    def __init__(self, folder: Path) -> None:
        self.mailbox = Mailbox(folder)

    def send(self, message: OutgoingMessage, key: str) -> str:
        mail = compose(message)
        try:
            return self.mailbox.keep(mail, key)
        except OSError as error:
            raise ProviderError(
                f"The mailbox {self.mailbox.folder} can't be written: {error.strerror}."
            ) from error

    def read_webhook(self, body: bytes, headers: Mapping[str, str]) -> tuple[DeliveryEvent, ...]:
        raise NoWebhooks("The mailbox sends no webhooks.")
