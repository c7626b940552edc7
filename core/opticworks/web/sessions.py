"""Sessions in Redis: for staff, and later for customers who signed in.

The cookie holds 256 random bits; Redis knows only their SHA-256, so a copy of Redis is no set of
live sessions. A session that nothing was put into leaves no cookie and no key. Views that never
say `request.session` never meet Redis: a dead one costs sign-ins, not sales.
"""

from __future__ import annotations

import hashlib
import json
import re
import secrets
import time
from collections.abc import Iterator, MutableMapping
from typing import Any

import redis
from pyramid.config import Configurator
from pyramid.interfaces import ISession
from pyramid.request import Request
from pyramid.response import Response
from pyramid.tweens import EXCVIEW, MAIN
from zope.interface import implementer

from opticworks.web.headers import cookie_name, note_private

IDLE = 12 * 3600  #: seconds a session lives without being used
ABSOLUTE = 7 * 86400  #: seconds it lives at most
REFRESH = 60  #: seconds between writes that only keep it alive
COOKIE = "session"
_ID = re.compile(r"[A-Za-z0-9_-]{43}")


class SessionsDown(Exception):
    """Redis does not answer, so nobody's session can be read or kept at the moment."""


@implementer(ISession)
class RedisSession(MutableMapping[str, Any]):
    """One visitor's session. Reads Redis on first use; written back after the view, if changed.

    Values must be JSON. `rotate()` gives it a new id (call it when somebody signs in).
    """

    def __init__(self, request: Request, client: redis.Redis) -> None:
        self._request = request
        self._client = client
        self._id = ""
        self._old: list[str] = []
        self._data: dict[str, Any] = {}
        self._loaded = self._dirty = self._ended = False
        self.created = int(time.time())
        self._seen = 0
        self.new = True
        note_private(request, "the session")

    # --- reading and writing ------------------------------------------------------------------

    def _load(self) -> dict[str, Any]:
        if self._loaded:
            return self._data
        self._loaded = True
        given = self._request.cookies.get(cookie_name(self._request, COOKIE), "")
        if not _ID.fullmatch(given):
            return self._data
        stored = self._redis("get", key_of(given))
        now = int(time.time())
        if stored is None:
            return self._data  # an id that we did not hand out, or one that has expired
        content = json.loads(stored)
        if now - content["created"] > ABSOLUTE:
            self._redis("delete", key_of(given))
            return self._data
        self._id, self._data = given, content["data"]
        self.created, self._seen, self.new = content["created"], content["seen"], False
        return self._data

    def _redis(self, command: str, *args: Any, **options: Any) -> Any:
        try:
            return getattr(self._client, command)(*args, **options)
        except redis.RedisError as error:
            raise SessionsDown("Sessions can't be read: Redis does not answer.") from error

    def save(self, response: Response) -> None:
        """Write what changed and set or clear the cookie. Raises SessionsDown."""
        if not self._loaded:
            return
        for old in self._old:
            self._redis("delete", key_of(old))
        name, secure = cookie_name(self._request, COOKIE), self._request.scheme == "https"
        if self._ended and not self._data:
            response.set_cookie(name, "", max_age=0, httponly=True, samesite="Lax", secure=secure)
            return
        now = int(time.time())
        if not self._dirty and (not self._id or now - self._seen < REFRESH):
            return
        if not self._id and not self._data:
            return
        fresh = not self._id
        self._id = self._id or secrets.token_urlsafe(32)
        content = json.dumps({"created": self.created, "seen": now, "data": self._data})
        left = max(1, min(IDLE, self.created + ABSOLUTE - now))
        self._redis("set", key_of(self._id), content, ex=left)
        if fresh:
            response.set_cookie(name, self._id, httponly=True, samesite="Lax", secure=secure)

    # --- ISession -----------------------------------------------------------------------------

    def rotate(self) -> None:
        """Keep the contents under a new id; the old one is dead once the view has answered."""
        self._load()
        if self._id:
            self._old.append(self._id)
        self._id, self.created, self._dirty = "", int(time.time()), True

    def invalidate(self) -> None:
        """Forget everything; what is put in afterwards starts a session with a new id."""
        self._load()
        if self._id:
            self._old.append(self._id)
        self._id, self._data, self._dirty, self._ended = "", {}, False, True
        self.created, self.new = int(time.time()), True

    def changed(self) -> None:
        """Say that a mutable value inside was changed."""
        self._load()
        self._dirty = True

    def flash(self, msg: Any, queue: str = "", allow_duplicate: bool = True) -> None:
        waiting = self.setdefault(f"_f_{queue}", [])
        if allow_duplicate or msg not in waiting:
            waiting.append(msg)
            self.changed()

    def pop_flash(self, queue: str = "") -> list[Any]:
        return list(self.pop(f"_f_{queue}", ()))

    def peek_flash(self, queue: str = "") -> list[Any]:
        return list(self.get(f"_f_{queue}", ()))

    # --- mapping ------------------------------------------------------------------------------

    def __getitem__(self, key: str) -> Any:
        return self._load()[key]

    def __setitem__(self, key: str, value: Any) -> None:
        self._load()[key] = value
        self._dirty = True

    def __delitem__(self, key: str) -> None:
        del self._load()[key]
        self._dirty = True

    def __iter__(self) -> Iterator[str]:
        return iter(self._load())

    def __len__(self) -> int:
        return len(self._load())


def key_of(session_id: str) -> str:
    """The Redis key of a session: nothing in Redis can be used as a cookie."""
    return "session:" + hashlib.sha256(session_id.encode()).hexdigest()


def sessions_tween_factory(handler: Any, registry: Any) -> Any:
    """Saves the session after the view's transaction has committed, inside the error pages."""

    def sessions_tween(request: Request) -> Response:
        response = handler(request)
        session = request.__dict__.get("session")
        if isinstance(session, RedisSession):
            session.save(response)
        return response

    return sessions_tween


def includeme(config: Configurator) -> None:
    client = config.registry.shop.redis
    config.set_session_factory(lambda request: RedisSession(request, client))
    config.add_tween(
        "opticworks.web.sessions.sessions_tween_factory",
        under=EXCVIEW,
        over=MAIN,
    )
