"""The request and its one reminder: marketing mail, which one click stops for good."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from opticworks.contracts import N_, Ctx, MessageDraft, MessageKind, OrderView, Phrase
from opticworks.events import Event
from opticworks_reviews import asking
from opticworks_reviews.products import Bought, bought, stopped_by

REQUEST, REMINDER = "reviews_request", "reviews_reminder"
TEMPLATE = "reviews/request_mail.pt"
SAMPLE = "sample"  #: in place of a token, in previews
_VARIABLES = {
    "order": "the order's number",
    "name": "the customer's first name",
    "products": "what was bought: “your RS-1”, or “your RS-1 and 2 more”",
}


def path_of(token: str) -> str:
    return f"/reviews/write/{token}"


def messages(event: Event, ctx: Ctx) -> Iterator[MessageDraft]:
    """The mail that is due, unless something has happened since it was decided on."""
    kind = {asking.REQUEST_DUE: REQUEST, asking.REMINDER_DUE: REMINDER}.get(event.kind)
    order: OrderView | None = event.order
    if kind is None or order is None or stopped_by(order):
        return
    if about := asking.to_review(ctx.db, order):
        incentive = ctx.settings["reviews"].incentive
        yield draft(kind, order, about, str(event.data["token"]), incentive)


def draft(
    kind: str, order: OrderView, about: Iterable[Bought], token: str, incentive: str = ""
) -> MessageDraft:
    about = list(about)
    several = N_("your {title} and {more} more")
    products = Phrase(
        several if len(about) > 1 else N_("your {title}"),
        {"title": about[0].title, "more": str(len(about) - 1)},
    )
    return MessageDraft(
        kind=kind,
        to=order.email,
        template=TEMPLATE,
        data={"products": about, "path": path_of(token), "incentive": incentive},
        words={"products": products},
        marketing=True,
    )


def kinds() -> tuple[MessageKind, ...]:
    common = {"group": "Reviews", "variables": _VARIABLES, "marketing": True}
    return (
        MessageKind(
            code=REQUEST,
            title="Request for a review",
            subject=N_("How do you like {products}?"),
            intro=N_(
                "Hello {name}, you have had your order {order} for a few days now. Tell others "
                "how it is: what is good about it, and what is not. Both help, and both are shown."
            ),
            sample=lambda order: draft(REQUEST, order, bought(order), SAMPLE),
            **common,  # type: ignore[arg-type]
        ),
        MessageKind(
            code=REMINDER,
            title="Reminder of the review",
            subject=N_("Your word on {products}"),
            intro=N_(
                "Hello {name}, a minute of yours would help others to choose. This is the last "
                "time we ask about your order {order}."
            ),
            sample=lambda order: draft(REMINDER, order, bought(order), SAMPLE),
            **common,  # type: ignore[arg-type]
        ),
    )
