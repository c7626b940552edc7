"""The mailbox of development: as a mailer, and in the browser."""

import mailbox
import os
from dataclasses import replace
from types import SimpleNamespace

import pytest

from opticworks.contracts import ProviderError
from opticworks.testing import MailerContract
from opticworks.testing.contracts.mailer import MESSAGE, read_mail
from opticworks.testing.shops import Browser
from opticworks_smtp_mail import includeme
from opticworks_smtp_mail.mailbox import Mailbox, MailboxMailer

HERE = {"REMOTE_ADDR": "127.0.0.1"}


class TestContract(MailerContract):
    @pytest.fixture
    def provider(self, tmp_path):
        return MailboxMailer(tmp_path / "mail")

    def arrived(self, provider):
        return [read_mail(letter.mail) for letter in reversed(provider.mailbox.letters())]


@pytest.fixture
def box(tmp_path):
    return MailboxMailer(tmp_path / "mail")


def test_the_mailbox_is_a_maildir_that_any_mail_program_opens(box, tmp_path):
    box.send(MESSAGE, "key")
    opened = mailbox.Maildir(tmp_path / "mail", create=False)
    assert [mail["Message-ID"] for mail in opened] == [MESSAGE.message_id]
    assert os.listdir(tmp_path / "mail" / "tmp") == []


def test_a_mail_that_was_read_elsewhere_is_found_and_not_sent_again(box, tmp_path):
    ref = box.send(MESSAGE, "key")
    folder = tmp_path / "mail"
    (folder / "new" / ref).rename(folder / "cur" / f"{ref}:2,S")
    assert box.send(MESSAGE, "key") == ref
    (letter,) = box.mailbox.letters()
    assert letter.id == ref
    assert box.mailbox.letter(ref).part("plain") == MESSAGE.text


def test_the_newest_mail_comes_first(box):
    for number in range(3):
        ref = box.send(replace(MESSAGE, subject=f"{number}"), f"key-{number}")
        os.utime(box.mailbox.folder / "new" / ref, (number, number))
    assert [str(letter.mail["Subject"]) for letter in box.mailbox.letters()] == ["2", "1", "0"]


@pytest.mark.parametrize("id", ["../secret", "", "x/y", "missing", "..", "*"])
def test_only_names_of_mails_are_looked_up(box, tmp_path, id):
    box.send(MESSAGE, "key")
    (tmp_path / "secret").write_text("x")
    assert box.mailbox.letter(id) is None


def test_a_folder_that_cannot_be_written_is_said_and_tried_again(tmp_path):
    (tmp_path / "mail").write_text("a file where the folder should be")
    with pytest.raises(ProviderError) as caught:
        MailboxMailer(tmp_path / "mail").send(MESSAGE, "key")
    assert caught.value.retryable


def test_an_empty_mailbox_has_no_letters(tmp_path):
    assert Mailbox(tmp_path / "mail").letters() == []


@pytest.fixture
def shop(make_shop):
    return make_shop(plugins=("smtp_mail",))


@pytest.fixture
def browser(shop):
    return Browser(shop, extra_environ=HERE)


def send(shop, **changes):
    return shop.providers.mailer().send(replace(MESSAGE, **changes), changes.get("message_id", "k"))


def test_the_empty_mailbox_says_what_to_do(browser):
    page = browser.get("/dev/mail")
    assert "No mail yet" in page
    assert page.headers["Cache-Control"] == "no-store"


def test_the_mailbox_lists_every_mail_and_opens_the_newest(shop, browser):
    first = send(shop, message_id="<1@x.example>", subject="First <b>mail</b>")
    os.utime(shop.config.var / "mail" / "new" / first, (1, 1))
    second = send(shop, message_id="<2@x.example>", subject="Second")
    page = browser.get("/dev/mail")
    subjects = [tag.text for tag in page.html.select("nav .subject")]
    assert subjects == ["Second", "First <b>mail</b>"]
    assert page.html.select_one("h2").text == "Second"
    assert page.html.select_one("iframe")["src"] == f"/dev/mail/{second}/html"
    page = page.click("First", href=f"/dev/mail/{first}$")
    assert page.html.select_one("h2").text == "First <b>mail</b>"
    assert MESSAGE.text.strip() in page.html.select_one("pre").text
    assert MESSAGE.to in page.html.select_one("dl").text


def test_the_html_of_a_mail_is_shut_in_and_its_links_open_in_a_tab(shop, browser):
    html = "<html><head></head><body><script>alert(1)</script><a href='/x'>x</a></body></html>"
    id = send(shop, html=html)
    page = browser.get("/dev/mail")
    allowed = {"allow-popups", "allow-popups-to-escape-sandbox"}
    assert set(page.html.select_one("iframe")["sandbox"]) == allowed
    mail = browser.get(f"/dev/mail/{id}/html")
    policy = mail.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "sandbox allow-popups allow-popups-to-escape-sandbox" in policy
    assert "allow-scripts" not in policy
    assert "allow-same-origin" not in policy
    assert mail.html.select_one("base")["target"] == "_blank"
    assert mail.headers["Cache-Control"] == "no-store"


def test_the_source_shows_every_header_as_plain_text(shop, browser):
    source = browser.get(f"/dev/mail/{send(shop)}/source")
    assert source.content_type == "text/plain"
    assert "Auto-Submitted: auto-generated" in source
    assert MESSAGE.message_id in source


@pytest.mark.parametrize("part", ["", "/html", "/source"])
def test_an_unknown_mail_is_not_found(browser, part):
    browser.get(f"/dev/mail/doesnotexist{part}", status=404)


@pytest.mark.parametrize("path", ["/dev/mail", "/dev/mail/{id}", "/dev/mail/{id}/html"])
@pytest.mark.parametrize(
    ("address", "host"),
    [("192.0.2.7", "localhost"), ("127.0.0.1", "evil.example"), ("", "localhost")],
)
def test_nobody_else_sees_the_mailbox(shop, path, address, host):
    id = send(shop)
    stranger = Browser(shop, extra_environ={"REMOTE_ADDR": address, "HTTP_HOST": host})
    page = stranger.get(path.format(id=id), status=404)
    assert MESSAGE.subject not in page


def test_ipv6_on_this_machine_is_this_machine(shop):
    Browser(shop, extra_environ={"REMOTE_ADDR": "::1", "HTTP_HOST": "[::1]:6543"}).get("/dev/mail")


def test_production_has_no_mailbox():
    included = []
    for mode in ("production", "development"):
        config = SimpleNamespace(
            registry=SimpleNamespace(shop=SimpleNamespace(config=SimpleNamespace(mode=mode))),
            include=included.append,
        )
        includeme(config)
    assert included == ["opticworks_smtp_mail.views"]
