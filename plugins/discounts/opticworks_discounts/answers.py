"""The answer to the kernel's question: adjustments for what counts, a sentence for what doesn't."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from opticworks.contracts import (
    N_,
    Adjustment,
    Ctx,
    Draft,
    Refusal,
    Stage,
    Suggestion,
    said_together,
    say,
    say_number,
)
from opticworks.money import Money
from opticworks_discounts import choosing, offers, savings, sets
from opticworks_discounts.choosing import Choice
from opticworks_discounts.models import BUY_GET, PRODUCT, SHIPPING
from opticworks_discounts.offers import Offer


def discounts(draft: Draft, ctx: Ctx) -> Iterator[Adjustment | Refusal | Suggestion]:
    """What the cart's codes, and the discounts that come by themselves, do to it."""
    found, refusals = offers.find(draft, ctx)
    yield from refusals
    if not found:
        return
    choice = choosing.choose(found, draft)
    for offer in found:
        if offer in choice.offers:
            yield from _given(offer, choice, draft, ctx.locale)
        elif offer.code:
            yield refusal(offer, choice, draft, ctx.locale)
    yield from _suggestions(found, choice, draft)


def _suggestions(found: list[Offer], choice: Choice, draft: Draft) -> Iterator[Suggestion]:
    """What could be got besides, of a discount that counts or that no other stands in the way
    of."""
    if any(each.discount.exclusive for each in choice.offers):
        return
    for offer in found:
        if offer.discount.kind != BUY_GET or choice.product not in (None, offer):
            continue
        if all(each is offer or choosing.beside(offer, each) for each in choice.offers):
            more = sets.suggestion(offer.discount, offer.name, draft)
            if more is not None:
                yield more


def _given(
    offer: Offer, choice: Choice, draft: Draft, locale: str
) -> Iterator[Adjustment | Refusal]:
    if offer is choice.shipping:
        why_not = _delivery(offer, draft)
        if not why_not:
            yield _adjustment(
                offer, "shipping_discount", "shipping", _shipping(offer, draft), locale
            )
        elif offer.code:
            yield Refusal(code=offer.code, sentence=why_not, waits=True)
    elif offer is choice.product:
        together = sets.terms(offer.discount, draft) if offer.discount.kind == BUY_GET else None
        for key, share in choice.shares.items():
            step = _adjustment(offer, "product", f"line:{key}", share, locale)
            yield replace(step, together=together)
    else:
        yield _adjustment(offer, "order", "order", choice.off_order, locale)


def _adjustment(offer: Offer, stage: Stage, target: str, off: Money, locale: str) -> Adjustment:
    discount = offer.discount
    return Adjustment(
        stage=stage,
        target=target,
        kind=discount.kind,
        label=offer.label(locale),
        amount=-off,
        rate=discount.percent / 100 if discount.percent is not None else None,
        source=discount.allowance,
        claims=offer.claims,
        code=offer.code,
    )


def _shipping(offer: Offer, draft: Draft) -> Money:
    """Nothing while no delivery is chosen: it is asked again then."""
    if draft.shipping is None:
        return Money.zero(draft.currency)
    return savings.of_shipping(offer.discount, draft.shipping)


def _delivery(offer: Offer, draft: Draft) -> str:
    """Why free shipping does nothing for the delivery that is chosen."""
    if draft.shipping is None:
        return ""
    rate = savings.covered(offer.discount, draft.rates)
    if rate is None:
        return say("{name} is for none of the deliveries to your address.", name=offer.name)
    if rate.code != draft.shipping.code:
        return say(
            "{name} is for the delivery “{delivery}”. Choose it to use the code.",
            name=offer.name,
            delivery=rate.title,
        )
    if not rate.amount:
        return say("Delivery is free already, so {name} is not needed.", name=offer.name)
    return ""


def refusal(offer: Offer, choice: Choice, draft: Draft, locale: str) -> Refusal:
    """Why a code that is good gives nothing on this cart. It waits: the cart may change."""
    sentence, missing = _why_not(offer, choice, draft, locale)
    return Refusal(code=offer.code, sentence=sentence, missing=missing, waits=True)


