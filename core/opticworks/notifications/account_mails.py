"""Mails about accounts: a forgotten password, a new address, and that something was changed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from opticworks.contracts import N_, Ctx, MessageDraft, MessageKind, OrderView
from opticworks.events import ACCOUNT_CHANGED, ACCOUNT_EMAIL_ASKED, ACCOUNT_RESET_ASKED, Event
from opticworks.hookspecs import hookimpl
from opticworks.notifications.kinds import ACCOUNT

#: kind: the link's purpose (opticworks.staff.accounts) and where it leads.
LINKS = {
    "account_reset": ("staff-reset", "/admin/reset/{token}"),
    "account_email": ("staff-email", "/admin/email/{token}"),
}
CHANGED = {
    "password": N_("The password of your account was changed."),
    "email": N_("Your account has another e-mail address now. This one no longer belongs to it."),
}


def draft(kind: str, data: Mapping[str, Any], link: str, **words: str) -> MessageDraft:
    """A mail about an account; `link` is the public id of the mailed link, or empty."""
    purpose, pattern = LINKS.get(kind, ("", ""))
    return MessageDraft(
        kind=kind,
        to=str(data["to"]),
        template=f"mail/{kind}.pt",
        data={"purpose": purpose, "pattern": pattern, "link": link},
        words={"name": str(data.get("name", "")), **words},
        confidential=bool(purpose),
    )


def _sample(kind: str, **words: str) -> Any:
    def draw(order: OrderView) -> MessageDraft:
        data = {"to": order.email, "name": order.address.first_name}
        return draft(kind, data, "sample", **words)

    return draw


KINDS = (
    MessageKind(
        code="account_reset",
        title="Password reset",
        group=ACCOUNT,
        subject=N_("Choose a new password for {shop}"),
        intro=N_(
            "Hello {name}, somebody, hopefully you, asked for a new password for your account "
            "at {shop}. Choose one with the button below."
        ),
        variables={"name": "whose account it is"},
        sample=_sample("account_reset"),
    ),
    MessageKind(
        code="account_email",
        title="E-mail verification",
        group=ACCOUNT,
        subject=N_("Confirm your new e-mail address for {shop}"),
        intro=N_(
            "Hello {name}, confirm with the button below that this address is yours. Until then "
            "your account keeps the former one."
        ),
        variables={"name": "whose account it is"},
        sample=_sample("account_email"),
    ),
    MessageKind(
        code="account_changed",
        title="Account changed",
        group=ACCOUNT,
        subject=N_("Your account at {shop} was changed"),
        intro=N_(
            "Hello {name}. {what}\n\nIf that was you, all is well. If it was not, ask for a new "
            "password at once and tell the owner of the shop."
        ),
        variables={"name": "whose account it is", "what": "what was changed"},
        sample=_sample("account_changed", what=CHANGED["password"]),
    ),
)


@hookimpl
def message_kinds() -> tuple[MessageKind, ...]:
    return KINDS


@hookimpl
def messages(event: Event, ctx: Ctx) -> Iterator[MessageDraft]:
    if event.kind == ACCOUNT_RESET_ASKED:
        yield draft("account_reset", event.data, event.subject)
    elif event.kind == ACCOUNT_EMAIL_ASKED:
        yield draft("account_email", event.data, event.subject)
    elif event.kind == ACCOUNT_CHANGED:
        what = CHANGED.get(str(event.data.get("what")), CHANGED["password"])
        yield draft("account_changed", event.data, "", what=what)
