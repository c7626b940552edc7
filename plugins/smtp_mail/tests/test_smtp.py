"""The SMTP mailer, speaking to a real server."""

import socket
import ssl
import threading
from contextlib import closing, contextmanager
from dataclasses import replace

import pytest

from opticworks.contracts import ProviderError, ShopSettings
from opticworks.testing import MailerContract
from opticworks.testing.contracts.mailer import MESSAGE, read_mail
from opticworks.testing.smtp import SMTPServer
from opticworks_smtp_mail import mailers, problems
from opticworks_smtp_mail.settings import SmtpSettings
from opticworks_smtp_mail.smtp import SmtpMailer

REFUSED = "nobody@buyer.example"


def settings(port, **changes):
    return SmtpSettings(host="127.0.0.1", port=port, security="none", timeout=3, **changes)


class TestContract(MailerContract):
    @pytest.fixture
    def provider(self):
        with SMTPServer(refuse={REFUSED: "550 5.1.1 No such user"}) as server:
            mailer = SmtpMailer(settings(server.port))
            mailer.server = server
            yield mailer

    def arrived(self, provider):
        return [read_mail(mail) for mail in provider.server.mails]

    def refused(self, provider):
        return REFUSED

    @contextmanager
    def vendor_down(self, provider):
        with closing(socket.socket()) as free:
            free.bind(("127.0.0.1", 0))
            provider.settings = settings(free.getsockname()[1])
            yield


@pytest.fixture
def server():
    with SMTPServer() as server:
        yield server


def failure(mailer, message=MESSAGE):
    with pytest.raises(ProviderError) as caught:
        mailer.send(message, "key")
    return caught.value


def test_the_settings_sender_replaces_the_shops(server):
    given = settings(server.port, from_name="Zoë's", from_address="mail@shop.example")
    SmtpMailer(given).send(MESSAGE, "key")
    assert str(server.mails[0]["From"]) == "Zoë's <mail@shop.example>"


def test_a_host_outside_ascii_is_written_so_that_every_server_takes_it(server):
    SmtpMailer(settings(server.port)).send(replace(MESSAGE, to="ada@bücher.example"), "key")
    assert str(server.mails[0]["To"]) == "ada@xn--bcher-kva.example"


def test_something_that_is_no_address_is_refused_for_good(server):
    error = failure(SmtpMailer(settings(server.port)), replace(MESSAGE, to="ada"))
    assert not error.retryable
    assert server.mails == []


def test_it_signs_in_where_the_server_asks_for_it():
    with SMTPServer(login=("shop", "s3cret")) as server:
        SmtpMailer(settings(server.port, user="shop", password="s3cret")).send(MESSAGE, "key")
        assert server.signed_in == ["shop"]
        assert len(server.mails) == 1


def test_a_wrong_password_is_said_without_telling_it_and_tried_again():
    with SMTPServer(login=("shop", "s3cret")) as server:
        error = failure(SmtpMailer(settings(server.port, user="shop", password="wr0ng-one")))
    assert error.retryable
    assert "refused the user name or password" in str(error)
    assert "wr0ng-one" not in str(error)


@pytest.mark.parametrize(
    ("reply", "retryable"), [("451 Try again later", True), ("554 This is spam", False)]
)
def test_the_servers_word_about_the_whole_mail_decides_about_a_repeat(reply, retryable):
    with SMTPServer(reply=reply) as server:
        error = failure(SmtpMailer(settings(server.port)))
    assert error.retryable is retryable
    assert reply in str(error)


def test_a_busy_mailbox_is_tried_again():
    with SMTPServer(refuse={MESSAGE.to: "452 4.2.2 Mailbox full"}) as server:
        error = failure(SmtpMailer(settings(server.port)))
    assert error.retryable
    assert "452 4.2.2 Mailbox full" in str(error)


def test_starttls_is_never_left_out_silently(server):
    given = SmtpSettings(host="127.0.0.1", port=server.port, security="starttls", timeout=3)
    error = failure(SmtpMailer(given))
    assert "security" in str(error)
    assert server.mails == []


@pytest.mark.parametrize("security", ["starttls", "tls"])
def test_it_speaks_tls_and_checks_the_certificate(certificate, security):
    with SMTPServer(certificate=certificate.server(), wrapped=security == "tls") as server:
        given = SmtpSettings(host="localhost", port=server.port, security=security, timeout=3)
        SmtpMailer(given, trust=certificate.client).send(MESSAGE, "key")
        assert len(server.mails) == 1
        error = failure(SmtpMailer(given))
        assert "certificate" in str(error)
        assert error.retryable
        assert len(server.mails) == 1


