"""The runtime of one process: everything that boot put together, handed down by argument."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime
from functools import partial
from typing import Any

import redis
from sqlalchemy import Engine
from sqlalchemy.orm import Session

from opticworks import contracts, db
from opticworks.config import Config
from opticworks.faults import fault
from opticworks.plugins import Plugins, Providers, answers

log = logging.getLogger(__name__)

SETTINGS_TTL = 5.0  #: seconds until another process's change of settings is noticed


class Shop:
    """Configuration, engine, plugins, settings, providers and clock of one process.

    Rooms' services take it (or a session) as an argument; nothing is global. `load_settings`
    reads the current settings; `order_view`, `write_invoice` (of an order, with what was credited
    of it already) and `templates` are set by boot, so that rooms that may not import each other
    still meet.
    """

    def __init__(
        self,
        config: Config,
        engine: Engine,
        plugins: Plugins,
        load_settings: Callable[[], Any],
        redis_client: redis.Redis,
    ) -> None:
        self.config = config
        self.engine = engine
        self.reader = db.make_reader(engine)  #: for pages that only read
        self.plugins = plugins
        self.redis = redis_client
        self.now: Callable[[], datetime] = db.now_utc
        self.templates: Any = None
        self.vault: Any = None  #: web.keys.Vault, for secrets that are stored
        self.warnings: tuple[str, ...] = ()  #: mistakes that stop nothing, in sentences
        self.order_view: Callable[[Session, str], contracts.OrderView | None] = lambda db, number: (
            None
        )
        self.write_invoice: Callable[[contracts.Ctx, contracts.OrderView], Any] = (
            lambda ctx, order: None
        )
        self._memory: dict[str, tuple[float, Any]] = {}
        self._load_settings = load_settings
        self._lock = threading.Lock()
        self._changes = 0
        self._settings: Any = load_settings()
        self._providers = Providers(plugins, self._settings)
        self._read_at = time.monotonic()

    @property
    def hooks(self) -> Any:
        """pluggy's callers: `shop.hooks.items(skus=..., ctx=...)`."""
        return self.plugins.manager.hook

    @property
    def mode(self) -> str:
        return self.config.mode

    @property
    def settings(self) -> Mapping[str, Any]:
        """Settings by plugin code; another process's change shows within SETTINGS_TTL seconds."""
        if time.monotonic() - self._read_at > SETTINGS_TTL:
            self.reload_settings()
        return self._settings  # type: ignore[no-any-return]

    @property
    def settings_version(self) -> object:
        """What changes whenever a setting does; for keys of what depends on settings."""
        return self._settings.version

    @property
    def providers(self) -> Providers:
        self.settings  # noqa: B018 - notices a change first
        return self._providers

    def drop(self, code: str, sentence: str) -> None:
        """Go on without a plugin that could not be set up, nor what it provides."""
        self.plugins.drop(code, sentence)
        self._providers = Providers(self.plugins, self._settings)

    def reload_settings(self) -> None:
        """Read the settings again; providers are rebuilt only if a version changed.

        One thread does it while the others go on with the settings they have: a caller may hold
        locks and a connection, and must never wait here for somebody who waits for those.
        """
        if not self._lock.acquire(blocking=False):
            return
        changes = self._changes
        try:
            fresh = self._load_settings()
            if fresh.version != self._settings.version:
                self._providers = Providers(self.plugins, fresh)
                self._settings = fresh
        except Exception:
            # Old settings sell; a database that is down says so where it matters.
            log.exception("Settings could not be read again; the last known ones stay")
        finally:
            # Changed while they were being read: once more, at the next look.
            self._read_at = time.monotonic() if changes == self._changes else float("-inf")
            self._lock.release()

    def settings_changed(self) -> None:
        """Settings were saved and committed: this process uses them from now on."""
        self._changes += 1
        self._read_at = float("-inf")
        self.forget()
        self.reload_settings()

    @contextmanager
    def unit(self, name: str = "") -> Iterator[Session]:
        """A short transaction of its own: commits at the block's end, rolls back on an error.

        One that writes has a `name`, and so the fault points "<name>.before_commit" and
        "<name>.after_commit".
        """
        with db.unit(self.engine) as session:
            yield session
            if name:
                fault(f"{name}.before_commit")
        if name:
            fault(f"{name}.after_commit")

    def ctx(self, session: Session) -> contracts.Ctx:
        """What hooks are given, around the caller's session."""
        shop = self.settings["shop"]
        ctx = contracts.Ctx(
            settings=self.settings,
            now=self.now(),
            currency=shop.currency,
            locale=shop.locale,
            db=session,
            mode=self.config.mode,
        )
        display = self.remember("price_display", SETTINGS_TTL, lambda: self._display(ctx))
        return replace(ctx, display=display, ratings=partial(self._ratings, ctx))

    def _ratings(self, ctx: contracts.Ctx, skus: Iterable[str]) -> dict[str, contracts.Rating]:
        """What plugins say of those SKUs; the first of them that knows one counts."""
        found: dict[str, contracts.Rating] = {}
        for said in answers(self.hooks.ratings, skus=sorted(set(skus)), ctx=ctx):
            found = {**said, **found}
        return found

    def _display(self, ctx: contracts.Ctx) -> contracts.PriceDisplay:
        """How pages that know no address show prices; as entered when that can't be said."""
        shop = ctx.settings["shop"]
        address = contracts.Address(country=shop.countries[0], state=shop.default_state)
        said = answers(self.hooks.price_display, address=address, email="", ctx=ctx)
        return next(said, contracts.PriceDisplay())

    def remember(self, key: str, seconds: float, compute: Callable[[], Any]) -> Any:
        """`compute()`, at most once per `seconds` in this process: for small things that every
        page shows and that may be a little old."""
        known = self._memory.get(key)
        if known is None or time.monotonic() > known[0]:
            known = (time.monotonic() + seconds, compute())
            self._memory[key] = known
        return known[1]

    def forget(self) -> None:
        """Drop what is remembered, so that a change shows at once."""
        self._memory.clear()

    def close(self) -> None:
        self.engine.dispose()
        self.reader.dispose()
        self.redis.close()
