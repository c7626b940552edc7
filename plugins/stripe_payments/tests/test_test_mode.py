"""What pages say of how the shop is set up: real money or none, and what is missing."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from opticworks.shop import Shop
from opticworks.testing.shops import Browser
from opticworks.testing.staff import sign_in

ORIGIN = "https://shop.example"
TEST = {"publishable_key": "pk_test_1", "secret_key": "sk_test_1", "webhook_secret": "whsec_1"}
LIVE = {"publishable_key": "pk_live_1", "secret_key": "sk_live_1", "webhook_secret": "whsec_1"}


@pytest.fixture
def open_shop(
    make_shop: Callable[..., Shop],
) -> Callable[..., Browser]:
    """open_shop(keys) is somebody of the staff, signed in at a shop in production."""

    def open_shop(keys: dict[str, str]) -> Browser:
        shop = make_shop(
            ("stripe_payments",),
            settings={"stripe_payments": keys},
            mode="production",
            base_url=ORIGIN,
        )
        browser = Browser(
            shop, extra_environ={"HTTP_HOST": "shop.example", "wsgi.url_scheme": "https"}
        )
        return sign_in(shop, browser=browser)

    return open_shop


@pytest.mark.parametrize(("keys", "marked"), [(TEST, True), (LIVE, False)])
def test_pages_say_test_mode_with_test_keys_only_and_stay_cacheable(
    open_shop: Callable[..., Browser], keys: dict[str, str], marked: bool
) -> None:
    browser = open_shop(keys)
    home = browser.get("/")
    assert ("Test mode" in home.text) is marked
    assert home.headers["Cache-Control"].startswith("public")
    assert ("Test mode" in browser.get("/cart").text) is marked
    assert ("Test mode" in browser.get("/nowhere", status=404).text) is marked
    assert ("Test mode" in browser.get("/admin/forgot").text) is marked
    chip = browser.get("/admin").html.select_one(".test-mode")
    assert (chip is not None) is marked


@pytest.mark.parametrize("secret", ["", "whsec_1"])
def test_the_plugins_page_says_that_a_signing_secret_is_missing(
    open_shop: Callable[..., Browser], secret: str
) -> None:
    page = open_shop({**TEST, "webhook_secret": secret}).get("/admin/plugins").html
    notice = page.select_one("#plugin-stripe_payments .notice")
    assert (notice is None) is bool(secret)
    if notice is not None:
        said = "Every webhook is refused: the webhook signing secret is not set"
        assert said in notice.get_text(" ")
        assert notice.select_one('a[href="/admin/settings/stripe_payments"]')
