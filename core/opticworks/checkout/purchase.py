"""A label is prepared, bought once, kept, and given back once, whatever it is for.

A vendor without idempotency keys sells twice if asked twice. So its id of the parcel is committed
before anything is bought (`prepare`), then what is about to be bought, and only then is the vendor
asked to sell. Whoever finds a purchase begun looks at the vendor first. So it is with giving back:
that a label is about to be is committed before its vendor is asked. Two clicks take turns.

What labels are for says a subclass of Purchase: parcels (checkout.labels), and returns
(checkout.return_labels).
"""

from __future__ import annotations

import hashlib
import logging
import time
import uuid
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Generic, TypeVar

from sqlalchemy import text
from sqlalchemy.orm import Session

from opticworks import contracts as c
from opticworks.checkout.settle import Refused
from opticworks.faults import outside
from opticworks.money import Money
from opticworks.orders.models import Order
from opticworks.returns.models import ReturnLabel
from opticworks.shipping import rates as rates_room
from opticworks.shipping import service as shipments
from opticworks.shipping.models import Parcel
from opticworks.shop import Shop

log = logging.getLogger(__name__)

RATED_HOURS = 24  #: how long a vendor's offer may be bought without asking again
TURN_SECONDS = 30.0  #: how long a second click waits for the first
VOID_DAYS = 45  #: after which nobody waits for the money of a label any more
SOON = timedelta(minutes=5)  #: until somebody looks, should we die in between

Row = TypeVar("Row", bound=Parcel | ReturnLabel)


class Unanswered(Refused):
    """The vendor did not answer: what it did is looked up before anything is done again."""


@dataclass(frozen=True, slots=True)
class Work:
    """What a label is for, as its vendor must know it, read before the transaction ends. `id` is
    that of the label's row, or of the one to come."""

    id: uuid.UUID
    status: str
    provider: str
    ref: str
    contents: str
    rates: tuple[c.Rate, ...]
    rated_at: datetime | None
    rate: c.Rate | None
    options: Mapping[str, Any]
    request: c.ShipmentRequest

    @classmethod
    def of(cls, row: Parcel | ReturnLabel, provider: str, request: c.ShipmentRequest) -> Work:
        """What is known of a label; `provider` sells it if nobody has been asked yet."""
        return cls(
            id=row.id,
            status=row.status,
            provider=row.provider or provider,
            ref=row.ref,
            contents=row.contents,
            rates=tuple(map(rates_room.rate_from_json, row.rates)),
            rated_at=row.rated_at,
            rate=rates_room.rate_from_json(row.rate) if row.rate else None,
            options=row.options,
            request=request,
        )

    @property
    def open(self) -> bool:
        """Whether a label can be bought: none was, and none is about to be."""
        return self.status in ("draft", "prepared")

    @property
    def key(self) -> str:
        """What tells the vendor that a purchase is the same one again."""
        return f"{self.id}:{self.ref}"

    def fresh(self, now: datetime) -> bool:
        """Whether what the vendor offered may still be bought: not old, and for these contents."""
        recent = self.rated_at is not None and now - self.rated_at < timedelta(hours=RATED_HOURS)
        return bool(self.ref) and recent and self.contents == contents_of(self.request)


def contents_of(request: c.ShipmentRequest) -> str:
    """A fingerprint of what a vendor's price depends on."""
    return hashlib.sha256(repr(request).encode()).hexdigest()[:32]


def label_providers(shop: Shop) -> dict[str, c.ShippingProvider]:
    """The enabled providers that sell labels, by code."""
    return {code: each for code, each in shop.providers.shipping().items() if each.labels}


def seller(shop: Shop, code: str) -> c.ShippingProvider:
    """The enabled provider of that code that sells labels. Raises Refused."""
    provider = label_providers(shop).get(code)
    if provider is None:
        raise Refused(
            f"The shipping provider {code!r} is not enabled; enable its plugin again."
            if code
            else "No plugin that sells labels is enabled. Enable one, or ship by hand."
        )
    return provider


def provider_for(shop: Shop, order: Order) -> str:
    """Who sells the labels of an order: whose rate its customer chose, else the first that does."""
    known = label_providers(shop)
    chosen = (order.shipping or {}).get("provider", "")
    return chosen if chosen in known else next(iter(known), "")


def said(provider: c.ShippingProvider, what: str, error: c.ProviderError) -> Refused:
    """What a provider's error is to staff."""
    sentence = f"{provider.title} {what}: {error}"
    return Unanswered(sentence) if error.retryable else Refused(sentence)


