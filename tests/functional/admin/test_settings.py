"""Settings as staff see and save them: validated, kept, encrypted, never lost to a colleague."""

from __future__ import annotations

import json
from types import SimpleNamespace

import pytest
from sqlalchemy import text

from opticworks.audit import service as audit
from opticworks.boot import boot
from opticworks.carts import service as carts
from opticworks.config import Config
from opticworks.settings import editing
from opticworks.testing import staff
from opticworks.web.keys import Vault

INI = {"smtp_mail": {"from_name": "Ini Shop"}, "shop": {"tagline": "From the ini"}}


@pytest.fixture
def counter(make_shop):
    shop = make_shop(plugins=("smtp_mail", "table_rates"), settings=INI)
    return SimpleNamespace(shop=shop)


@pytest.fixture
def shop(counter):
    return counter.shop


def form_of(browser, code="smtp_mail"):
    return browser.get(f"/admin/settings/{code}", status=200).forms[1]


def stored(shop, code="smtp_mail"):
    with shop.unit() as db:
        return editing.current(db, code)


def history(shop, code="smtp_mail"):
    with shop.unit() as db:
        return [entry.data for entry in audit.of_subject(db, editing.subject(code))]


def test_owners_alone_see_settings(sign_in):
    page = sign_in("owner").get("/admin/settings", status=200)
    assert [heading.text.strip() for heading in page.html.select("main h2")] == [
        "The shop",
        "Shipping",
        "Returns",
        "Documents",
        "SMTP mail",
        "Table rates",
    ]
    assert "Settings" in page.html.select_one("#sidebar").text
    for role in ("manager", "clerk"):
        sign_in(role).get("/admin/settings", status=403)
        sign_in(role).get("/admin/settings/smtp_mail", status=403)
    sign_in("owner").get("/admin/settings/catalog", status=404)
    sign_in("owner").get("/admin/settings/nobody", status=404)


def test_a_saved_value_holds_at_once_here_and_soon_elsewhere(shop, sign_in):
    other = boot(shop.config)
    form = form_of(sign_in())
    form["host"], form["port"] = "mail.example.org", "2525"
    page = form.submit(status=303).follow()
    assert "Saved: Mail server, Port." in page.text
    assert shop.settings["smtp_mail"].host == "mail.example.org"
    assert stored(shop).data == {"host": "mail.example.org", "port": 2525}
    assert history(shop) == [{"changes": {"host": ["", "mail.example.org"], "port": [587, 2525]}}]
    assert "Mail server: empty → mail.example.org" in page.text
    try:
        other.reload_settings()
        assert other.settings["smtp_mail"].port == 2525
        assert other.providers.mailer().code == "smtp"
    finally:
        other.close()


def test_a_secret_is_encrypted_kept_and_never_told(shop, sign_in, caplog):
    browser = sign_in()
    form = form_of(browser)
    form["host"], form["user"], form["password"] = "mail.example.org", "ada", "hunter2-secret"
    page = form.submit(status=303).follow()
    with shop.unit() as db:
        raw = db.scalar(text("SELECT data::text FROM setting WHERE code = 'smtp_mail'"))
    assert "hunter2" not in page.text + raw + json.dumps(history(shop)) + caplog.text
    assert shop.settings["smtp_mail"].password.get_secret_value() == "hunter2-secret"
    assert "Leave this empty to keep it" in page.text

    form = form_of(browser)
    form["port"] = "25"
    form.submit(status=303)
    assert shop.settings["smtp_mail"].password.get_secret_value() == "hunter2-secret"

    form = form_of(browser)
    form["user"] = ""
    form["password-clear"] = True
    form.submit(status=303)
    assert shop.settings["smtp_mail"].password.get_secret_value() == ""
    assert history(shop)[-1]["changes"]["password"] == ["••••", ""]


def test_a_mistake_saves_nothing(shop, sign_in):
    form = form_of(sign_in())
    form["port"], form["host"] = "99999", "<script>"
    page = form.submit(status=422)
    assert page.html.select_one("#f-port-help").text == "Use 65535 or less."
    assert page.forms[1]["port"].value == "99999"
    assert stored(shop).version == 0


