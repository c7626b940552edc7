"""One name and one colour per state, the same in lists, badges, timelines and filters."""

from __future__ import annotations

from typing import NamedTuple


class Word(NamedTuple):
    """What a state is called. `tone` is good, waiting, bad or neutral."""

    label: str
    tone: str


ORDER = {
    "awaiting_payment": Word("Being paid", "waiting"),
    "confirmed": Word("Confirmed", "neutral"),
    "completed": Word("Completed", "good"),
    "canceled": Word("Canceled", "neutral"),
}
PAYMENT = {
    "unpaid": Word("Not paid", "neutral"),
    "pending": Word("Awaiting payment", "waiting"),
    "authorized": Word("Authorized", "waiting"),
    "paid": Word("Paid", "good"),
    "part_refunded": Word("Partly refunded", "neutral"),
    "refunded": Word("Refunded", "neutral"),
}
FULFILMENT = {
    "unfulfilled": Word("Not shipped", "neutral"),
    "part_shipped": Word("Partly shipped", "waiting"),
    "shipped": Word("Shipped", "good"),
    "part_delivered": Word("Partly delivered", "waiting"),
    "delivered": Word("Delivered", "good"),
}
PARCEL = {
    "shipped": Word("Shipped", "good"),
    "pre_transit": Word("Label made", "waiting"),
    "in_transit": Word("On its way", "good"),
    "out_for_delivery": Word("Out for delivery", "good"),
    "available_for_pickup": Word("Ready for pickup", "waiting"),
    "delivered": Word("Delivered", "good"),
    "return_to_sender": Word("Coming back", "bad"),
    "failure": Word("Delivery failed", "bad"),
    "canceled": Word("Canceled", "neutral"),
    "unknown": Word("Unknown", "neutral"),
    "draft": Word("Packed", "waiting"),
    "prepared": Word("Has prices", "waiting"),
    "buying": Word("Being bought", "waiting"),
    "bought": Word("Label bought", "waiting"),
    "voided_pending": Word("Voided, money awaited", "waiting"),
    "voided_done": Word("Voided, paid back", "neutral"),
    "voided_failed": Word("Voided, nothing paid back", "bad"),
}
#: What documents are called, as documents.models.KINDS has them.
DOCUMENT = {
    "invoice": "Invoice",
    "credit_note": "Credit note",
    "credit_reversal": "Reversal of a credit note",
}
BATCH = {
    "waiting": Word("Waiting", "waiting"),
    "done": Word("Done", "good"),
    "failed": Word("Failed", "bad"),
}
MANIFEST = {
    "asking": Word("Being made", "waiting"),
    "working": Word("Being made", "waiting"),
    "ready": Word("Ready", "good"),
    "failed": Word("Failed", "bad"),
}
MESSAGE = {
    "queued": Word("Waiting", "waiting"),
    "sending": Word("Being sent", "waiting"),
    "sent": Word("Sent", "good"),
    "delivered": Word("Delivered", "good"),
    "bounced": Word("Bounced", "bad"),
    "complained": Word("Complained about", "bad"),
    "failed": Word("Failed", "bad"),
    "suppressed": Word("Address blocked", "neutral"),
}
#: What happens to a message: title, icon, tone.
MESSAGE_EVENT = {
    "sent": ("Taken by the mailer", "mail", "neutral"),
    "delivered": ("Delivered", "circle-check", "good"),
    "delayed": ("Not delivered yet", "info", "waiting"),
    "bounced": ("Came back", "triangle-alert", "bad"),
    "complained": ("Reported as spam", "triangle-alert", "bad"),
    "opened": ("Opened", "eye", "neutral"),
    "failed": ("Failed", "triangle-alert", "bad"),
    "suppressed": ("Not sent: the address is blocked", "x", "neutral"),
}
BLOCKED = {
    "bounced": "Its mail came back",
    "complained": "It reported a mail as spam",
    "unsubscribed": "It unsubscribed",
}
WEBHOOK = {
    "waiting": Word("Waiting", "waiting"),
    "failed": Word("Failed", "bad"),
    "unmatched": Word("Fits nothing", "bad"),
    "done": Word("Done", "good"),
}
JOB = {
    "waiting": Word("Waiting", "waiting"),
    "running": Word("Running", "waiting"),
    "scheduled": Word("Scheduled", "neutral"),
    "failed": Word("Failed", "bad"),
    "done": Word("Done", "good"),
    "cancelled": Word("Cancelled", "neutral"),
}
#: What happens to a job: title, icon, tone.
JOB_EVENT = {
    "deferred": ("Queued", "plus", "neutral"),
    "started": ("Begun", "arrow-right", "neutral"),
    "deferred_for_retry": ("Failed, and tried again", "triangle-alert", "waiting"),
    "failed": ("Failed for good", "triangle-alert", "bad"),
    "succeeded": ("Done", "circle-check", "good"),
    "cancelled": ("Cancelled", "x", "neutral"),
    "abort_requested": ("Not to be tried again", "x", "neutral"),
    "aborted": ("Cancelled", "x", "neutral"),
    "retried": ("Run again by staff", "list-restart", "neutral"),
}
RECEIVER = {
    "ready": Word("Ready", "good"),
    "refusing": Word("Refuses all", "bad"),
}
PLUGIN = {
    "enabled": Word("Enabled", "good"),
    "disabled": Word("Not enabled", "neutral"),
    "blocked": Word("Blocked", "bad"),
    "failed": Word("Failed", "bad"),
    "missing": Word("Not installed", "bad"),
}
ATTEMPT = {
    "new": Word("Begun", "waiting"),
    "action": Word("Waiting for the customer", "waiting"),
    "pending": Word("Awaited", "waiting"),
    "authorized": Word("Authorized", "waiting"),
    "captured": Word("Received", "good"),
    "failed": Word("Failed", "bad"),
    "canceled": Word("Stopped", "neutral"),
}
REFUND = {
    "intended": Word("Being asked for", "waiting"),
    "pending": Word("On its way", "waiting"),
    "done": Word("Paid back", "good"),
    "failed": Word("Failed", "bad"),
}
DISPUTE = {
    "needs_response": Word("Needs an answer", "bad"),
    "under_review": Word("Under review", "waiting"),
    "won": Word("Won", "good"),
    "lost": Word("Lost", "bad"),
}
RETURN = {
    "requested": Word("To answer", "waiting"),
    "approved": Word("Approved", "waiting"),
    "declined": Word("Declined", "neutral"),
    "canceled": Word("Taken back", "neutral"),
    "in_transit": Word("On its way", "waiting"),
    "received": Word("To pay back", "waiting"),
    "refunded": Word("Paid back", "good"),
    "closed": Word("Closed", "neutral"),
}
#: What happens to a return: title and icon.
RETURN_EVENT = {
    "requested": ("Asked for by the customer", "rotate-ccw"),
    "declared": ("The customer withdrew from the contract", "rotate-ccw"),
    "left_meanwhile": ("Some of it was sent while it was being withdrawn from", "truck"),
    "carried_out": ("What had not left is taken out of the order", "package"),
    "approved": ("Approved", "check"),
    "declined": ("Declined", "x"),
    "canceled": ("The customer keeps the goods", "x"),
    "label": ("Label bought", "tag"),
    "label_voided": ("Label given back", "x"),
    "label_void_done": ("The label's money was paid back", "landmark"),
    "label_void_failed": ("Nothing is paid back for the label", "triangle-alert"),
    "in_transit": ("On its way", "truck"),
    "received": ("Received", "package"),
    "credit_note": ("Credit note issued", "file-text"),
    "refunded": ("Paid back", "landmark"),
    "closed": ("Closed without a refund", "x"),
}
REFUND_REASONS = {
    "customer": "The customer changed their mind",
    "damaged": "Arrived damaged or faulty",
    "wrong": "Wrong item sent",
    "missing": "Never arrived",
    "stock": "Not in stock",
    "price": "Price or goodwill",
    "other": "Another reason",
}
#: Reasons that come with a return and are not chosen.
RETURN_REASONS = {"returned": "Sent back", "withdrawal": "Withdrew from the contract"}
PAYMENT_EVENT = {
    "action": "Payment begun",
    "pending": "Payment awaited",
    "authorized": "Payment authorized",
    "captured": "Payment received",
    "failed": "Payment failed",
    "canceled": "Payment stopped",
    "refund_intended": "Refund begun",
    "refund_pending": "Refund on its way",
    "refunded": "Refunded",
    "refund_failed": "Refund failed",
    "dispute_opened": "The customer's bank disputes the payment",
    "dispute_closed": "Dispute closed",
    "mismatch": "Payment of another amount",
    "declined": "Card refused",
    "away": "The customer pays on another page",
    "surplus": "Paid twice",
    "returned": "Came too late",
    "attended": "Looked at",
}
EVENT = {
    "order.placed": ("Order placed", "shopping-bag"),
    "order.canceled": ("Order canceled", "x"),
    "order.completed": ("Order completed", "circle-check"),
    "return.requested": ("The customer asks for a return", "rotate-ccw"),
    "return.canceled": ("The customer took a return back", "x"),
    "withdrawal.declared": ("The customer withdrew from the contract", "rotate-ccw"),
    "payment.reminder": ("Payment reminder due", "mail"),
    "shipment.shipped": ("Parcel shipped", "truck"),
    "shipment.out_for_delivery": ("Parcel out for delivery", "truck"),
    "shipment.delivered": ("Parcel delivered", "circle-check"),
    "message.bounced": ("A mail came back", "triangle-alert"),
}
#: What staff are told after an address was checked.
VERDICT = {
    "verified": "The address was found.",
    "corrected": "The address is known in another writing: see the suggestion.",
    "undeliverable": "The address was not found.",
    "unknown": "Nothing is known of this address.",
}

