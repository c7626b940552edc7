"""Mail over an SMTP server; in development a mailbox in the browser."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from opticworks.contracts import Mailer, PluginInfo
from opticworks.plugin import hookimpl
from opticworks_smtp_mail.mailbox import MailboxMailer
from opticworks_smtp_mail.settings import SmtpSettings
from opticworks_smtp_mail.smtp import SmtpMailer


@hookimpl
def plugin_info() -> PluginInfo:
    return PluginInfo(
        code="smtp_mail",
        title="SMTP mail",
        version="0.1.0",
        category="notification",
        description="Sends mail over an SMTP server; in development a mailbox shows every mail.",
        kernel=">=0.1,<0.2",
        settings=SmtpSettings,
        paths=("/dev/mail",),
    )


@hookimpl
def problems(settings: Mapping[str, Any]) -> Iterator[str]:
    given: SmtpSettings = settings["smtp_mail"]
    yield from given.problems(settings["shop"], settings.get("mode", "production"))


@hookimpl
def mailers(settings: Mapping[str, Any]) -> tuple[Mailer, ...]:
    given: SmtpSettings = settings["smtp_mail"]
    if given.host:
        return (SmtpMailer(given),)
    if settings.get("mode", "production") == "production":
        return ()
    return (MailboxMailer(mail_folder(settings)),)


def mail_folder(settings: Mapping[str, Any]) -> Path:
    """Where development keeps its mails."""
    return Path(settings.get("var", "var")) / "mail"


def includeme(config: Any) -> None:
    """The mailbox's pages; production has none."""
    if config.registry.shop.config.mode != "production":
        config.include("opticworks_smtp_mail.views")
