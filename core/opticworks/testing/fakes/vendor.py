"""What every fake vendor can do: fail before or after acting, remember keys, sign webhooks."""

from __future__ import annotations

import hashlib
import hmac
import json
import threading
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Literal, TypeVar

from opticworks.contracts import BadSignature, NoWebhookSecret, ProviderError, WebhookEvent

T = TypeVar("T")
When = Literal["before", "after"]
SIGNATURE = "Fake-Signature"
TOLERANCE = 300  #: seconds a signature stays valid


@dataclass(frozen=True, slots=True, kw_only=True)
class FakeEvent:
    """A fact at the vendor, with the body it is announced with."""

    id: str
    kind: str
    at: datetime
    data: Mapping[str, Any] = field(default_factory=dict)

    @property
    def body(self) -> bytes:
        return json.dumps(
            {"id": self.id, "kind": self.kind, "at": self.at.isoformat(), "data": dict(self.data)}
        ).encode()

    def reported(self, attempt: str) -> WebhookEvent:
        """What a provider makes of it; `attempt` is the name of our own id in its data."""
        return WebhookEvent(
            id=self.id,
            kind=self.kind,
            ref=str(self.data.get("ref", "")),
            attempt=str(self.data.get(attempt, "")),
            occurred_at=self.at.astimezone(UTC),
            data=self.data,
        )


class FakeVendor:
    """A vendor's side in memory. Providers built anew keep talking to the same vendor.

    `calls` counts what arrived at the vendor, by verb; `events` is what it would announce, in
    order: a test delivers any of them with `webhook(event)`, as late and as often as it likes.
    """

    def __init__(
        self,
        secret: str = "fake-signing-key",
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self.secret = secret
        self.clock = clock
        self.lock = threading.RLock()
        self.calls: list[str] = []
        self.events: list[FakeEvent] = []
        #: Called with the verb after the vendor acted and before it answers: a test ends the
        #: process here, to see what a crash leaves behind.
        self.after_acting: Callable[[str], None] | None = None
        self._answers: dict[tuple[str, str], Any] = {}
        self._failures: deque[tuple[When, str]] = deque()
        self._counter = 0
        self._down = False

    def fail_next(self, when: When = "before", times: int = 1, message: str = "timed out") -> None:
        """Let the next calls fail: before the vendor acts, or after it did and nobody heard."""
        self._failures.extend([(when, message)] * times)

    @contextmanager
    def down(self) -> Iterator[None]:
        """Nobody can reach the vendor."""
        self._down = True
        try:
            yield
        finally:
            self._down = False

    def call(self, verb: str, act: Callable[[], T], key: str = "") -> T:
        """One call over the wire. With a key the vendor acts once and repeats its answer."""
        when, message = self._failures.popleft() if self._failures else ("", "")
        if self._down or when == "before":
            raise ProviderError(f"The fake vendor did not answer {verb}: {message or 'down'}.")
        with self.lock:
            self.calls.append(verb)
            repeated = bool(key) and (verb, key) in self._answers
            answer: T = self._answers[verb, key] if repeated else act()
            if key:
                self._answers[verb, key] = answer
        if self.after_acting is not None:
            self.after_acting(verb)
        if when == "after":
            raise ProviderError(f"The fake vendor's answer to {verb} was lost: {message}.")
        return answer

    def new_id(self, prefix: str) -> str:
        with self.lock:
            self._counter += 1
            return f"{prefix}_{self._counter:06d}"

    def announce(self, kind: str, **data: Any) -> FakeEvent:
        """Record an event that a webhook may deliver."""
        event = FakeEvent(id=self.new_id("evt"), kind=kind, at=self.clock(), data=data)
        self.events.append(event)
        return event

    def webhook(
        self, event: FakeEvent, *, at: datetime | None = None, secret: str | None = None
    ) -> tuple[bytes, dict[str, str]]:
        """Body and headers of the event's webhook, signed `at` that time (now, if not given)."""
        stamp = str(int((at or self.clock()).timestamp()))
        signature = self._sign(stamp, event.body, secret or self.secret)
        return event.body, {
            "Content-Type": "application/json",
            SIGNATURE: f"t={stamp},v1={signature}",
        }

    def verify(self, body: bytes, headers: Mapping[str, str]) -> FakeEvent:
        """The event of a genuine webhook. Raises BadSignature for any other."""
        lower = {name.lower(): value for name, value in headers.items()}
        parts = dict(
            part.split("=", 1)
            for part in lower.get(SIGNATURE.lower(), "").split(",")
            if "=" in part
        )
        stamp, given = parts.get("t", ""), parts.get("v1", "")
        if not self.secret:
            raise NoWebhookSecret("The fake vendor's signing secret is not set.")
        if not stamp.isdigit() or not given:
            raise BadSignature("The webhook is not signed.")
        if not hmac.compare_digest(self._sign(stamp, body, self.secret), given):
            raise BadSignature("The webhook's signature does not fit its body.")
        if abs(self.clock().timestamp() - int(stamp)) > TOLERANCE:
            raise BadSignature("The webhook was signed too long ago.")
        data = json.loads(body)
        return FakeEvent(
            id=data["id"],
            kind=data["kind"],
            at=datetime.fromisoformat(data["at"]),
            data=data["data"],
        )

    @staticmethod
    def _sign(stamp: str, body: bytes, secret: str) -> str:
        message = stamp.encode() + b"." + body
        return hmac.new(secret.encode(), message, hashlib.sha256).hexdigest()
