"""Webhooks as Stripe sends them: signed, at least once, in no certain order."""

from __future__ import annotations

import hashlib
import hmac
import json
import logging
import random
import threading
import time
import urllib.error
import urllib.request
from dataclasses import dataclass, field
from typing import Any

from opticworks_stripe_payments.standin.objects import Object

log = logging.getLogger(__name__)

RETRIES = (0.5, 1, 2, 5, 10)  #: seconds between tries; the real one goes on for days


def body_of(event: Object) -> bytes:
    return json.dumps(event, indent=2).encode()


def sign(body: bytes, secrets: list[str], at: int) -> str:
    """The Stripe-Signature header: one v1 per secret, as during a rollover."""
    parts = [
        hmac.new(secret.encode(), f"{at}.".encode() + body, hashlib.sha256).hexdigest()
        for secret in secrets
    ]
    return ",".join([f"t={at}", *(f"v1={part}" for part in parts)])


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
        body = body_of(event)
        for pause in (*RETRIES, None):
            status = self._post(body)
            with self._lock:
                self.sent.append((event["id"], status))
            if 200 <= status < 300 or pause is None:
                return
            time.sleep(pause)

    def _post(self, body: bytes) -> int:
        """One try; 0 when nobody answered."""
        request = urllib.request.Request(
            self.url,
            data=body,
            headers={
                "Content-Type": "application/json; charset=utf-8",
                "Stripe-Signature": sign(body, self.secrets, int(time.time())),
                "User-Agent": "Stripe/1.0 (+https://stripe.com/docs/webhooks)",
            },
        )
        try:
            with urllib.request.urlopen(request, timeout=10) as answer:
                return int(answer.status)
        except urllib.error.HTTPError as error:
            return error.code
        except OSError as error:
            log.info("Nobody took a webhook at %s: %s", self.url, error)
            return 0
