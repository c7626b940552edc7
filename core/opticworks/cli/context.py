"""What commands share: the ini file they work with and the shop it describes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from opticworks.config import ConfigError

if TYPE_CHECKING:
    from opticworks.shop import Shop

_DEFAULT_INI = "development.ini"


def _existing(ctx: click.Context, parameter: click.Parameter, value: str | None) -> str | None:
    """The file named, or development.ini of the working folder if there is one."""
    if value is None:
        return _DEFAULT_INI if Path(_DEFAULT_INI).is_file() else None
    if not Path(value).is_file():
        raise click.BadParameter(f"there is no file {value}.")
    return value


def ini_option(function: Callable[..., Any]) -> Callable[..., Any]:
    """--ini, for the whole command line; read before commands are looked up."""
    return click.option(
        "-c",
        "--ini",
        envvar="OPTICWORKS_INI",
        metavar="FILE",
        is_eager=True,
        callback=_existing,
        help="The shop's ini file [default: development.ini].",
    )(function)


class Context:
    """`click`'s obj: plugins' commands take it with `@click.pass_obj` and ask it for the shop."""

    def __init__(self, ini: str | None) -> None:
        self._ini = ini

    @property
    def ini(self) -> str:
        """The ini file's path; an error that says how to name one when there is none."""
        if self._ini is None:
            raise ConfigError(
                f"There is no {_DEFAULT_INI} in this folder. Go to the shop's folder, or name "
                "its ini file: opticworks --ini FILE ..."
            )
        return self._ini

    @contextmanager
    def shop(self) -> Iterator[Shop]:
        """The shop of the ini file, its connections closed at the end."""
        from opticworks.boot import boot

        shop = boot(self.ini, progress=say)
        try:
            yield shop
        finally:
            shop.close()


def say(line: str) -> None:
    """One line of progress, at once."""
    click.echo(line)
