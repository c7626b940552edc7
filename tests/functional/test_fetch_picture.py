"""Pictures from addresses: real TLS servers on this machine, and names that say what we like.

127.0.0.2 stands for the public internet here, every other address for a private network.
"""

from __future__ import annotations

import datetime
import io
import ssl
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from PIL import Image

from opticworks.media.fetch import Fetcher, fetch_picture, is_public
from opticworks.media.recognise import BadPicture

PUBLIC = "127.0.0.2"
NAMES = ("shop.example", "cdn.example", "inside.example", "rebind.example")


def a_picture() -> bytes:
    out = io.BytesIO()
    Image.new("RGB", (60, 40), (9, 99, 199)).save(out, "PNG")
    return out.getvalue()


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The path of a key and a certificate for NAMES."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "test")])
    now = datetime.datetime.now(datetime.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(n) for n in NAMES]), False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), True)
        .sign(key, hashes.SHA256())
    )
    path = tmp_path_factory.mktemp("tls") / "server.pem"
    path.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        + made.public_bytes(serialization.Encoding.PEM)
    )
    return str(path)


class Web:
    """A public server and a private one of the same port, and what was asked of each."""

    def __init__(self, certificate: str) -> None:
        self.asked: list[tuple[str, str]] = []
        self.redirects: dict[str, str] = {}
        self.answers = {PUBLIC: a_picture(), "127.0.0.1": b"\x89PNG\r\n\x1a\nsecret"}
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate)
        self.servers = [self._serve(PUBLIC, 0, context)]
        self.port = self.servers[0].server_address[1]
        self.servers.append(self._serve("127.0.0.1", self.port, context))
        self.looked_up: list[str] = []
        self.names: dict[str, list[list[str]]] = {}
        self.trust = ssl.create_default_context(cafile=certificate)

    def _serve(self, host: str, port: int, context: ssl.SSLContext) -> ThreadingHTTPServer:
        web = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                web.asked.append((host, self.path))
                web.answer(self, host)

            def log_message(self, format: str, *args: Any) -> None:
                pass

        class Quiet(ThreadingHTTPServer):
            block_on_close = False

            def handle_error(self, request: Any, client_address: Any) -> None:
                pass  # clients that hang up are what is tested

        server = Quiet((host, port), Handler)
        server.socket = context.wrap_socket(
            server.socket, server_side=True, do_handshake_on_connect=False
        )
        threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
        return server

    def answer(self, handler: BaseHTTPRequestHandler, host: str) -> None:
        path = handler.path
        if path in self.redirects:
            handler.send_response(302)
            handler.send_header("Location", self.redirects[path])
            handler.end_headers()
        elif path == "/slow":
            handler.send_response(200)
            handler.end_headers()
            for letter in self.answers[host] * 100:
                handler.wfile.write(bytes([letter]))
                time.sleep(0.05)
        elif path == "/endless":
            handler.send_response(200)
            handler.end_headers()
            for _ in range(2000):
                handler.wfile.write(b"\x89PNG\r\n\x1a\n" + b"\0" * 60_000)
        elif path in ("/announced", "/broken-off"):
            handler.send_response(200)
            size = 10**9 if path == "/announced" else 5000
            handler.send_header("Content-Length", str(size))
            handler.end_headers()
            handler.wfile.write(self.answers[host])
        elif path == "/page":
            handler.send_response(200)
            handler.end_headers()
            handler.wfile.write(b"<!doctype html><p>Sign in</p>")
        elif path == "/none":
            handler.send_error(404)
        else:
            handler.send_response(200)
            handler.end_headers()
            handler.wfile.write(self.answers[host])

    def resolve(self, host: str, port: int) -> list[str]:
        """What the names say now; one with several answers gives the next each time."""
        self.looked_up.append(host)
        answers = self.names.get(host, [[PUBLIC]])
        return answers.pop(0) if len(answers) > 1 else answers[0]

    def fetch(self, path: str, host: str = "shop.example", **options: Any) -> bytes:
        fetcher = Fetcher(
            **{
                "resolve": self.resolve,
                "public": lambda address: address == PUBLIC,
                "ports": frozenset({self.port}),
                "context": self.trust,
                "seconds": 60.0,
                **options,
            }
        )
        return fetcher.fetch(f"https://{host}:{self.port}{path}")

    def close(self) -> None:
        for server in self.servers:
            server.shutdown()
            server.server_close()


@pytest.fixture
def web(certificate: str) -> Any:
    web = Web(certificate)
    yield web
    web.close()


def refused(web: Web, path: str, **options: Any) -> str:
    with pytest.raises(BadPicture) as caught:
        web.fetch(path, **options)
    return str(caught.value)


