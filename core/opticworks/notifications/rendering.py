"""From a message draft to the subject, HTML and text that are sent."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

from sqlalchemy.orm import Session

from opticworks.contracts import MessageDraft, MessageKind, OrderView, ShopSettings
from opticworks.links import service as links
from opticworks.notifications import unsubscribe, wording
from opticworks.notifications.text import to_text
from opticworks.web.templates import format_names


@cache
def _inliner() -> Any:
    """Mail programs ignore most style sheets; those that honour @media get dark colours and
    narrow screens. Nothing is fetched."""
    import css_inline  # here: web processes send no mail

    return css_inline.CSSInliner(keep_at_rules=True, load_remote_stylesheets=False)


class EmptyMail(ValueError):
    """A template that renders to no text; such a mail is never sent."""


@dataclass(frozen=True, slots=True)
class Letter:
    """A rendered message."""

    subject: str
    html: str
    text: str


def settings_of(shop: Any, draft: MessageDraft, order: OrderView | None) -> ShopSettings:
    """The shop's settings in the language of the message: that which the order was placed in, and
    for staff the shop's."""
    settings: ShopSettings = shop.settings["shop"]
    if order is None:
        return settings
    kind = wording.kinds(shop).get(draft.kind)
    return settings if kind is not None and kind.staff else settings.written_in(order.locale)


def worded(
    shop: Any, db: Session, draft: MessageDraft, order: OrderView | None
) -> tuple[MessageDraft, str]:
    """The draft with its subject filled in, and its first words: staff's, or the default."""
    kind = wording.kinds(shop).get(draft.kind)
    if kind is None:
        return draft, ""
    gettext = shop.templates.gettext(settings_of(shop, draft, order).locale)
    words = wording.of_kind(db, kind, gettext)
    return fill(shop, kind, draft, order, words)


def fill(
    shop: Any,
    kind: MessageKind,
    draft: MessageDraft,
    order: OrderView | None,
    words: wording.Words,
) -> tuple[MessageDraft, str]:
    """The draft in those words, its variables replaced. A subject of the draft's own goes before
    the default, but not before staff's."""
    settings = settings_of(shop, draft, order)
    gettext = shop.templates.gettext(settings.locale)
    money = format_names(settings)["money"]
    nothing = dict.fromkeys(wording.variables(kind), "")
    values = nothing | wording.values(draft, order, settings, money, gettext)
    subject = draft.subject
    if words.own or not subject:
        subject = wording.fill(words.subject, values)
    return replace(draft, subject=subject), wording.fill(words.intro, values)


def render(
    shop: Any,
    draft: MessageDraft,
    order: OrderView | None,
    *,
    intro: str = "",
    public_id: str = "",
) -> Letter:
    """The draft's subject, its HTML with the styles inlined, and its text.

    The template is found along the theme's search path and knows `shop` (the settings), `order`,
    `data`, `subject`, `intro` (paragraphs), `words`, `base_url`, `absolute(path)`,
    `mailed_link(data)`, `unsubscribe` (the address that stops marketing, or ""), `lang`, `_`,
    `country(code)`, `money`, `date` and `datetime`.
    """
    templates = shop.templates
    names = names_of(shop, draft, order, intro=intro, public_id=public_id)
    html = _inliner().inline(
        templates.render_safely(
            templates.current,
            lambda theme, _: templates.render(draft.template, names, theme),
            draft.template,
        )
    )
    text = to_text(html)
    if not text:
        raise EmptyMail(f"The mail template {draft.template!r} renders to no text.")
    return Letter(" ".join(draft.subject.split()), html, text)


def names_of(
    shop: Any, draft: MessageDraft, order: OrderView | None, *, intro: str, public_id: str
) -> Mapping[str, Any]:
    """What a mail's template knows."""
    settings = settings_of(shop, draft, order)
    gettext = shop.templates.gettext(settings.locale)
    return {
        **format_names(settings),
        "shop": settings,
        "order": order,
        "data": draft.data,
        "words": draft.words,
        "subject": draft.subject,
        "intro": [part.split("\n") for part in intro.split("\n\n") if part.strip()],
        "base_url": shop.config.base_url,
        "absolute": absolute(shop.config.base_url),
        "mailed_link": lambda data: links.path(
            shop, data["pattern"], data["purpose"], data["link"]
        ),
        "unsubscribe": unsubscribe.link(shop, public_id) if draft.marketing else "",
        "lang": settings.locale.partition("_")[0],
        "_": gettext,
        "gettext": gettext,
        "plural": gettext.plural,
    }


def sample(shop: Any, kind: MessageKind, order: OrderView | None) -> MessageDraft | None:
    """A message of that kind about an order, for the preview; None if it has no sample."""
    if kind.sample is None:
        return None
    if order is not None and not order.locale:
        order = replace(order, locale=shop.settings["shop"].locale)
    return kind.sample(order)


def absolute(base_url: str) -> Callable[[str], str]:
    """A function that makes the shop's paths absolute addresses."""
    return lambda path: f"{base_url}{path}" if path.startswith("/") else path
