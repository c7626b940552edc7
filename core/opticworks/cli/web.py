"""The web process of `opticworks run`: the ini's application behind waitress, on a given port."""

from __future__ import annotations

import signal
import sys
from types import FrameType

import click
import plaster
import waitress

from opticworks.cli.processes import die_with
from opticworks.config import ConfigError


@click.command()
@click.argument("ini")
@click.option("--port", type=int, required=True)
@click.option("--parent", type=int)
def main(ini: str, port: int, parent: int | None) -> None:
    """Serve `ini` on 127.0.0.1:`port`; the other settings of its server section hold."""
    if parent is not None:
        die_with(parent)
    loader = plaster.get_loader(ini, protocols=["wsgi"])
    loader.setup_logging()
    try:
        app = loader.get_wsgi_app()
    except ConfigError as error:
        raise click.ClickException(str(error)) from error
    signal.signal(signal.SIGTERM, _leave)  # until here it ends us at once, imports included
    settings = dict(loader.get_settings("server:main"))
    for name in ("use", "host", "port", "listen"):
        settings.pop(name, None)
    waitress.serve(app, host="127.0.0.1", port=port, **settings)


def _leave(number: int, frame: FrameType | None) -> None:
    sys.exit(0)  # waitress then ends what it is answering


if __name__ == "__main__":
    main()
