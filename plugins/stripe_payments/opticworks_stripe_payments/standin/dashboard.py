"""A page for what somebody does in Stripe's dashboard: refunds made by hand, disputes won or lost.

GET /dashboard/disputes/{id} and /dashboard/payments/{id} show the payment; their buttons post to
the same address.
"""

from __future__ import annotations

from html import escape

from webob import Request, Response

from opticworks_stripe_payments.standin.objects import Object
from opticworks_stripe_payments.standin.vendor import Vendor
from opticworks_stripe_payments.standin.wire import StripeError

PAGE = """<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><title>{title}</title>
<meta name="viewport" content="width=device-width, initial-scale=1">
<style>
body {{ font: 16px/1.5 system-ui, sans-serif; max-width: 640px; margin: 32px auto; }}
h1 {{ font-size: 20px; overflow-wrap: anywhere; }}
button, input {{ font: inherit; padding: 4px 10px; }}
</style>
</head>
<body><h1>{title}</h1><p>A stand-in for Stripe's dashboard: no money moves.</p>{problem}{body}
</body></html>"""


def respond(vendor: Vendor, request: Request) -> Response:
    """The page, or what one of its buttons does."""
    problem = ""
    with vendor.lock:
        try:
            intent = _intent(vendor, request.path_info)
            if request.method == "POST":
                _do(vendor, intent, request.POST)
                vendor.save()
                return Response(status=303, location=request.path_info)
        except StripeError as error:
            if request.method != "POST":
                return Response("No such payment.", status=404, content_type="text/plain")
            problem = f"<p><strong>{escape(str(error))}</strong></p>"
        body = "".join(_parts(vendor, intent))
    title = f"Payment {escape(intent['id'])}"
    return Response(PAGE.format(title=title, problem=problem, body=body), charset="utf-8")


def _intent(vendor: Vendor, path: str) -> Object:
    kind, _, id = path.removeprefix("/dashboard/").partition("/")
    if kind == "disputes":
        id = vendor.get("dispute", id)["payment_intent"]
    return vendor.get("payment_intent", id)


def _do(vendor: Vendor, intent: Object, fields: object) -> None:
    get = fields.get  # type: ignore[attr-defined]
    verb, id = get("do", ""), get("id", "")
    if verb in ("won", "lost"):
        vendor.close_dispute(id, verb == "won")
    elif verb == "fail":
        vendor.fail_refund(id)
    elif verb == "arrive":
        vendor.finish_refund(id)
    elif verb == "dispute":
        vendor.open_dispute(intent["id"])
    elif verb == "refund":
        amount = int(get("amount", "")) if get("amount", "").isdigit() else None
        vendor.refund(vendor.get("charge", intent["latest_charge"] or ""), amount, None, {})


def _parts(vendor: Vendor, intent: Object) -> list[str]:
    charge = intent["latest_charge"]
    parts = [f"<p>{_money(intent)}, {escape(intent['status'])}</p>"]
    for refund in vendor.objects["refund"].values():
        if refund["charge"] == charge:
            buttons = (("fail", "Let it fail"), ("arrive", "Let it arrive"))
            parts.append(_row("Refund", refund, buttons if refund["status"] != "failed" else ()))
    for dispute in vendor.objects["dispute"].values():
        if dispute["charge"] == charge:
            over = dispute["status"] in ("won", "lost")
            buttons = (("won", "The shop wins"), ("lost", "The shop loses"))
            parts.append(_row("Dispute", dispute, () if over else buttons))
    if charge:
        amount = '<label>Cents <input name="amount" inputmode="numeric"></label> '
        parts.append(_form("", amount, (("refund", "Refund"), ("dispute", "Open a dispute"))))
    return parts


def _row(what: str, thing: Object, buttons: tuple[tuple[str, str], ...]) -> str:
    said = f"{what} {escape(thing['id'])}: {_money(thing)}, {escape(thing['status'])} "
    return _form(thing["id"], said, buttons)


def _form(id: str, said: str, buttons: tuple[tuple[str, str], ...]) -> str:
    made = "".join(f'<button name="do" value="{do}">{label}</button> ' for do, label in buttons)
    return (
        f'<form method="post"><p><input type="hidden" name="id" value="{escape(id)}">'
        f"{said}{made}</p></form>"
    )


def _money(thing: Object) -> str:
    return f"{thing['amount']} {escape(str(thing['currency']).upper())} cents"
