"""What the ini file and the environment say: read once at startup, frozen.

The ini names the mode, plugins and theme; addresses of servers and secrets come from the
environment (an ini value wins outside production). Nothing here opens a connection.
"""

from __future__ import annotations

import os
import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, cast
from urllib.parse import urlsplit

Mode = Literal["development", "test", "production"]
MODES = ("development", "test", "production")
MIN_SECRET = 32
STANDIN = "OPTICWORKS_STANDIN_"  #: prefix of the environment's names for stand-ins
LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})


class ConfigError(Exception):
    """The shop can't start as configured; the message says what to change."""


@dataclass(frozen=True, slots=True)
class PluginLine:
    """One line of `opticworks.plugins`: a code, and whether the shop may start without it."""

    code: str
    optional: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Config:
    """What `read_config` makes of an ini section and the environment."""

    mode: Mode
    database_url: str
    redis_url: str
    base_url: str  #: origin of the shop ("https://shop.example"), without a slash at the end
    secret: str = field(repr=False)
    #: former root secrets: stored secrets that were encrypted with one can still be read
    old_secrets: tuple[str, ...] = field(default=(), repr=False)
    var: Path
    theme: str = "default"
    plugins: tuple[PluginLine, ...] = ()
    plugin_settings: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    allow_standins: bool = False
    #: addresses of vendors' stand-ins by code; never in production, unless a bench allows them
    standins: Mapping[str, str] = field(default_factory=dict)

    @property
    def production(self) -> bool:
        return self.mode == "production"


def parse_plugin_lines(text: str) -> tuple[PluginLine, ...]:
    """The ini's list of plugins: one code per line, `optional` behind it if it may be missing."""
    lines: list[PluginLine] = []
    for raw in text.splitlines():
        words = raw.split("#")[0].split()
        if not words:
            continue
        if len(words) > 2 or (len(words) == 2 and words[1] != "optional"):
            raise ConfigError(
                f"opticworks.plugins has the line {raw.strip()!r}. A line is a plugin's code, "
                "optionally followed by the word 'optional'."
            )
        if words[0] in {line.code for line in lines}:
            raise ConfigError(f"opticworks.plugins names {words[0]!r} twice. Remove one.")
        lines.append(PluginLine(words[0], len(words) == 2))
    return tuple(lines)


def _plugin_settings(settings: Mapping[str, str]) -> dict[str, dict[str, str]]:
    """Settings written as `plugin.<code>.<field> = value` (and `shop.<field>`,
    `shipping.<field>`, `returns.<field>` or `documents.<field> = value`)."""
    result: dict[str, dict[str, str]] = {}
    for key, value in settings.items():
        if key.startswith("plugin."):
            code, dot, name = key.removeprefix("plugin.").partition(".")
            if not (code and dot and name):
                raise ConfigError(
                    f"The ini has the line {key!r}. A plugin's setting is written "
                    "plugin.<code>.<setting> = value."
                )
            result.setdefault(code, {})[name] = value
        elif key.startswith(("shop.", "shipping.", "returns.", "documents.")):
            code, _, name = key.partition(".")
            result.setdefault(code, {})[name] = value
    return result


def _development_secret(var: Path) -> str:
    """A random root secret kept under var/, so that cookies survive a restart."""
    path = var / "secret"
    if not path.exists():
        var.mkdir(parents=True, exist_ok=True)
        try:
            descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        except FileExistsError:
            return path.read_text()
        with os.fdopen(descriptor, "w") as file:
            file.write(secrets.token_urlsafe(48))
    return path.read_text()


def _production_problems(env: Mapping[str, str]) -> list[str]:
    problems = []
    wanted = {
        "DATABASE_URL": "the PostgreSQL database (postgresql://user:password@host/name)",
        "REDIS_URL": "the Redis server (redis://host:6379/0)",
        "OPTICWORKS_SECRET": f"the root secret, {MIN_SECRET} characters or more "
        "(python -c 'import secrets; print(secrets.token_urlsafe(48))')",
        "OPTICWORKS_BASE_URL": "the shop's own address (https://shop.example)",
    }
    problems += [f"{name}: {what}" for name, what in wanted.items() if not env.get(name)]
    secret = env.get("OPTICWORKS_SECRET", "")
    if secret and (len(secret) < MIN_SECRET or len(set(secret)) < 8):
        problems.append(f"OPTICWORKS_SECRET: too short or too simple; use {MIN_SECRET} random ones")
    if secret and re.search("sample|changeme|example|development", secret, re.IGNORECASE):
        problems.append("OPTICWORKS_SECRET: this is a sample value; make a random one")
    base = env.get("OPTICWORKS_BASE_URL", "")
    local = urlsplit(base).hostname in LOOPBACK
    if base and urlsplit(base).scheme != "https" and not local:
        problems.append("OPTICWORKS_BASE_URL: must begin with https://")
    return problems


def read_config(settings: Mapping[str, str], env: Mapping[str, str] | None = None) -> Config:
    """The Config of an ini section's `settings`. Raises ConfigError naming everything missing."""
    env = os.environ if env is None else env
    mode = settings.get("opticworks.mode", "production")
    if mode not in MODES:
        raise ConfigError(f"opticworks.mode is {mode!r}. It must be one of {', '.join(MODES)}.")
    production = mode == "production"
    if production and (problems := _production_problems(env)):
        listed = "\n".join(f"  - {problem}" for problem in problems)
        raise ConfigError(f"Set these in the environment:\n{listed}")
    var = Path(env.get("OPTICWORKS_VAR") or settings.get("opticworks.var", "var")).resolve()
    base = env.get("OPTICWORKS_BASE_URL") or settings.get("opticworks.base_url", "")
    port = env.get("PORT") or "6543"
    allowed = settings.get("opticworks.allow_standins", "").lower() == "true"
    return Config(
        mode=cast(Mode, mode),
        database_url=_database_url(
            env.get("DATABASE_URL") or settings.get("opticworks.database_url", "")
        ),
        redis_url=env.get("REDIS_URL") or settings.get("opticworks.redis_url", ""),
        base_url=(base or f"http://127.0.0.1:{port}").rstrip("/"),
        secret=env.get("OPTICWORKS_SECRET")
        or settings.get("opticworks.secret")
        or _development_secret(var),
        old_secrets=tuple(env.get("OPTICWORKS_OLD_SECRETS", "").split()),
        var=var,
        theme=settings.get("opticworks.theme", "default").strip(),
        plugins=parse_plugin_lines(settings.get("opticworks.plugins", "")),
        plugin_settings=_plugin_settings(settings),
        allow_standins=allowed,
        standins=_standins(env, production and not allowed),
    )


def _standins(env: Mapping[str, str], forbidden: bool) -> dict[str, str]:
    """Where vendors' stand-ins listen: OPTICWORKS_STANDIN_<CODE>=http://127.0.0.1:<port>."""
    found = {
        name.removeprefix(STANDIN).lower(): address
        for name, address in env.items()
        if name.startswith(STANDIN) and address
    }
    for code, address in found.items():
        if forbidden:
            raise ConfigError(
                f"{STANDIN}{code.upper()} names a stand-in, which takes no money and ships "
                "nothing. Remove it from the environment."
            )
        if urlsplit(address).hostname not in LOOPBACK:
            raise ConfigError(f"{STANDIN}{code.upper()} must be an address of this machine.")
    return found


def _database_url(url: str) -> str:
    """The address with psycopg 3 as SQLAlchemy's driver, whichever common form it came in."""
    return re.sub(r"^postgres(ql)?(\+psycopg)?://", "postgresql+psycopg://", url)
