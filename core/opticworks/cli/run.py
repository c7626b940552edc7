"""`opticworks run`: the whole shop on one machine, for development and for a first look."""

from __future__ import annotations

import contextlib
import fcntl
import os
import socket
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

import click

from opticworks.cli.context import Context, say
from opticworks.cli.processes import Children, Stopped, stop_signals
from opticworks.cli.servers import var_option
from opticworks.config import ConfigError

if TYPE_CHECKING:
    from opticworks.staff.demo import DemoLogin

_HOST = "127.0.0.1"
_WEB_SECONDS = 90.0  # for the web process to answer, on a slow machine


@click.command()
@click.option(
    "--port", envvar="PORT", default=6543, show_default=True, type=click.IntRange(1, 65535)
)
@var_option
@click.pass_obj
def run(context: Context, port: int, var: Path) -> None:
    """Start the shop with all it needs, and stop it all with Ctrl-C.

    Starts the embedded servers unless DATABASE_URL and REDIS_URL name others, brings the tables up
    to date, loads the demo catalogue once, and serves web and worker as two processes.
    """
    var = var.resolve()
    refuse_production(context.ini)
    with stop_signals() as check:
        try:
            with only_one(var) as left_running, _servers(var, left_running) as environ:
                check_port(port)
                environ["PORT"] = str(port)
                standins = place_standins(context, environ, var, port)
                login = prepare(context, environ)
                check()
                serve(context, port, environ, login, standins, check)
        except Stopped:
            say("Stopped.")


@contextlib.contextmanager
def only_one(var: Path) -> Iterator[Path]:
    """Hold `var` for this run; yields the file that names the servers a run has started."""
    from opticworks.embedded import make_var

    make_var(var)
    path = var / "run.lock"
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    except PermissionError as error:
        raise ConfigError(
            f"{path} belongs to another user. Start as that user, or choose another folder "
            "with --var."
        ) from error
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        raise ConfigError(
            f"OpticWorks runs already with the data in {var}. Stop that one first, or choose "
            "another folder with --var."
        ) from error
    else:
        yield path
    finally:
        os.close(descriptor)


@contextlib.contextmanager
def _servers(var: Path, started_file: Path) -> Iterator[dict[str, str]]:
    """The servers, as an environment for children; those that a run started stop at the end.

    A run that was killed left its servers running and their names in `started_file`.
    """
    from opticworks.embedded import NAMES, ensure, status, stop

    running = {server.name for server in status(var) if server.running}
    # Written down before they start: a kill in between must not leave them without an owner.
    mine = set(started_file.read_text().split()) | (set(NAMES) - running)
    started_file.write_text(" ".join(sorted(mine)))
    try:
        servers = ensure(var, say)
        yield {
            **os.environ,
            "DATABASE_URL": servers.database_url,
            "REDIS_URL": servers.redis_url,
            "OPTICWORKS_VAR": str(var),
        }
    finally:
        stop(var, only=mine)
        started_file.write_text("")


def refuse_production(ini: str) -> None:
    """This command makes demo accounts and serves plain http: never for a public shop."""
    from opticworks.boot import ini_settings

    if ini_settings(ini).get("opticworks.mode", "production") == "production":
        raise ConfigError(
            f"{ini} describes a production shop, and 'opticworks run' is for development. Serve "
            f"it with 'pserve {ini}', and 'opticworks --ini {ini} worker' beside it."
        )


