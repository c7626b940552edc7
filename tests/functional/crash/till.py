"""A street whose customers pay by card: Stripe's stand-in in this process, the shop in others."""

from __future__ import annotations

import time
import uuid
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import stripe
from sqlalchemy import text

from opticworks.checkout.settle import settle
from opticworks.jobs import defer
from opticworks.jobs.testing import drain
from opticworks.shop import Shop
from opticworks.testing.ledger import Customer, jobs_left, wrong
from opticworks.testing.processes import House, Nursery, Process, buy, wish
from opticworks.testing.visitors import Visitor
from opticworks.webhooks import service as webhooks
from opticworks_stripe_payments.standin.delivery import sign
from opticworks_stripe_payments.standin.server import StandIn

SKU = "RS1-PRO-WHT"
SECRET = "whsec_standin"
SENT_FIRST = {"capture": "authorize"}


def with_cards(house: House, url: str) -> House:
    """The house with Stripe at that address."""
    keys = {
        "publishable_key": "pk_test_standin",
        "secret_key": "sk_test_standin",
        "webhook_secret": SECRET,
        "api_base": url,
        "script": f"{url}/stripe.js",
    }
    settings = {**house.settings, "stripe_payments": keys}
    return replace(house, plugins=(*house.plugins, "stripe_payments"), settings=settings)


