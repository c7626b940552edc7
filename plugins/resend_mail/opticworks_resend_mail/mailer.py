"""The mailer that speaks to Resend, on Resend's own SDK."""

from __future__ import annotations

import base64
import re
from collections.abc import Mapping, Sequence
from datetime import UTC
from email.utils import formataddr, parseaddr
from typing import Any

import resend

from opticworks.contracts import DeliveryEvent, OutgoingMessage, ProviderError
from opticworks_resend_mail import reports
from opticworks_resend_mail.account import Account, Pace
from opticworks_resend_mail.settings import ResendSettings

CODE = "resend"
KEY_TAG = "message"  #: the tag that carries our key, so that a report finds its message
MOST_TAG = 256
MOST_BATCH = 100
MOST_ATTACHED = 40_000_000  #: bytes, after base64


class ResendMailer:
    """One account. Thread-safe; built anew when the settings change."""

    code = CODE
    title = "Resend"
    keyed = True
    batch = MOST_BATCH

    def __init__(self, settings: ResendSettings) -> None:
        self.settings = settings
        self.account = Account(
            settings.key, settings.api_base, settings.timeout, Pace(settings.rate)
        )

    @property
    def test_mode(self) -> bool:
        """Whether nothing is really delivered."""
        return self.settings.is_standin

    @property
    def schedules(self) -> bool:
        """Whether Resend keeps mails that leave later."""
        return self.settings.waits == "resend"

    def send(self, message: OutgoingMessage, key: str) -> str:
        """Hand one mail over; its ref is Resend's id. Repeats within 24 hours send nothing."""
        params = self._params(message, key)
        answer = self.account.ask(
            lambda: resend.Emails.send(params, {"idempotency_key": key})  # type: ignore[arg-type]
        )
        return str(answer["id"])

    def send_many(self, messages: Sequence[OutgoingMessage], key: str) -> tuple[str, ...]:
        """Hand up to 100 mails over in one call, all of them or none.

        Attachments and schedules can't go this way: Resend drops the former without a word.
        """
        if not 0 < len(messages) <= MOST_BATCH:
            raise ProviderError(f"A batch has 1 to {MOST_BATCH} mails.", retryable=False)
        if any(message.attachments or message.send_at for message in messages):
            raise ProviderError(
                "Mails with attachments or a time to leave can't go in a batch.", retryable=False
            )
        params = [self._params(each, each.tags.get(KEY_TAG, "")) for each in messages]
        answer = self.account.ask(
            lambda: resend.Batch.send(params, {"idempotency_key": key})  # type: ignore[arg-type]
        )
        refs = tuple(str(each["id"]) for each in answer["data"])
        if len(refs) != len(messages):
            raise ProviderError("Resend answered for another number of mails than it was given.")
        return refs

    def call_off(self, ref: str) -> None:
        """Stop a mail that Resend keeps for later."""
        self.account.ask(lambda: resend.Emails.cancel(ref))

    def read_webhook(self, body: bytes, headers: Mapping[str, str]) -> tuple[DeliveryEvent, ...]:
        """Verified with any of the signing secrets; kinds that nobody asked for are left out."""
        event = reports.verified(body, headers, self.settings.webhook_secrets)
        return reports.read(event, KEY_TAG, opens=self.settings.opens)

    def _params(self, message: OutgoingMessage, key: str) -> dict[str, Any]:
        _check_headers(message)
        params: dict[str, Any] = {
            "from": self._sender(message),
            "to": [message.to],
            "subject": message.subject,
            "html": message.html,
            "text": message.text,
            "headers": {"Message-ID": message.message_id, **message.headers},
            "tags": _tags({**message.tags, **({KEY_TAG: key} if key else {})}),
        }
        if message.reply_to:
            params["reply_to"] = [message.reply_to]
        if message.attachments:
            params["attachments"] = _attachments(message)
        if message.send_at is not None:
            params["scheduled_at"] = message.send_at.astimezone(UTC).isoformat()
        return params

    def _sender(self, message: OutgoingMessage) -> str:
        name, address = parseaddr(message.sender)
        name = self.settings.from_name or name
        address = self.settings.from_address or address
        if name.isascii():
            return formataddr((name, address))
        # formataddr() would encode it for a mail's header; this is JSON.
        quoted = name.replace("\\", "\\\\").replace('"', '\\"')
        plain = re.fullmatch(r"[\w !#$%&'*+/=?^`{|}~-]+", name)
        return f"{name} <{address}>" if plain else f'"{quoted}" <{address}>'


def _check_headers(message: OutgoingMessage) -> None:
    given = {
        "From": message.sender,
        "To": message.to,
        "Reply-To": message.reply_to,
        "Subject": message.subject,
        "Message-ID": message.message_id,
        **message.headers,
    }
    for name, value in given.items():
        if any(ord(sign) < 32 or ord(sign) == 127 for sign in name + value):
            raise ProviderError(
                f"The mail can't be written: its header {name.splitlines()[0]} has a line break "
                "or another control character.",
                retryable=False,
            )


def _tags(tags: Mapping[str, str]) -> list[dict[str, str]]:
    """As Resend takes them: ASCII letters, digits, "_" and "-"."""
    clean = {
        re.sub(r"[^A-Za-z0-9_-]", "_", name)[:MOST_TAG]: re.sub(r"[^A-Za-z0-9_-]", "_", value)
        for name, value in tags.items()
    }
    return [{"name": name, "value": value[:MOST_TAG]} for name, value in clean.items() if value]


def _attachments(message: OutgoingMessage) -> list[dict[str, str]]:
    found = [
        {
            "filename": each.filename,
            "content": base64.b64encode(each.content).decode(),
            "content_type": each.content_type,
        }
        for each in message.attachments
    ]
    if sum(len(each["content"]) for each in found) > MOST_ATTACHED:
        raise ProviderError(
            "The attachments are larger than the 40 MB that Resend takes.", retryable=False
        )
    return found
