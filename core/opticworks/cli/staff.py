"""`opticworks staff`: the accounts that sign in to the admin."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import click

from opticworks.cli.context import Context

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from opticworks.staff.models import Staff

_ACTOR = "command"  # who the audit says did it


@click.group()
def staff() -> None:
    """Create and look after the accounts of the admin."""


@staff.command()
@click.argument("email")
@click.option("--name", default="", help="Shown in the admin and in the audit.")
@click.option("--role", default="owner", show_default=True, help="owner, manager or clerk.")
@click.pass_obj
def add(context: Context, email: str, name: str, role: str) -> None:
    """Create an account; asks for its password, or reads it from standard input."""
    from opticworks.staff.service import create_staff

    password = ask_password()
    with _transaction(context) as db:
        made = create_staff(db, email, password, name=name, role=role, actor=_ACTOR)
        click.echo(f"{made.email} may now sign in as {made.role}.")


@staff.command("list")
@click.pass_obj
def list_staff(context: Context) -> None:
    """Show every account with its role and state."""
    from opticworks.staff.service import everyone

    with _transaction(context) as db:
        for found in everyone(db):
            words = [found.email, found.role, "active" if found.active else "deactivated"]
            click.echo("  ".join(words + (["demo"] if found.demo else [])))


@staff.command()
@click.argument("email")
@click.pass_obj
def password(context: Context, email: str) -> None:
    """Give an account a new password; it is signed out everywhere."""
    from opticworks.staff.service import set_password

    new = ask_password()
    with _transaction(context) as db:
        found = _find(db, email)
        set_password(db, found, new, actor=_ACTOR)
        click.echo(f"{found.email} has a new password.")


@staff.command()
@click.argument("email")
@click.pass_obj
def deactivate(context: Context, email: str) -> None:
    """Close an account and sign it out everywhere."""
    from opticworks.staff.service import deactivate as close

    with _transaction(context) as db:
        found = _find(db, email)
        close(db, found, actor=_ACTOR)
        click.echo(f"{found.email} can no longer sign in.")


def ask_password() -> str:
    """A password typed twice, or one line of standard input when that is no terminal."""
    if sys.stdin.isatty():
        typed: str = click.prompt("Password", hide_input=True, confirmation_prompt=True)
        return typed
    line = sys.stdin.readline().rstrip("\n")
    if not line:
        raise click.ClickException("There is no password on standard input.")
    return line


@contextmanager
def _transaction(context: Context) -> Iterator[Session]:
    from opticworks.staff.service import StaffError

    with context.shop() as shop:
        try:
            with shop.unit() as db:
                yield db
        except StaffError as error:
            raise click.ClickException(str(error)) from error


def _find(db: Session, email: str) -> Staff:
    from opticworks.staff.service import by_email

    found = by_email(db, email)
    if found is None:
        raise click.ClickException(f"There is no account {email}. See: opticworks staff list")
    return found
