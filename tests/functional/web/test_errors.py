"""What a visitor sees when something fails, wherever it fails."""

from __future__ import annotations

import sys
from types import ModuleType

import pytest
from sqlalchemy.exc import OperationalError

from opticworks.contracts import PluginInfo
from opticworks.hookspecs import hookimpl
from opticworks.testing.shops import Browser


def early(request):
    raise OperationalError("SELECT 1", {}, Exception("gone"))


def late(request):
    """Fails when the transaction commits, after the view."""
    request.tm.get().addBeforeCommitHook(early, (request,))
    return request.response


def bug(request):
    raise RuntimeError("secret detail")


@hookimpl
def plugin_info():
    return PluginInfo(code="trouble", title="Trouble", version="1", category="other")


def includeme(config):
    for view in (early, late, bug):
        name = view.__name__
        config.add_route(f"trouble.{name}", f"/trouble/{name}")
        config.add_view(view, route_name=f"trouble.{name}")


@pytest.fixture
def trouble(monkeypatch):
    """A plugin whose pages fail."""
    module = ModuleType("trouble")
    module.plugin_info, module.includeme = plugin_info, includeme
    monkeypatch.setitem(sys.modules, "trouble", module)
    return {"trouble": module}


@pytest.mark.parametrize("path", ["/trouble/early", "/trouble/late"])
def test_a_database_that_does_not_answer_is_a_503_page(make_shop, trouble, path):
    browser = Browser(make_shop(extra=trouble))
    answer = browser.get(path, status=503)
    assert "Back in a moment" in answer.text
    assert answer.headers["Retry-After"]
    assert answer.headers["Cache-Control"] == "no-store"
    assert "Content-Security-Policy" in answer.headers


def test_a_mistake_of_ours_shows_a_reference_and_no_detail(make_shop, trouble, caplog):
    browser = Browser(make_shop(extra=trouble, mode="development"))
    answer = browser.get("/trouble/bug", status=500)
    assert "secret detail" not in answer.text
    reference = next(r for r in caplog.messages if r.startswith("Reference ")).split()[1].strip(":")
    assert reference in answer.text
    assert "secret detail" in caplog.text


def test_an_address_that_is_nothing_is_a_page_of_the_shop_or_of_the_admin(make_shop):
    browser = Browser(make_shop())
    answer = browser.get("/nothing-here", status=404)
    assert "Page not found" in answer.text
    assert answer.html.find("h1")


@pytest.mark.parametrize("path", ["/%ff", "/cart?x=%ff", "/admin/%ff"])
def test_bytes_that_are_no_text_are_a_400_in_the_whole_application(make_shop, path):
    Browser(make_shop()).get(path, status=400)


def test_a_form_of_ten_megabytes_is_refused(make_shop):
    browser = Browser(make_shop())
    answer = browser.post("/cart/lines", {"sku": "x" * 10_000_000}, status=413)
    assert "10.0 MB" in answer.text