def test_the_second_of_two_is_told_and_sees_both_values(shop, sign_in):
    ada, bob = sign_in("owner", "ada@example.org"), sign_in("owner", "bob@example.org")
    first, second = form_of(ada), form_of(bob)
    first["host"], first["port"] = "mail.ada.example", "25"
    first.submit(status=303)
    second["host"], second["from_name"] = "mail.bob.example", "Bob"
    page = second.submit(status=409)
    box = page.html.select_one("main [role=alert]")
    assert "ada@example.org saved these settings" in box.text
    assert [cell.text for cell in box.select("tbody :is(th, td)")] == [
        "Mail server",
        "mail.ada.example",
        "mail.bob.example",
    ]
    assert "Port." in box.text, "what the second did not touch is taken over"
    assert shop.settings["smtp_mail"].host == "mail.ada.example"
    page.forms[1].submit(status=303)
    found = shop.settings["smtp_mail"]
    assert (found.host, found.port, found.from_name) == ("mail.bob.example", 25, "Bob")
    assert len(history(shop)) == 2


def test_a_value_of_the_ini_says_so_and_comes_back(shop, sign_in):
    browser = sign_in()
    page = browser.get("/admin/settings/smtp_mail")
    assert "From the ini file (plugin.smtp_mail.from_name)." in page.text
    form = page.forms[1]
    form["from_name"] = "Staff"
    page = form.submit(status=303).follow()
    assert "The ini file says “Ini Shop”" in page.text
    form = page.forms[1]
    form["from_name"] = "Ini Shop"
    form.submit(status=303)
    assert stored(shop).data == {}, "what equals the ini is not kept, so that the ini holds again"


def test_what_a_plugin_would_complain_of_is_asked_before_it_is_saved(shop, sign_in):
    form = form_of(sign_in())
    form["user"] = "ada"
    page = form.submit(status=422)
    assert "The mail server's sign-in is incomplete. Set the password" in page.text
    assert stored(shop).version == 0
    form = page.forms[1]
    form["_confirm"] = True
    form.submit(status=303)
    assert stored(shop).data == {"user": "ada"}


def test_another_currency_says_what_it_does_and_takes_open_carts_along(shop, sign_in):
    with shop.unit() as db:
        cart = carts.create(db, "USD", shop.now(), 30).id
    form = form_of(sign_in(), "shop")
    form["currency"] = "JPY"
    page = form.submit(status=422)
    assert "1 open carts are priced anew in JPY." in page.text
    assert "priced in USD can't be bought until it has a price in JPY." in page.text
    assert "Table rates: The price 5.95" in page.text, "other plugins are asked too"
    form = page.forms[1]
    form["_confirm"] = True
    form.submit(status=303)
    assert shop.settings["shop"].currency == "JPY"
    with shop.unit() as db:
        assert carts.get(db, cart).currency == "JPY"


def test_rows_of_settings_are_edited_without_script(shop, sign_in):
    form = form_of(sign_in(), "table_rates")
    form["services-0-remove"] = True
    form["services-1-brackets-0-price"] = "17.50"
    form["services-1-brackets-3-max_weight"] = "20000"
    form["services-1-brackets-3-price"] = "60"
    form.submit(status=303)
    (service,) = shop.settings["table_rates"].services
    assert [str(bracket.price) for bracket in service.brackets] == ["17.50", "22.95", "39.95", "60"]


@pytest.mark.parametrize(
    "fields",
    [{}, {"_seen": "[", "_version": "²"}, {"_seen": "[1]", "_version": "9" * 400}],
)
def test_hostile_forms_save_nothing(shop, sign_in, fields):
    browser = sign_in()
    token = form_of(browser)["csrf_token"].value
    path = "/admin/settings/smtp_mail"
    full = {**dict(form_of(browser).submit_fields()), **fields, "host": "<script>x</script>"}
    if fields:
        browser.post(path, {**full, "csrf_token": token}, status=409)
    browser.post(path, full | {"csrf_token": "x"}, status=400)
    browser.post(path, {"csrf_token": token, **fields}, status=422)
    elsewhere = {"Origin": "https://evil.example"}
    browser.post(path, {**full, "csrf_token": token}, headers=elsewhere, status=403)


