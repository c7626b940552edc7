"""A real Shop with the kernel's mails and nothing else; run as a program it is a worker.

Orders are made up here: the notifications room knows them only through `shop.order_view`.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import redis

import opticworks
from opticworks.config import Config
from opticworks.contracts import (
    KERNEL_SETTINGS,
    Address,
    Adjustment,
    Instruction,
    OrderLineView,
    OrderView,
    PaymentView,
    ShipmentView,
    ShopSettings,
)
from opticworks.db import make_engine
from opticworks.money import Money
from opticworks.notifications import jobs as registers_tasks  # noqa: F401
from opticworks.notifications import kinds, order_mails
from opticworks.plugins import Plugins
from opticworks.settings.service import Settings
from opticworks.shop import Shop
from opticworks.testing.fakes import fake_plugin, provider_plugin
from opticworks.web.templates import Templates
from opticworks.web.themes import Theme

PLACED = datetime(2026, 5, 4, 15, 30, tzinfo=UTC)
EXPIRES = datetime(2026, 5, 7, 15, 30, tzinfo=UTC)


def usd(minor: int) -> Money:
    return Money(minor, "USD")


def step(stage: Any, target: str, label: str, amount: Money) -> Adjustment:
    return Adjustment(stage=stage, target=target, kind=stage, label=label, amount=amount)


def order(number: str, **changes: Any) -> OrderView:
    line = OrderLineView(
        sku="RS-1",
        title="RS-1 <Presence> Sensor",
        options="Pro / Graphite",
        quantity=2,
        unit_price=usd(12900),
        subtotal=usd(25800),
        discount=usd(0),
        tax=usd(0),
        total=usd(25800),
    )
    fields: dict[str, Any] = {
        "number": number,
        "url": f"http://127.0.0.1:6670/orders/token-of-{number}",
        "email": "jo@example.com",
        "status": "confirmed",
        "payment_status": "pending",
        "fulfilment_status": "unfulfilled",
        "placed_at": PLACED,
        "currency": "USD",
        "lines": (line,),
        "trace": (
            step("unit", "line:RS1-PRO-GPH", "2 × RS-1 <Presence> Sensor", usd(25800)),
            step("shipping", "shipping", "Standard", usd(500)),
        ),
        "address": Address(
            first_name="Jo",
            last_name="O'Doe",
            line1="1 Main St",
            city="San Francisco",
            state="CA",
            postal_code="94104",
            country="US",
        ),
        "shipping_title": "Standard",
        "subtotal": usd(25800),
        "discount_total": usd(0),
        "shipping_total": usd(500),
        "tax_total": usd(0),
        "total": usd(26300),
        "payment": PaymentView(
            provider="bank",
            title="Bank transfer",
            status="pending",
            amount=usd(26300),
            instructions=(Instruction(label="IBAN", value="DE02 1203", copy=True),),
            expires_at=EXPIRES,
        ),
        "shipments": (
            ShipmentView(
                id="parcel-1",
                carrier="UPS",
                tracking_number="1Z999",
                tracking_url="https://ups.example/1Z999",
                status="pre_transit",
                shipped_at=PLACED,
                lines=(("RS-1", "RS-1 Sensor", 2),),
            ),
        ),
    }
    return OrderView(**{**fields, **changes})


def make_shop(
    database_url: str,
    mailers: Iterable[Any] = (),
    *,
    plugins: Mapping[str, Any] | None = None,
    redis_url: str = "redis://127.0.0.1:1/0",
    **changes: Any,
) -> Shop:
    config = Config(
        mode="test",
        database_url=database_url,
        redis_url=redis_url,
        base_url="http://127.0.0.1:6670",
        secret="a secret of the tests, long enough",
        var=Path("/nonexistent"),
    )
    found = Plugins()
    found.register_builtin("orders", order_mails)
    found.register_builtin("order_kinds", kinds)
    found.discover([], {"mail": provider_plugin("mail", mailers=mailers), **(plugins or {})})
    found.register(lambda plugin: [])
    defaults = {code: model() for code, model in KERNEL_SETTINGS.items()}
    own = {"shop": ShopSettings(email="shop@optic.example"), "mode": "test"}
    settings = Settings({**defaults, **own})
    shop = Shop(
        config,
        make_engine(database_url),
        found,
        lambda: settings,
        redis.Redis.from_url(redis_url),
    )
    kernel = Theme("kernel", Path(opticworks.__file__).parent / "storefront")
    shop.templates = Templates({kernel.code: kernel}, kernel.code)
    shop.order_view = lambda db, number: order(number, **changes)
    return shop


class SMTP:
    """A mailer without keys, over a real connection: what smtplib does and nothing more."""

    code = "plain_smtp"
    title = "SMTP"
    keyed = False

    def __init__(self, port: int) -> None:
        self.port = port

    def send(self, message: Any, key: str) -> str:
        import smtplib
        from email.message import EmailMessage

        mail = EmailMessage()
        mail["Message-ID"] = message.message_id
        mail["From"], mail["To"] = message.sender, message.to
        mail["Subject"] = message.subject
        mail.set_content(message.text)
        with smtplib.SMTP("127.0.0.1", self.port, timeout=60) as server:
            server.send_message(mail)
        return message.message_id

    def read_webhook(self, body: bytes, headers: Mapping[str, str]) -> tuple[Any, ...]:
        return ()


class Keyed(SMTP):
    """A vendor that sends once per key: it leaves the key in a file when it has sent."""

    code = "keyed"
    keyed = True

    def __init__(self, port: int, folder: Path) -> None:
        super().__init__(port)
        self.folder = folder

    def send(self, message: Any, key: str) -> str:
        if not (self.folder / key).exists():
            super().send(message, key)
            (self.folder / key).touch()
        return f"ref-{key}"


def reacting() -> Any:
    """A plugin that notes in the database that it saw an event."""
    from sqlalchemy import text

    def on_event(event: Any, ctx: Any) -> None:
        ctx.db.execute(
            text("INSERT INTO suppression (address, reason) VALUES (:a, :r)"),
            {"a": f"seen-{event.id}-{event.kind}", "r": "a note of the test"},
        )

    return fake_plugin("reacting", on_event=on_event)


def work(url: str, kind: str, port: int, folder: str, fault: str) -> None:
    """Be a worker, until stopped or killed."""
    import logging
    import os

    from opticworks.jobs.worker import Pace, run

    os.environ["OPTICWORKS_FAULT"] = fault
    logging.basicConfig(
        filename=Path(folder) / "log",
        level=logging.INFO,
        format="%(asctime)s %(name)s %(message)s",
    )
    mailer = SMTP(port) if kind == "smtp" else Keyed(port, Path(folder))
    shop = make_shop(url, [mailer], plugins={"reacting": reacting()})
    # One job at a time in a worker that is to be killed: a second one might just be between the
    # server's 250 and its commit, and be killed in the one window that repeats a mail.
    jobs_at_once = 1 if fault else 2
    run(
        shop,
        concurrency=jobs_at_once,
        pace=Pace(heartbeat=0.2, stalled_after=20.0, rescue=0.3, poll=0.2),
        scheduled=False,  # only what the test put there, at whatever minute it runs
    )


def nursery() -> None:
    """Fork a worker for each line "start", so that the imports are paid for once.

    Answers its pid; "poll <pid>" answers its exit status, or "running".
    """
    import json
    import os
    import traceback

    for line in sys.stdin:
        verb, _, rest = line.strip().partition(" ")
        if verb == "poll":
            pid, status = os.waitpid(int(rest), os.WNOHANG)
            print(os.waitstatus_to_exitcode(status) if pid else "running", flush=True)
            continue
        child = os.fork()
        if child == 0:
            try:
                work(**json.loads(rest))
            except BaseException:
                traceback.print_exc()
            os._exit(1)
        print(child, flush=True)


if __name__ == "__main__":
    nursery()
