"""A whole shop that mails through Resend's stand-in, beside a real SMTP server."""

from __future__ import annotations

import pytest

from opticworks.jobs.testing import drain, run_task
from opticworks.notifications import service
from opticworks.testing.counter import open_counter
from opticworks.testing.shops import Browser
from opticworks.testing.smtp import SMTPServer
from opticworks.testing.standins import listen

pytest.importorskip("opticworks_resend_mail")

from opticworks.testing.staff import sign_in
from opticworks_resend_mail.reports import body_of
from opticworks_resend_mail.settings import STANDIN_SECRET
from opticworks_resend_mail.standin.server import StandIn, sign


@pytest.fixture
def standin():
    switch, url = listen(4)
    switch.app = StandIn()
    switch.app.url = url
    return switch.app


@pytest.fixture
def counter(make_shop, standin):
    with SMTPServer() as smtp:
        settings = {
            "resend_mail": {
                "api_key": "re_test",
                "api_base": standin.url,
                "webhook_secret": STANDIN_SECRET,
                "rate": "100",
            },
            "smtp_mail": {"host": "127.0.0.1", "port": str(smtp.port), "security": "none"},
        }
        made = open_counter(make_shop, plugins=("resend_mail", "smtp_mail"), settings=settings)
        made.stock("LAMP", 9)
        made.smtp = smtp
        yield made


@pytest.fixture
def owner(counter):
    return sign_in(counter.shop)


def buy(counter):
    """One mail: an order's number, sent."""
    number = counter.buy(("LAMP", 1)).number
    drain(counter.shop)
    return number


def status(counter, number):
    with counter.shop.unit() as db:
        (message,) = service.messages_about(db, number)
        return message.status, message.mailer


def report(counter, event):
    """What Resend would post, posted."""
    body = body_of(event)
    headers = {**sign(body, [STANDIN_SECRET]), "Content-Type": "application/json"}
    answer = Browser(counter.shop).post("/webhooks/resend", body, headers=headers)
    drain(counter.shop)
    return answer.text


def test_the_mailer_is_swapped_in_the_admin_for_the_next_mail(counter, owner, standin):
    assert status(counter, buy(counter)) == ("sent", "resend")
    for choice, mailer in (("smtp", "smtp"), ("resend", "resend")):
        path = "/admin/settings/shop"
        form = next(f for f in owner.get(path).forms.values() if "mailer" in f.fields)
        form["mailer"] = choice
        form.submit(status=303)
        assert status(counter, buy(counter)) == ("sent", mailer)
    assert (len(standin.vendor.emails), len(counter.smtp.mails)) == (2, 1)


def test_reports_come_through_the_inbox_and_a_bounce_blocks_the_address(counter, standin):
    told = []
    standin.vendor.announced = told.append
    number = buy(counter)
    by_kind = {event["type"]: event for event in told}
    assert report(counter, by_kind["email.sent"]) == "Stored: 0 new.\n"
    for _ in range(2):
        report(counter, by_kind["email.delivered"])
        assert status(counter, number) == ("delivered", "resend")
    (email,) = standin.vendor.emails.values()
    bounce = {"type": "Permanent", "message": "No such user.", "diagnosticCode": ["550"]}
    standin.vendor.happen(email, "bounced", bounce=bounce)
    report(counter, told[-1])
    assert status(counter, number) == ("bounced", "resend")
    assert status(counter, buy(counter))[0] == "suppressed"
    assert len(standin.vendor.emails) == 1


def test_hook_slot_shows_the_domain_and_the_records_that_are_missing(counter, owner, standin):
    assert "takes mail from every domain" in owner.get("/admin/plugins").text
    standin.vendor.add_domain("example.com", "pending")
    form = next(f for f in owner.get("/admin/plugins").forms.values() if "resend" in f.action)
    form.submit(status=303)
    drain(counter.shop)
    page = owner.get("/admin/plugins").text
    assert "Not verified" in page
    assert "resend._domainkey" in page
    # Until it is verified Resend refuses mail from it: it waits, and says why.
    number = counter.buy(("LAMP", 1)).number
    drain(counter.shop, errors=False)
    with counter.shop.unit() as db:
        (message,) = service.messages_about(db, number)
        assert message.status == "queued"
        assert "Verify its domain" in message.error
    for domain in standin.vendor.domains.values():
        domain["status"] = "verified"
    run_task(counter.shop, "resend_mail.check_domain")
    assert "Resend sends for example.com." in owner.get("/admin/plugins").text