def check_port(port: int) -> None:
    """Refuse in one sentence when the port is taken or not ours to take."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((_HOST, port))
        except PermissionError as error:
            raise ConfigError(
                f"Port {port} may only be used by root. Choose one above 1023: make run PORT=8080"
            ) from error
        except OSError as error:
            raise ConfigError(
                f"Port {port} is in use. Stop what uses it, or choose another: "
                f"make run PORT={port + 1 if port < 65535 else 8080}"
            ) from error


def place_standins(
    context: Context, environ: dict[str, str], var: Path, port: int
) -> list[tuple[str, list[str]]]:
    """Give each stand-in of the enabled plugins a port and tell `environ`; (title, command)."""
    from opticworks.boot import ini_settings
    from opticworks.config import STANDIN, read_config
    from opticworks.plugins import Plugins

    config = read_config(ini_settings(context.ini), environ)
    plugins = Plugins()
    plugins.discover(config.plugins)
    commands = []
    for plugin in plugins.enabled:
        for standin in plugins.ask(plugin, "standins") or ():
            name = f"{STANDIN}{standin.code.upper()}"
            if name in environ:  # somebody runs one already
                continue
            own = _free_port()
            places = {"port": str(own), "shop": f"http://{_HOST}:{port}", "var": str(var)}
            arguments = [argument.format(**places) for argument in standin.arguments]
            environ[name] = f"http://{_HOST}:{own}"
            commands.append((f"stand-in for {standin.title}", [standin.module, *arguments]))
    return commands


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind((_HOST, 0))
        port: int = probe.getsockname()[1]
        return port


def prepare(context: Context, environ: Mapping[str, str]) -> DemoLogin | None:
    """Tables, demo catalogue and demo staff, whose login is returned if there is one."""
    from opticworks import demo, migrations
    from opticworks.boot import boot
    from opticworks.staff import demo as demo_staff

    shop = boot(context.ini, env=environ, progress=say)
    try:
        migrations.upgrade(shop, say)
        demo.load(shop, say)
        return demo_staff.ensure(shop)
    finally:
        shop.close()


def serve(
    context: Context,
    port: int,
    environ: Mapping[str, str],
    login: DemoLogin | None,
    standins: Sequence[tuple[str, list[str]]],
    check: Callable[[], None],
) -> None:
    """Run web, worker and stand-ins until `check` raises or one of them ends by itself."""
    children = Children()
    try:
        for title, command in standins:
            children.start(title, command, environ)
        web = ["opticworks.cli.web", context.ini, "--port", str(port)]
        children.start("web server", web, environ)
        worker = ["opticworks.cli", "--ini", context.ini, "worker"]
        children.start("worker", worker, environ)
        _await_web(children, port)
        if not children.dead():
            announce(port, login, [(title, _port_of(command)) for title, command in standins])
            place_demo_orders(context, environ)
        while not (ended := children.dead()):
            check()
            time.sleep(0.3)
        raise ConfigError(
            f"The {ended.name} ended by itself (exit code {ended.process.returncode}); see above."
        )
    finally:
        children.stop()


def place_demo_orders(context: Context, environ: Mapping[str, str]) -> None:
    """Orders and returns to look at, once the stand-ins answer for carriers and banks."""
    from opticworks import demo
    from opticworks.boot import boot

    shop = boot(context.ini, env=environ)
    try:
        demo.to_pack(shop)
        demo.send_back(shop)
    finally:
        shop.close()


def _port_of(command: Sequence[str]) -> str:
    """The port that a stand-in was told to listen on; empty for one that was told otherwise."""
    after = dict(pairwise(command))
    return after.get("--port", "")


def announce(port: int, login: DemoLogin | None, standins: Sequence[tuple[str, str]] = ()) -> None:
    """Say where the shop is, how to sign in, and where stand-ins are reached."""
    address = f"http://{_HOST}:{port}"
    say(f"\n  Storefront  {address}/\n  Admin       {address}/admin")
    if login is not None:
        say(f"  Demo staff  {login.email}  {login.password}")
    for title, own in standins:
        if own:
            say(f"  {title[:1].upper()}{title[1:]}  http://{_HOST}:{own}")
    say("  Ctrl-C stops everything.\n")


def _await_web(children: Children, port: int) -> None:
    deadline = time.monotonic() + _WEB_SECONDS
    while time.monotonic() < deadline and not children.dead():
        with contextlib.suppress(OSError), socket.create_connection((_HOST, port), timeout=1):
            return
        time.sleep(0.1)
