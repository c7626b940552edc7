"""Which discounts a cart may have: found by its codes or by themselves, and not used up."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from babel.dates import format_date, format_time
from sqlalchemy import Text, and_, any_, bindparam, literal_column, or_, select
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Session

from opticworks import kernel
from opticworks.contracts import ClaimRequest, Ctx, Draft, Refusal, say, say_number
from opticworks.money import Money
from opticworks.plugin import Memory, remembered
from opticworks_discounts import customers, sets
from opticworks_discounts.models import AUTOMATIC, BATCH, BUY_GET, FIXED, PERCENT, Code, Discount


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """A discount that this cart may have, and what it claims if it gets it.

    `code` is empty for one that comes by itself.
    """

    discount: Discount
    code: str = ""
    claims: tuple[ClaimRequest, ...] = ()

    @property
    def name(self) -> str:
        """What the customer knows it by."""
        return self.code or self.discount.title

    def label(self, locale: str) -> str:
        """What it does, in the words of a receipt: "SAVE10: 10% off"."""
        return f"{self.name}: {effect(self.discount, locale)}"


def effect(discount: Discount, locale: str) -> str:
    """What a discount does: "10% off", "$5.00 off selected items", "free shipping", "buy 2, get 1
    free"."""
    percent = "" if discount.percent is None else sets.said_percent(discount.percent, locale)
    if discount.kind == BUY_GET and discount.percent is not None:
        buy, get = discount.buy_quantity, discount.get_quantity
        if discount.percent == 100:
            return say("buy {buy}, get {get} free", buy=buy, get=get)
        return say("buy {buy}, get {get} at {percent} off", buy=buy, get=get, percent=percent)
    if discount.kind == PERCENT and discount.percent is not None:
        off = percent
    elif discount.kind == FIXED:
        off = Money(discount.amount or 0, discount.currency).format(locale)
    else:
        return say("free shipping")
    if discount.skus or discount.groups:
        return say("{amount} off selected items", amount=off)
    return say("{amount} off", amount=off)


def find(draft: Draft, ctx: Ctx) -> tuple[list[Offer], list[Refusal]]:
    """The discounts for this cart, and codes that have ended or are used up.

    A code that is unknown, turned off or not valid yet is in neither list: they all get the same
    answer, so that nobody learns by trying which codes there will be.
    """
    written = {kernel.fold_code(code): code for code in draft.codes}
    offers: list[Offer] = []
    refusals: list[Refusal] = []
    for discount, code in _rows(ctx, written):
        if not discount.active or (discount.starts_at and discount.starts_at > ctx.now):
            continue
        offer = _offer(discount, code, draft)
        if sentence := _over(offer, draft, ctx):
            if offer.code:
                refusals.append(Refusal(code=offer.code, sentence=sentence))
        else:
            offers.append(offer)
    return _left(offers, draft, ctx, refusals), refusals


SCOPE = "discounts"  #: of what is remembered: see the migration discounts_0003
_FIRST_AUTOMATIC = (
    select(Discount.id)
    .where(Discount.method == AUTOMATIC, Discount.active)
    .limit(literal_column("1"))
)
_KEYS = bindparam("keys", type_=ARRAY(Text))
_ASKED = and_(Code.discount_id == Discount.id, Code.key == any_(_KEYS))
_FOUND = (
    select(Discount, Code)
    .outerjoin(Code, _ASKED)
    .where(or_(Code.id.is_not(None), and_(Discount.method == AUTOMATIC, Discount.active)))
    .order_by(Discount.id, Code.id)
)


def _rows(ctx: Ctx, keys: Iterable[str]) -> list[tuple[Discount, Code | None]]:
    """Discounts of these codes, with the code, and those that come by themselves."""
    wanted = list(keys)
    if not wanted and not _any_automatic(ctx.db):
        return []
    return [(discount, code) for discount, code in ctx.db.execute(_FOUND, {"keys": wanted})]


def _any_automatic(db: Session) -> bool:
    """Whether any discount comes by itself: where none does, a cart without codes asks for none."""

    def read(memory: Memory) -> tuple[bool, bool]:
        return db.scalar(_FIRST_AUTOMATIC) is not None, True

    return remembered(db, SCOPE, "automatic", read)


def _offer(discount: Discount, code: Code | None, draft: Draft) -> Offer:
    claims = [
        ClaimRequest(allowance=discount.allowance, limit=discount.total_limit, scope="in all")
    ]
    if code is not None and discount.method == BATCH:
        claims.append(ClaimRequest(allowance=code.allowance, limit=1, scope="of this code"))
    if discount.customer_limit and (mine := customers.allowance(discount.allowance, draft.email)):
        claims.append(
            ClaimRequest(allowance=mine, limit=discount.customer_limit, scope="per customer")
        )
    return Offer(discount=discount, code=code.code if code else "", claims=tuple(claims))


def _over(offer: Offer, draft: Draft, ctx: Ctx) -> str:
    """Why it is not to be had any more, or not here."""
    discount = offer.discount
    # What was shown before the end and is being ordered now still holds.
    moment = draft.agreed_at or ctx.now
    if discount.ends_at is not None and discount.ends_at <= moment:
        return say("{name} ended on {time}.", name=offer.name, time=when(discount.ends_at, ctx))
    in_money = discount.kind == FIXED or discount.minimum or discount.cap is not None
    if in_money and discount.currency != draft.currency:
        return say(
            "{name} can't be used for prices in {currency}.",
            name=offer.name,
            currency=draft.currency,
        )
    return ""


def when(moment: datetime, ctx: Ctx) -> str:
    """A moment as people of the shop's place write it."""
    shop = ctx.settings["shop"]
    local = moment.astimezone(ZoneInfo(shop.timezone))
    day = format_date(local, "medium", locale=ctx.locale)
    return f"{day}, {format_time(local, 'short', locale=ctx.locale)}"


def _left(offers: list[Offer], draft: Draft, ctx: Ctx, refusals: list[Refusal]) -> list[Offer]:
    """The offers with uses left; codes without get a refusal. The order is checked once more,
    under a lock, when it is placed."""
    limits = {
        claim.allowance: claim.limit
        for offer in offers
        for claim in offer.claims
        if claim.limit is not None
    }
    used = kernel.used(ctx.db, list(limits), besides=draft.open_order)
    left = []
    for offer in offers:
        short = [
            claim.allowance
            for claim in offer.claims
            if claim.limit is not None and used[claim.allowance] >= claim.limit
        ]
        if not short:
            left.append(offer)
        elif offer.code:
            refusals.append(Refusal(code=offer.code, sentence=_used_up(offer, short)))
    return left


def _used_up(offer: Offer, short: list[str]) -> str:
    if any(":by:" in key for key in short):
        return say_number(
            "{name} can be used once per customer, and you have used it already.",
            "{name} can be used {n} times per customer, and you have used it already.",
            offer.discount.customer_limit or 1,
            name=offer.name,
        )
    if any(key.startswith("discounts:code:") for key in short):
        return say("{name} has been used already.", name=offer.name)
    return say("{name} is used up: all of its uses are taken.", name=offer.name)
