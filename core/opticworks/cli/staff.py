"""`opticworks staff`: the accounts of the people who run the shop."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import click

from opticworks.cli.context import Context

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from opticworks.staff.models import Staff

ACTOR = "command"


@click.group()
def staff() -> None:
    """Add staff, change their passwords, close their accounts."""


def _password(from_stdin: bool) -> str:
    """From standard input's first line, or typed twice."""
    if from_stdin:
        return sys.stdin.readline().rstrip("\r\n")
    typed: str = click.prompt("Password", hide_input=True, confirmation_prompt=True)
    return typed


def _find(db: Session, email: str) -> Staff:
    from opticworks.staff import service

    found = service.by_email(db, email)
    if found is None:
        raise click.ClickException(
            f"There is no account {email}. 'opticworks staff list' shows them all."
        )
    return found


@staff.command()
@click.argument("email")
@click.option("--name", default="", help="What to call them.")
@click.option(
    "--role",
    type=click.Choice(["owner", "manager", "clerk"]),
    default="owner",
    show_default=True,
    help="What they may do.",
)
@click.option("--password-stdin", is_flag=True, help="Read the password from standard input.")
@click.pass_obj
def add(context: Context, email: str, name: str, role: str, password_stdin: bool) -> None:
    """Add a member of staff, who signs in at /admin."""
    from opticworks.staff import service

    password = _password(password_stdin)
    with context.shop() as shop:
        try:
            with shop.unit() as db:
                made = service.create_staff(db, email, password, name=name, role=role, actor=ACTOR)
                made_email = made.email
        except service.StaffError as error:
            raise click.ClickException(str(error)) from None
        click.echo(f"{made_email} may sign in at {shop.config.base_url}/admin as {role}.")


@staff.command("list")
@click.pass_obj
def list_staff(context: Context) -> None:
    """Everybody: address, role, state, last sign-in."""
    from opticworks.staff import service

    with context.shop() as shop, shop.unit() as db:
        everyone = service.everyone(db)
        for one in everyone:
            state = "active" if one.active else "closed"
            last = f"{one.last_login_at:%Y-%m-%d %H:%M} UTC" if one.last_login_at else "never"
            demo = "  demo" if one.demo else ""
            click.echo(f"{one.email}  {one.role}  {state}  last sign-in {last}{demo}")
        if not everyone:
            click.echo("There is no staff yet. Add somebody: opticworks staff add you@example.com")


@staff.command()
@click.argument("email")
@click.option("--password-stdin", is_flag=True, help="Read the password from standard input.")
@click.pass_obj
def password(context: Context, email: str, password_stdin: bool) -> None:
    """Set a new password; every session of the account ends."""
    from opticworks.staff import service

    new = _password(password_stdin)
    with context.shop() as shop:
        try:
            with shop.unit() as db:
                service.set_password(db, _find(db, email), new, actor=ACTOR)
        except service.StaffError as error:
            raise click.ClickException(str(error)) from None
    click.echo(f"The password of {email} is changed, and its sessions are ended.")


@staff.command()
@click.argument("email")
@click.pass_obj
def deactivate(context: Context, email: str) -> None:
    """Close an account: it can't sign in any more and is signed out everywhere."""
    from opticworks.staff import service

    with context.shop() as shop:
        try:
            with shop.unit() as db:
                service.deactivate(db, _find(db, email), actor=ACTOR)
        except service.StaffError as error:
            raise click.ClickException(str(error)) from None
    click.echo(f"The account {email} is closed.")
