"""Where parcels and returns of big orders are killed at: a shop, a carrier, and ways to die."""

from __future__ import annotations

import contextlib
import signal
import uuid
from collections.abc import Callable
from dataclasses import replace
from typing import Any, ClassVar

from sqlalchemy import text

from opticworks.checkout.settle import Refused
from opticworks.stock import service as stock
from opticworks.testing.processes import House, Nursery, buy

SKU = "RS1-PRO-WHT"


class Yard:
    """`deed` is what processes are told to do, a verb of `opticworks.testing.processes`; `there`
    are units of the SKU on the shelf."""

    deed: ClassVar[Callable[..., Any]]
    there = 100

    def __init__(self, house: House, nursery: Nursery, settings: dict[str, Any]) -> None:
        self.house = replace(house, carrier=True, settings=settings)
        self.nursery, self.broker = nursery, self.house.broker()
        self.shop = self.house.open()
        with self.shop.unit() as db:
            stock.adjust_stock(db, SKU, self.there, reason="delivery", actor="clerk")

    def order(self, quantity: int = 1) -> str:
        email = f"ada-{uuid.uuid4().hex[:10]}@example.com"
        return buy(self.shop, email=email, payment="bank_transfer", sku=SKU, quantity=quantity)

    def die(self, fault: str, what: str, **more: object) -> None:
        """Do it in a process that dies of it."""
        deed = type(self).deed
        call = [f"{deed.__module__}:{deed.__name__}", {"what": what, **more}]
        process = self.nursery.start("verb", self.house, call=call, fault=fault)
        assert process.wait() == -signal.SIGKILL

    def press(self, fault: str, what: str, **more: object) -> None:
        """Do it in a process that dies of it, then again in one that doesn't."""
        self.die(fault, what, **more)
        with contextlib.suppress(Refused):
            type(self).deed(self.shop, what, **more)

    def count(self, query: str, **values: object) -> int:
        with self.shop.unit() as db:
            return int(db.scalar(text(f"SELECT count(*) FROM {query}"), values) or 0)

    @property
    def sold(self) -> int:
        """How many labels the carrier sold."""
        with self.broker.open():
            return self.broker.bought