@contextmanager
def turn(shop: Shop, whose: object) -> Iterator[None]:
    """One at a time for each parcel or return, over all processes; a process that dies gives its
    turn up.

    The lock of PostgreSQL stays with a connection of its own, without a transaction.
    """
    digest = hashlib.sha256(f"label:{whose}".encode()).digest()
    key = {"key": int.from_bytes(digest[:8], signed=True)}
    until = time.monotonic() + TURN_SECONDS
    engine = shop.engine.execution_options(isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        while not connection.scalar(text("SELECT pg_try_advisory_lock(:key)"), key):
            if time.monotonic() > until:
                raise Unanswered("This label is being worked on right now. Look again in a minute.")
            time.sleep(0.1)
        try:
            yield
        finally:
            connection.execute(text("SELECT pg_advisory_unlock(:key)"), key)


def _same_signature(work: Work, options: c.BuyOptions | None) -> None:
    """Refuse a signature other than the one that the prices are for: it would be left out, or paid
    for unseen."""
    rated = work.request.options.get("signature", "")
    if (options or {}).get("signature", "") not in ("", rated):
        raise Refused(
            "These prices are for another signature than the one that is chosen now. Get prices "
            "again, then buy the label."
        )


class Purchase(ABC, Generic[Row]):
    """Buying and giving back the labels of one thing. `whose` turn it is: its id or number."""

    what: str  #: "parcel", in sentences
    page: str  #: "order": what to open again when it was changed meanwhile
    first_look: timedelta | None = None  #: after buying, should no webhook tell that it moves

    def __init__(self, shop: Shop, whose: object) -> None:
        self.shop, self.whose = shop, whose

    # --- what the labels are for --------------------------------------------------------------

    @abstractmethod
    def work(self, db: Session, *, lock: bool = False) -> Work:
        """What its vendor is told; with `lock`, kept from everyone else. Raises Refused, also
        where no label is of use."""

    @abstractmethod
    def held(self, db: Session, label: uuid.UUID) -> tuple[Order, Row]:
        """The order and the label's row, kept from everyone else. Raises Refused."""

    def begin(self, db: Session, label: uuid.UUID) -> Row:
        """The row that an offer is written into."""
        return self.held(db, label)[1]

    @abstractmethod
    def label_format(self) -> str:
        """The format in which labels are asked for."""

    def ready(self, db: Session, order: Order) -> None:
        """Raises Refused where a label must not be bought now."""

    @abstractmethod
    def keep(self, db: Session, row: Row, format: str, content: bytes) -> None:
        """Keep a file of the label."""

    @abstractmethod
    def bought(
        self,
        db: Session,
        order: Order,
        row: Row,
        label: c.Label,
        elsewhere: dict[str, str],
        actor: str,
    ) -> None:
        """Draw the consequences of a label that is here; files of it are `elsewhere`, by format."""

    @abstractmethod
    def unused(self, row: Row) -> None:
        """Raises Refused, with the reason, unless the label is one to be given back."""

    @abstractmethod
    def given_back(self, db: Session, order: Order, row: Row, actor: str) -> None:
        """Draw the consequences of a label that was given back."""

    def paid_back(self, db: Session, row: Row) -> str:
        """The label's money is back, or never will be (`row.void`): write that down. What the
        label was for, to be named to staff."""
        return ""

    # --- buying -------------------------------------------------------------------------------

    def read(self) -> Work:
        with self.shop.unit() as db:
            return self.work(db)

    def prepare(self) -> tuple[c.Rate, ...]:
        """What labels cost now. The vendor's id is committed; nothing is bought. An offer of the
        last day for the same contents is given again.

        Raises Refused, also where none of what is offered can be right, and Unanswered when the
        vendor does not answer.
        """
        shop, work = self.shop, self.read()
        if not work.open:
            raise Refused(f"This {self.what} has a label already, or one is being bought.")
        if work.fresh(shop.now()):
            return work.rates
        provider = seller(shop, work.provider)
        try:
            with outside("label_prepare"):
                state = provider.prepare(work.request)
        except c.ProviderError as error:
            raise said(provider, f"has no prices for this {self.what}", error) from None
        sound, wrong = _sound(provider, state.rates, work.request.lines[0].unit_price.currency)
        with shop.unit("label_prepare") as db:
            now = self.work(db, lock=True)
            if not now.open or now.fresh(shop.now()):
                return now.rates  # somebody else was quicker
            row = self.begin(db, now.id if now.ref else work.id)
            row.provider, row.ref, row.status = work.provider, state.ref, "prepared"
            row.rates = [rates_room.rate_to_json(rate) for rate in sound]
            # Nothing to choose from is asked for again, not remembered for a day.
            row.rated_at = shop.now() if sound else None
            row.contents = contents_of(work.request)
            row.options = dict(work.request.options)
        if wrong and not sound:
            raise Refused(_all_dropped(provider, wrong))
        return sound

    def buy(
        self,
        *,
        rate_code: str,
        actor: str,
        most: int | None = None,
        options: c.BuyOptions | None = None,
    ) -> None:
        """Buy the label once, however often this is asked.

        `most` is what the label may cost (minor units): what the person saw, or the shop's limit.
        An offer that is old or for other contents is asked for anew first. Raises Refused with
        nothing bought, and Unanswered where that is not known: asked again, the vendor is looked
        at first.
        """
        with turn(self.shop, self.whose):
            work = self.read()
            if work.status in ("bought", "shipped", "delivered"):
                return
            if work.status in ("voided", "dropped"):
                raise Refused(f"This {self.what} is not packed any more. Open the order again.")
            begun = work.status == "buying"
            if not begun:
                _same_signature(work, options)
                self._choose(rate_code, most, options)
                work = self.read()
            self._finish(work, begun, actor)

    def _choose(self, rate_code: str, most: int | None, options: c.BuyOptions | None) -> None:
        """Commit what is about to be bought."""
        offered = self.prepare()
        rate = next((each for each in offered if each.code == rate_code), None)
        if rate is None:
            raise Refused("That way of shipping is not offered any more. Choose another one.")
        if most is not None and rate.amount.minor > most:
            limit = Money(most, rate.amount.currency).format()
            raise Refused(f"{rate.title} costs {rate.amount.format()} now, more than {limit}.")
        with self.shop.unit("label_choose") as db:
            now = self.work(db, lock=True)
            order, row = self.held(db, now.id)
            self.ready(db, order)
            if row.status != "prepared" or row.contents != contents_of(now.request):
                raise Refused(
                    f"This {self.what} was changed meanwhile. Open the {self.page} again."
                )
            # With the options that were rated, whatever the settings say by now.
            row.options = {"label_format": self.label_format(), **row.options, **(options or {})}
            row.rate, row.status = rates_room.rate_to_json(rate), "buying"
            row.look_at = self.shop.now() + SOON

    def _finish(self, work: Work, begun: bool, actor: str) -> None:
        """Buy what was chosen, unless the vendor has sold it already, and write it down."""
        provider, rate = seller(self.shop, work.provider), work.rate
        if rate is None:
            raise Refused(f"No rate was chosen for this {self.what}. Choose one.")
        refusal: c.ProviderError | None = None
        label: c.Label | None = None
        try:
            with outside("label_buy"):
                label = provider.fetch(work.ref).label if begun else None
                wanted = work.options.get("label_format")
                if label is None:
                    label = provider.buy(work.ref, rate, work.options, work.key)
                elif wanted and wanted not in label.files:
                    # To buy once more what is bought answers it in the format that was chosen. A
                    # label that can't be converted is a label all the same.
                    with suppress(c.ProviderError):
                        label = provider.buy(work.ref, rate, work.options, work.key)
        except c.ProviderError as error:
            if error.retryable:
                raise Unanswered(
                    f"{provider.title} did not say whether the label was bought: {error} Look "
                    "it up before anything else: nothing is bought twice."
                ) from None
            refusal = error
        with self.shop.unit("label_store") as db:
            order, row = self.held(db, work.id)
            if row.status == "buying" and label is not None:
                self._store(db, order, row, label, actor)
            elif row.status == "buying":
                row.status, row.rated_at, row.look_at = "prepared", None, None
        if refusal is not None:
            raise Refused(f"{provider.title} sold no label: {refusal}") from None

    def _store(self, db: Session, order: Order, row: Row, label: c.Label, actor: str) -> None:
        row.status, row.bought_at = "bought", self.shop.now()
        row.carrier, row.service = label.carrier, label.service
        row.tracking_number = label.tracking_number
        row.tracking_url = label.tracking_url or shipments.tracking_page(
            label.carrier, label.tracking_number
        )
        row.cost, row.currency = label.cost.minor, label.cost.currency
        row.look_at = self._idle()
        elsewhere = {}
        for format, file in label.files.items():
            if isinstance(file, bytes):
                self.keep(db, row, format, file)
            else:
                elsewhere[format] = file
        self.bought(db, order, row, label, elsewhere, actor)

    def _idle(self) -> datetime | None:
        """When a bought label is looked at, should nothing be heard of it."""
        return self.shop.now() + self.first_look if self.first_look is not None else None

    # --- giving back --------------------------------------------------------------------------

    def find(self, label: uuid.UUID) -> Row:
        """The label's row as it is now. Raises Refused."""
        with self.shop.unit() as db:
            return self.held(db, label)[1]

    def void(self, label: uuid.UUID, *, actor: str) -> None:
        """Give an unused label back: another one may be bought at once, and what becomes of its
        money is followed (`follow`).

        Raises Refused, and Unanswered where it is not known whether the vendor took it: asked
        again, the vendor is looked at first.
        """
        with turn(self.shop, self.whose):
            known = self.find(label)
            if known.status == "voided":
                return
            begun = known.void == "asking"
            provider = seller(self.shop, known.provider)
            self._give_up(label)
            refusal = "it was used, or is too old."
            try:
                with outside("label_void"):
                    answer = provider.fetch(known.ref).void if begun else ""
                    answer = answer or provider.void(known.ref, f"{label}:void")
            except c.ProviderError as error:
                if error.retryable:
                    raise Unanswered(
                        f"{provider.title} did not say whether it takes the label back: {error} "
                        "It is looked up in a few minutes, or look it up now."
                    ) from None
                answer, refusal = "failed", str(error)
            self._given_back(label, answer, actor)
            if answer == "failed":
                raise Refused(f"{provider.title} does not take this label back: {refusal}")

    def _give_up(self, label: uuid.UUID) -> None:
        """Commit that the label is about to be given back: from now on nobody is to use it."""
        with self.shop.unit("label_give_up") as db:
            row = self.held(db, label)[1]
            if row.void != "asking":
                self.unused(row)
            row.void, row.look_at = "asking", self.shop.now() + SOON

    def _given_back(self, label: uuid.UUID, answer: str, actor: str) -> None:
        """Write down whether the vendor took the label back. Raises Refused if it was used in the
        meantime."""
        with self.shop.unit("label_void") as db:
            order, row = self.held(db, label)
            left = row.status != "bought"
            if left or answer == "failed":
                row.void, row.look_at = "", self._idle()
            else:
                row.status, row.void, row.void_tries = "voided", answer, 1
                row.voided_at, row.look_at = self.shop.now(), self._next_look(answer)
                self.given_back(db, order, row, actor)
        if left:
            raise Refused("The parcel left meanwhile. Open the order again.")

    def _next_look(self, void: str) -> datetime | None:
        return self.shop.now() + timedelta(days=1) if void == "pending" else None

    def follow(self, label: uuid.UUID) -> None:
        """See what became of a label's money. A first refusal is asked once more: vendors refuse
        too early at times. What is refused in the end is for staff to see."""
        known = self.find(label)
        if known.void != "pending":
            return
        provider, tries = seller(self.shop, known.provider), known.void_tries
        with outside("label_follow"):
            answer = provider.fetch(known.ref).void
            if answer == "failed" and tries < 2:
                answer, tries = provider.void(known.ref, f"{label}:void:{tries}"), tries + 1
        since = known.voided_at or self.shop.now()
        if answer != "done" and self.shop.now() - since > timedelta(days=VOID_DAYS):
            answer = "failed"
        with self.shop.unit("label_follow") as db:
            order, row = self.held(db, label)
            if row.void != "pending":
                return
            row.void, row.void_tries = answer or "pending", tries
            row.look_at = self._next_look(row.void)
            about = self.paid_back(db, row) if row.void != "pending" else ""
            if row.void == "failed":
                shipments.open_problem(
                    db,
                    order.id,
                    "void",
                    f"{provider.title} pays nothing back for the label {row.tracking_number}"
                    f"{about}. Ask the carrier, or accept its cost.",
                    row.id,
                )


def _sound(
    provider: c.ShippingProvider, offered: tuple[c.Rate, ...], currency: str
) -> tuple[tuple[c.Rate, ...], list[str]]:
    """The rates with a number that can be used, and why each of the others is dropped."""
    reasons = [(rate, rates_room.unsound(rate, currency)) for rate in offered]
    dropped = [wrong for _, wrong in reasons if wrong]
    for wrong in dropped:
        log.warning("A rate of %s was dropped: %s", provider.title, wrong)
    return tuple(rate for rate, wrong in reasons if not wrong), dropped


def _all_dropped(provider: c.ShippingProvider, wrong: list[str]) -> str:
    """That a vendor offered rates, of which none can be used, with the first few reasons."""
    few = [f"{reason[:1].upper()}{reason[1:200]}" for reason in dict.fromkeys(wrong)][:3]
    rates = "1 rate, which was" if len(wrong) == 1 else f"{len(wrong)} rates, which were all"
    return f"{provider.title} offered {rates} dropped. {'. '.join(few)}."
