"""What every admin page shows around its content: menu, who is signed in, what was just done."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from datetime import datetime
from html import escape
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from babel.dates import format_datetime
from pyramid.request import Request

from opticworks.contracts import ItemGroup, MenuItem
from opticworks.web.engine import Markup
from opticworks.web.policy import Identity, is_admin

log = logging.getLogger(__name__)


class Flash(NamedTuple):
    """A sentence about what was just done. `kind` is "done" or "problem"; `undo` the form that
    takes it back: where it is posted, and its fields."""

    kind: str
    sentence: str
    undo: tuple[str, dict[str, str]] | None = None


def flash(
    request: Request,
    sentence: str,
    kind: str = "done",
    *,
    undo: tuple[str, Mapping[str, str]] | None = None,
) -> None:
    """Show the sentence on the next page, with a button that takes back what was done if `undo`
    says how: the path of a form of the admin, and the fields to post."""
    entry: list[Any] = [kind, sentence]
    if undo is not None:
        entry.append([undo[0], dict(undo[1])])
    request.session.flash(entry, "admin")


def flashes(request: Request) -> list[Flash]:
    if not _signed_in(request):
        return []
    return [Flash(*entry) for entry in request.session.pop_flash("admin")]


def staff(request: Request) -> Identity | None:
    """The signed-in member of staff; None on the storefront, whoever looks at it."""
    return request.identity if _signed_in(request) else None


def _signed_in(request: Request) -> bool:
    return is_admin(request) and request.identity is not None


def menu(request: Request) -> list[MenuItem]:
    """The entries that this member of staff may see, by position, then label (`request.menu`)."""
    if not _signed_in(request):
        return []
    allowed = request.identity.permissions | {"staff"}
    entries = [entry for entry in asked(request, "admin_menu") if entry.permission in allowed]
    return sorted(entries, key=lambda entry: (entry.position, entry.label))


def item_groups(request: Request) -> tuple[ItemGroup, ...]:
    """Groups that goods are sorted into, which a rule may name, as the goods plugins say."""
    return tuple(asked(request, "item_groups"))


def asked(request: Request, hook: str) -> list[Any]:
    """All answers to a hook that takes `ctx`; a plugin that fails is left out and logged."""
    found: list[Any] = []
    arguments: dict[str, Any] = {"ctx": request.ctx}
    for implementation in reversed(getattr(request.hooks, hook).get_hookimpls()):
        try:
            answer = implementation.function(*(arguments[name] for name in implementation.argnames))
            found.extend(answer or ())
        except Exception:
            log.exception("Plugin %s failed in %s", implementation.plugin_name, hook)
    return found


def here(request: Request) -> str:
    """The path of the entry that this page belongs to: the longest that leads to it."""
    path = request.path_info
    leading = [
        entry.path
        for entry in request.menu
        if path == entry.path or (entry.path != "/admin" and path.startswith(entry.path + "/"))
    ]
    return max(leading, key=len, default="")


def moment(request: Request) -> Callable[[datetime], Markup]:
    """`moment(dt)` in templates: a short date and time of the shop, the full one on hover."""
    shop = request.shop.settings["shop"]
    zone = ZoneInfo(shop.timezone)
    now = request.shop.now().astimezone(zone)
    pattern = {True: "d MMM, HH:mm", False: "d MMM y, HH:mm"}
    if shop.locale == "en_US":
        pattern = {True: "MMM d, h:mm a", False: "MMM d, y, h:mm a"}

    def write(at: datetime) -> Markup:
        local = at.astimezone(zone)
        short = format_datetime(local, pattern[local.year == now.year], locale=shop.locale)
        full = format_datetime(local, "full", locale=shop.locale)
        return Markup(
            f'<time datetime="{at.isoformat()}" title="{escape(full)}">{escape(short)}</time>'
        )

    return write
