"""Addresses checked by a verifier: what was typed and what is suggested are both kept.

A verdict never stops a sale. It lies on the cart, and with the order on the order, as
`{"by", "typed", "state", "suggestion", "messages"}`; which of the two the customer chose is the
one that the parcel goes to. Where staff typed another address, the whole one that the order was
placed with is kept there as `"original"`.
"""

from __future__ import annotations

import hashlib
import json
import logging
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy.orm import Session

from opticworks import contracts as c
from opticworks.audit import service as audit
from opticworks.carts import service as carts
from opticworks.carts.models import Cart
from opticworks.checkout.quoting import address_of
from opticworks.checkout.settle import Refused
from opticworks.faults import outside
from opticworks.orders import service as orders
from opticworks.orders.models import Order
from opticworks.shipping import service as shipping
from opticworks.shop import Shop

log = logging.getLogger(__name__)

#: The part of an address that a verifier looks at; names and phones are not its business.
PLACE = ("line1", "line2", "city", "state", "postal_code", "country")
#: Without these there is nothing to check yet.
NEEDED = ("line1", "city", "postal_code")
TOLD = ("corrected", "undeliverable")  #: verdicts that a customer has to look at


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """What a verifier said of an address that is still the one it was asked about, or the one it
    suggested. `chosen` is "suggestion" or "typed"; `by` the verifier's name."""

    by: str
    state: str
    typed: c.Address
    suggestion: c.Address | None
    messages: tuple[str, ...]
    chosen: str


def place_of(address: c.Address) -> dict[str, str]:
    return {name: getattr(address, name) for name in PLACE}


def read(kept: Mapping[str, Any] | None, address: c.Address) -> Check | None:
    """The kept verdict, if it is about `address`."""
    if not kept or "typed" not in kept:
        return None
    suggested = kept["suggestion"]
    chosen = _is(address, suggested)
    if not chosen and not _is(address, kept["typed"]):
        return None
    return Check(
        by=kept["by"],
        state=kept["state"],
        typed=address.model_copy(update=kept["typed"]),
        suggestion=address.model_copy(update=suggested) if suggested else None,
        messages=tuple(kept["messages"]),
        chosen="suggestion" if chosen else "typed",
    )


def _is(address: c.Address, kept: Mapping[str, str] | None) -> bool:
    """Whether the address is that place. A country without states has none on the order, whatever
    state was typed before the country was chosen."""
    place = place_of(address)
    state = {} if place["state"] else {"state": ""}
    return kept is not None and place == {**kept, **state}


def of_cart(shop: Shop, cart: Cart) -> Check | None:
    """What is known of the address that stands in the cart's checkout form."""
    return read(cart.address_check, address_of(shop, cart.details))


def for_order(cart: Cart, address: c.Address) -> dict[str, Any] | None:
    """What the order to `address` keeps of the cart's check: both addresses, whichever it was."""
    return cart.address_check if read(cart.address_check, address) is not None else None


def verifier(shop: Shop) -> c.AddressVerifier | None:
    """The verifier that is asked: the first plugin's that has one."""
    return next(iter(shop.providers.address_verifiers().values()), None)


def suggest(
    shop: Shop,
    cart_id: uuid.UUID,
    edit: Callable[[Cart], None],
    may_ask: Callable[[], bool] = lambda: True,
) -> bool:
    """Let `edit` keep what was typed; then, for an address that is whole and new, ask the verifier
    if it `may_ask`, and keep its verdict. Whether there is something to tell or to choose.

    An address that can't be checked now is asked about again when it is next changed: a vendor's
    bad minute neither stops the checkout nor is repeated by it.
    """
    with shop.unit("keep_address") as db:
        cart = carts.find(db, cart_id, shop.now(), lock=True)
        if cart is None:
            return False
        edit(cart)
        address = address_of(shop, cart.details)
        known = read(cart.address_check, address)
    if known is not None:
        return known.state in TOLD
    asked = verifier(shop) if shop.settings["shipping"].suggest_addresses else None
    whole = all(getattr(address, name) for name in NEEDED)
    if asked is None or not whole or not may_ask():
        return False
    verdict = _ask(asked, address)
    if verdict is None:
        return False
    with shop.unit("verified") as db:
        cart = carts.find(db, cart_id, shop.now(), lock=True)
        if cart is not None:
            cart.address_check = _kept(asked, address, verdict)
    return verdict.state in TOLD


def _ask(asked: c.AddressVerifier, address: c.Address) -> c.AddressVerdict | None:
    with outside("verify"):
        try:
            return asked.verify(address)
        except c.ProviderError as error:
            log.warning("An address could not be checked by %s: %s", asked.title, error)
        except Exception:
            log.exception("An address could not be checked by %s", asked.title)
    return None


def _kept(asked: c.AddressVerifier, typed: c.Address, verdict: c.AddressVerdict) -> dict[str, Any]:
    suggestion = verdict.suggestion
    return {
        "by": asked.title,
        "typed": place_of(typed),
        "state": verdict.state,
        "suggestion": place_of(suggestion) if suggestion is not None else None,
        "messages": [message[:200] for message in verdict.messages[:5]],
    }


def lines(address: c.Address) -> list[str]:
    """The place as it is written on a parcel, without the country."""
    return [part for part in (address.line1, address.line2, address.town) if part]


# --- staff ----------------------------------------------------------------------------------------


def of_order(order: Order) -> Check | None:
    return read(order.address_check, c.Address.model_validate(order.address))


