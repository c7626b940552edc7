"""From a message draft to the HTML and text that are sent."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

from opticworks.contracts import MessageDraft, OrderView
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


def render(shop: Any, draft: MessageDraft, order: OrderView | None) -> tuple[str, str]:
    """The HTML, with its styles inlined, and the text of a draft.

    The template is found along the theme's search path and knows `shop` (the settings), `order`,
    `data`, `subject`, `base_url`, `absolute(path)`,
    `country(code)`, `money`, `date` and `datetime`.
    """
    settings = shop.settings["shop"]
    names: dict[str, Any] = {
        **format_names(settings),
        "shop": settings,
        "order": order,
        "data": draft.data,
        "subject": draft.subject,
        "base_url": shop.config.base_url,
        "absolute": absolute(shop.config.base_url),
        "_": lambda text: text,
    }
    html = _inliner().inline(shop.templates.render(draft.template, names))
    text = to_text(html)
    if not text:
        raise EmptyMail(f"The mail template {draft.template!r} renders to no text.")
    return html, text


def absolute(base_url: str) -> Callable[[str], str]:
    """A function that makes the shop's paths absolute addresses."""
    return lambda path: f"{base_url}{path}" if path.startswith("/") else path
