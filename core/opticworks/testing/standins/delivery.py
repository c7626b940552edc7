"""Webhooks as vendors send them: signed, at least once, in no certain order."""

from __future__ import annotations

import json
import logging
import random
import threading
import time
import urllib.error
import urllib.request
from dataclasses import dataclass, field
from typing import Any

from opticworks.testing.standins.account import Object

log = logging.getLogger(__name__)

RETRIES = (0.5, 1, 2, 5, 10)  #: seconds between tries; vendors go on for days


@dataclass
class Delivery:
    """Sends each event to `url`. `held` keeps events back until `release`; `copies` sends each
    several times; `delay` in seconds before the first try."""

    url: str = ""
    secrets: list[str] = field(default_factory=list)
    held: bool = False
    copies: int = 1
    delay: float = 0.0
    waiting: list[Object] = field(default_factory=list)
    sent: list[tuple[str, int]] = field(default_factory=list)  #: (event id, status)
    _lock: Any = field(default_factory=threading.Lock)

    def headers(self, body: bytes) -> dict[str, str]:
        """The vendor's signature of a body, and whatever else it sends."""
        raise NotImplementedError

    def body_of(self, event: Object) -> bytes:
        """An event as it stands on the wire."""
        return json.dumps(event, indent=2).encode()

    def announce(self, event: Object) -> None:
        if not self.url:
            return
        if self.held:
            with self._lock:
                self.waiting.append(event)
        else:
            self._start(event)

    def _start(self, event: Object) -> None:
        for _ in range(self.copies):
            threading.Thread(target=self._deliver, args=(event,), daemon=True).start()

    def release(self, *, shuffled: bool = False, dropped: bool = False) -> int:
        """Send what was held back, in another order if wanted, or forget it; how many."""
        with self._lock:
            events, self.waiting = self.waiting, []
        if shuffled:
            random.shuffle(events)
        for event in () if dropped else events:
            self._start(event)
        return len(events)

    def _deliver(self, event: Object) -> None:
        time.sleep(self.delay)
        body = self.body_of(event)
        for pause in (*RETRIES, None):
            if not self.url:  # nobody is told any more
                return
            status = self._post(body)
            with self._lock:
                self.sent.append((event["id"], status))
            if 200 <= status < 300 or pause is None:
                return
            time.sleep(pause)

    def _post(self, body: bytes) -> int:
        """One try; 0 when nobody answered."""
        request = urllib.request.Request(self.url, data=body, headers=self.headers(body))
        try:
            with urllib.request.urlopen(request, timeout=10) as answer:
                return int(answer.status)
        except urllib.error.HTTPError as error:
            return error.code
        except OSError as error:
            log.info("Nobody took a webhook at %s: %s", self.url, error)
            return 0
