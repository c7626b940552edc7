"""Mail through Resend: once per key, in batches, with signed reports of what became of it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from opticworks.contracts import Ctx, MigrationBranch, PluginInfo, SlotFragment, StandIn
from opticworks.plugin import hookimpl
from opticworks_resend_mail import domain
from opticworks_resend_mail.mailer import ResendMailer
from opticworks_resend_mail.models import Base
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


@hookimpl
def migrations() -> MigrationBranch:
    return MigrationBranch(path=str(Path(__file__).parent / "versions"), metadata=Base.metadata)


@hookimpl
def tasks(jobs: Any) -> None:
    @jobs.task(domain.CHECK, schedule="17 * * * *")
    def check_domain(shop: Any) -> None:
        """Every hour: ask Resend whether it may send for the shop's domain."""
        own = placed(shop.settings)
        if own.key:
            domain.check(shop, ResendMailer(own), own.domain(shop.settings["shop"]))


@hookimpl
def slot(name: str, context: Mapping[str, Any], ctx: Ctx) -> Iterator[SlotFragment]:
    own = placed(ctx.settings)
    if name == "admin.plugin" and context["code"] == "resend_mail" and own.key:
        name_of = own.domain(ctx.settings["shop"])
        said = domain.shown(ctx.db, name_of, standin=own.is_standin)
        yield SlotFragment(template="resend_mail/domain.pt", data={"domain": said})


def includeme(config: Any) -> None:
    config.include("opticworks_resend_mail.admin")
