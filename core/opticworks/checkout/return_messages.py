"""What customers and staff are told of returns, and what refunds mean to them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

from babel.dates import format_datetime

from opticworks import contracts as c
from opticworks import events
from opticworks.checkout import return_refund
from opticworks.contracts import N_
from opticworks.events import Event
from opticworks.hookspecs import hookimpl
from opticworks.notifications.order_mails import draft
from opticworks.notifications.wording import OF_ORDERS
from opticworks.orders import service as orders
from opticworks.returns import service as cases

GROUP, STAFF = "Returns", "To staff"
ATTACHED = {"PDF": "application/pdf", "PNG": "image/png"}

_OF_RETURNS = {
    **OF_ORDERS,
    "return": "the return's number",
    "goods": "what comes back: “2 × Lamp, 1 × Bulb”",
}


def goods_of(view: c.ReturnView) -> str:
    """ "2 × Lamp, 1 × Bulb"."""
    return ", ".join(f"{units} × {title}" for _, title, units in view.lines)


def _draft(order: c.OrderView, kind: str, view: c.ReturnView, **words: str) -> c.MessageDraft:
    given = {"return": view.number, "goods": goods_of(view), **words}
    return draft(order, kind, {"case": view}, **given)


def approved(order: c.OrderView, view: c.ReturnView, instructions: str) -> c.MessageDraft:
    label = N_("The label is attached, and on the page of your return: print it and stick it on.")
    by_hand = N_("Send the parcel to the address on the page of your return.")
    told = label if view.labels else by_hand
    return _draft(order, "return_approved", view, instructions=instructions, label=told)


def receipt(order: c.OrderView, view: c.ReturnView, zone: str, locale: str) -> c.MessageDraft:
    """The receipt of a withdrawal: what was declared, with the day and the minute it came."""
    local = view.at.astimezone(ZoneInfo(zone))
    declared = str(format_datetime(local, "long", locale=locale))
    coming = N_(
        "Send the goods back within 14 days; the page of your withdrawal tells how. We pay back "
        "what you paid for them once they are here."
    )
    nothing = N_(
        "Nothing will be sent, and you need not do anything: what you paid goes back the way it "
        "came."
    )
    follows = coming if view.coming else nothing
    return _draft(order, "withdrawal_received", view, declared=declared, follows=follows)


def staff_request(order: c.OrderView, view: c.ReturnView, to: str) -> c.MessageDraft:
    what = N_("withdrew from") if view.kind == "withdrawal" else N_("wants to return")
    made = _draft(order, "staff_return_requested", view, what=what)
    return replace(made, to=to)


def _sample(kind: str) -> Callable[[c.OrderView], c.MessageDraft]:
    """A function that draws the kind's sample from an order."""

    def make(order: c.OrderView) -> c.MessageDraft:
        withdrawal = kind == "withdrawal_received"
        lines = tuple((line.sku, line.title, line.quantity) for line in order.lines)
        view = c.ReturnView(
            number=f"{order.number}-R1",
            kind="withdrawal" if withdrawal else "return",
            state="approved",
            at=datetime.now(UTC),
            url=order.url,
            lines=lines,
            coming=1,
            answer=N_("It was used for longer than the time in which it can be returned."),
            statement=N_("I withdraw from my contract for the goods named above."),
        )
        if kind == "return_approved":
            return approved(order, view, c.ReturnSettings().instructions)
        if withdrawal:
            return receipt(order, view, "UTC", order.locale or "en_US")
        if kind == "staff_return_requested":
            return staff_request(order, view, order.email)
        return _draft(order, kind, view, reason=view.answer)

    return make


def _kind(
    code: str, title: str, subject: str, intro: str, staff: bool = False, **more: str
) -> c.MessageKind:
    return c.MessageKind(
        code=code,
        title=title,
        group=STAFF if staff else GROUP,
        subject=subject,
        intro=intro,
        variables={**_OF_RETURNS, **more},
        staff=staff,
        sample=_sample(code),
    )


