"""The load client: many keep-alive connections in one thread, every answer read whole and checked.

A new visitor comes with a new connection, as everywhere: one that stayed for ever would belong to
one process of the server, and luck would say how evenly they share the work.

It shares the machine with the shop, so what it costs itself is measured and reported too.
"""

from __future__ import annotations

import selectors
import socket
import time
from collections import defaultdict
from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

READ = 1 << 18
WARM_ANSWERS = 20  #: by each connection: a server's processes compile their templates first
SILENCE = 30.0  #: seconds after which an answer is not coming any more


class Ask(NamedTuple):
    """One request: the name it is counted under, its bytes, and whether a new visitor asks."""

    name: str
    data: bytes
    visitor: bool = False


class Answer(NamedTuple):
    """A response: its status, its head without the status line, and its whole body."""

    status: int
    head: bytes
    body: bytes

    def header(self, name: str) -> str:
        """The first value of the header `name`, empty when there is none."""
        for line in self.head.split(b"\r\n"):
            key, _, value = line.partition(b":")
            if key.lower() == name.lower().encode():
                return value.strip().decode()
        return ""

    def cookies(self) -> dict[str, str]:
        """The cookies that the answer sets; those it deletes are left out."""
        found = {}
        for line in self.head.split(b"\r\n"):
            key, _, value = line.partition(b":")
            if key.lower() == b"set-cookie":
                name, _, rest = value.strip().decode().partition("=")
                if content := rest.partition(";")[0]:
                    found[name] = content
        return found


#: What a virtual visitor does: yields what to ask next, and is sent the answer.
Flow = Generator[Ask, Answer, None]


class BadAnswer(Exception):
    """The shop answered something other than the page that was asked for."""


@dataclass
class Tally:
    """What was measured: seconds of every request by name, and when the measuring took place."""

    seconds: float = 0.0
    times: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    bytes: int = 0

    def rate(self, name: str) -> float:
        """Answers per second."""
        return len(self.times[name]) / self.seconds

    def quantile(self, name: str, share: float) -> float:
        """Seconds that `share` of the requests stayed below."""
        times = sorted(self.times[name])
        return times[min(len(times) - 1, int(share * len(times)))] if times else float("nan")


class _Connection:
    def __init__(self, address: tuple[str, int], flow: Flow) -> None:
        self.flow = flow
        self.address = address
        self.open()
        self.buffer = bytearray()
        self.needed = 0
        self.asked_at = 0.0
        self.cold = WARM_ANSWERS
        self.ask: Ask = next(flow)

    def open(self) -> None:
        self.socket = socket.create_connection(self.address, timeout=SILENCE)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def send(self) -> None:
        self.buffer.clear()
        self.needed = 0
        self.asked_at = time.perf_counter()
        self.socket.sendall(self.ask.data)

    def receive(self) -> Answer | None:
        """The answer, once it is there in full."""
        part = self.socket.recv(READ)
        if not part:
            raise BadAnswer(f"The connection was closed during {self.ask.name}.")
        self.buffer += part
        if not self.needed:
            end = self.buffer.find(b"\r\n\r\n")
            if end < 0:
                return None
            head = bytes(self.buffer[:end]).lower()
            place = head.find(b"\r\ncontent-length:")
            if place < 0:
                raise BadAnswer(f"The answer to {self.ask.name} does not say its length.")
            length = int(head[place + 17 :].split(b"\r\n", 1)[0])
            self.needed = end + 4 + length
        if len(self.buffer) < self.needed:
            return None
        head, _, body = bytes(self.buffer[: self.needed]).partition(b"\r\n\r\n")
        return Answer(int(head[9:12]), head, body)


def run(
    address: tuple[str, int],
    flows: Sequence[Flow],
    *,
    seconds: float,
    warm: float = 1.0,
    started: Callable[[], None] = lambda: None,
    ended: Callable[[], None] = lambda: None,
) -> Tally:
    """Let every flow ask without a pause for `warm` seconds and until every connection has had
    some answers, then measure for `seconds`.

    `started` and `ended` are called around the measuring. Raises BadAnswer, or TimeoutError when
    the shop falls silent.
    """
    tally = Tally()
    with selectors.DefaultSelector() as selector:
        connections = [_Connection(address, flow) for flow in flows]
        for connection in connections:
            selector.register(connection.socket, selectors.EVENT_READ, connection)
            connection.send()
        begin = time.perf_counter() + warm
        end = float("inf")
        measuring = False
        try:
            while (now := time.perf_counter()) < end:
                if not measuring and now >= begin and not any(c.cold for c in connections):
                    measuring, begin = True, now
                    end = begin + seconds
                    started()
                ready = selector.select(SILENCE)
                if not ready:
                    raise TimeoutError(f"The shop did not answer for {SILENCE:.0f} seconds.")
                for key, _ in ready:
                    connection = key.data
                    answer = connection.receive()
                    if answer is None:
                        continue
                    if measuring:
                        tally.times[connection.ask.name].append(
                            time.perf_counter() - connection.asked_at
                        )
                        tally.bytes += connection.needed
                    connection.cold = max(0, connection.cold - 1)
                    connection.ask = connection.flow.send(answer)
                    if connection.ask.visitor:
                        selector.unregister(connection.socket)
                        connection.socket.close()
                        connection.open()
                        selector.register(connection.socket, selectors.EVENT_READ, connection)
                    connection.send()
            tally.seconds = time.perf_counter() - begin
            ended()
        finally:
            for connection in connections:
                connection.socket.close()
    return tally
