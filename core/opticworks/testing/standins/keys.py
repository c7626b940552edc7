"""Idempotency keys, as vendors keep them."""

from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass
from typing import Any


class KeyInUse(Exception):
    """The first request with this key still runs."""


class KeyOfAnother(Exception):
    """The key was first used with another request."""


@dataclass
class _Answered:
    request: str
    answer: Any = None
    done: bool = False


class Keys:
    """The first answer to a key is repeated; a request that raises leaves its key free.

    `answered` holds by key a digest of the request and its answer: whoever keeps it knows the
    keys again after a restart. `lock` is held from the act until its key is there, so that who
    keeps both under it never keeps the one without the other.
    """

    def __init__(self, answered: dict[str, list[Any]] | None = None, lock: Any = None) -> None:
        self._answered = {} if answered is None else answered
        self._known = {
            key: _Answered(request, answer, done=True)
            for key, (request, answer) in self._answered.items()
        }
        self._lock = threading.Lock()
        self._keeping = nullcontext() if lock is None else lock

    def once(self, key: str, request: Any, act: Callable[[], Any]) -> Any:
        """`act()`'s answer, or the one it had for this key. `request` is whatever JSON must be
        the same each time. Raises KeyOfAnother and KeyInUse."""
        asked = hashlib.sha256(json.dumps(request, sort_keys=True).encode()).hexdigest()
        with self._lock:
            known = self._known.get(key)
            if known is None:
                mine = self._known[key] = _Answered(asked)
            elif known.request != asked:
                raise KeyOfAnother(key)
            elif not known.done:
                raise KeyInUse(key)
            else:
                return known.answer
        try:
            with self._keeping:
                mine.answer = act()
                self._answered[key] = [asked, mine.answer]
        except BaseException:
            with self._lock:
                self._known.pop(key, None)
            raise
        mine.done = True
        return mine.answer
