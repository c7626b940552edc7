"""A thousand orders paid at the stand-in, of which five were tampered with in five ways."""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from click.testing import CliRunner
from sqlalchemy import text

from opticworks.checkout.reconcile import compare
from opticworks.checkout.repair import repair
from opticworks.cli.payments import payments
from opticworks.shop import Shop
from opticworks.testing.ledger import Customer

COUNT = 1000
PRICE = 2900

SEED = text(
    """
    WITH seed AS (SELECT * FROM unnest(CAST(:numbers AS text[]),
                  CAST(:attempts AS uuid[]), CAST(:refs AS text[]))
                  AS s(number, attempt, ref)),
    made AS (
        INSERT INTO orders (number, token, cart_id, email, customer_name, status, payment_status,
            fulfilment_status, currency, subtotal, discount_total, shipping_total, tax_total, total,
            quote_hash, trace, address, placed_at, cancel_reason)
        SELECT number, number, gen_random_uuid(), 'ada@example.com', 'Ada',
            CASE ref WHEN :lost THEN 'awaiting_payment' ELSE 'confirmed' END,
            CASE ref WHEN :lost THEN 'unpaid' ELSE 'paid' END, 'unfulfilled', 'USD',
            :price, 0, 0, 0, :price, '', '[]', '{}', :at, ''
        FROM seed RETURNING id, number),
    lines AS (
        INSERT INTO order_line (order_id, position, sku, title, options, quantity, unit_price,
            subtotal, discount, tax, tax_included, total, item, components, tracked)
        SELECT id, 0, 'A', 'A', '', 1, :price, :price, 0, 0, 0, :price, '{}', '[]', true FROM made),
    paid AS (
        INSERT INTO payment (attempt, order_id, provider, title, amount, currency, status, ref,
            message, data, instructions, created_at)
        SELECT attempt, made.id, 'stripe', 'Card', :price, 'USD',
            CASE ref WHEN :lost THEN 'action' ELSE 'captured' END, ref, '', '{}', '[]',
            :at
        FROM seed JOIN made USING (number) RETURNING id, ref)
    INSERT INTO payment_event (payment_id, key, kind, amount, actor, note)
    SELECT id, 'captured:' || ref, 'captured', :price, '', '' FROM paid WHERE ref <> :lost
    """
)

SAID = """\
At Card the payment of $29.00 for order OW-0000 is received; our ledger says that it is waiting for the buyer.
Our ledger says that $29.00 of order OW-0100 was received through Card ({missing}), which knows no such payment.
Card reports $30.00 for order OW-0200; its payment is $29.00.
Order OW-0400 is shown as not paid; by its ledger it is paid.
$15.00 at stripe ({stray}) belongs to no order here.
"""  # noqa: E501


@pytest.fixture
def shop(make_shop: Callable[..., Shop], standin: Any) -> Shop:
    given = standin.settings().model_dump()
    keys = {
        name: value.get_secret_value() if "secret" in name else value
        for name, value in given.items()
        if name in ("publishable_key", "secret_key", "webhook_secret", "api_base", "script")
    }
    return make_shop(("stripe_payments",), settings={"stripe_payments": keys})


def seed(shop: Shop, vendor: Any) -> list[dict[str, Any]]:
    """The intents, each of an order that it has paid; the first was never heard of again."""
    vendor.clock = lambda: time.time() - 3600
    made = []
    method = vendor.method("pm_card_visa")
    for number in range(COUNT):
        named = {"order": f"OW-{number:04}", "attempt": str(uuid.uuid4())}
        intent = vendor.create_intent(
            amount=PRICE, currency="usd", capture_method="automatic", metadata=named
        )
        made.append(vendor.confirm(intent, method, None))
    with shop.unit() as db:
        db.execute(
            SEED,
            {
                "numbers": [intent["metadata"]["order"] for intent in made],
                "attempts": [intent["metadata"]["attempt"] for intent in made],
                "refs": [intent["id"] for intent in made],
                "price": PRICE,
                "at": datetime.now(UTC) - timedelta(hours=1),
                "lost": made[0]["id"],
            },
        )
    return made


def tamper(shop: Shop, vendor: Any, made: list[dict[str, Any]]) -> str:
    """Four more ways; the ref of a payment that nobody here asked for."""
    with shop.unit() as db:
        change = "UPDATE orders SET payment_status = 'unpaid' WHERE number = 'OW-0400'"
        db.execute(text(change))
    del vendor.objects["payment_intent"][made[100]["id"]]
    made[200]["amount"] = made[200]["amount_received"] = PRICE + 100
    stray = vendor.create_intent(
        amount=1500, currency="usd", capture_method="automatic", metadata={}
    )
    return str(vendor.confirm(stray, vendor.method("pm_card_visa"), None)["id"])


def test_exactly_what_was_tampered_with_is_listed_and_can_be_repaired(
    shop: Shop, standin: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    vendor = standin.app.vendor
    made = seed(shop, vendor)
    stray = tamper(shop, vendor, made)
    compared = []
    monkeypatch.setattr(
        "opticworks.checkout.reconcile.compare",
        lambda *args: compared.append(compare(*args)) or compared[-1],
    )
    told = reconcile(shop)
    assert told.exit_code == 1
    missing = made[100]["id"]
    assert told.stdout == SAID.format(missing=missing, stray=stray)
    for found in compared.pop():
        for deed in found.repairs:
            repair(shop, found, deed, actor="ada@example.com")
    assert sorted(found.kind for found in compare(shop, datetime.now(UTC) - timedelta(days=1))) == [
        "amount",
        "missing",
    ]
    assert Customer(shop, "ada@example.com").ledger().count(("captured", PRICE)) == COUNT
    (back,) = vendor.objects["refund"].values()
    assert back["amount"] == 1500


def reconcile(shop: Shop) -> Any:
    return CliRunner().invoke(payments, ["reconcile", "--since", "7d"], obj=OpenShop(shop))


class OpenShop:
    """The command line's context around a shop that is open already."""

    def __init__(self, shop: Shop) -> None:
        self._shop = shop

    @contextmanager
    def shop(self) -> Iterator[Shop]:
        yield self._shop