def test_secrets_move_to_a_new_root_secret(shop, sign_in):
    form = form_of(sign_in())
    form["user"], form["password"] = "ada", "hunter2"
    form.submit(status=303)
    fields = {name: getattr(shop.config, name) for name in Config.__dataclass_fields__}
    new = {**fields, "secret": "another root secret of the shop 42"}
    lost = boot(Config(**new))
    assert "can't be read with the root secret" in " ".join(
        lost.plugins.found["smtp_mail"].problems
    )
    lost.close()
    moved = boot(Config(**{**new, "old_secrets": (shop.config.secret,)}))
    with moved.unit() as db:
        assert editing.rotate(db, moved.vault, actor="command") == (1, [])
    moved.close()
    alone = boot(Config(**new))
    assert alone.settings["smtp_mail"].password.get_secret_value() == "hunter2"
    with alone.unit() as db:
        assert editing.rotate(db, Vault("yet another secret, unrelated 99"), actor="x") == (
            0,
            ["smtp_mail"],
        )
    alone.close()


def test_settings_nobody_reads_are_named(make_shop):
    ini = {"smpt_mail": {"host": "x"}, "shop": {}, "table_rates": {}}
    shop = make_shop(plugins=("smtp_mail", "table_rates"), settings=ini)
    assert shop.warnings == (
        (
            "The ini sets plugin.smpt_mail.host, but no plugin 'smpt_mail' with settings is "
            "enabled, so nothing reads it. Did you mean 'smtp_mail'?"
        ),
    )
    assert "Did you mean 'smtp_mail'?" in staff.sign_in(shop).get("/admin/settings").html.text


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        (["US"], ["DE", "US"], "US → DE, US"),
        (True, False, "yes → no"),
        ([], [{"title": "EU", "shown": "incl"}], "EU added"),
        (
            [{"title": "EU", "shown": "incl"}, {"shown": "excl"}],
            [{"title": "EU", "shown": "excl"}],
            "row 2 removed, EU changed",
        ),
        ([{"code": "a"}, {"code": "b"}], [{"code": "b"}, {"code": "a"}], "in another order"),
    ],
)
def test_the_history_says_in_words_what_became_of_a_value(shop, sign_in, old, new, said):
    with shop.unit() as db:
        editing.save(db, "smtp_mail", {}, 0, actor="ada", changes={"host": (old, new)})
    assert f"Mail server: {said}" in sign_in().get("/admin/settings/smtp_mail").html.text


def test_saved_values_are_given_back_to_the_ini(shop, sign_in):
    browser = sign_in()
    form = form_of(browser)
    form["host"], form["from_name"] = "mail.example.org", "Staff"
    form.submit(status=303)
    with shop.unit() as db:
        assert editing.clear(db, "smtp_mail", "host", actor="command") == ["host"]
        assert editing.clear(db, "smtp_mail", "host", actor="command") == []
        assert editing.clear(db, "smtp_mail", None, actor="command") == ["from_name"]
        assert editing.clear(db, "nobody", None, actor="command") == []
    shop.settings_changed()
    assert shop.settings["smtp_mail"].from_name == "Ini Shop"
    assert "Given back to the ini file" in browser.get("/admin/settings/smtp_mail").text


def test_the_command_line_lists_clears_and_rotates(tmp_path, shop, sign_in):
    from click.testing import CliRunner

    from opticworks.cli import main

    form = form_of(sign_in())
    form["user"], form["password"] = "ada", "hunter2"
    form.submit(status=303)
    ini = tmp_path / "shop.ini"
    ini.write_text(
        "[app:main]\nuse = egg:opticworks\nopticworks.mode = test\nopticworks.theme =\n"
        f"opticworks.database_url = {shop.config.database_url.replace('%', '%%')}\n"
        f"opticworks.redis_url = {shop.config.redis_url.replace('%', '%%')}\n"
        f"opticworks.var = {tmp_path}\n"
        "opticworks.secret = a new root secret of this shop 4711\n"
        "opticworks.plugins =\n    smtp_mail\n"
    )

    def run(*arguments):
        return CliRunner().invoke(main, ["--ini", str(ini), "settings", *arguments])

    assert "can't be read" in run("rotate").output
    done = run("list", "shop")
    assert 'shop.currency = "USD"' in done.output
    assert "There are no settings of 'nope'" in run("list", "nope").output
    done = run("clear", "smtp_mail", "password")
    assert done.output == "smtp_mail.password comes from the ini file or its default again.\n"
    assert (
        "Nothing is saved for smtp_mail.password." in run("clear", "smtp_mail", "password").output
    )
    done = run("list", "smtp_mail")
    assert 'smtp_mail.user = "ada"' in done.output or "no settings" in done.output
    assert "hunter2" not in done.output