KINDS = (
    _kind(
        "return_approved",
        "Return approved",
        N_("Your return {return} is approved"),
        N_("You can send it back: {goods}. {label}\n\n{instructions}"),
        instructions="what Settings, Returns tells customers to do",
        label="where the label is, or the address",
    ),
    _kind(
        "return_label_voided",
        "Return label no longer valid",
        N_("Please don’t use the label of your return {return}"),
        N_(
            "The label that we sent you to return {goods} is no longer valid, so please don’t use "
            "it. If you get another one we write again; the page of your return always says how "
            "to send the items. Is the parcel on its way already? Then reply to this mail."
        ),
    ),
    _kind(
        "return_declined",
        "Return declined",
        N_("About your return {return}"),
        N_(
            "We can't take your return of {goods} back. {reason}\n\nReply to this mail if you see "
            "it differently."
        ),
        reason="why, as staff wrote it",
    ),
    _kind(
        "return_received",
        "Return received",
        N_("Your return {return} has arrived"),
        N_(
            "Thank you, your return is here: {goods}. We look at it and write again when your "
            "money is on its way."
        ),
    ),
    _kind(
        "withdrawal_received",
        "Withdrawal received",
        N_("We received your withdrawal from order {order}"),
        N_(
            "We received your withdrawal from the contract for {goods} of order {order} on "
            "{declared}. This mail is your receipt.\n\n{follows}"
        ),
        declared="the day and time at which it was declared",
        follows="what happens next",
    ),
    _kind(
        "staff_return_requested",
        "Return or withdrawal",
        N_("Return {return}: {goods}"),
        N_("{name} {what} {goods} of order {order}."),
        staff=True,
        what="“wants to return”, or “withdrew from”",
    ),
)


@hookimpl
def message_kinds() -> tuple[c.MessageKind, ...]:
    return KINDS


@hookimpl
def messages(event: Event, ctx: c.Ctx) -> Iterator[c.MessageDraft]:
    """What a fact about a return deserves."""
    order: c.OrderView | None = event.order
    view = _view(order, event.data)
    if order is None or view is None:
        return
    settings = ctx.settings["returns"]
    if event.kind in (events.RETURN_REQUESTED, events.WITHDRAWAL_DECLARED) and settings.alert:
        for address in ctx.settings["shop"].alert_addresses:
            yield staff_request(order, view, address)
    if event.kind == events.WITHDRAWAL_DECLARED:
        yield receipt(order, view, ctx.settings["shop"].timezone, ctx.locale)
    elif event.kind == events.RETURN_APPROVED:
        mail = approved(order, view, settings.instructions)
        yield replace(mail, attachments=_label_of(view, ctx.db))
    elif event.kind == events.RETURN_LABEL_VOIDED:
        yield _draft(order, "return_label_voided", view)
    elif event.kind == events.RETURN_DECLINED:
        yield _draft(order, "return_declined", view, reason=view.answer)
    elif event.kind == events.RETURN_RECEIVED:
        yield _draft(order, "return_received", view)


def _view(order: c.OrderView | None, data: Mapping[str, Any]) -> c.ReturnView | None:
    if order is None or "return" not in data:
        return None
    return next((each for each in order.returns if each.number == data["return"]), None)


def _label_of(view: c.ReturnView, db: Any) -> tuple[c.Attachment, ...]:
    """The return's label, to be printed."""
    case = cases.by_number(db, view.number)
    files = cases.files_to_use(db, case.id) if case is not None else ()
    return tuple(
        c.Attachment(
            filename=f"return-label-{view.number}.{file.format.lower()}",
            content=file.content,
            content_type=ATTACHED[file.format],
        )
        for file in files
        if file.format in ATTACHED
    )


@hookimpl
def on_event(event: Event, ctx: c.Ctx) -> None:
    """A refund that its provider agreed to may be a return's, whoever asked for it last."""
    if event.kind != events.PAYMENT_REFUNDED:
        return
    order = orders.lock(ctx.db, event.subject)
    if order is not None:
        return_refund.note_event(ctx.db, order, str(event.data.get("refund", "")))
