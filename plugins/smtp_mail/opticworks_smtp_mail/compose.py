"""From an outgoing message to the bytes of a mail."""

from __future__ import annotations

from datetime import UTC, datetime
from email import policy
from email.headerregistry import Address
from email.message import EmailMessage
from email.utils import format_datetime, parseaddr

from opticworks.contracts import OutgoingMessage, ProviderError


def compose(message: OutgoingMessage, sender: tuple[str, str] | None = None) -> EmailMessage:
    """The mail, with `sender` (name, address) in place of the message's own if it is given.

    Raises a ProviderError that no repeat mends when a header can't be written, for instance
    because there is a line break in it.
    """
    mail = EmailMessage(policy=policy.SMTP)
    headers = {
        "Message-ID": message.message_id,
        "Date": format_datetime(datetime.now(UTC)),
        "Subject": message.subject,
        **message.headers,
    }
    addresses = {
        "From": sender or parseaddr(_clean("From", message.sender)),
        "To": parseaddr(_clean("To", message.to)),
        "Reply-To": parseaddr(_clean("Reply-To", message.reply_to)),
    }
    try:
        for name, value in headers.items():
            mail[_clean("name", name)] = _clean(name, value)
        for name, (person, address) in addresses.items():
            if address or name != "Reply-To":
                mail[name] = _address(person, address)
        mail.set_content(message.text)
        mail.add_alternative(message.html, subtype="html")
        for each in message.attachments:
            main, _, sub = each.content_type.partition("/")
            mail.add_attachment(each.content, main, sub, filename=each.filename)
    except (ValueError, IndexError) as error:
        raise ProviderError(f"The mail can't be written: {error}.", retryable=False) from error
    return mail


def _clean(header: str, value: str) -> str:
    """The value, unless it would end the header and begin another."""
    if any(ord(character) < 32 or ord(character) == 127 for character in value):
        raise ProviderError(
            f"The mail can't be written: its header {header} has a line break or another "
            "control character.",
            retryable=False,
        )
    return value


def _address(name: str, address: str) -> Address:
    """One address; its host in the form that every server understands."""
    local, _, host = address.rpartition("@")
    if not local or not host:
        raise ValueError(f"{address!r} is no e-mail address")
    return Address(name, username=local, domain=host.encode("idna").decode())
