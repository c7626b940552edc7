"""What must be true of one customer's orders, whatever was killed on the way."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import text
from sqlalchemy.orm import Session

from opticworks.shop import Shop
from opticworks.stock import claims
from opticworks.stock import service as stock


@dataclass(frozen=True)
class Customer:
    """Somebody who is known by an e-mail address of their own."""

    shop: Shop
    email: str

    def orders(self) -> list[Any]:
        """number, status, payment_status, fulfilment_status and total of each order."""
        statement = text(
            "SELECT number, status, payment_status, fulfilment_status, total FROM orders"
            " WHERE email = :email ORDER BY id"
        )
        with self.shop.unit() as db:
            return list(db.execute(statement, {"email": self.email}))

    def messages(self) -> list[tuple[str, str]]:
        """Kind and status of each message to the customer."""
        statement = text("SELECT kind, status FROM message WHERE recipient = :email ORDER BY id")
        with self.shop.unit() as db:
            return [(kind, status) for kind, status in db.execute(statement, {"email": self.email})]

    def ledger(self) -> list[tuple[str, int]]:
        """Kind and amount of each fact in the ledger of the customer's payments."""
        statement = text(
            "SELECT e.kind, e.amount FROM payment_event e JOIN payment p ON p.id = e.payment_id"
            " JOIN orders o ON o.id = p.order_id WHERE o.email = :email ORDER BY e.id"
        )
        with self.shop.unit() as db:
            return [(kind, sum) for kind, sum in db.execute(statement, {"email": self.email})]

    def attempts(self) -> set[str]:
        """Our ids of every attempt to pay the customer's orders."""
        statement = text(
            "SELECT p.attempt FROM payment p JOIN orders o ON o.id = p.order_id"
            " WHERE o.email = :email"
        )
        with self.shop.unit() as db:
            return {str(attempt) for attempt in db.scalars(statement, {"email": self.email})}


def jobs_left(shop: Shop) -> int:
    """Jobs that are due, running or dead."""
    statement = text(
        "SELECT count(*) FROM procrastinate_jobs WHERE status IN ('doing', 'failed')"
        " OR (status = 'todo' AND (scheduled_at IS NULL OR scheduled_at <= now()))"
    )
    with shop.unit() as db:
        return int(db.scalar(statement) or 0)


def wrong(shop: Shop) -> list[str]:
    """What is not as it must be, once all jobs are done: counters that their ledger does not
    prove, goods kept for nobody, several orders of one cart, facts told twice."""
    with shop.unit() as db:
        drifts = [f"{drift}" for drift in (*stock.verify(db), *claims.verify(db))]
        return drifts + [
            f"{what}: {row}" for what, query in _CHECKS.items() for row in _rows(db, query)
        ]


#: What was credited of an order `o`, and the documents of a refund `r`.
_CREDITED = (
    "(SELECT coalesce(sum((d.facts ->> 'total')::bigint), 0) FROM document d"
    " WHERE d.order_number = o.number AND d.kind <> 'invoice')"
)
_OF_REFUND = (
    "EXISTS (SELECT FROM document d WHERE d.order_number = o.number"
    " AND d.about = r.key::text AND d.kind = '{}')"
)
_REFUNDS = (
    "SELECT o.number, r.key, r.status FROM refund r JOIN payment p ON p.id = r.payment_id"
    " JOIN orders o ON o.id = p.order_id WHERE "
)

_CHECKS = {
    "goods kept for no order": (
        "SELECT h.order_number, h.sku FROM stock_hold h"
        " LEFT JOIN orders o ON o.number = h.order_number"
        " WHERE o.number IS NULL OR o.status <> 'confirmed'"
    ),
    "an order without its goods": (
        "SELECT o.number FROM orders o WHERE o.status = 'confirmed'"
        " AND o.fulfilment_status = 'unfulfilled'"
        " AND NOT EXISTS (SELECT FROM stock_hold h WHERE h.order_number = o.number)"
    ),
    "a discount used by no order that stands": (
        "SELECT c.order_number, c.allowance FROM claim c"
        " LEFT JOIN orders o ON o.number = c.order_number"
        " WHERE c.released_at IS NULL AND (o.number IS NULL OR o.status = 'canceled')"
    ),
    "several orders of one cart": (
        "SELECT cart_id FROM orders WHERE status <> 'canceled' GROUP BY cart_id HAVING count(*) > 1"
    ),
    "a fact told twice": (
        "SELECT subject, kind FROM event WHERE kind IN ('order.placed', 'payment.paid',"
        " 'order.canceled', 'payment.reminder', 'shipment.shipped', 'payment.refunded')"
        " GROUP BY subject, kind, data ->> 'shipment', data ->> 'refund' HAVING count(*) > 1"
    ),
    "more paid back than was taken": (
        "SELECT p.id FROM payment p JOIN payment_event e ON e.payment_id = p.id"
        " GROUP BY p.id HAVING sum(e.amount) < 0"
    ),
    "a refund that its ledger does not prove": (
        "SELECT r.key, r.status FROM refund r WHERE r.status <> 'intended' AND NOT EXISTS ("
        " SELECT FROM payment_event e WHERE e.payment_id = r.payment_id"
        " AND e.key = 'refund:' || r.key || ':' || r.status)"
    ),
    "a refund that its invoice knows nothing of": (
        f"{_REFUNDS} p.returned = '' AND r.status IN ('pending', 'done') AND EXISTS (SELECT FROM"
        " document d WHERE d.order_number = o.number AND d.kind = 'invoice')"
        f" AND NOT {_OF_REFUND.format('credit_note')} AND {_CREDITED} < o.total"
    ),
    "a credit note for what was not paid back, or never invoiced": (
        f"{_REFUNDS} {_OF_REFUND.format('credit_note')} AND NOT"
        f" {_OF_REFUND.format('credit_reversal')}"
        " AND (p.returned <> '' OR r.status NOT IN ('pending', 'done'))"
    ),
    "more credited than was invoiced": (
        f"SELECT o.number FROM orders o WHERE {_CREDITED} NOT BETWEEN 0 AND o.total"
    ),
    "a gap in the numbers of documents": (
        "SELECT s.prefix FROM document_series s LEFT JOIN document d ON d.series = s.prefix"
        " GROUP BY s.prefix HAVING count(d.id) <> s.last OR max(d.position) <> s.last"
    ),
    "a placed order that nobody was told of": (
        "SELECT o.number FROM orders o WHERE o.status = 'confirmed' AND NOT EXISTS ("
        " SELECT FROM message m JOIN event e ON e.id = m.event_id"
        " WHERE e.subject = o.number AND e.kind = 'order.placed' AND m.status = 'sent')"
    ),
    "an order in two minds": (
        "SELECT o.number, o.status, o.payment_status FROM orders o"
        " JOIN payment p ON p.order_id = o.id"
        " WHERE (p.status = 'captured' AND p.returned <> 'surplus'"
        " AND o.payment_status NOT IN ('paid', 'part_refunded', 'refunded'))"
        " OR o.status = 'awaiting_payment'"
        " AND p.status NOT IN ('new', 'action', 'failed', 'canceled')"
    ),
}


def _rows(db: Session, query: str) -> list[Any]:
    return list(db.execute(text(query)))
