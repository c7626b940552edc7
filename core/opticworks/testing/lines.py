"""A line to a server that a test can cut: refused, or dead silent, and whole again."""

from __future__ import annotations

import contextlib
import socket
import threading


class Line:
    """Listens on a port of 127.0.0.1 and passes everything on to the server behind it.

    `target` is a (host, port) or the path of a Unix socket. `cut()` ends all connections and
    refuses new ones; `hush()` takes new ones and never answers; `mend()` lets them through again.
    """

    def __init__(self, target: tuple[str, int] | str) -> None:
        self._target = target
        self._hushed = False
        self._ends: set[socket.socket] = set()
        self._lock = threading.Lock()
        self._listener = self._listen(0)
        self.port: int = self._listener.getsockname()[1]

    def _listen(self, port: int) -> socket.socket:
        listener = socket.create_server(("127.0.0.1", port))
        threading.Thread(target=self._accept, args=(listener,), daemon=True).start()
        return listener

    def _accept(self, listener: socket.socket) -> None:
        while True:
            try:
                near, _ = listener.accept()
            except OSError:
                return
            with self._lock:
                self._ends.add(near)
            if not self._hushed:
                self._connect(near)

    def _connect(self, near: socket.socket) -> None:
        if isinstance(self._target, str):
            far = socket.socket(socket.AF_UNIX)
            far.connect(self._target)
        else:
            far = socket.create_connection(self._target)
        with self._lock:
            self._ends.add(far)
        for source, sink in ((near, far), (far, near)):
            threading.Thread(target=self._pass, args=(source, sink), daemon=True).start()

    def _pass(self, source: socket.socket, sink: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while data := source.recv(65536):
                sink.sendall(data)
        for end in (source, sink):
            self._end(end)

    def _end(self, end: socket.socket) -> None:
        with self._lock:
            self._ends.discard(end)
        with contextlib.suppress(OSError):
            end.shutdown(socket.SHUT_RDWR)
        end.close()

    def _hang_up(self) -> None:
        with self._lock:
            ends = list(self._ends)
        for end in ends:
            self._end(end)

    def cut(self) -> None:
        """The server has gone."""
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._hang_up()

    def hush(self) -> None:
        """The server hangs: it takes connections and says nothing."""
        self._hushed = True
        self._hang_up()

    def mend(self) -> None:
        """The server is back."""
        self._hushed = False
        self._hang_up()
        if self._listener.fileno() < 0:
            self._listener = self._listen(self.port)

    def close(self) -> None:
        self.cut()