def _why_not(offer: Offer, choice: Choice, draft: Draft, locale: str) -> tuple[str, str]:
    discount, name = offer.discount, offer.name
    if not choosing.gives(offer, draft):
        return _nothing(offer, draft), ""
    least = Money(discount.minimum, draft.currency)
    if choice.value < least:
        return _missing(
            say("{name} is for orders from {least}.", name=name, least=least.format(locale)),
            name,
            least - choice.value,
            locale,
        )
    strong = next((each for each in choice.offers if each.discount.exclusive), None)
    if strong is not None:
        return say(
            "{other} can't be combined with other discounts, so {name} isn't used.",
            other=strong.name,
            name=name,
        ), ""
    if (value := choice.before(offer)) < least:
        return _missing(
            say(
                "{name} is for orders from {least} after other discounts.",
                name=name,
                least=least.format(locale),
            ),
            name,
            least - value,
            locale,
        )
    same = next(
        (each for each in choice.offers if each.discount.works_on == discount.works_on), None
    )
    if same is not None:
        return _beaten(offer, same), ""
    against = [each.name for each in choice.offers if not choosing.beside(offer, each)]
    if not against:
        return say("{name} can't be combined with the others.", name=name), ""
    others = said_together(against)
    return say("{name} can't be combined with {others}.", name=name, others=others), ""


def _missing(sentence: str, name: str, missing: Money, locale: str) -> tuple[str, str]:
    more = missing.format(locale)
    return sentence, say("Add {amount} more to use {name}.", amount=more, name=name)


#: Why of two discounts that work on the same thing only the better one counts.
BEATEN = {
    PRODUCT: N_(
        "Only one discount on products counts, and {other} saves you at least as much as {name}."
    ),
    SHIPPING: N_(
        "Only one discount on shipping counts, and {other} saves you at least as much as {name}."
    ),
}
BEATEN_ON_ORDER = N_(
    "Only one discount on the order counts, and {other} saves you at least as much as {name}."
)


def _beaten(offer: Offer, same: Offer) -> str:
    sentence = BEATEN.get(offer.discount.works_on, BEATEN_ON_ORDER)
    return say(sentence, other=same.name, name=offer.name)


def _nothing(offer: Offer, draft: Draft) -> str:
    discount, name = offer.discount, offer.name
    if discount.kind == BUY_GET:
        return _too_few(offer, draft)
    if discount.works_on == PRODUCT:
        return say("{name} is for other items than those in your cart.", name=name)
    if discount.works_on == SHIPPING:
        if not choosing.ships(draft):
            return say("Nothing in your cart has to be shipped, so {name} isn't needed.", name=name)
        places = ", ".join(discount.countries)
        return say(
            "{name} is for parcels to these countries only: {places}.", name=name, places=places
        )
    return say("There is nothing in your cart that {name} could make cheaper.", name=name)


def _too_few(offer: Offer, draft: Draft) -> str:
    """Why one gets nothing yet: there is nothing to get in the cart, or too little is bought."""
    discount = offer.discount
    free = discount.percent == 100
    if sets.suggestion(discount, offer.name, draft) is not None:
        if free:
            return say(
                "You have bought enough for {name}: add what you get for nothing.", name=offer.name
            )
        return say("You have bought enough for {name}: add what you get for less.", name=offer.name)
    buy, get = discount.buy_quantity or 1, discount.get_quantity or 1
    if discount.buy_skus or discount.buy_groups:
        which = say("those it is for")
    else:
        which = say("these") if discount.skus or discount.groups else say("any")
    values = {"name": offer.name, "which": which, "get": get}
    if free:
        return say_number(
            "{name} needs {n} item of {which} and then gives up to {get} more for nothing; your "
            "cart doesn't have enough of them yet.",
            "{name} needs {n} items of {which} and then gives up to {get} more for nothing; your "
            "cart doesn't have enough of them yet.",
            buy,
            **values,
        )
    return say_number(
        "{name} needs {n} item of {which} and then gives up to {get} more for less; your cart "
        "doesn't have enough of them yet.",
        "{name} needs {n} items of {which} and then gives up to {get} more for less; your cart "
        "doesn't have enough of them yet.",
        buy,
        **values,
    )
