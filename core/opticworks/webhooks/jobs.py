"""The inbox's background work."""

from __future__ import annotations

from opticworks.jobs import Retry, task
from opticworks.shop import Shop
from opticworks.webhooks import service


@task("webhooks.process", retry=Retry(tries=12, base=5, cap=3600))
def process(shop: Shop, webhook: int) -> None:
    """Draw the consequences of one stored event."""
    service.process(shop, webhook)


@task("webhooks.forget", schedule="41 3 * * *")
def forget(shop: Shop) -> None:
    """Every night: remove handled events that nobody needs any more."""
    with shop.unit("forget_webhooks") as db:
        service.forget(db, shop.now())
