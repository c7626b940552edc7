"""The contract of Mailer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from email.message import EmailMessage
from typing import Any, cast

import pytest

from opticworks.contracts import (
    Attachment,
    BatchMailer,
    Mailer,
    OutgoingMessage,
    ProviderError,
)
from opticworks.testing.contracts.common import WebhookContract, at_once

MESSAGE = OutgoingMessage(
    message_id="<7k3f9q2mwx@shop.example>",
    sender="Zoë & Söhne <shop@shop.example>",
    to="ada@buyer.example",
    subject="Your order OW-7K3F9 – thank you",
    html="<html><body><p>Thank you, <b>Ada</b>. It costs 26,30 €.</p></body></html>",
    text="Thank you, Ada. It costs 26,30 €.\n",
    reply_to="help@shop.example",
    headers={"Auto-Submitted": "auto-generated"},
)

SLIP = Attachment(
    filename="packing-slip.pdf", content=b"%PDF-1.7 \x00\xff", content_type="application/pdf"
)
STATES = {"delivered", "delayed", "bounced", "complained", "opened", "failed"}


def read_mail(mail: EmailMessage) -> OutgoingMessage:
    """A mail that arrived somewhere, as the message it was made of."""
    html, text = mail.get_body(("html",)), mail.get_body(("plain",))
    return OutgoingMessage(
        message_id=str(mail["Message-ID"] or ""),
        sender=str(mail["From"] or ""),
        to=str(mail["To"] or ""),
        subject=str(mail["Subject"] or ""),
        html=html.get_content() if html else "",
        text=text.get_content() if text else "",
        reply_to=str(mail["Reply-To"] or ""),
        headers={name: str(value) for name, value in mail.items()},
        attachments=tuple(
            Attachment(
                filename=part.get_filename() or "",
                content=cast(bytes, part.get_payload(decode=True) or b""),
                content_type=part.get_content_type(),
            )
            for part in mail.iter_attachments()
        ),
    )


def _words(text: str) -> str:
    return " ".join(text.split())


class MailerContract(WebhookContract):
    """Subclass it with a fixture `provider`; override `arrived`, and `refused` where a recipient
    can be refused at once. `sender` is what a mailer writes that replaces the sender."""

    sender = MESSAGE.sender

    def arrived(self, provider: Any) -> Sequence[OutgoingMessage]:
        """Every mail that really left, in order (`read_mail` helps)."""
        raise NotImplementedError("Override arrived() in the subclass.")

    def refused(self, provider: Any) -> str | None:
        """An address that is refused for good; None if that is only learned later."""
        return None

    def lost_answer(self, provider: Any) -> bool:
        """Make the next mail leave without its answer arriving; False where that can't be."""
        return False

    def ask(self, provider: Any) -> object:
        return provider.send(MESSAGE, "key-down")

    def test_has_every_method_of_the_contract(self, provider: Any) -> None:
        assert isinstance(provider, Mailer)
        assert isinstance(provider.keyed, bool)

    def test_a_mail_arrives_once_with_all_that_it_says(self, provider: Any) -> None:
        provider.send(MESSAGE, "key-1")
        (mail,) = self.arrived(provider)
        assert mail.to == MESSAGE.to
        assert mail.sender == self.sender
        assert mail.subject == MESSAGE.subject
        assert mail.reply_to == MESSAGE.reply_to
        assert _words(mail.html) == _words(MESSAGE.html)
        assert _words(mail.text) == _words(MESSAGE.text)

    def test_a_mail_keeps_its_message_id_and_headers(self, provider: Any) -> None:
        provider.send(MESSAGE, "key-1")
        (mail,) = self.arrived(provider)
        assert mail.message_id == MESSAGE.message_id
        assert mail.headers.get("Auto-Submitted") == "auto-generated"

    def test_the_answer_is_a_ref_that_can_be_stored(self, provider: Any) -> None:
        ref = provider.send(MESSAGE, "key-1")
        assert isinstance(ref, str)
        assert 0 < len(ref) <= 255

    def test_a_repeat_with_its_key_is_sent_once_or_has_the_same_message_id(
        self, provider: Any
    ) -> None:
        refs = {provider.send(MESSAGE, "key-1") for _ in range(2)}
        mails = self.arrived(provider)
        assert len(mails) == (1 if provider.keyed else 2)
        assert {mail.message_id for mail in mails} == {MESSAGE.message_id}
        assert len(refs) == 1

    def test_one_key_in_many_threads_is_sent_once(self, provider: Any) -> None:
        if not provider.keyed:
            pytest.skip("It has no keys.")
        refs = at_once(lambda: provider.send(MESSAGE, "key-1"))
        assert len(set(refs)) == 1
        assert len(self.arrived(provider)) == 1

    def test_a_repeat_after_a_lost_answer_is_sent_once(self, provider: Any) -> None:
        if not provider.keyed or not self.lost_answer(provider):
            pytest.skip("It has no keys, or its answer can't be lost.")
        with pytest.raises(ProviderError) as caught:
            provider.send(MESSAGE, "key-1")
        assert caught.value.retryable
        provider.send(MESSAGE, "key-1")
        assert len(self.arrived(provider)) == 1

    def test_a_mail_brings_its_attachments(self, provider: Any) -> None:
        provider.send(replace(MESSAGE, attachments=(SLIP,)), "key-1")
        (mail,) = self.arrived(provider)
        assert mail.attachments == (SLIP,)

    def test_several_at_once_leave_once_per_key_each_with_a_ref_of_its_own(
        self, provider: Any
    ) -> None:
        if not isinstance(provider, BatchMailer):
            pytest.skip("It takes one at a time.")
        assert provider.batch > 1
        several = [
            replace(MESSAGE, message_id=f"<{n}@shop.example>", to=f"b{n}@buyer.example")
            for n in range(2)
        ]
        refs = [provider.send_many(several, "key-many") for _ in range(2)]
        assert refs[0] == refs[1]
        assert len(set(refs[0])) == len(several)
        assert [mail.to for mail in self.arrived(provider)] == [mail.to for mail in several]

    def test_a_report_says_which_mail_it_is_about_and_what_became_of_it(
        self, provider: Any
    ) -> None:
        body, headers = self._genuine(provider)
        for event in provider.read_webhook(body, headers):
            assert event.ref
            assert event.state in STATES

    def test_two_keys_are_two_mails(self, provider: Any) -> None:
        other = replace(MESSAGE, message_id="<other@shop.example>", to="bob@buyer.example")
        provider.send(MESSAGE, "key-1")
        provider.send(other, "key-2")
        assert [mail.to for mail in self.arrived(provider)] == [MESSAGE.to, other.to]

    def test_many_threads_send_many_mails(self, provider: Any) -> None:
        numbers = iter(range(100))

        def send() -> str:
            number = next(numbers)
            message = replace(MESSAGE, message_id=f"<{number}@shop.example>")
            return str(provider.send(message, f"key-{number}"))

        refs = at_once(send)
        assert len(set(refs)) == len(refs)
        mails = self.arrived(provider)
        assert len({mail.message_id for mail in mails}) == len(mails) == len(refs)

    @pytest.mark.parametrize("field", ["subject", "to", "reply_to"])
    def test_a_line_break_smuggles_no_header_in(self, provider: Any, field: str) -> None:
        changes: Any = {field: f"{getattr(MESSAGE, field)}\r\nBcc: eve@evil.example"}
        refusal = None
        try:
            provider.send(replace(MESSAGE, **changes), "key-1")
        except ProviderError as error:
            refusal = error
        assert refusal is None or not refusal.retryable
        for mail in self.arrived(provider):
            assert not any("\n" in text or "\r" in text for text in (mail.subject, mail.to))
            assert "\n" not in mail.reply_to
            assert "Bcc" not in mail.headers
            assert "eve@evil.example" not in (mail.to, mail.reply_to)

    def test_a_refused_recipient_is_an_error_that_no_repeat_mends(self, provider: Any) -> None:
        address = self.refused(provider)
        if address is None:
            pytest.skip("A refusal is only learned later.")
        with pytest.raises(ProviderError) as caught:
            provider.send(replace(MESSAGE, to=address), "key-1")
        assert not caught.value.retryable
        assert list(self.arrived(provider)) == []
