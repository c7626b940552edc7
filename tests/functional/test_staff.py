"""Staff accounts: made, found, closed; and the commands that do it."""

from __future__ import annotations

import stat

import pytest
from sqlalchemy import select

from opticworks.audit.models import AuditEntry
from opticworks.config import ConfigError
from opticworks.staff import demo, passwords, permissions, service

PASSWORD = "correct horse battery"


@pytest.fixture
def shop(make_shop, monkeypatch):
    from argon2 import PasswordHasher

    monkeypatch.setattr(passwords, "_hasher", PasswordHasher(time_cost=1, memory_cost=64))
    return make_shop()


def test_one_account_per_address_however_it_is_written(shop):
    with shop.unit() as db:
        service.create_staff(db, "Ada@Example.org ", PASSWORD, actor="test")
    with pytest.raises(service.StaffError, match="already"), shop.unit() as db:
        service.create_staff(db, "ada@example.ORG", PASSWORD, actor="test")


@pytest.mark.parametrize(
    ("email", "password", "role", "sentence"),
    [
        ("nonsense", PASSWORD, "owner", "is no e-mail address"),
        ("a@example.org", "short", "owner", "at least 10"),
        ("a@example.org", "aaaaaaaaaaaa", "owner", "different characters"),
        ("a@example.org", "x" * 201, "owner", "at most 200"),
        ("ada.love@example.org", "ada.love12345", "owner", "Leave your e-mail address out"),
        ("a@example.org", PASSWORD, "king", "is no role"),
    ],
)
def test_an_account_that_can_not_be_is_a_sentence(shop, email, password, role, sentence):
    with pytest.raises(service.StaffError, match=sentence), shop.unit() as db:
        service.create_staff(db, email, password, role=role, actor="test")


def test_passwords_are_hashed_with_argon2id_and_never_recorded(shop):
    with shop.unit() as db:
        staff = service.create_staff(db, "ada@example.org", PASSWORD, actor="test")
        assert staff.password.startswith("$argon2id$")
        assert passwords.verify(staff.password, PASSWORD)
        assert not passwords.verify(staff.password, PASSWORD + "x")
        for entry in db.scalars(select(AuditEntry)):
            assert PASSWORD not in str(entry.data)


def test_the_stand_in_for_no_account_is_a_real_hash_of_todays_strength():
    from argon2 import PasswordHasher

    assert not PasswordHasher().check_needs_rehash(passwords._NOBODY)
    assert passwords.verify(None, "nobody has this password") is False


def test_only_so_many_passwords_are_hashed_at_a_time(monkeypatch):
    monkeypatch.setattr(passwords, "PATIENCE", 0.01)
    for _ in range(passwords.CONCURRENT):
        passwords._places.acquire()
    try:
        with pytest.raises(passwords.Busy, match="Try again"):
            passwords.verify(None, "x")
    finally:
        for _ in range(passwords.CONCURRENT):
            passwords._places.release()


def test_the_last_owner_can_not_be_closed(shop):
    with shop.unit() as db:
        ada = service.create_staff(db, "ada@example.org", PASSWORD, actor="test")
        service.create_staff(db, "bo@example.org", PASSWORD, role="clerk", actor="test")
        with pytest.raises(service.StaffError, match="only owner"):
            service.deactivate(db, ada, actor="test")
        service.create_staff(db, "cy@example.org", PASSWORD, actor="test")
        service.deactivate(db, ada, actor="test")
        assert not ada.active


def test_roles_hold_each_other_and_plugins_belong_to_the_upper_two():
    from opticworks.contracts import Permission

    extra = (Permission(code="loyalty.edit", title="x"),)
    clerk, manager, owner = (
        permissions.of_role(role, extra) for role in ("clerk", "manager", "owner")
    )
    assert clerk < manager < owner
    assert "loyalty.edit" in manager
    assert "loyalty.edit" not in clerk
    assert permissions.of_role("king") == frozenset()


def test_demo_staff_have_a_random_password_in_a_private_file_and_keep_it(shop):
    login = demo.ensure(shop)
    path = shop.config.var / demo.FILE
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert path.read_text().strip() == login.password
    assert len(login.password) >= 16
    assert demo.ensure(shop) == login
    with shop.unit() as db:
        assert passwords.verify(service.by_email(db, login.email).password, login.password)
        assert service.demo_accounts(db) == [login.email]
    path.unlink()
    fresh = demo.ensure(shop)
    assert fresh.password != login.password
    with shop.unit() as db:
        staff = service.by_email(db, login.email)
        assert passwords.verify(staff.password, fresh.password)
        service.deactivate(db, staff, actor="test")
        assert service.demo_accounts(db) == []
    assert demo.ensure(shop) is None


def test_a_shop_with_staff_of_its_own_gets_no_demo_account(shop):
    with shop.unit() as db:
        service.create_staff(db, "ada@example.org", PASSWORD, actor="test")
    assert demo.ensure(shop) is None


def test_production_never_makes_demo_staff_and_refuses_to_start_with_them(shop, monkeypatch):
    from dataclasses import replace

    from opticworks.app import check_production

    demo.ensure(shop)
    with pytest.raises(ConfigError, match=r"owner@example\.com.*opticworks staff deactivate"):
        check_production(shop)
    monkeypatch.setattr(shop, "config", replace(shop.config, mode="production"))
    with pytest.raises(ConfigError, match="never made in production"):
        demo.ensure(shop)


@pytest.fixture
def command(shop):
    from contextlib import contextmanager

    from click.testing import CliRunner

    from opticworks.cli.staff import staff

    class Context:
        @contextmanager
        def shop(self):
            yield shop

    def run(*words, typed=""):
        return CliRunner().invoke(staff, list(words), input=typed, obj=Context())

    return run


def test_the_commands_make_list_change_and_close_accounts(shop, command):
    assert "no staff yet" in command("list").output
    made = command(
        "add", "Ada@example.org", "--role", "manager", "--password-stdin", typed=PASSWORD
    )
    assert made.exit_code == 0, made.output
    assert "may sign in at http://localhost/admin as manager" in made.output
    assert PASSWORD not in made.output
    assert "ada@example.org  manager  active  last sign-in never" in command("list").output
    twice = command("add", "ada@example.org", "--password-stdin", typed=PASSWORD)
    assert twice.exit_code == 1
    assert "already" in twice.output
    typed = "another long one\nanother long one\n"
    assert "its sessions are ended" in command("password", "ada@example.org", typed=typed).output
    with shop.unit() as db:
        staff = service.by_email(db, "ada@example.org")
        assert passwords.verify(staff.password, "another long one")
    assert "is closed" in command("deactivate", "ada@example.org").output
    assert "closed" in command("list").output
    assert "no account" in command("deactivate", "bo@example.org").output
