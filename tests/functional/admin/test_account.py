"""A forgotten password, another address, another name: the own account."""

import re
from datetime import timedelta

import pytest
from sqlalchemy import select, text

from opticworks.jobs.testing import drain, waiting
from opticworks.notifications.models import Message
from opticworks.staff import accounts, service
from opticworks.testing.shops import Browser, spoilt

PASSWORD = "correct horse battery"
NEW = "a quite different phrase"


@pytest.fixture
def ada(counter, quick_hashes):
    with counter.shop.unit() as db:
        service.create_staff(
            db, "ada@example.org", PASSWORD, name="Ada", role="clerk", actor="test"
        )
    return "ada@example.org"


def sign_in(counter, email, password, status=303):
    browser = Browser(counter.shop)
    form = browser.get("/admin/sign-in").form
    form["email"], form["password"] = email, password
    form.submit(status=status)
    return browser


def ask(counter, email, status=200):
    form = Browser(counter.shop).get("/admin/sign-in").click(href="/admin/forgot").form
    form["email"] = email
    return form.submit(status=status)


def mails(counter, to):
    drain(counter.shop)
    return [mail for mail in counter.mailer.outbox if mail.to == to]


def link(mail, kind):
    return re.search(rf"http://[^\s\"]+(/admin/{kind}/[^\s\"]+)", mail.text)[1]


def test_a_forgotten_password_is_chosen_anew_once_and_ends_every_session(counter, ada):
    before = sign_in(counter, ada, PASSWORD)
    assert "on its way" in ask(counter, " ADA@example.org").text
    (mail,) = mails(counter, ada)
    assert mail.subject.startswith("Choose a new password")
    path = link(mail, "reset")
    browser = Browser(counter.shop)
    browser.get(path)
    form = browser.get(path).form  # looking at it, as scanners do, does not use it up
    form["password"] = "short"
    assert "at least 10" in form.submit(status=422).text
    form["password"] = NEW
    assert "Your new password holds" in form.submit(status=303).follow().text
    assert before.get("/admin", status=303).location.endswith("/admin/sign-in")
    sign_in(counter, ada, PASSWORD, status=422)
    sign_in(counter, ada, NEW)
    assert "does not work any more" in Browser(counter.shop).get(path, status=410).text
    assert "was changed" in mails(counter, ada)[-1].subject


def test_nobody_learns_whether_there_is_an_account(counter, ada):
    answers, jobs = [], []
    for email in (ada, "nobody@example.org"):
        answers.append(re.sub(r'value="[^"]*"', "", ask(counter, email).html.main.prettify()))
        jobs.append([name for name, _ in waiting(counter.shop)])
        with counter.shop.unit() as db:
            db.execute(text("DELETE FROM procrastinate_jobs"))
    assert answers[0] == answers[1]
    assert jobs == [["staff.write_reset"]] * 2  # the same statements, and so the same time
    ask(counter, "no address", status=422)


def test_a_link_dies_of_age_of_a_newer_one_and_of_another_password(counter, ada):
    for _ in range(2):
        ask(counter, ada)
    first, second = (link(mail, "reset") for mail in mails(counter, ada))
    browser = Browser(counter.shop)
    browser.get(first, status=410)
    browser.get(second, status=200)
    clock = counter.shop.now
    counter.shop.now = lambda: clock() + timedelta(minutes=61)
    browser.get(second, status=410)
    counter.shop.now = clock
    with counter.shop.unit() as db:
        staff = service.by_email(db, ada)
        accounts.change_password(db, staff, NEW, now=clock())
    browser.get(second, status=410)
    for bad in ("x", "x.y", "%C3%BC.y", spoilt(second.rpartition("/")[2])):
        browser.get(f"/admin/reset/{bad}", status=410)


def test_a_job_told_twice_sends_one_link(counter, ada):
    ask(counter, ada)
    args = dict(waiting(counter.shop)[0][1])
    accounts.write_reset(counter.shop, **args)
    accounts.write_reset(counter.shop, **args)
    assert len(mails(counter, ada)) == 1


def test_asking_is_limited_per_account_without_saying_so_and_per_address(counter, ada):
    for _ in range(5):
        assert "on its way" in ask(counter, ada).text
    assert len(mails(counter, ada)) == 3
    for number in range(5):
        ask(counter, f"n{number}@example.org")
    assert "Too many tries" in ask(counter, "n9@example.org", status=429).text


def test_staff_never_see_the_link_in_the_log(counter, ada, sign_in):
    ask(counter, ada)
    (mail,) = mails(counter, ada)
    token = link(mail, "reset").rpartition("/")[2]
    with counter.shop.unit() as db:
        message = db.scalars(select(Message).where(Message.kind == "account_reset")).one()
        assert (message.html, message.text, message.status) == ("", "", "sent")
        public_id = message.public_id
    owner = sign_in("owner")
    for path in ("/admin/messages", f"/admin/messages/{public_id}", "/admin/jobs"):
        page = owner.get(path)
        assert token not in page.text
    assert "is not kept" in owner.get(f"/admin/messages/{public_id}").text
    owner.get(f"/admin/messages/{public_id}/html", status=404)


def test_a_new_address_counts_once_its_link_was_opened(counter, ada):
    browser = sign_in(counter, ada, PASSWORD)
    form = browser.get("/admin/profile").forms[2]
    form["email"], form["email-password"] = "Countess@Example.org", "wrong"
    assert "not your password" in form.submit("do", value="email", status=422).text
    form["email-password"] = PASSWORD
    form.submit("do", value="email", status=303)
    sign_in(counter, "countess@example.org", PASSWORD, status=422)
    (mail,) = mails(counter, "countess@example.org")
    page = Browser(counter.shop).get(link(mail, "email"))
    sign_in(counter, "countess@example.org", PASSWORD, status=422)
    assert "You sign in with countess@example.org now" in page.form.submit().text
    sign_in(counter, "countess@example.org", PASSWORD)
    assert "was changed" in mails(counter, ada)[-1].subject
    Browser(counter.shop).get(link(mail, "email"), status=410)
    form["email"] = "countess@example.org"
    assert "your address already" in form.submit("do", value="email", status=422).text


def test_name_and_password_are_changed_in_the_account(counter, ada):
    browser, other = sign_in(counter, ada, PASSWORD), sign_in(counter, ada, PASSWORD)
    page = browser.get("/admin").click(href="/admin/profile", index=0)
    page.forms[1]["name"] = "  Ada   King "
    assert "Ada King" in page.forms[1].submit("do", value="name", status=303).follow().text
    form = browser.get("/admin/profile").forms[3]
    form["own-password"], form["new-password"] = PASSWORD, NEW
    assert "holds" in form.submit("do", value="password", status=303).follow().text
    browser.get("/admin", status=200)
    other.get("/admin", status=303)
