"""Bank transfer: instructions at checkout, a reminder by mail, money recorded by staff."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from opticworks.contracts import N_, Ctx, MessageDraft, MessageKind, OrderView, PluginInfo
from opticworks.events import PAYMENT_REMINDER, Event
from opticworks.plugin import hookimpl
from opticworks_manual_payments.provider import CODE, BankTransfer
from opticworks_manual_payments.settings import BankTransferSettings


@hookimpl
def plugin_info() -> PluginInfo:
    return PluginInfo(
        code="manual_payments",
        title="Bank transfer",
        version="0.1.0",
        category="payment",
        description="Buyers pay from their bank account; staff record the money when it arrives.",
        kernel=">=0.1,<0.2",
        settings=BankTransferSettings,
    )


@hookimpl
def problems(settings: Mapping[str, Any]) -> Iterator[str]:
    bank: BankTransferSettings = settings["manual_payments"]
    yield from bank.missing()
    if settings.get("mode", "production") == "production" and bank.is_sample:
        yield (
            "The bank details are still the sample account, which nobody owns. Set the shop's "
            "own account_holder, bank and iban (or account_number and routing_number)."
        )


@hookimpl
def payment_providers(settings: Mapping[str, Any]) -> tuple[BankTransfer, ...]:
    return (BankTransfer(settings["manual_payments"], settings["shop"]),)


@hookimpl
def messages(event: Event, ctx: Ctx) -> Iterator[MessageDraft]:
    """The reminder; the kernel itself mails the order's confirmation and its cancellation."""
    order = event.order
    if event.kind != PAYMENT_REMINDER or order is None or order.payment is None:
        return
    # The event may be handled long after it happened: never dun someone who has paid since.
    due = order.status != "canceled" and order.payment_status in ("unpaid", "pending")
    if order.payment.provider == CODE and due:
        yield _reminder(order)


@hookimpl
def message_kinds() -> tuple[MessageKind, ...]:
    return (
        MessageKind(
            code="payment_reminder",
            title="Reminder to transfer",
            group="The payment",
            subject=N_("Reminder: your order {order} is waiting for your payment"),
            intro=N_(
                "We have not seen your transfer for order {order} yet. If it is on its way, "
                "there is nothing to do: banks take a day or two, and we write when it has arrived."
            ),
            variables={
                "order": "the order's number",
                "name": "the customer's first name",
                "total": "what the order costs",
            },
            sample=_reminder,
        ),
    )


def _reminder(order: OrderView) -> MessageDraft:
    return MessageDraft(
        kind="payment_reminder", to=order.email, template="manual_payments/reminder.pt"
    )
