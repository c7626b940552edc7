"""The mailer that speaks SMTP."""

from __future__ import annotations

import contextlib
import smtplib
import ssl
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from email.utils import parseaddr

from opticworks.contracts import DeliveryEvent, NoWebhooks, OutgoingMessage, ProviderError
from opticworks_smtp_mail.compose import compose
from opticworks_smtp_mail.settings import SmtpSettings

CODE = "smtp"


class SmtpMailer:
    """One connection per mail, so that threads share nothing. SMTP knows no keys."""

    code = CODE
    title = "SMTP server"
    keyed = False

    def __init__(
        self,
        settings: SmtpSettings,
        trust: Callable[[], ssl.SSLContext] = ssl.create_default_context,
    ) -> None:
        self.settings = settings
        self._trust = trust

    def send(self, message: OutgoingMessage, key: str) -> str:
        """Hand the mail to the server; its ref is the Message-ID."""
        mail = compose(message, self._sender(message))
        with self._errors(), self._connection() as server:
            server.send_message(mail)
        return message.message_id.strip("<>")

    def read_webhook(self, body: bytes, headers: Mapping[str, str]) -> tuple[DeliveryEvent, ...]:
        raise NoWebhooks("SMTP servers send no webhooks.")

    def _sender(self, message: OutgoingMessage) -> tuple[str, str]:
        name, address = parseaddr(message.sender)
        return self.settings.from_name or name, self.settings.from_address or address

    @contextmanager
    def _connection(self) -> Iterator[smtplib.SMTP]:
        given = self.settings
        if given.security == "tls":
            server: smtplib.SMTP = smtplib.SMTP_SSL(
                given.host, given.port, timeout=given.timeout, context=self._trust()
            )
        else:
            server = smtplib.SMTP(given.host, given.port, timeout=given.timeout)
        try:
            if given.security == "starttls":
                server.starttls(context=self._trust())
            if given.user:
                server.login(given.user, given.password.get_secret_value())
            yield server
        finally:
            # What is accepted is accepted: a failing goodbye must not make us send again.
            with contextlib.suppress(OSError, smtplib.SMTPException):
                server.quit()
            server.close()

    @contextmanager
    def _errors(self) -> Iterator[None]:
        """smtplib's exceptions as sentences for staff, and whether a repeat may help."""
        where = f"{self.settings.host}:{self.settings.port}"
        try:
            yield
        except smtplib.SMTPRecipientsRefused as error:
            code, reply = next(iter(error.recipients.values()))
            raise ProviderError(
                f"The mail server refused the recipient: {_reply(code, reply)}.",
                retryable=code < 500,
            ) from None
        except smtplib.SMTPDataError as error:
            raise ProviderError(
                f"The mail server refused the mail: {_reply(error.smtp_code, error.smtp_error)}.",
                retryable=error.smtp_code < 500,
            ) from None
        except smtplib.SMTPAuthenticationError as error:
            raise ProviderError(
                f"The mail server at {where} refused the user name or password "
                f"(code {error.smtp_code}). Correct them in the plugin's settings."
            ) from None
        except smtplib.SMTPSenderRefused as error:
            raise ProviderError(
                "The mail server refused the sender's address: "
                f"{_reply(error.smtp_code, error.smtp_error)}. Correct from_address."
            ) from None
        except smtplib.SMTPNotSupportedError as error:
            raise ProviderError(
                f"The mail server at {where} can't do what is asked of it: {error} "
                "Check the settings security, user and port."
            ) from None
        except ssl.SSLCertVerificationError as error:
            raise ProviderError(
                f"The certificate of the mail server at {where} is not valid: "
                f"{error.verify_message}."
            ) from None
        except (OSError, smtplib.SMTPException) as error:
            raise ProviderError(
                f"The mail server at {where} can't be reached or broke off: "
                f"{type(error).__name__}. Check host, port and security."
            ) from None


def _reply(code: int, reply: bytes | str) -> str:
    text = reply.decode("utf-8", "replace") if isinstance(reply, bytes) else reply
    return f"{code} {' '.join(text.split())[:200]}".rstrip(". ")
