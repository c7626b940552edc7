"""What commands share: the ini file they work with and the shop it describes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from opticworks.config import Config, ConfigError

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from opticworks.shop import Shop

_DEFAULT_INI = "development.ini"


def default_ini() -> str | None:
    """development.ini of the working folder, if there is one."""
    return _DEFAULT_INI if Path(_DEFAULT_INI).is_file() else None


def _existing(ctx: click.Context, parameter: click.Parameter, value: str | None) -> str | None:
    """The file named, which must exist, or the default."""
    if value is None:
        return default_ini()
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
    def database(self) -> Iterator[Session]:
        """A unit of work on the shop's database alone: for what has to be mended before the shop
        can be put together."""
        from opticworks import db
        from opticworks.boot import ini_settings
        from opticworks.config import read_config

        with _servers(read_config(ini_settings(self.ini))) as config:
            engine = db.make_engine(config.database_url)
            try:
                with db.unit(engine) as session:
                    yield session
            finally:
                engine.dispose()

    @contextmanager
    def shop(self) -> Iterator[Shop]:
        """The shop of the ini file, its connections closed at the end."""
        from opticworks.boot import boot, ini_settings
        from opticworks.config import read_config

        config = read_config(ini_settings(self.ini))
        with _servers(config) as config:
            shop = boot(config)
            try:
                yield shop
            finally:
                shop.close()


@contextmanager
def _servers(config: Config) -> Iterator[Config]:
    """The config with addresses of servers; embedded ones that this starts stop at the end."""
    if config.production or (config.database_url and config.redis_url):
        yield config
        return
    from opticworks.embedded import ensure, stop

    servers = ensure(config.var, lambda line: click.echo(line, err=True))
    try:
        yield replace(
            config,
            database_url=config.database_url or servers.database_url,
            redis_url=config.redis_url or servers.redis_url,
        )
    finally:
        if servers.started:
            stop(config.var, only=servers.started)


def say(line: str) -> None:
    """One line of progress, at once."""
    click.echo(line)