AUDIT = {
    "order.address": "Changed where the parcels go",
    "order.paid": "Marked paid",
    "order.canceled": "Canceled",
    "order.fulfilled": "Recorded a parcel",
    "order.payments_checked": "Ticked the payments off",
    "parcel.packed": "Packed",
    "parcel.unpacked": "Took a parcel apart",
    "label.bought": "Bought a label",
    "label.voided": "Voided a label",
    "invoice.written": "Wrote the invoice",
    "manifest.made": "Made a form for the carrier",
    "order.refunded": "Paid back",
    "return.approved": "Approved a return",
    "return.declined": "Declined a return",
    "return.received": "Received a return",
    "return.closed": "Closed a return",
    "return.label_bought": "Bought a return label",
    "return.label_voided": "Voided a return label",
    "refund.dismissed": "Settled a failed refund in another way",
    "message.sent_again": "Sent a message again",
    "payment.reconciled": "Repaired a difference with the provider",
    "message.reworded": "Changed what a message says",
    "message.default": "Gave a message its default words back",
    "message.tested": "Sent a test message",
    "plugin.asked": "Asked a plugin's vendor again",
    "address.allowed": "Let an address get mail again",
    "webhook.replayed": "Worked through a webhook again",
}
CANCEL_REASONS = {
    "customer": "The customer asked for it",
    "stock": "Not in stock",
    "unpaid": "Not paid in time",
    "fraud": "Looks like fraud",
    "mistake": "Ordered or entered by mistake",
    "other": "Another reason",
}