def check_order(shop: Shop, number: str) -> c.AddressVerdict:
    """Ask the verifier about an order's address and keep what it says beside it. Raises Refused
    with a sentence for staff when there is nobody to ask, or no answer."""
    asked = verifier(shop)
    if asked is None:
        raise Refused("No plugin that checks addresses is enabled.")
    with shop.unit() as db:
        order = orders.by_number(db, number)
        if order is None:
            raise Refused(f"There is no order {number}.")
        address = c.Address.model_validate(order.address)
    with outside("verify_order"):
        try:
            verdict = asked.verify(address)
        except c.ProviderError as error:
            log.warning("The address of order %s could not be checked: %s", number, error)
            raise Refused(
                f"{asked.title} could not be asked just now. Try again in a minute."
            ) from error
    with shop.unit("verified_order") as db:
        order = orders.lock(db, number)
        if order is not None and c.Address.model_validate(order.address) == address:
            first = original(order)
            kept = {"original": first.model_dump()} if first is not None else {}
            order.address_check = {**_kept(asked, address, verdict), **kept}
    return verdict


def use(shop: Shop, number: str, which: str, actor: str) -> None:
    """Send an order's parcels to the suggested address, or back to the one that was typed. Raises
    Refused when the parcels are on their way, have labels, or the tax would be another one."""
    with shop.unit("readdress") as db:
        order = orders.lock(db, number)
        check = of_order(order) if order is not None else None
        address = None
        if check is not None:
            address = check.suggestion if which == "suggestion" else check.typed
        if order is None or address is None:
            raise Refused("The address has changed since. Look at the order again.")
        _may_move(db, order, address)
        if place_of(address) == place_of(c.Address.model_validate(order.address)):
            return  # another click was quicker
        order.address = address.model_dump()
        shipping.forget_offers(db, order.id)
        audit.record(db, actor, "order.address", f"order {number}", to=", ".join(lines(address)))


def _may_move(db: Session, order: Order, address: c.Address) -> None:
    if order.status == "canceled" or order.fulfilment_status != "unfulfilled":
        raise Refused("This order's parcels are on their way, or it is canceled.")
    if shipping.labelled(db, order.id):
        raise Refused("A label for the old address exists. Void it first, then change the address.")
    if (address.country, address.state) != (order.address["country"], order.address["state"]):
        raise Refused(
            "The suggestion is in another state, where the tax may be another one. Ask the "
            "customer, and cancel the order if it has to go there."
        )


# --- typed anew by staff --------------------------------------------------------------------------

#: While an order is one of these, something of it may still be here.
NOT_ALL_LEFT = ("unfulfilled", "part_shipped")


def original(order: Order) -> c.Address | None:
    """The address that the order was placed with, if staff typed another one since."""
    kept = (order.address_check or {}).get("original")
    return c.Address.model_validate(kept) if kept else None


def version(order: Order) -> str:
    """Tells a form that shows the order's address as it is from one that shows an older one."""
    return hashlib.sha256(json.dumps(order.address, sort_keys=True).encode()).hexdigest()[:32]


def not_editable(db: Session, order: Order) -> str:
    """Why no other address can be typed for the order, in a sentence; "" if one can."""
    if order.status == "canceled":
        return f"Order {order.number} is canceled: nothing of it is sent."
    if order.fulfilment_status not in NOT_ALL_LEFT:
        return f"Everything of order {order.number} has left. Ask the carrier to redirect it."
    if shipping.labelled(db, order.id):
        return (
            "A parcel of this order has a label for this address. Void it first, then edit the "
            "address."
        )
    return ""


def edit(shop: Shop, number: str, address: c.Address, *, shown: str, actor: str) -> bool:
    """Send what is still here of an order to another address; whether that changed anything.

    What was charged stays, and so does the VAT ID, which made the taxes. What a verifier said is
    forgotten, the address that the order was placed with is kept. `shown` is the `version` that
    was edited. Raises Refused with a sentence for staff.
    """
    with shop.unit("edit_address") as db:
        order = orders.lock(db, number)
        if order is None:
            raise Refused(f"There is no order {number}.")
        before = c.Address.model_validate(order.address)
        address = address.model_copy(update={"vat_id": before.vat_id})
        if address == before:
            return False  # another click was quicker
        if reason := not_editable(db, order):
            raise Refused(reason)
        if address.country != before.country:
            raise Refused(
                "Another country has other taxes and customs. Cancel this order and have it "
                "placed anew for that country."
            )
        if shown != version(order):
            raise Refused(
                "Somebody changed this address while you were typing. It is now: "
                f"{', '.join(lines(before))}. Save again to replace it with what is typed here."
            )
        check = of_order(order)
        typed = place_of(check.typed) if check is not None else {}
        first = original(order) or before.model_copy(update=typed)
        order.address_check = {"original": first.model_dump()} if first != address else None
        order.address = address.model_dump()
        shipping.forget_offers(db, order.id)
        audit.record(db, actor, "order.address", f"order {number}", **_told(before, address))
    return True


def _told(before: c.Address, after: c.Address) -> dict[str, str]:
    """What the record says of another address: the places, as always, and of names, companies and
    phones only that they are others."""
    told = {}
    if place_of(before) != place_of(after):
        told = {"to": ", ".join(lines(after)), "was": ", ".join(lines(before))}
    others = {
        "name": before.name != after.name,
        "company": before.company != after.company,
        "phone": before.phone != after.phone,
    }
    if changed := [what for what, differs in others.items() if differs]:
        told["changed"] = ", ".join(changed)
    return told
