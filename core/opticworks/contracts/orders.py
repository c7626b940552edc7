"""Orders as plugins and templates see them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal, NamedTuple

from opticworks.contracts.goods import contents_of, named
from opticworks.contracts.payments import Instruction
from opticworks.contracts.pictures import Picture
from opticworks.contracts.places import Address
from opticworks.contracts.prices import Adjustment
from opticworks.money import Money
from opticworks.money import total as sum_of

PaymentStatus = Literal["unpaid", "pending", "authorized", "paid", "refunded", "part_refunded"]
ReturnState = Literal[
    "requested", "approved", "declined", "canceled", "in_transit", "received", "refunded", "closed"
]
FulfilmentStatus = Literal["unfulfilled", "part_shipped", "shipped", "part_delivered", "delivered"]


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderPart:
    """Part of a bundle that was bought: `quantity` of it in one bundle, and `share` of the whole
    line's total that it stands for, `tax` of which is tax, added or included. So many of the whole
    line's were `removed`: paid back by themselves before they left."""

    sku: str
    quantity: int
    share: Money
    tax: Money
    title: str = ""
    options: str = ""
    removed: int = 0

    @property
    def name(self) -> str:
        """The part in one phrase: "Lamp (Pro / Graphite)"."""
        return named(self.title or self.sku, self.options)


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderLineView:
    """A line as it was bought. `components` are the parts of a bundle; their shares sum to
    `total`."""

    sku: str
    title: str
    options: str
    quantity: int
    unit_price: Money
    subtotal: Money
    discount: Money
    tax: Money
    total: Money
    url: str = ""
    image: Picture | None = None
    shipped: int = 0
    delivered: int = 0
    components: tuple[OrderPart, ...] = ()
    removed: int = 0  #: units that were paid back before they left, so they never will
    refunded: int = 0  #: units that were paid back, wherever they are
    ships: bool = True  #: whether it leaves in a parcel

    @property
    def left(self) -> int:
        """Units that are still to leave the house."""
        return self.quantity - self.shipped - self.removed

    @property
    def contents(self) -> str:
        """What is in one bundle: "2 × Lamp (Black), 1 × Bulb"; empty for what is none."""
        return contents_of((part.quantity, part.name) for part in self.components)

    @property
    def without(self) -> str:
        """The parts that were paid back by themselves and not sent: "1 × Bulb"; mostly empty."""
        return contents_of((part.removed, part.name) for part in self.components if part.removed)


@dataclass(frozen=True, slots=True, kw_only=True)
class PaymentView:
    """How an order is paid, as its pages and mails tell: the attempt that counts."""

    provider: str
    title: str
    status: str
    amount: Money
    instructions: tuple[Instruction, ...] = ()
    expires_at: datetime | None = None


class RefundLine(NamedTuple):
    """What a refund is for. Of a single part of a bundle, `part_of` names the bundle; `without`
    says which parts a bundle had lost before ("1 × Bulb"), whose money went back then."""

    title: str
    quantity: int
    amount: Money
    part_of: str = ""
    without: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class RefundView:
    """Money that goes back to the customer. `lines` are what it is for; one of no quantity and
    below zero is what others were cheaper by because of it.
    `shipping` is its part for delivery; the rest of `amount` was settled by hand. `credit_note`
    has the number and the customer's address of the one that was issued for it."""

    id: str
    amount: Money
    status: Literal["intended", "pending", "done", "failed"]
    title: str  #: of the way of payment that it goes back to
    at: datetime
    settled_at: datetime | None = None
    message: str = ""
    lines: tuple[RefundLine, ...] = ()
    shipping: Money | None = None
    credit_note: tuple[str, str] | None = None

    @property
    def rest(self) -> Money:
        """What `lines` and `shipping` don't explain: staff chose another amount."""
        parts = [line.amount for line in self.lines]
        if self.shipping is not None:
            parts.append(self.shipping)
        return self.amount - sum_of(parts, self.amount.currency)


@dataclass(frozen=True, slots=True, kw_only=True)
class TrackingView:
    """One thing that the carrier reported of a parcel."""

    status: str
    at: datetime
    description: str = ""
    location: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ShipmentView:
    """One parcel that has left, as its customer meets it. `status` is the newest of what the
    carrier reported ("shipped" before its first scan); `history` has the latest first. `without`
    says by SKU which parts its bundles go without ("1 × Bulb")."""

    id: str
    carrier: str
    tracking_number: str
    tracking_url: str
    status: str
    shipped_at: datetime | None
    lines: tuple[tuple[str, str, int], ...] = ()  #: (sku, title, quantity)
    delivered_at: datetime | None = None
    history: tuple[TrackingView, ...] = ()
    without: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class ReturnView:
    """Goods that come back, or are to. `lines` are (SKU, title, units); of a withdrawal they
    count what never left too. `labels` names the formats of its prepaid label; `credit_notes`
    have the number and the customer's address of each."""

    number: str
    kind: Literal["return", "withdrawal"]
    state: ReturnState
    at: datetime
    url: str  #: absolute address of its page for the customer
    lines: tuple[tuple[str, str, int], ...]
    note: str = ""  #: what the customer wrote
    answer: str = ""  #: why it was declined
    labels: tuple[str, ...] = ()
    carrier: str = ""
    tracking_number: str = ""
    tracking_url: str = ""
    coming: int = 0  #: units that come back in a parcel, or came
    credit_notes: tuple[tuple[str, str], ...] = ()
    statement: str = ""  #: what the customer declared, of a withdrawal


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderView:
    """An order as it stands: its frozen quote and what has happened to it since."""

    number: str
    url: str  #: absolute address of the customer's order page
    email: str
    status: Literal["awaiting_payment", "confirmed", "completed", "canceled"]
    payment_status: PaymentStatus
    fulfilment_status: FulfilmentStatus
    placed_at: datetime
    currency: str
    lines: tuple[OrderLineView, ...]
    trace: tuple[Adjustment, ...]
    address: Address
    shipping_title: str
    subtotal: Money
    discount_total: Money
    shipping_total: Money
    tax_total: Money
    total: Money
    payment: PaymentView | None = None
    shipments: tuple[ShipmentView, ...] = ()
    refunds: tuple[RefundView, ...] = ()  #: the oldest first
    returns: tuple[ReturnView, ...] = ()  #: the oldest first
    disputed: bool = False  #: a buyer's bank wants its money back and nothing is decided
    cancel_reason: str = ""
    #: Language and region that it was placed in ("de_DE"); empty: those of the shop.
    locale: str = ""
    #: Why money of this order went back by itself: "surplus" (it was paid twice), "sold_out" or
    #: "canceled" (it came too late); mostly empty.
    returned: str = ""

    @property
    def refunded(self) -> Money:
        """What went back, or is on its way."""
        counted = (each.amount for each in self.refunds if each.status in ("pending", "done"))
        return sum_of(counted, self.currency)
