"""Mail through Resend: once per key, in batches, with signed reports of what became of it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from opticworks.contracts import PluginInfo, StandIn
from opticworks.plugin import hookimpl
from opticworks_resend_mail.mailer import ResendMailer
from opticworks_resend_mail.settings import STANDIN_SECRET, ResendSettings


@hookimpl
def plugin_info() -> PluginInfo:
    return PluginInfo(
        code="resend_mail",
        title="Resend",
        version="0.1.0",
        category="notification",
        description="Sends mail through Resend and notes what became of it: delivered, bounced, "
        "complained about.",
        kernel=">=0.1,<0.2",
        settings=ResendSettings,
    )


def placed(settings: Mapping[str, Any]) -> ResendSettings:
    """The settings in force: the owner's, or those of the stand-in."""
    own: ResendSettings = settings["resend_mail"]
    return own.placed(settings.get("standins", {}))


@hookimpl
def problems(settings: Mapping[str, Any]) -> Iterator[str]:
    mode = settings.get("mode", "production")
    yield from placed(settings).problems(settings["shop"], mode)


@hookimpl
def mailers(settings: Mapping[str, Any]) -> tuple[ResendMailer, ...]:
    own = placed(settings)
    return (ResendMailer(own),) if own.key else ()


@hookimpl
def standins() -> tuple[StandIn, ...]:
    return (
        StandIn(
            code="resend",
            title="Resend",
            module="opticworks_resend_mail.standin",
            arguments=(
                *("--port", "{port}"),
                *("--state", "{var}/resend-standin.json"),
                *("--mailbox", "{var}/mail"),
                *("--webhooks", "{shop}/webhooks/resend"),
                *("--secret", STANDIN_SECRET),
            ),
        ),
    )
