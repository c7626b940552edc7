"""Which of the offered discounts count: at most one of each class, the best for the buyer.

The goods are decided first and without a look at shipping prices: these depend on what the goods
cost, and a choice that depended on them in turn would never come to rest.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product

from opticworks.contracts import Draft
from opticworks.money import Money, total
from opticworks_discounts import savings
from opticworks_discounts.models import ORDER, PRODUCT, SHIPPING
from opticworks_discounts.offers import Offer

#: Of one class no more than these are combined with others: the best by themselves.
MOST = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """What counts, and what the goods cost before each class of discount."""

    product: Offer | None = None
    order: Offer | None = None
    shipping: Offer | None = None
    shares: savings.Shares
    off_order: Money
    value: Money  #: of the goods before any discount

    @property
    def offers(self) -> tuple[Offer, ...]:
        return tuple(each for each in (self.product, self.order, self.shipping) if each)

    @property
    def after_products(self) -> Money:
        return self.value - total(self.shares.values(), self.value.currency)

    @property
    def after_order(self) -> Money:
        return self.after_products - self.off_order

    @property
    def saved(self) -> Money:
        """Of the goods; what shipping saves is not known yet."""
        return self.value - self.after_order

    def before(self, offer: Offer) -> Money:
        """What the goods cost when it is this discount's turn: its minimum is held against it."""
        match offer.discount.works_on:
            case "product":
                return self.value
            case "order":
                return self.after_products
            case _:
                return self.after_order

    def allowed(self) -> bool:
        """Whether every minimum is met and each discount may stand beside the others."""
        return all(_met(each, self.before(each)) for each in self.offers) and all(
            beside(one, other) for one in self.offers for other in self.offers if one is not other
        )


def beside(one: Offer, other: Offer) -> bool:
    """Both must allow it."""
    return (
        other.discount.works_on in one.discount.combines
        and one.discount.works_on in other.discount.combines
    )


def _met(offer: Offer, value: Money) -> bool:
    return value.minor >= offer.discount.minimum


def choose(offers: Sequence[Offer], draft: Draft) -> Choice:
    """The discounts that count on this cart."""
    able = [offer for offer in offers if gives(offer, draft) and _met(offer, savings.goods(draft))]
    exclusive = [offer for offer in able if offer.discount.exclusive]
    if exclusive:
        alone = [_choice(draft, {each.discount.works_on: each}) for each in exclusive]
        return max(alone, key=lambda choice: _rank(choice, draft))
    found = [_choice(draft, {})]
    by_class = {name: _best(able, name, draft) for name in (PRODUCT, ORDER, SHIPPING)}
    for one, two, three in product(*([None, *by_class[name]] for name in by_class)):
        choice = _choice(draft, {PRODUCT: one, ORDER: two, SHIPPING: three})
        if choice.offers and choice.allowed():
            found.append(choice)
    return max(found, key=lambda choice: _rank(choice, draft))


def gives(offer: Offer, draft: Draft) -> bool:
    """Whether it would take anything off, were it alone and its minimum met."""
    discount = offer.discount
    if discount.works_on == SHIPPING:
        return ships(draft) and in_place(offer, draft)
    if discount.works_on == PRODUCT:
        return bool(savings.of_products(discount, draft))
    return bool(savings.of_order(discount, savings.goods(draft)))


def ships(draft: Draft) -> bool:
    return any(line.item.requires_shipping for line in draft.lines)


def in_place(offer: Offer, draft: Draft) -> bool:
    """Whether the parcel goes where the discount is for."""
    wanted = offer.discount.countries
    return not wanted or (draft.address is not None and draft.address.country in wanted)


def _choice(draft: Draft, chosen: dict[str, Offer | None]) -> Choice:
    first, second = chosen.get(PRODUCT), chosen.get(ORDER)
    shares = savings.of_products(first.discount, draft) if first else {}
    value = savings.goods(draft)
    rest = value - total(shares.values(), draft.currency)
    zero = Money.zero(draft.currency)
    return Choice(
        product=first,
        order=second,
        shipping=chosen.get(SHIPPING),
        shares=shares,
        off_order=savings.of_order(second.discount, rest) if second else zero,
        value=value,
    )


def _best(offers: Sequence[Offer], works_on: str, draft: Draft) -> list[Offer]:
    own = [offer for offer in offers if offer.discount.works_on == works_on]
    alone = [(_choice(draft, {works_on: offer}), offer) for offer in own]
    alone.sort(key=lambda pair: _rank(pair[0], draft), reverse=True)
    return [offer for _, offer in alone[:MOST]]


def _rank(choice: Choice, draft: Draft) -> tuple[int, bool, int, int, list[int]]:
    """What is better for the buyer; of equals the one that was asked for, and then the older."""
    by_code = sum(bool(offer.code) for offer in choice.offers)
    ids = [-offer.discount.id for offer in choice.offers]
    return (
        choice.saved.minor,
        choice.shipping is not None,
        _off_shipping(choice, draft),
        by_code,
        ids,
    )


def _off_shipping(choice: Choice, draft: Draft) -> int:
    """Known only once there are rates; until then all are alike."""
    if choice.shipping is None or draft.shipping is None:
        return 0
    rate = savings.covered(choice.shipping.discount, draft.rates)
    if rate is None or rate.code != draft.shipping.code:
        return 0
    return savings.of_shipping(choice.shipping.discount, rate).minor
