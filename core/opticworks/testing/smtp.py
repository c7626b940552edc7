"""A real SMTP server on a port of its own, for tests of whatever sends mail (needs aiosmtpd)."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Mapping
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any, cast

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult, LoginPassword


class SMTPServer:
    """Accepts mail on 127.0.0.1 and keeps it; a context manager.

    `refuse` maps a recipient to the reply that the server gives for it ("550 No such user");
    `reply` is what it says once it has the whole mail. With `login` (name, password) a client
    must sign in; with `certificate` (an SSL context) it offers STARTTLS.
    """

    def __init__(
        self,
        *,
        refuse: Mapping[str, str] | None = None,
        reply: str = "250 Accepted",
        login: tuple[str, str] | None = None,
        certificate: ssl.SSLContext | None = None,
        wrapped: bool = False,
    ) -> None:
        self.mails: list[EmailMessage] = []
        self.signed_in: list[str] = []
        self.refuse = dict(refuse or {})
        self.reply = reply
        self.login = login
        options: dict[str, Any] = {"hostname": "127.0.0.1", "port": 0}
        if login is not None:
            options |= {"authenticator": self._authenticator(login), "auth_require_tls": False}
        if certificate is not None and wrapped:
            options["ssl_context"] = certificate
        elif certificate is not None:
            options |= {"tls_context": certificate, "require_starttls": True}
        self._controller = _FreePort(self, **options)

    @property
    def port(self) -> int:
        return self._controller.port

    def _authenticator(self, login: tuple[str, str]) -> Any:
        def check(server: Any, session: Any, envelope: Any, mechanism: str, data: Any) -> Any:
            given = cast(LoginPassword, data)
            name, password = given.login.decode(), given.password.decode()
            if (name, password) != login:
                return AuthResult(success=False, handled=False)
            self.signed_in.append(name)
            return AuthResult(success=True)

        return check

    async def handle_RCPT(
        self, server: Any, session: Any, envelope: Any, address: str, options: Any
    ) -> str:
        if self.login is not None and not session.authenticated:
            return "530 5.7.0 Sign in first"
        if address in self.refuse:
            return self.refuse[address]
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:
        if self.reply.startswith("2"):
            self.mails.append(message_from_bytes(envelope.content, policy=policy.default))
        return self.reply

    @property
    def message_ids(self) -> list[str]:
        """The Message-ID of each mail, in order of arrival."""
        return [str(mail["Message-ID"]) for mail in self.mails]

    def __enter__(self) -> SMTPServer:
        self._controller.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._controller.stop()


class _FreePort(Controller):
    def _trigger_server(self) -> None:
        # Only now is it known which port the system gave.
        server = cast(asyncio.Server, self.server)
        self.port = server.sockets[0].getsockname()[1]
        super()._trigger_server()  # type: ignore[no-untyped-call]
