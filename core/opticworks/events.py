"""Facts that happened: what the kernel announces after it has written them.

An event is stored in the transaction that makes it true and handed to plugins from a job, so
`messages(event, ctx)` and `on_event(event, ctx)` see committed facts only, at least once.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

ORDER_PLACED = "order.placed"  #: accepted: paid, authorized, or payable later (bank transfer)
ORDER_CANCELED = "order.canceled"  #: by staff, by the customer or by expiry; data["reason"]
ORDER_COMPLETED = "order.completed"  #: paid and everything delivered
PAYMENT_REMINDER = "payment.reminder"  #: still unpaid at the moment the provider asked for
PAYMENT_PAID = "payment.paid"  #: the whole order amount is captured
PAYMENT_AUTHORIZED = "payment.authorized"  #: the whole amount is ours to take when it is sent
PAYMENT_FAILED = "payment.failed"
PAYMENT_REFUNDED = "payment.refunded"  #: once per refund; data["amount"], data["refund"] its id
DISPUTE_OPENED = "dispute.opened"  #: a buyer's bank wants money back; data["amount"]
#: Money that came twice or too late goes back by itself; data["reason"] is surplus, canceled or
#: sold_out. The refund that follows has data["returned"]: nobody needs to be told twice.
PAYMENT_RETURNED = "payment.returned"
SHIPMENT_SHIPPED = "shipment.shipped"  #: a parcel left; data["shipment"] is its public id
SHIPMENT_OUT_FOR_DELIVERY = "shipment.out_for_delivery"  #: once per parcel, as are the others
SHIPMENT_DELIVERED = "shipment.delivered"
#: A customer asks to send goods back. All events of returns have data["return"], its number.
RETURN_REQUESTED = "return.requested"
RETURN_APPROVED = "return.approved"  #: also when its label came later; data["label"]
RETURN_DECLINED = "return.declined"
RETURN_RECEIVED = "return.received"  #: the goods are here again, nothing is paid back yet
RETURN_CANCELED = "return.canceled"  #: by the customer, before anything was sent
RETURN_CLOSED = "return.closed"  #: by staff, without a refund
RETURN_LABEL_VOIDED = "return.label_voided"  #: its customer may not use it any more
WITHDRAWAL_DECLARED = "withdrawal.declared"  #: a customer withdrew from the contract
STOCK_LOW = "stock.low"  #: subject is the SKU, which fell below the shop's mark; data["left"]
SHOP_DIGEST = "shop.digest"  #: once a day; the subject is the day, the data what waits
#: About an account; the subject is a link's public id, data["to"] and data["name"] its owner.
ACCOUNT_RESET_ASKED = "account.reset_asked"
ACCOUNT_EMAIL_ASKED = "account.email_asked"
ACCOUNT_CHANGED = "account.changed"  #: data["what"] is password or email
MESSAGE_BOUNCED = "message.bounced"


@dataclass(frozen=True, slots=True)
class Event:
    """One fact. `subject` is a public key: an order number, or a SKU for stock events."""

    id: int
    kind: str
    subject: str
    at: datetime
    data: Mapping[str, Any] = field(default_factory=dict)
    order: Any = None  #: the OrderView of an order's event, as it stands when handled
