"""A shop in processes of its own, on a database that no other test uses."""

from __future__ import annotations

import os
import signal
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from opticworks import demo, faults, migrations
from opticworks.db import now_utc
from opticworks.embedded import Servers, create_database, drop_database
from opticworks.jobs import defer
from opticworks.jobs.testing import drain
from opticworks.shop import Shop
from opticworks.testing.ledger import Customer, jobs_left, wrong
from opticworks.testing.processes import House, Nursery, Process, bury, until
from opticworks.testing.standins import Fault, listen

MINUTES_LATER = 120.0  #: seconds after which the sweeper looks at an order nobody finished


@pytest.fixture(scope="session")
def crash_url(embedded_servers: Servers, worker_number: int) -> Iterator[str]:
    name = f"opticworks_crash_{os.getpid()}_{worker_number}"
    yield create_database(embedded_servers, name)
    drop_database(embedded_servers, name)


@pytest.fixture(scope="session")
def house(crash_url: str, worker_redis_url: str, tmp_path_factory: pytest.TempPathFactory) -> House:
    folder = tmp_path_factory.mktemp("house")
    return House(database_url=crash_url, redis_url=worker_redis_url, folder=str(folder))


@pytest.fixture(scope="session")
def shop(house: House) -> Iterator[Shop]:
    """The shop as the test sees it, with the demo catalogue."""
    shop = house.open()
    migrations.upgrade(shop)
    demo.load(shop)
    yield shop
    shop.close()


@pytest.fixture(scope="session")
def nursery() -> Iterator[Nursery]:
    nursery = Nursery()
    yield nursery
    nursery.close()


class PowerCut(BaseException):
    """The process is gone. Nothing catches it, and the database undoes an open transaction, as it
    does when a process is killed."""


@pytest.fixture
def cut_at(monkeypatch: pytest.MonkeyPatch) -> Callable[..., Any]:
    """cut_at("name.before_commit", act): do it in this process, until it ends there."""

    def cut_at(point: str, act: Callable[[], Any]) -> None:
        reached = []

        def cut(name: str) -> None:
            if name == point and not reached:
                reached.append(name)
                raise PowerCut

        monkeypatch.setattr(faults, "fault", cut)
        monkeypatch.setattr("opticworks.shop.fault", cut)
        with pytest.raises(PowerCut):
            act()

    return cut_at


@pytest.fixture
def start(nursery: Nursery, house: House, shop: Shop) -> Iterator[Callable[..., Process]]:
    """start("web", fault="place.before_commit"): a process of the house, gone after the test."""
    started: list[Process] = []

    def start(what: str, of: House = house, **options: Any) -> Process:
        started.append(nursery.start(what, of, **options))
        return started[-1]

    yield start
    for process in started:
        process.kill()
    for file in Path(house.folder).glob("port-*"):
        file.unlink()


@pytest.fixture(scope="session")
def till(
    house: House,
    nursery: Nursery,
    embedded_servers: Servers,
    worker_number: int,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Any]:
    """The shop with Stripe's stand-in, see `Till`. Its database is its own: orders whose payments
    lie at that stand-in can be settled nowhere else."""
    pytest.importorskip("opticworks_stripe_payments")
    from .till import StandIn, Till, with_cards

    name = f"opticworks_till_{os.getpid()}_{worker_number}"
    switch, url = listen()
    switch.app = StandIn()
    folder = str(tmp_path_factory.mktemp("till"))
    own = replace(house, database_url=create_database(embedded_servers, name), folder=folder)
    cards = with_cards(own, url)
    shop = cards.open()
    migrations.upgrade(shop)
    demo.load(shop)
    alive = nursery.start("web", cards, threads=8)
    yield Till(cards, shop, nursery, switch.app, alive)
    alive.kill()
    shop.close()
    drop_database(embedded_servers, name)


@pytest.fixture(scope="session")
def later(till: Any) -> Iterator[Shop]:
    """The till's shop, if it takes the money only when the parcel leaves."""
    shop = till.later.open()
    yield shop
    shop.close()


@pytest.fixture
def impatient(till: Any) -> Iterator[Callable[..., None]]:
    """impatient("POST /v1/refunds"): Stripe acts on that and is not heard; "" ends it."""
    changed: list[tuple[Any, Any]] = []

    def impatient(match: str, shop: Shop | None = None) -> None:
        while changed:
            provider, client = changed.pop()
            provider._client = client
        if not match:
            till.standin.faults.settle()  # the silent request's key is in use before
            return
        provider = (shop or till.shop).providers.payments()["stripe"]
        changed.append((provider, provider._client))
        provider._client = till.client(timeout=0.5)
        till.standin.faults.add(Fault(match=match, how="timeout", seconds=60))

    yield impatient
    impatient("")


@dataclass
class Street:
    """The shop's processes and the customers in front of it, for one test."""

    house: House
    shop: Shop
    start: Callable[..., Process]

    def customer(self) -> Customer:
        return Customer(self.shop, f"ada-{uuid.uuid4().hex[:10]}@example.com")

    def work(
        self, later: float = MINUTES_LATER, *, sweep: bool = True, house: House | None = None
    ) -> None:
        """Let the worker and the sweeper come, some minutes later, and finish everything. A worker
        in a process of its own, if one died with a job in its hands: it has to find that."""
        doing = "SELECT EXISTS (SELECT FROM procrastinate_jobs WHERE status = 'doing')"
        with self.shop.unit() as db:
            if sweep:
                defer(db, "checkout.sweep")
            died = db.scalar(text(doing))
        if house is None and not died:
            drain(self.shop, now_utc() + timedelta(seconds=later), errors=False)
            assert jobs_left(self.shop) == 0
            return
        bury(self.shop)
        worker = self.start("worker", house or self.house, later=later)
        until(lambda: jobs_left(self.shop) == 0, why=worker.log)
        worker.kill()

    def kill_worker(self, fault: str, later: float = MINUTES_LATER) -> None:
        """Let a worker begin, and die at the fault point."""
        assert self.start("worker", later=later, fault=fault).wait() == -signal.SIGKILL

    def mails(self, customer: Customer) -> int:
        """Mails in the customer's letterbox."""
        folder = Path(self.house.folder) / "mail" / "new"
        return sum(f"To: {customer.email}" in path.read_text() for path in folder.glob("*"))

    def quiet(self) -> None:
        """Leave the orders of other tests alone, however far the clock is moved."""
        with self.shop.unit() as db:
            db.execute(
                text("UPDATE payment SET remind_at = NULL, expires_at = NULL, look_at = NULL")
            )

    def charged(self, customer: Customer) -> int:
        """What the card's vendor took of the customer and did not pay back."""
        vendor, mine = self.house.vendor(), customer.attempts()
        with vendor.open():
            return sum(
                payment.captured - payment.refunded
                for payment in vendor.payments.values()
                if payment.attempt in mine
            )

    def check(self, customer: Customer, payment: str = "bank_transfer") -> Any:
        """One confirmed order, paid for once, one confirmation, nothing left over."""
        assert wrong(self.shop) == []
        (order,) = (order for order in customer.orders() if order.status != "canceled")
        assert order.status == "confirmed"
        assert customer.messages().count(("order_placed", "sent")) == 1
        assert self.mails(customer) == len(customer.messages())
        if payment == "fake_card":
            assert order.payment_status == "paid"
            assert self.charged(customer) == order.total
            assert sum(amount for _, amount in customer.ledger()) == order.total
        else:
            assert order.payment_status == "pending"
        return order


@pytest.fixture
def street(house: House, shop: Shop, start: Callable[..., Process]) -> Street:
    return Street(house, shop, start)
