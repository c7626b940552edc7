"""The morning mail to staff: at its hour, once a day, with what really waits."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from bs4 import BeautifulSoup

from opticworks.checkout import digest, staff
from opticworks.jobs.testing import drain
from opticworks.testing.counter import Counter, open_counter

BOSS = "boss@example.com"
SETTINGS = {
    "shop": {"digest": "true", "digest_hour": "7", "alerts": BOSS, "timezone": "Europe/Berlin"}
}


def letters(counter: Counter) -> list[Any]:
    drain(counter.shop)
    return [mail for mail in counter.mailer.vendor.sent.values() if mail.to == BOSS]


def test_it_comes_once_a_day_from_its_hour_on_and_counts_yesterday(
    make_shop: Callable[..., Any],
) -> None:
    counter = open_counter(make_shop, settings=SETTINGS)
    shop, real = counter.shop, counter.shop.now
    counter.stock("LAMP", 60, "10.00")
    yesterday = real().astimezone(UTC).replace(hour=12, minute=0)
    shop.now = lambda: yesterday
    for _ in range(2):
        number = counter.buy(("LAMP", 1)).number
    staff.mark_paid(shop, number, actor="clerk@example.com")
    drain(shop)
    early = (yesterday + timedelta(days=1)).replace(hour=3)  # 4 or 5 o'clock in Berlin
    shop.now = lambda: early
    digest.digest(shop)
    assert letters(counter) == []
    shop.now = lambda: early.replace(hour=8)
    digest.digest(shop)
    shop.now = lambda: early.replace(hour=9)
    digest.digest(shop)
    (mail,) = letters(counter)
    total = counter.order(number).total
    assert f"Orders yesterday: 2, together ${2 * total.minor / 100:.2f}" in mail.text
    assert mail.subject.endswith(": 1 to ship")
    row = BeautifulSoup(mail.html, "html.parser").find(href=re.compile("tab=to_ship")).parent
    assert "padding: 14px" in row["style"]  # wide enough for a thumb


def test_nobody_who_did_not_ask_gets_it(make_shop: Callable[..., Any]) -> None:
    quiet = {"shop": {**SETTINGS["shop"], "digest": "false"}}
    counter = open_counter(make_shop, settings=quiet)
    counter.shop.now = lambda: datetime(2026, 11, 28, 12, tzinfo=UTC)
    digest.digest(counter.shop)
    assert letters(counter) == []