def test_a_server_that_hangs_up_before_the_goodbye_has_the_mail_all_the_same():
    with _Rude() as server:
        SmtpMailer(settings(server.port)).send(MESSAGE, "key")
        assert server.accepted == 1


class _Rude:
    """Accepts one mail and closes the connection without a word."""

    def __enter__(self):
        self.accepted = 0
        self.socket = socket.create_server(("127.0.0.1", 0))
        self.port = self.socket.getsockname()[1]
        self.thread = threading.Thread(target=self._serve)
        self.thread.start()
        return self

    def _serve(self):
        connection, _ = self.socket.accept()
        with connection, connection.makefile("rwb", buffering=0) as stream:
            stream.write(b"220 hello\r\n")
            for line in stream:
                verb = line.split()[0].upper() if line.split() else b""
                if verb == b"DATA":
                    stream.write(b"354 go on\r\n")
                    while stream.readline() != b".\r\n":
                        pass
                    self.accepted += 1
                    stream.write(b"250 accepted\r\n")
                    return
                stream.write(b"250 ok\r\n")

    def __exit__(self, *error):
        self.thread.join(5)
        self.socket.close()


class _Certificate:
    def __init__(self, folder):
        from datetime import UTC, datetime, timedelta

        from cryptography import x509
        from cryptography.hazmat.primitives import hashes, serialization
        from cryptography.hazmat.primitives.asymmetric import ec

        key = ec.generate_private_key(ec.SECP256R1())
        name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "localhost")])
        now = datetime.now(UTC)
        signed = (
            x509.CertificateBuilder()
            .subject_name(name)
            .issuer_name(name)
            .public_key(key.public_key())
            .serial_number(1)
            .not_valid_before(now - timedelta(days=1))
            .not_valid_after(now + timedelta(days=1))
            .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), False)
            .sign(key, hashes.SHA256())
        )
        self.path = folder / "certificate.pem"
        encoding = serialization.Encoding.PEM
        self.path.write_bytes(
            key.private_bytes(
                encoding, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
            )
            + signed.public_bytes(encoding)
        )

    def server(self):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.path)
        return context

    def client(self):
        return ssl.create_default_context(cafile=self.path)


@pytest.fixture(scope="module")
def certificate(tmp_path_factory):
    return _Certificate(tmp_path_factory.mktemp("certificate"))


def sentences(mode="production", shop=None, **given):
    known = {
        "shop": shop or ShopSettings(email="shop@optic.test"),
        "smtp_mail": SmtpSettings(**given),
        "mode": mode,
    }
    return list(problems(known))


def test_production_says_everything_that_is_missing():
    (sentence,) = sentences()
    assert "Set the mail server" in sentence
    (sentence,) = sentences(host="mail.test", user="shop")
    assert "Set the password" in sentence
    (sentence,) = sentences(host="mail.test", password="x")
    assert "Set the user name" in sentence
    (sentence,) = sentences(host="mail.test", user="u", password="x", security="none")
    assert "unencrypted" in sentence
    (sentence,) = sentences(host="mail.test", shop=ShopSettings())
    assert "example.com" in sentence
    assert sentences(host="mail.test", user="u", password="x") == []
    assert sentences(host="127.0.0.1", user="u", password="x", security="none") == []


def test_development_needs_nothing():
    assert sentences(mode="development", shop=ShopSettings()) == []


def test_the_password_is_not_shown():
    assert "s3cret" not in repr(SmtpSettings(host="x", user="u", password="s3cret"))


@pytest.mark.parametrize(
    ("mode", "host", "codes"),
    [
        ("production", "mail.test", ["smtp"]),
        ("production", "", []),
        ("development", "", ["mailbox"]),
        ("test", "", ["mailbox"]),
        ("development", "mail.test", ["smtp"]),
    ],
)
def test_who_sends_depends_on_the_mode_and_the_server(mode, host, codes, tmp_path):
    known = {"smtp_mail": SmtpSettings(host=host), "mode": mode, "var": tmp_path}
    assert [mailer.code for mailer in mailers(known)] == codes


def test_no_mode_counts_as_production():
    assert mailers({"smtp_mail": SmtpSettings()}) == ()