@dataclass
class Till:
    """What happens between the shop, its customers' browsers and Stripe."""

    house: House
    shop: Shop
    nursery: Nursery
    standin: StandIn
    alive: Process  #: a web process that nobody kills

    @property
    def later(self) -> House:
        """The house, if it takes the money only when the parcel leaves."""
        return replace(self.house, settings={**self.house.settings, "shop": SENT_FIRST})

    @property
    def vendor(self) -> Any:
        return self.standin.vendor

    def customer(self) -> Customer:
        return Customer(self.shop, f"ada-{uuid.uuid4().hex[:10]}@example.com")

    def bought(self, shop: Shop | None = None, sku: str = SKU) -> tuple[Customer, str]:
        """An order that was placed and whose card was not tried yet: its customer and number."""
        customer = self.customer()
        return customer, buy(shop or self.shop, email=customer.email, payment="stripe", sku=sku)

    def wish(self) -> tuple[Customer, Any]:
        """A customer and what they agree to, before "Place Order" is pressed."""
        customer = self.customer()
        return customer, wish(self.shop, email=customer.email, payment="stripe", sku=SKU)

    def authorized(self, shop: Shop) -> tuple[Customer, str]:
        """An order whose money is taken when it is sent; `shop` is one that does so."""
        customer, number = self.bought(shop)
        self.confirm(customer)
        settle(shop, number)
        return customer, number

    def paid(self) -> tuple[Customer, str]:
        """An order that its customer has paid, and that knows it."""
        customer, number = self.bought()
        self.confirm(customer)
        settle(self.shop, number)
        self.finish()
        return customer, number

    def client(self, timeout: float) -> stripe.StripeClient:
        """Stripe's SDK without its patience."""
        return stripe.StripeClient(
            "sk_test_standin",
            base_addresses={"api": self.house.settings["stripe_payments"]["api_base"]},
            max_network_retries=0,
            http_client=stripe.RequestsClient(timeout=timeout),
        )

    # --- at Stripe ----------------------------------------------------------------------------

    def intents(self, customer: Customer) -> list[dict[str, Any]]:
        mine = customer.attempts()
        made = self.vendor.objects["payment_intent"].values()
        return [intent for intent in made if intent["metadata"].get("attempt") in mine]

    def confirm(self, customer: Customer, method: str = "pm_card_visa") -> dict[str, Any]:
        """What the customer's browser does with the last intent, and nothing after it."""
        intent = self.intents(customer)[-1]
        with self.vendor.lock:
            made: dict[str, Any] = self.vendor.confirm(intent, self.vendor.method(method), None)
        return made

    def charged(self, customer: Customer) -> int:
        """What Stripe took of the customer and did not pay back."""
        mine = {intent["id"] for intent in self.intents(customer)}
        return sum(
            charge["amount_captured"] - charge["amount_refunded"]
            for charge in self.vendor.objects["charge"].values()
            if charge["payment_intent"] in mine
        )

    def hooks(self, customer: Customer) -> list[tuple[bytes, dict[str, str]]]:
        """Every webhook about the customer's payments, signed as of now."""
        mine = {intent["id"] for intent in self.intents(customer)}
        bodies = [
            self.standin.delivery.body_of(event)
            for event in self.vendor.objects["event"].values()
            if {event["data"]["object"].get(name) for name in ("id", "payment_intent")} & mine
        ]
        now = int(time.time())
        return [(body, {"Stripe-Signature": sign(body, [SECRET], now)}) for body in bodies]

    def hook(self, customer: Customer) -> tuple[bytes, dict[str, str]]:
        """The last of them."""
        return self.hooks(customer)[-1]

    def report(self, customer: Customer) -> None:
        """It reaches the inbox; no worker has seen it yet."""
        webhooks.receive(self.shop, "stripe", *self.hook(customer))

    # --- at the shop --------------------------------------------------------------------------

    def kill(self, what: str, fault: str, **options: Any) -> None:
        """Let a process of the shop begin, and die at the fault point."""
        process = self.nursery.start(what, options.pop("house", self.house), fault=fault, **options)
        assert process.wait() == -9, process.log()

    def press(self, verb: str, fault: str, house: House | None = None, **arguments: Any) -> None:
        """A person's deed, in a process that dies of it."""
        self.kill("verb", fault, house=house or self.house, call=[verb, arguments])

    def finish(self, later: float = 120.0, *, sweep: bool = False) -> None:
        """Another worker takes over, some minutes later, and with it the sweeper if wanted."""
        with self.shop.unit() as db:
            db.execute(text("UPDATE procrastinate_jobs SET status = 'todo' WHERE status = 'doing'"))
            if sweep:
                defer(db, "checkout.sweep")
        clock = self.shop.now
        self.shop.now = lambda: clock() + timedelta(seconds=later)
        try:
            drain(self.shop)
        finally:
            self.shop.now = clock
        assert jobs_left(self.shop) == 0

    def quiet(self) -> None:
        """Leave the orders of other tests alone, however far the clock is moved."""
        with self.shop.unit() as db:
            still = "remind_at = NULL, expires_at = NULL, look_at = NULL"
            db.execute(text(f"UPDATE payment SET {still}"))

    def visitor(self) -> Visitor:
        return Visitor(self.alive.address)

    def check_mails(self, customer: Customer, kinds: str) -> None:
        """These kinds of mail, and no other, lie in the customer's letterbox."""
        folder = Path(self.house.folder) / "mail" / "new"
        there = sum(f"To: {customer.email}" in path.read_text() for path in folder.glob("*"))
        told = customer.messages()
        assert sorted(told) == sorted((kind, "sent") for kind in kinds.split()), told
        assert there == len(told)

    def check(self, customer: Customer, *, kept: int | None = None, mails: str = "") -> Any:
        """One order, one charge, right stock, right mail; `kept` is what was not paid back, and
        `mails` what was told beside the confirmation."""
        assert wrong(self.shop) == []
        (order,) = (order for order in customer.orders() if order.status != "canceled")
        assert order.status == "confirmed"
        kept = order.total if kept is None else kept
        assert order.payment_status == ("paid" if kept == order.total else "part_refunded")
        assert [each["status"] for each in self.charges(customer)] == ["succeeded"]
        assert self.charged(customer) == kept
        assert sum(amount for _, amount in customer.ledger()) == kept
        self.check_mails(customer, f"order_placed {mails}")
        return order

    def check_gone(self, customer: Customer, *, mails: str = "", status: str = "unpaid") -> None:
        """No order, no money, no goods kept; `mails` is what was told."""
        assert wrong(self.shop) == []
        assert {each.status for each in customer.orders()} <= {"canceled"}
        assert {each.payment_status for each in customer.orders()} <= {status}
        assert self.charged(customer) == 0
        assert sum(amount for _, amount in customer.ledger()) == 0
        open_ones = {"requires_payment_method", "requires_action", "requires_capture"}
        assert not open_ones & {intent["status"] for intent in self.intents(customer)}
        self.check_mails(customer, mails)

    def charges(self, customer: Customer) -> list[dict[str, Any]]:
        mine = {intent["id"] for intent in self.intents(customer)}
        made = self.vendor.objects["charge"].values()
        return [charge for charge in made if charge["payment_intent"] in mine]
