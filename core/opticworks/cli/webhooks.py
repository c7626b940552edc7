"""`opticworks webhooks`: what vendors reported, and working through it again."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import click

from opticworks.cli.context import Context

STATUSES = ("waiting", "failed", "unmatched", "done")
UNITS = {"m": "minutes", "h": "hours", "d": "days"}


class Since(click.ParamType[datetime]):
    """A date, a time, or how long ago: 2026-11-22, 2026-11-22T10:00, 90m, 2h, 7d."""

    name = "when"

    def convert(self, value: Any, param: Any, ctx: Any) -> datetime:
        if isinstance(value, datetime):
            return value
        if ago := re.fullmatch(r"(\d{1,5})([mhd])", value):
            return datetime.now(UTC) - timedelta(**{UNITS[ago[2]]: int(ago[1])})
        try:
            when = datetime.fromisoformat(value)
        except ValueError:
            self.fail(f"{value!r} is no time; write 2026-11-22, 2026-11-22T10:00, 90m, 2h or 7d.")
        return when if when.tzinfo else when.replace(tzinfo=UTC)


def filters(command: Callable[..., Any]) -> Callable[..., Any]:
    """The options that `list` and `replay` share."""
    for option in (
        click.option("--since", type=Since(), help="Received since then (UTC): 2h, 7d, a date."),
        click.option("--kind", default="", help="Only events of this kind."),
        click.option("--provider", default="", help="Only events of this provider."),
        click.option("--status", type=click.Choice(STATUSES), help="Only events in this state."),
    ):
        command = option(command)
    return command


@click.group()
def webhooks() -> None:
    """See what vendors reported, and work through it again."""


@webhooks.command("list")
@filters
@click.option("--limit", default=50, show_default=True, type=click.IntRange(1, 10_000))
@click.pass_obj
def list_webhooks(context: Context, /, limit: int, **wanted: Any) -> None:
    """The newest events: id, time, provider, kind, state, what went wrong."""
    from opticworks.webhooks import service

    with context.shop() as shop, shop.unit() as db:
        found = service.find(db, service.Filter(**_given(wanted)), limit=limit)
        for each in found:
            at = f"{each.received_at:%Y-%m-%d %H:%M:%S}"
            line = f"{each.id:>8}  {at}  {each.provider}  {each.kind}  {each.status}"
            click.echo(f"{line}  {each.error}".rstrip())
        if not found:
            click.echo("No webhook fits.")


@webhooks.command()
@click.argument("ids", nargs=-1, type=int)
@filters
@click.option("--all", "everything", is_flag=True, help="Replay every event there is.")
@click.pass_obj
def replay(context: Context, /, ids: tuple[int, ...], everything: bool, **wanted: Any) -> None:
    """Work through events again: those of these IDS, or all that fit the options."""
    from opticworks.webhooks import service

    given = _given(wanted)
    if not ids and not given and not everything:
        raise click.UsageError("Name ids or give an option, or say --all.")
    with context.shop() as shop, shop.unit() as db:
        count = service.replay(db, service.Filter(ids=ids, **given))
    click.echo(f"{count} queued; the worker goes through them now.")


def _given(wanted: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in wanted.items() if value}