def test_a_public_picture_is_fetched(web):
    assert web.fetch("/pretty picture.png?größe=1 2") == a_picture()
    assert web.asked == [(PUBLIC, "/pretty%20picture.png?gr%C3%B6%C3%9Fe=1%202")]


def test_a_name_of_a_private_network_is_not_asked(web):
    web.names["inside.example"] = [["127.0.0.1"]]
    assert "is not a public address" in refused(web, "/a.png", host="inside.example")
    web.names["inside.example"] = [[PUBLIC, "127.0.0.1"]]
    assert "is not a public address" in refused(web, "/a.png", host="inside.example")
    assert web.asked == []


def test_a_name_that_changes_its_mind_leads_nowhere_else(web):
    web.names["rebind.example"] = [[PUBLIC], ["127.0.0.1"]]
    assert web.fetch("/a.png", host="rebind.example") == a_picture()
    assert web.asked == [(PUBLIC, "/a.png")]
    assert web.looked_up == ["rebind.example"]
    assert "is not a public address" in refused(web, "/a.png", host="rebind.example")


def test_redirects_are_followed_to_public_places_only(web):
    web.names["inside.example"] = [["127.0.0.1"]]
    port = web.port
    web.redirects |= {
        "/once": f"https://cdn.example:{port}/a.png",
        "/here": "/a.png",
        "/in": f"https://inside.example:{port}/secret",
        "/number": f"https://127.0.0.1:{port}/secret",
        "/plain": "http://shop.example/a.png",
        "/file": "file:///etc/passwd",
        "/round": "/round",
        "/port": "https://shop.example:6379/",
    }
    assert web.fetch("/once") == a_picture()
    assert web.fetch("/here") == a_picture()
    web.names["127.0.0.1"] = [["127.0.0.1"]]
    assert "is not a public address" in refused(web, "/in")
    assert "is not a public address" in refused(web, "/number")
    assert "must begin with https://" in refused(web, "/plain")
    assert "must begin with https://" in refused(web, "/file")
    assert "sends this address on too often" in refused(web, "/round")
    assert "not fetched from port 6379" in refused(web, "/port")
    assert not any(host == "127.0.0.1" for host, _ in web.asked)


def test_too_much_and_too_slow_end_there(web):
    assert "is larger than 0.1 MB" in refused(web, "/endless", limit=100_000)
    assert "is larger than 20 MB" in refused(web, "/announced")
    began = time.monotonic()
    assert "within 0.5 seconds" in refused(web, "/slow", seconds=0.5)
    assert time.monotonic() - began < 60
    assert "broke off" in refused(web, "/broken-off")


def test_what_is_no_picture_or_not_there_is_said(web):
    assert "This is a web page" in refused(web, "/page")
    assert refused(web, "/none") == "shop.example answers 404 for this address."
    assert "not safe" in refused(web, "/a.png", host="other.example")
    assert "not safe" in refused(web, "/a.png", context=ssl.create_default_context())

    def unknown(host, port):
        raise OSError

    assert "no server called" in refused(web, "/a.png", resolve=unknown)


@pytest.mark.parametrize(
    "url",
    [
        "http://shop.example/a.png",
        "ftp://shop.example/a.png",
        "//shop.example/a.png",
        "shop.example/a.png",
        "https:///a.png",
        "https://[::1/a.png",
        "https://user:word@shop.example/a.png",
        "https://shop.example:22/a.png",
        "https://127.0.0.1/a.png",
        "https://[::ffff:10.0.0.1]/a.png",
        "https://169.254.169.254/latest/meta-data",
        "",
    ],
)
def test_addresses_that_nothing_is_fetched_from(url):
    with pytest.raises(BadPicture):
        fetch_picture(url)


PRIVATE = (
    *("127.0.0.1", "10.1.2.3", "192.168.1.1", "172.16.0.1", "169.254.169.254", "0.0.0.0"),
    *("100.64.0.1", "224.0.0.1", "::1", "fe80::1%eth0", "fc00::1", "::", "ff02::1"),
    *("::ffff:127.0.0.1", "64:ff9b::7f00:1", "2002:7f00:1::", "::127.0.0.1", "fec0::1"),
    *("64:ff9b:1::7f00:1", "::ffff:0:127.0.0.1", "5f00::1"),
)


@pytest.mark.parametrize(
    ("address", "public"),
    [
        ("93.184.216.34", True),
        ("2606:2800:220:1:248:1893:25c8:1946", True),
        *((address, False) for address in PRIVATE),
        ("nonsense", False),
    ],
)
def test_public_is_what_the_internet_reaches(address, public):
    assert is_public(address) is public