def of(words: dict[str, Word], state: str) -> Word:
    """The word of a state; one that a newer part brought is shown as it is."""
    return words.get(state) or Word(state.replace("_", " ").capitalize(), "neutral")


def reason(code: str) -> str:
    """A cancel reason as a person reads it."""
    return (
        CANCEL_REASONS.get(code) or RETURN_REASONS.get(code) or code.replace("_", " ").capitalize()
    )


STOCK = {
    "enough": Word("In stock", "good"),
    "low": Word("Low", "waiting"),
    "out": Word("Nothing left", "bad"),
    "backorder": Word("On backorder", "waiting"),
}
STOCK_KINDS = {
    "count": "Counted",
    "adjust": "Changed",
    "hold": "Kept for an order",
    "release": "Given back",
    "ship": "Sent",
    "return": "Put back",
}
#: Why staff change stock; the ledger keeps the words.
STOCK_REASONS = {
    "delivery": "Goods arrived",
    "count": "Counted",
    "damaged": "Damaged",
    "lost": "Lost",
    "found": "Found",
    "returned": "Came back from a customer",
    "used": "Given away or used",
    "correction": "Correction of a mistake",
    "other": "Something else",
}
STOCK_COUNTERS = {
    "on_hand": "On the shelf",
    "held": "Kept for orders",
    "holds": "What orders keep",
}
