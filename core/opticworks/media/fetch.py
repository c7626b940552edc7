"""Fetching a picture from an address that somebody wrote down.

The address is a stranger's: it must be https, its name must lead to public addresses only, and
the connection goes to exactly the address that was looked at, so that a name which changes its
mind between two look-ups (DNS rebinding) leads nowhere else. Each redirect is looked at anew.
"""

from __future__ import annotations

import http.client
import ipaddress
import socket
import ssl
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from urllib.parse import SplitResult, quote, urljoin, urlsplit

from opticworks.media.recognise import MAX_BYTES, BadPicture, kind_of, megabytes

PORTS = frozenset({443})
SECONDS = 20.0  #: for the whole fetch, redirects included
CONNECT_SECONDS = 5.0
REDIRECTS = 4
GLOBAL_UNICAST = ipaddress.ip_network("2000::/3")
CHUNK = 65_536
_SAFE = "/%:=&?~+!$,;@()*[]'"  #: what an address may hold as it is
_AGENT = "OpticWorks/0.1 (pictures)"


def resolve(host: str, port: int) -> list[str]:
    """Every address of the name, as the system says. Raises OSError."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(entry[4][0]) for entry in found))


def is_public(address: str) -> bool:
    """Whether the address belongs to the public internet, however it is written."""
    try:
        ip = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return False
    if isinstance(ip, ipaddress.IPv6Address):
        inner = ip.ipv4_mapped or ip.sixtofour or (ip.teredo[1] if ip.teredo else None)
        if ip in ipaddress.ip_network("64:ff9b::/96"):
            inner = ipaddress.IPv4Address(int(ip) & 0xFFFFFFFF)
        if inner is not None:
            return is_public(str(inner))
        if ip not in GLOBAL_UNICAST:  # ipaddress calls site-local and translated ones global too
            return False
    return ip.is_global and not ip.is_multicast


class _Pinned(http.client.HTTPSConnection):
    """Speaks to one address, and asks its certificate for the name."""

    def __init__(self, host: str, port: int, address: str, context: ssl.SSLContext) -> None:
        super().__init__(host, port, timeout=CONNECT_SECONDS, context=context)
        self._address, self._tls = address, context
        #: The connection as long as it lasts: `sock` is taken away as soon as an answer begins.
        self.line: socket.socket | None = None

    def connect(self) -> None:
        self.line = socket.create_connection((self._address, self.port), timeout=self.timeout)
        self.sock = self.line = self._tls.wrap_socket(
            self.line, server_hostname=self.host, do_handshake_on_connect=False
        )
        self.line.do_handshake()

    def cut(self) -> None:
        """End it, whatever it waits for; from another thread."""
        if self.line is not None:
            with suppress(OSError):
                self.line.shutdown(socket.SHUT_RDWR)

    def hang_up(self) -> None:
        self.close()
        if self.line is not None:
            self.line.close()


@dataclass(frozen=True, kw_only=True)
class Fetcher:
    """What a fetch depends on; tests bring their own names, addresses and ports."""

    resolve: Callable[[str, int], Sequence[str]] = resolve
    public: Callable[[str], bool] = is_public
    ports: frozenset[int] = PORTS
    seconds: float = SECONDS
    limit: int = MAX_BYTES
    what: str = "picture"  #: what is fetched, in the sentences
    check: Callable[[bytes], object] = kind_of  #: raises BadPicture for anything else
    context: ssl.SSLContext = field(default_factory=ssl.create_default_context)

    def fetch(self, url: str) -> bytes:
        """The picture's bytes, not yet opened. Raises BadPicture with a sentence."""
        until = time.monotonic() + self.seconds
        for _ in range(1 + REDIRECTS):
            answer = self._ask(url, until)
            if isinstance(answer, bytes):
                self.check(answer)
                return answer
            url = urljoin(url, answer)
        raise BadPicture(
            f"{_host(url)} sends this address on too often. Use the {self.what}'s own."
        )

    def _ask(self, url: str, until: float) -> bytes | str:
        """The body, or where a redirect leads."""
        parts = self._checked(url)
        host, port = parts.hostname or "", parts.port or 443
        connection = _Pinned(host, port, self._address(host, port), self.context)
        left = until - time.monotonic()
        if left <= 0:
            raise BadPicture(self._late(host))
        watch = threading.Timer(left, connection.cut)
        watch.daemon = True
        watch.start()
        try:
            return self._read(connection, parts, until)
        except (OSError, http.client.HTTPException, ValueError) as error:
            if time.monotonic() >= until - 0.05:
                raise BadPicture(self._late(host)) from None
            raise BadPicture(_failure(host, error)) from None
        finally:
            watch.cancel()
            connection.hang_up()

    def _checked(self, url: str) -> SplitResult:
        try:
            parts = urlsplit(url.strip())
            port = parts.port or 443
        except ValueError:
            raise BadPicture("This address can't be read. Write one like https://…") from None
        if parts.scheme != "https" or not parts.hostname:
            raise BadPicture(f"A {self.what}'s address must begin with https://.")
        if parts.username or parts.password:
            raise BadPicture(f"A {self.what}'s address must not hold a name or a password.")
        if port not in self.ports:
            raise BadPicture(f"A {self.what} is not fetched from port {port}; use the usual one.")
        return parts

    def _address(self, host: str, port: int) -> str:
        """The one address that is spoken to; none of the name's may be private."""
        try:
            addresses = list(self.resolve(host, port))
        except (OSError, UnicodeError):
            addresses = []
        if not addresses:
            raise BadPicture(f"There is no server called {host}. Check the address.")
        if not all(self.public(address) for address in addresses):
            raise BadPicture(f"{host} is not a public address, so nothing is fetched from it.")
        return addresses[0]

    def _read(self, connection: _Pinned, parts: SplitResult, until: float) -> bytes | str:
        target = quote(parts.path or "/", _SAFE)
        if parts.query:
            target += "?" + quote(parts.query, _SAFE)
        host = parts.hostname or ""
        accept = "image/*" if self.what == "picture" else "*/*"
        connection.request(
            "GET",
            target,
            headers={"User-Agent": _AGENT, "Accept": accept, "Accept-Encoding": "identity"},
        )
        with connection.getresponse() as response:
            return self._answer(response, host, until)

    def _answer(self, response: http.client.HTTPResponse, host: str, until: float) -> bytes | str:
        if response.status in (301, 302, 303, 307, 308) and response.getheader("Location"):
            return str(response.getheader("Location"))
        if response.status != 200:
            raise BadPicture(f"{host} answers {response.status} for this address.")
        too_big = BadPicture(
            f"The {self.what} at {host} is larger than {megabytes(self.limit)} MB. "
            "Use a smaller one."
        )
        announced = response.getheader("Content-Length") or ""
        if announced.isdigit() and int(announced) > self.limit:
            raise too_big
        body = bytearray()
        while chunk := response.read1(CHUNK):
            body += chunk
            if len(body) > self.limit:
                raise too_big
        if time.monotonic() >= until:  # what came is what there was when the time was up
            raise TimeoutError
        if announced.isdigit() and len(body) < int(announced):
            raise BadPicture(f"{host} broke off in the middle of the {self.what}. Try again.")
        return bytes(body)

    def _late(self, host: str) -> str:
        return (
            f"{host} did not send the {self.what} within {self.seconds:g} seconds. Try again later."
        )


def _failure(host: str, error: Exception) -> str:
    if isinstance(error, ssl.SSLError):
        return f"The connection to {host} is not safe: its certificate does not fit the name."
    if isinstance(error, TimeoutError):
        return f"{host} does not answer. Try again later."
    if isinstance(error, http.client.InvalidURL | ValueError):
        return "This address can't be read. Write spaces and umlauts in it as %20 and the like."
    return f"{host} can't be reached, or broke off. Try again later."


def _host(url: str) -> str:
    return urlsplit(url).hostname or "The server"


def fetch_picture(url: str) -> bytes:
    """The bytes of the picture at a public https address. Raises BadPicture with a sentence.

    For a job or a command, never for a request: it may take SECONDS. What comes is recognised as
    a picture but not opened; `add_picture` does that.
    """
    return Fetcher().fetch(url)
