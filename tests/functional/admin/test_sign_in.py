"""Signing in: throttled, telling nothing, with a fresh session; and signing out everywhere."""

from __future__ import annotations

import re

import pytest
import redis

from opticworks.admin.access import safe_next
from opticworks.staff import passwords, service
from opticworks.testing.shops import Browser

PASSWORD = "correct horse battery"


@pytest.fixture
def staff(counter, quick_hashes):
    with counter.shop.unit() as db:
        return service.create_staff(db, "Ada@Example.org", PASSWORD, role="owner", actor="test")


def submit(browser, email="ada@example.org", password=PASSWORD, status="*", path="/admin/sign-in"):
    form = browser.get(path).form
    form["email"], form["password"] = email, password
    return form.submit(status=status)


def test_the_right_password_opens_the_admin(counter, staff):
    browser = Browser(counter.shop)
    answer = submit(browser, email=" ADA@example.ORG ", status=303)
    assert answer.location.endswith("/admin")
    page = answer.follow()
    assert "Today" in page.html.h1.text
    with counter.shop.unit() as db:
        assert service.by_email(db, "ada@example.org").last_login_at is not None


@pytest.mark.parametrize(
    ("email", "password"),
    [
        ("ada@example.org", "wrong"),
        ("nobody@example.org", PASSWORD),
        ("", ""),
        ("ada@example.org", ""),
    ],
)
def test_a_wrong_pair_says_only_that_it_is_wrong(counter, staff, email, password):
    answer = submit(Browser(counter.shop), email, password, status=422)
    assert "don't belong together" in answer.html.find(role="alert").text
    assert answer.form["password"].value == ""


def test_an_unknown_account_takes_as_long_as_a_known_one(counter, staff, monkeypatch):
    checked = []
    real = passwords._hasher

    class Counting:
        def verify(self, stored, password):
            checked.append(stored)
            return real.verify(stored, password)

        def check_needs_rehash(self, stored):
            return False

    monkeypatch.setattr(passwords, "_hasher", Counting())
    submit(Browser(counter.shop), "nobody@example.org", "x", status=422)
    submit(Browser(counter.shop), "ada@example.org", "x", status=422)
    assert len(checked) == 2, "one hash is verified, account or not"


def test_the_eleventh_try_on_an_account_is_put_off_even_with_the_right_password(counter, staff):
    browser = Browser(counter.shop)
    for _ in range(10):
        submit(browser, password="wrong", status=422)
    answer = submit(browser, status=429)
    assert re.search(r"Wait \d+ minutes", answer.text)
    assert int(answer.headers["Retry-After"]) > 0
    # Another account is not touched by it.
    submit(browser, "other@example.org", "wrong", status=422)


def test_one_address_can_not_try_many_accounts(counter, staff):
    browser = Browser(counter.shop, extra_environ={"REMOTE_ADDR": "198.51.100.7"})
    for number in range(30):
        submit(browser, f"guess{number}@example.org", "wrong", status=422)
    submit(browser, "guess99@example.org", "wrong", status=429)
    elsewhere = Browser(counter.shop, extra_environ={"REMOTE_ADDR": "198.51.100.8"})
    submit(elsewhere, status=303)


def test_a_sign_in_clears_the_count_of_the_account(counter, staff):
    browser = Browser(counter.shop)
    for _ in range(9):
        submit(browser, password="wrong", status=422)
    submit(browser, status=303)
    submit(Browser(counter.shop), password="wrong", status=422)
    submit(Browser(counter.shop), status=303)


def test_the_session_gets_a_new_id_so_a_planted_one_is_worth_nothing(counter, staff):
    browser, thief = Browser(counter.shop), Browser(counter.shop)
    submit(browser, status=303)
    planted = browser.cookies["session"]
    thief.set_cookie("session", planted)
    assert thief.get("/admin").status_int == 200
    # Signing in over a session that somebody else knows ends that session.
    submit_over = Browser(counter.shop)
    submit_over.set_cookie("session", planted)
    submit_over.post("/admin/sign-out", _token(submit_over), status=303)
    submit_over.set_cookie("session", planted)
    submit(submit_over, status=303)
    assert submit_over.cookies["session"] != planted
    assert thief.get("/admin", status=303).location.endswith("/admin/sign-in")


def _token(browser):
    form = browser.get("/admin").form
    return {"csrf_token": form["csrf_token"].value}


def test_signing_out_ends_the_session_on_the_server_too(counter, staff):
    browser = Browser(counter.shop)
    submit(browser, status=303)
    cookie = browser.cookies["session"]
    browser.get("/admin").form.submit(status=303)
    browser.set_cookie("session", cookie)
    browser.get("/admin", status=303)


def test_a_new_password_and_a_closed_account_sign_out_everywhere(counter, staff):
    browser = Browser(counter.shop)
    submit(browser, status=303)
    with counter.shop.unit() as db:
        service.set_password(db, service.by_email(db, staff.email), "another long one", actor="t")
    browser.get("/admin", status=303)
    submit(browser, password=PASSWORD, status=422)
    submit(browser, password="another long one", status=303)
    with counter.shop.unit() as db:
        service.create_staff(db, "eve@example.org", PASSWORD, actor="test")
        service.deactivate(db, service.by_email(db, staff.email), actor="test")
    browser.get("/admin", status=303)
    submit(browser, password="another long one", status=422)


def test_a_sign_in_form_without_its_token_or_from_elsewhere_is_refused(counter, staff):
    browser = Browser(counter.shop)
    login = {"email": "ada@example.org", "password": PASSWORD}
    browser.post("/admin/sign-in", login, status=400)
    form = browser.get("/admin/sign-in").form
    login["csrf_token"] = form["csrf_token"].value
    evil = {"Origin": "https://evil.example"}
    browser.post("/admin/sign-in", login, headers=evil, status=403)
    browser.post("/admin/sign-in", login, status=303)


def test_the_page_one_wanted_opens_afterwards(counter, staff):
    browser = Browser(counter.shop)
    answer = browser.get("/admin/orders?tab=all", status=303)
    assert "next=%2Fadmin%2Forders%3Ftab%3Dall" in answer.location
    answer = submit(browser, path=answer.location, status=303)
    assert answer.location.endswith("/admin/orders?tab=all")


@pytest.mark.parametrize(
    "path",
    [
        "https://evil.example",
        "//evil.example",
        "/\\evil",
        "/adminx",
        "/admin\\..",
        "javascript:x",
        "",
    ],
)
def test_signing_in_never_leads_to_another_site(path):
    assert safe_next(path) == "/admin"


def test_a_dead_redis_refuses_sign_in_politely_and_the_shop_sells_on(counter, staff, monkeypatch):
    counter.shop.redis.close()
    dead = redis.Redis(unix_socket_path="/nonexistent.sock")
    monkeypatch.setattr(counter.shop, "redis", dead)
    browser = Browser(counter.shop)
    answer = submit(browser, status=503)
    assert "Signing in is not possible at the moment" in answer.text
    browser.set_cookie("session", "A" * 43)
    browser.get("/admin", status=503)
    assert browser.get("/cart").status_int == 200
    assert counter.buy(("LAMP", 1)).number
