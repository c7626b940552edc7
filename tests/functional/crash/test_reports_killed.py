"""Reports of a mailer, worked through by a worker that ends in the middle: each counts once."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import text

from opticworks.jobs.testing import drain, run_task
from opticworks.shop import Shop
from opticworks.testing.counter import Counter, open_counter
from opticworks.webhooks import service as webhooks


@pytest.fixture
def counter(make_shop: Callable[..., Shop]) -> Counter:
    """A shop with a confirmation that its mailer says was delivered; nobody has read that yet."""
    counter = open_counter(make_shop)
    counter.stock("A", 2, "10.00")
    counter.buy(("A", 1))
    drain(counter.shop)
    vendor = counter.mailer.vendor
    (ref,) = vendor.sent
    vendor.report(ref, "delivered")
    webhooks.receive(counter.shop, "fake_mail", *vendor.webhook(vendor.events[-1]))
    return counter


def count(counter: Counter, what: str) -> int:
    with counter.shop.unit() as db:
        return int(db.scalar(text(f"SELECT count(*) FROM {what}")) or 0)


@pytest.mark.parametrize(
    "point",
    [
        "delivery.before_commit",
        "delivery.after_commit",
        "webhook_handled.before_commit",
        "webhook_handled.after_commit",
    ],
)
def test_a_delivery_is_noted_once(counter: Counter, cut_at: Callable[..., Any], point: str) -> None:
    with counter.shop.unit() as db:
        (id,) = db.scalars(text("SELECT id FROM webhook"))
    cut_at(point, lambda: webhooks.process(counter.shop, id))
    webhooks.process(counter.shop, id)
    assert count(counter, "message_event WHERE kind = 'delivered'") == 1
    assert count(counter, "webhook WHERE status = 'done'") == 1


@pytest.mark.parametrize("point", ["forget_webhooks.before_commit", "forget_webhooks.after_commit"])
def test_old_reports_are_forgotten_all_the_same(
    counter: Counter, cut_at: Callable[..., Any], point: str
) -> None:
    drain(counter.shop)
    clock = counter.shop.now
    counter.shop.now = lambda: clock() + timedelta(days=webhooks.KEEP_DAYS + 1)
    cut_at(point, lambda: run_task(counter.shop, "webhooks.forget"))
    run_task(counter.shop, "webhooks.forget")
    assert count(counter, "webhook") == 0
