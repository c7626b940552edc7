"""One mailbox is one customer, however its address is written."""

from __future__ import annotations

import pytest

from opticworks_discounts import customers


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("ada@example.com", " ADA@Example.COM "),
        ("ada@example.com", "ada+shop@example.com"),
        ("ada.lovelace@gmail.com", "AdaLovelace+2@googlemail.com"),
        ("ada@bücher.example", "ada@xn--bcher-kva.example"),
    ],
)
def test_two_spellings_are_one_customer(one, other):
    assert customers.normalized(one) == customers.normalized(other) != ""
    assert customers.allowance("discounts:1", one) == customers.allowance("discounts:1", other)


def test_two_mailboxes_are_two_customers():
    assert customers.normalized("a.da@example.com") != customers.normalized("ada@example.com")
    assert customers.allowance("discounts:1", "a@example.com") != customers.allowance(
        "discounts:2", "a@example.com"
    )


@pytest.mark.parametrize("typed", ["", "ada", "ada@", "@example.com", "ada@home"])
def test_what_is_no_address_yet_is_nobody(typed):
    assert customers.allowance("discounts:1", typed) == ""


@pytest.mark.parametrize("domain", ["\u0370.example.com", "x" * 64 + ".com", "a..com"])
def test_no_domain_makes_a_customer_nobody(domain):
    assert customers.allowance("discounts:1", f"ada@{domain}")
    assert customers.normalized(f"Ada+1@{domain}") == customers.normalized(f"ada@{domain}")


def test_the_key_does_not_say_who_it_was():
    assert "ada" not in customers.allowance("discounts:1", "ada@example.com")
