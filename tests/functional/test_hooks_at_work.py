"""Hooks whose effect only a whole shop shows: demo data, the admin's menu, reactions to facts."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select

from opticworks import demo, events
from opticworks.contracts import Ctx, MenuItem
from opticworks.events import Event
from opticworks.jobs.testing import drain
from opticworks.kernel import availability, emit, set_stock
from opticworks.plugins import answers
from opticworks.settings.models import Setting
from opticworks.testing.fakes import fake_plugin


def test_hook_demo_loads_once_per_database(make_shop: Any) -> None:
    def stock_up(ctx: Ctx) -> None:
        before = availability(ctx.db, ["LAMP"])["LAMP"].on_hand
        set_stock(ctx.db, "LAMP", before + 5, reason="demo", actor="demo")

    shop = make_shop(extra={"lamps": fake_plugin("lamps", demo=stock_up)})
    assert demo.load(shop)
    assert not demo.load(shop)
    with shop.unit() as db:
        assert availability(db, ["LAMP"])["LAMP"].on_hand == 5


def test_demo_data_that_fails_leaves_nothing_behind(make_shop: Any) -> None:
    def half(ctx: Ctx) -> None:
        set_stock(ctx.db, "LAMP", 5, reason="demo", actor="demo")
        raise RuntimeError("The second half is missing.")

    shop = make_shop(extra={"lamps": fake_plugin("lamps", demo=half)})
    with pytest.raises(RuntimeError, match="second half"):
        demo.load(shop)
    with shop.unit() as db:
        assert availability(db, ["LAMP"])["LAMP"].on_hand == 0
        assert db.scalars(select(Setting)).all() == []


def test_hook_admin_menu_is_asked_of_plugins_in_the_order_of_the_ini(make_shop: Any) -> None:
    def menu(code: str) -> Any:
        def items(ctx: Ctx) -> tuple[MenuItem, ...]:
            return (MenuItem(label=code, path=f"/admin/{code}", position=50, permission="x"),)

        return fake_plugin(code, admin_menu=items)

    shop = make_shop(extra={"lamps": menu("lamps"), "chairs": menu("chairs")})
    with shop.unit() as db:
        found = answers(shop.hooks.admin_menu, ctx=shop.ctx(db))
        labels = [item.label for items in found for item in items]
    assert [label for label in labels if label in ("lamps", "chairs")] == ["lamps", "chairs"]


def test_hook_on_event_hands_a_committed_fact_to_each_plugin_once(make_shop: Any) -> None:
    heard: list[tuple[str, str, dict[str, Any]]] = []
    failures = ["The bookkeeping is down."]

    def listen(event: Event, ctx: Ctx) -> None:
        heard.append((event.kind, event.subject, dict(event.data)))

    def stumble(event: Event, ctx: Ctx) -> None:
        if failures:
            raise RuntimeError(failures.pop())
        listen(event, ctx)

    shop = make_shop(
        extra={
            "books": fake_plugin("books", on_event=stumble),
            "index": fake_plugin("index", on_event=listen),
        }
    )
    with shop.unit() as db:
        emit(db, events.STOCK_LOW, "LAMP", {"left": 3})
    drain(shop, errors=False)
    fact = (events.STOCK_LOW, "LAMP", {"left": 3})
    assert heard == [fact], "A plugin that fails must not hold the other up."
    drain(shop, errors=False)
    assert heard == [fact], "What is done is not repeated, and a retry waits for its time."
    drain(shop, shop.now() + timedelta(days=365))
    assert heard == [fact, fact]
