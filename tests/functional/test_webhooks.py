"""The inbox: verified first, stored once, answered at once, worked through by the worker."""

from __future__ import annotations

import random
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
import webtest
from click.testing import CliRunner
from sqlalchemy import select, update

from opticworks.checkout.place import place
from opticworks.cli.webhooks import webhooks
from opticworks.jobs.testing import drain
from opticworks.shop import Shop
from opticworks.testing.counter import Counter, open_counter
from opticworks.testing.shops import Browser
from opticworks.webhooks import service
from opticworks.webhooks.models import Webhook

PATH = "/webhooks/fake_card"


@pytest.fixture
def counter(make_shop: Callable[..., Shop]) -> Counter:
    counter = open_counter(make_shop)
    counter.stock("A", 100, "10.00")
    return counter


@pytest.fixture
def vendor(counter: Counter) -> Any:
    return counter.card.vendor


@pytest.fixture
def browser(counter: Counter) -> Browser:
    return Browser(counter.shop)


def ordered(counter: Counter) -> tuple[str, str]:
    """An order whose buyer is at the card vendor: its number and the vendor's ref."""
    placed = place(counter.shop, counter.wish(counter.cart(("A", 1)), "fake_card"))
    return placed.number, list(counter.card.vendor.payments)[-1]


def deliver(browser: Browser, message: tuple[bytes, dict[str, str]], status: int = 200) -> Any:
    """As a vendor does: from nowhere, without an Origin."""
    body, headers = message
    request = browser.RequestClass.blank(PATH, method="POST", headers=headers)
    request.body = body
    return webtest.TestApp.do_request(browser, request, status)


def inbox(counter: Counter) -> list[Webhook]:
    with counter.shop.unit() as db:
        return list(db.scalars(select(Webhook).order_by(Webhook.id)))


def test_a_reported_payment_settles_its_order(
    counter: Counter, vendor: Any, browser: Browser
) -> None:
    number, ref = ordered(counter)
    vendor.pay(ref)
    deliver(browser, vendor.webhook(vendor.events[-1]))
    assert counter.order(number).payment_status == "unpaid", "the request itself settles nothing"
    drain(counter.shop)
    assert counter.order(number).payment_status == "paid"
    (stored,) = inbox(counter)
    assert (stored.status, stored.tries, stored.handled_at is not None) == ("done", 1, True)


