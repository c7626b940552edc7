"""Apple Pay and Google Pay, as far as they go without Apple and Google."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import click
import pytest
from click.testing import CliRunner

from opticworks.shop import Shop
from opticworks.testing.shops import Browser
from opticworks_stripe_payments import commands
from opticworks_stripe_payments.wallets import PATH, NotPublic, domain_of


@pytest.fixture
def shop(make_shop: Callable[..., Shop], standin: Any) -> Shop:
    settings = {"stripe_payments": {**standin.keys, "apple_file": "7B227073704964"}}
    return make_shop(("stripe_payments",), settings=settings)


def run(shop: Shop, open_shop: Any, *arguments: str) -> Any:
    group = click.Group("opticworks")
    commands(cli=group)
    return CliRunner().invoke(group, ["stripe", "register-domain", *arguments], obj=open_shop(shop))


def test_apple_finds_the_file_where_it_looks(shop: Shop) -> None:
    answer = Browser(shop).get(PATH)
    assert (answer.text, answer.content_type) == ("7B227073704964", "text/plain")
    assert "Set-Cookie" not in answer.headers


def test_without_a_file_nothing_is_there(make_shop: Callable[..., Shop], standin: Any) -> None:
    shop = make_shop(("stripe_payments",), settings={"stripe_payments": standin.keys})
    Browser(shop).get(PATH, status=404)


def test_a_domain_is_registered_once_and_looked_at_again(
    shop: Shop, standin: Any, open_shop: Any
) -> None:
    for _ in range(2):
        told = run(shop, open_shop, "shop.example.com")
        assert told.exit_code == 0, told.output
        assert "shop.example.com is registered at Stripe (test mode)" in told.output
        assert "Apple Pay   shown" in told.output
    assert len(standin.control("state")["payment_method_domain"]) == 1
    validated = [call for call in standin.control("calls") if call.endswith("/validate")]
    assert len(validated) == 1
    assert "sk_test" not in told.output


def test_a_domain_that_shows_no_wallets_says_why_and_fails(shop: Shop, open_shop: Any) -> None:
    told = run(shop, open_shop, "intranet")
    assert told.exit_code == 1
    assert "intranet is not a public https domain." in told.output
    assert f"https://intranet{PATH}" in told.output


def test_what_stripe_refuses_is_said_in_its_words(shop: Shop, open_shop: Any) -> None:
    told = run(shop, open_shop, "no domain")
    assert told.exit_code == 1
    assert "Stripe refused: Invalid domain name." in told.output


@pytest.mark.parametrize(
    "address", ["http://shop.example.com", "https://localhost", "https://10.1.2.3", "https://shop"]
)
def test_an_address_that_no_wallet_is_shown_on_is_not_registered(
    shop: Shop, standin: Any, open_shop: Any, address: str
) -> None:
    with pytest.raises(NotPublic, match="public https address"):
        domain_of(address)
    assert run(shop, open_shop).exit_code == 1, "the test's own shop is on localhost"
    assert standin.control("state")["payment_method_domain"] == {}
