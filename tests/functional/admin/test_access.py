"""Every address of the admin, for everybody who may not use it."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

import pytest
from pyramid.interfaces import IRoutesMapper

from opticworks.admin import ROUTES
from opticworks.contracts import MenuItem, Permission, PluginInfo
from opticworks.hookspecs import hookimpl
from opticworks.staff import permissions
from opticworks.testing.counter import open_counter
from opticworks.testing.shops import Browser
from opticworks.testing.staff import sign_in

PUBLIC = {"admin.sign_in", "admin.sign_out", "admin.forgot", "admin.reset", "admin.email"}


def address(pattern):
    return re.sub(r"\{id(:[^/]*)?\}", "12", pattern.replace("{number}", "K7M2-9QXD"))


def admin_routes(browser):
    mapper = browser.app.registry.getUtility(IRoutesMapper)
    return [route for route in mapper.get_routes() if route.pattern.startswith("/admin")]


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_who_is_not_signed_in_gets_no_page_of_the_admin(counter, method):
    browser = Browser(counter.shop)
    routes = admin_routes(browser)
    assert {name for name, _ in ROUTES} <= {route.name for route in routes}
    for route in routes:
        if route.name in PUBLIC:
            continue
        answer = browser.request(address(route.pattern), method=method, status="*")
        signed_out = answer.status_int == 303 and urlsplit(answer.location).path == "/admin/sign-in"
        # A page that only shows answers 405 to a POST: there is no such view at all.
        assert signed_out or answer.status_int in (404, 405), (route.name, answer.status)
        assert "Sign out" not in answer.text


def views_of(browser):
    """(route name, permission, method) of every view under /admin."""
    names = {route.name: route.pattern for route in admin_routes(browser)}
    for entry in browser.app.registry.introspector.get_category("views"):
        view = entry["introspectable"]
        if view["route_name"] in names:
            permission = next(
                (
                    related["value"]
                    for related in entry["related"]
                    if related.category_name == "permissions"
                ),
                None,
            )
            yield view["route_name"], names[view["route_name"]], permission, view


def test_every_view_under_admin_names_a_permission_that_exists(counter):
    known = {permission.code for permission in permissions.KERNEL} | {"staff"}
    found = list(views_of(Browser(counter.shop)))
    assert len(found) >= len(ROUTES)
    for name, _, permission, _ in found:
        if name in PUBLIC:
            continue
        assert permission in known, name


def test_a_clerk_gets_403_for_what_the_role_does_not_include(counter, sign_in):
    counter.buy(("LAMP", 1))
    number = counter.buy(("LAMP", 1)).number
    clerk = sign_in("clerk")
    for name, pattern, permission, view in views_of(clerk):
        if name in PUBLIC:
            continue
        methods = view["request_methods"] or ("GET",)
        methods = (methods,) if isinstance(methods, str) else methods
        path = address(pattern.replace("{number}", number))
        allowed = permission == "staff" or permission in permissions.CLERK
        answer = clerk.request(path, method=methods[0], status="*")
        if allowed:
            assert answer.status_int != 403, name
        else:
            assert answer.status_int == 403, name
            assert "Your role (clerk) does not include this" in answer.text


def test_a_clerk_sees_neither_the_menu_entries_nor_the_buttons(counter, sign_in):
    number = counter.buy(("LAMP", 1)).number
    clerk, owner = sign_in("clerk"), sign_in("owner")
    assert "/admin/plugins" not in clerk.get("/admin").text
    assert "/admin/plugins" in owner.get("/admin").text
    assert f"/admin/orders/{number}/pay" not in clerk.get(f"/admin/orders/{number}").text
    assert f"/admin/orders/{number}/pay" in owner.get(f"/admin/orders/{number}").text


class Loyalty:
    """A plugin with a page of its own in the admin."""

    @hookimpl
    def plugin_info(self):
        return PluginInfo(
            code="loyalty",
            title="Loyalty",
            version="1",
            category="other",
            permissions=(Permission(code="loyalty.edit", title="Edit points"),),
        )

    @hookimpl
    def admin_menu(self, ctx):
        return [
            MenuItem(label="Points", path="/admin/loyalty", position=30, permission="loyalty.edit")
        ]


class Broken:
    @hookimpl
    def plugin_info(self):
        return PluginInfo(code="broken", title="Broken", version="1", category="other")

    @hookimpl
    def admin_menu(self, ctx):
        raise RuntimeError("no menu today")


def test_plugins_add_to_the_menu_and_a_broken_one_does_not_take_it_away(make_shop, caplog):
    counter = open_counter(make_shop, extra={"loyalty": Loyalty(), "broken": Broken()})
    seen = {}
    for role in ("owner", "clerk"):
        menu = sign_in(counter.shop, role).get("/admin").html.find(id="sidebar")
        seen[role] = [link.get_text(" ", strip=True) for link in menu.select(".sidebar-link")]
    words = [label.split()[0] for label in seen["owner"]]
    assert [word for word in words if word in ("Today", "Orders", "Points")] == [
        "Today",
        "Orders",
        "Points",
    ]
    assert "Points" not in seen["clerk"]
    assert "Plugin broken failed in admin_menu" in caplog.text


def test_no_session_is_read_for_a_customer_with_a_staff_cookie(counter, sign_in, monkeypatch):
    owner = sign_in()

    def refuse(*args, **options):
        raise AssertionError("the storefront looked at a session")

    monkeypatch.setattr("opticworks.web.sessions.RedisSession._load", refuse)
    assert owner.get("/cart").status_int == 200