def test_copies_in_any_order_and_at_once_are_one_event_each(
    counter: Counter, vendor: Any, browser: Browser
) -> None:
    numbers = []
    for _ in range(3):
        number, ref = ordered(counter)
        vendor.pay(ref)
        numbers.append(number)
    copies = [event for event in vendor.events for _ in range(4)]
    random.Random(7).shuffle(copies)
    threads = [
        threading.Thread(target=deliver, args=(browser, vendor.webhook(event))) for event in copies
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    drain(counter.shop)
    assert len(inbox(counter)) == len(vendor.events)
    assert {counter.order(number).payment_status for number in numbers} == {"paid"}
    assert vendor.charged == 3 * counter.order(numbers[0]).total.minor


@pytest.mark.parametrize("how", ["forged", "changed", "old", "unsigned"])
def test_what_the_vendor_did_not_sign_is_refused_and_not_stored(
    counter: Counter, vendor: Any, browser: Browser, how: str
) -> None:
    _, ref = ordered(counter)
    vendor.pay(ref)
    event = vendor.events[-1]
    body, headers = vendor.webhook(
        event,
        at=vendor.clock() - timedelta(hours=1) if how == "old" else None,
        secret="another" if how == "forged" else None,
    )
    if how == "changed":
        body = body.replace(b"payment.captured", b"payment.canceled")
    if how == "unsigned":
        headers = {}
    deliver(browser, (body, headers), status=400)
    assert inbox(counter) == []


@pytest.mark.parametrize("bad", ["\0", "\ud800"])
def test_ids_that_are_no_text_are_refused_and_the_rest_of_an_event_is_marked(
    counter: Counter, vendor: Any, browser: Browser, bad: str
) -> None:
    _, ref = ordered(counter)
    vendor.pay(ref)
    event = vendor.events[-1]
    for name, wrong in (
        ("id", replace(event, id=f"x{bad}")),
        ("reference", replace(event, data={**event.data, "ref": f"x{bad}"})),
    ):
        answer = deliver(browser, vendor.webhook(wrong), status=400)
        assert f"Refused: its {name} has a character that is no text" in answer.text
    assert inbox(counter) == []
    deliver(browser, vendor.webhook(replace(event, data={**event.data, "note": f"x{bad}"})))
    assert [bad in str(stored.data) for stored in inbox(counter)] == [False]


def test_without_a_secret_everything_is_refused_and_staff_are_told(
    counter: Counter, vendor: Any, browser: Browser
) -> None:
    message = vendor.webhook(vendor.announce("payment.captured"))
    vendor.secret = ""
    deliver(browser, message, status=400)
    (receiver,) = (each for each in service.receivers(counter.shop) if each.code == "fake_card")
    assert "signing secret is not set" in receiver.problem


def test_providers_without_webhooks_are_no_receivers(counter: Counter, browser: Browser) -> None:
    families = {each.code: each.family for each in service.receivers(counter.shop)}
    assert families == {"fake_card": "payment", "fake_mail": "mail", "fake_carrier": "shipping"}
    browser.post("/webhooks/fake_transfer", b"{}", status=400)
    browser.post("/webhooks/nobody", b"{}", status=404)
    browser.get(PATH, status=405)


def test_an_event_that_comes_before_its_ref_is_stored_is_found_by_our_own_id(
    counter: Counter, vendor: Any, browser: Browser
) -> None:
    number, ref = ordered(counter)
    vendor.pay(ref)
    event = vendor.events[-1]
    deliver(browser, vendor.webhook(event))
    with counter.shop.unit() as db:
        db.execute(update(Webhook).values(ref="unknown yet"))
    drain(counter.shop)
    assert counter.order(number).payment_status == "paid"


def test_an_event_that_fits_nothing_waits_is_tried_again_and_then_shown_to_staff(
    counter: Counter, vendor: Any, browser: Browser
) -> None:
    deliver(browser, vendor.webhook(vendor.announce("payment.captured", ref="pay_elsewhere")))
    (stored,) = inbox(counter)
    for tries in range(1, service.UNMATCHED_TRIES):
        with pytest.raises(service.Unmatched):
            service.process(counter.shop, stored.id)
        (stored,) = inbox(counter)
        assert (stored.status, stored.tries) == ("waiting", tries)
    service.process(counter.shop, stored.id)
    (stored,) = inbox(counter)
    assert stored.status == "unmatched"
    assert "No payment" in stored.error


def test_a_vendor_that_is_down_delays_the_event_and_loses_nothing(
    counter: Counter, vendor: Any, browser: Browser
) -> None:
    number, ref = ordered(counter)
    vendor.pay(ref)
    deliver(browser, vendor.webhook(vendor.events[-1]))
    with vendor.down(), pytest.raises(Exception, match="did not answer"):
        service.process(counter.shop, inbox(counter)[0].id)
    assert inbox(counter)[0].status == "failed"
    service.process(counter.shop, inbox(counter)[0].id)
    assert inbox(counter)[0].status == "done"
    assert counter.order(number).payment_status == "paid"


def test_events_are_replayed_one_by_one_or_by_filter_and_change_nothing_twice(
    counter: Counter, vendor: Any, browser: Browser
) -> None:
    number, ref = ordered(counter)
    vendor.pay(ref)
    for event in vendor.events:
        deliver(browser, vendor.webhook(event))
    drain(counter.shop)
    with counter.shop.unit() as db:
        assert service.replay(db, service.Filter(provider="somebody")) == 0
        assert service.replay(db, service.Filter(kind="payment.captured", status="done")) == 1
    before = counter.order(number)
    drain(counter.shop)
    with counter.shop.unit() as db:
        assert service.replay(db, service.Filter(ids=(inbox(counter)[0].id,))) == 1
    drain(counter.shop)
    assert counter.order(number) == before
    assert {each.status for each in inbox(counter)} == {"done"}


class Context:
    def __init__(self, shop: Shop) -> None:
        self._shop = shop

    @contextmanager
    def shop(self) -> Iterator[Shop]:
        yield self._shop


def test_the_command_lists_and_replays(counter: Counter, vendor: Any, browser: Browser) -> None:
    def run(*arguments: str) -> tuple[int, str]:
        result = CliRunner().invoke(webhooks, arguments, obj=Context(counter.shop))
        return result.exit_code, result.output

    assert run("list") == (0, "No webhook fits.\n")
    deliver(browser, vendor.webhook(vendor.announce("payment.captured", ref="elsewhere")))
    deliver(browser, vendor.webhook(vendor.announce("payment.failed", ref="elsewhere")))
    assert "payment.failed" in run("list", "--provider", "fake_card", "--since", "1h")[1]
    assert run("list", "--since", "2999-01-01") == (0, "No webhook fits.\n")
    assert run("list", "--since", "soon")[0] == 2
    assert run("replay")[0] == 2, "everything at once must be asked for"
    assert run("replay", "--kind", "payment.failed")[1].startswith("1 queued")
    assert run("replay", "--all")[1].startswith("2 queued")


def test_handled_events_are_forgotten_after_their_time(
    counter: Counter, vendor: Any, browser: Browser
) -> None:
    for kind in ("a", "b"):
        deliver(browser, vendor.webhook(vendor.announce(kind, ref="x")))
    long_ago = counter.shop.now() - timedelta(days=service.KEEP_DAYS + 1)
    with counter.shop.unit() as db:
        db.execute(update(Webhook).values(received_at=long_ago))
        db.execute(update(Webhook).where(Webhook.kind == "a").values(status="done"))
        assert service.forget(db, counter.shop.now()) == 1
    assert [each.kind for each in inbox(counter)] == ["b"]
