"""An address that answers other methods says so; one that does not exist is not found."""

from __future__ import annotations

import pytest

from opticworks.testing.shops import Browser


@pytest.fixture
def browser(make_shop):
    return Browser(make_shop(plugins=("catalog",)))


@pytest.mark.parametrize(
    ("method", "path", "allow"),
    [
        ("POST", "/", "GET, HEAD"),
        ("DELETE", "/products", "GET, HEAD"),
        ("GET", "/cart/lines", "POST"),
        ("PUT", "/checkout", "GET, HEAD, POST"),
        ("PUT", "/admin/sign-in", "GET, HEAD, POST"),
        ("GET", "/admin/sign-out", "POST"),
    ],
)
def test_a_wrong_method_is_told_the_right_ones(browser, method, path, allow):
    answer = browser.request(path, method=method, status=405)
    assert answer.headers["Allow"] == allow
    assert "can't be used that way" in answer.text


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/nothing"),
        ("POST", "/nothing"),
        ("GET", "/products/nothing"),
        ("GET", "/pages/nothing"),
        ("GET", "/admin/nothing"),
    ],
)
def test_what_is_not_there_is_not_found(browser, method, path):
    assert "Allow" not in browser.request(path, method=method, status=404).headers


def test_the_way_to_the_sign_in_page_is_no_page_for_search_engines(browser):
    answer = browser.get("/admin/settings", status=303)
    assert answer.headers["X-Robots-Tag"] == "noindex"
