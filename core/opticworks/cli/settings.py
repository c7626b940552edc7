"""`opticworks settings`."""

from __future__ import annotations

import json
import sys

import click

from opticworks.cli.context import Context


@click.group()
def settings() -> None:
    """Look at the shop's and the plugins' settings, and renew their encryption."""


@settings.command("list")
@click.argument("code", required=False)
@click.pass_obj
def list_settings(context: Context, code: str | None) -> None:
    """Every setting and its value, or those of one plugin ("shop" for the shop's own). Secrets
    are never shown."""
    from pydantic import BaseModel

    from opticworks.settings.editing import shown

    with context.shop() as shop:
        models = shop.settings.items()
        found = {name: model for name, model in models if isinstance(model, BaseModel)}
        if code is not None and code not in found:
            known = ", ".join(sorted(found))
            raise click.ClickException(f"There are no settings of {code!r}. There are: {known}.")
        for name, model in found.items():
            if code in (None, name):
                for key, value in shown(model).items():
                    click.echo(f"{name}.{key} = {json.dumps(value, ensure_ascii=False)}")
        for warning in shop.warnings:
            click.echo(f"Note: {warning}", err=True)


@settings.command()
@click.argument("code")
@click.argument("name", required=False)
@click.pass_obj
def clear(context: Context, code: str, name: str | None) -> None:
    """Forget what was saved in the admin for a plugin ("shop" for the shop's own), or for one of
    its settings: the ini and the defaults hold again. Works when the shop does not start."""
    from opticworks.settings import editing

    with context.database() as db:
        names = editing.clear(db, code, name, actor="command")
    if not names:
        what = f"{code}.{name}" if name else code
        raise click.ClickException(f"Nothing is saved for {what}.")
    for each in names:
        click.echo(f"{code}.{each} comes from the ini file or its default again.")


@settings.command()
@click.pass_obj
def rotate(context: Context) -> None:
    """Encrypt stored secrets anew with OPTICWORKS_SECRET. Give the former root secret in
    OPTICWORKS_OLD_SECRETS until this has run."""
    from opticworks.settings import editing

    with context.shop() as shop, shop.unit() as db:
        count, unreadable = editing.rotate(db, shop.vault, actor="command")
    click.echo(f"Secrets of {count} settings were encrypted anew.")
    for code in unreadable:
        click.echo(
            f"{code}: a secret can't be read with any of the root secrets given. Name the former "
            "one in OPTICWORKS_OLD_SECRETS, or enter the secret again in the admin.",
            err=True,
        )
    if unreadable:
        sys.exit(1)
