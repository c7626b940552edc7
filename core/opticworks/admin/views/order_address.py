"""Another address for an order: typed by staff because the customer asked for it."""

from __future__ import annotations

from typing import Any

from pyramid.request import Request
from pyramid.response import Response
from webob.multidict import MultiDict

from opticworks import contracts as c
from opticworks.admin.views.order_actions import Effect, done, effects_page, found_alone
from opticworks.admin.views.orders import find
from opticworks.checkout import addresses, fields
from opticworks.checkout.settle import Refused
from opticworks.shipping import service as shipments
from opticworks.web.policy import admin_view

ROUTE, TEMPLATE = "admin.order.address.edit", "admin/order_address.pt"


def _form(
    request: Request, view: c.OrderView, posted: MultiDict | None = None
) -> fields.CheckoutForm:
    return fields.address_form(request.shop.settings["shop"], view.address, posted)


def _effects(request: Request, order_id: int, view: c.OrderView) -> list[Effect]:
    effects = [
        Effect(
            "money",
            "What the customer paid stays. Taxes and shipping are not worked out anew, not even "
            "for another state.",
        ),
        Effect("stock", "Labels and packing slips that are made from now on have this address."),
        Effect("order", "Invoices that were issued keep theirs. The old address stays known here."),
        Effect("mail", f"No mail is sent. {view.email} sees it on the order's page."),
    ]
    if addresses.verifier(request.shop) is not None:
        effects.append(Effect("order", "The address can be checked again."))
    if shipments.of_order(request.db, order_id, ("prepared",)):
        effects.append(
            Effect("warning", "Prices that a carrier named for packed parcels are asked for anew.")
        )
    return effects


def _page(
    request: Request, form: fields.CheckoutForm | None = None, error: str = ""
) -> dict[str, Any]:
    row, view = find(request)
    return effects_page(
        view,
        "Edit the address of",
        _effects(request, row.id, view),
        form=form or _form(request, view),
        shown=addresses.version(row),
        blocked="" if error else addresses.not_editable(request.db, row),
        error=error,
    )


@admin_view(ROUTE, "orders.fulfil", renderer=TEMPLATE, request_method="GET")
def edit_form(request: Request) -> dict[str, Any]:
    return _page(request)


@admin_view(ROUTE, "orders.fulfil", renderer=TEMPLATE, request_method="POST")
def edit(request: Request) -> dict[str, Any] | Response:
    view = found_alone(request)
    posted = MultiDict((k, v) for k, v in request.POST.items() if isinstance(v, str))
    form = _form(request, view, posted)
    error = "Nothing was saved yet. Please check the fields that are marked."
    if form.validate():
        try:
            changed = addresses.edit(
                request.shop,
                view.number,
                form.to_address(),
                shown=posted.get("shown", ""),
                actor=request.identity.email,
            )
            said = "The parcels go to the address that is shown now."
            return done(request, view, said if changed else "The address is as it was.")
        except Refused as refused:
            error = str(refused)
            request.db.rollback()  # look again: others may have changed the order meanwhile
    request.response.status_int = 422
    return _page(request, form, error)
