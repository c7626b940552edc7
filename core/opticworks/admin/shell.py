"""What every admin page shows around its content: menu, who is signed in, what was just done."""

from __future__ import annotations

import logging
from typing import Any, NamedTuple

from pyramid.request import Request

from opticworks.contracts import MenuItem
from opticworks.web.policy import Identity, is_admin

log = logging.getLogger(__name__)


class Flash(NamedTuple):
    """A sentence about what was just done. `kind` is "done" or "problem"."""

    kind: str
    sentence: str


def flash(request: Request, sentence: str, kind: str = "done") -> None:
    """Show the sentence on the next page."""
    request.session.flash([kind, sentence], "admin")


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
    entries = [entry for entry in _ask(request) if entry.permission in allowed]
    return sorted(entries, key=lambda entry: (entry.position, entry.label))


def _ask(request: Request) -> list[MenuItem]:
    """Everybody's entries; a plugin that fails is left out and logged."""
    found: list[MenuItem] = []
    arguments: dict[str, Any] = {"ctx": request.ctx}
    for implementation in reversed(request.hooks.admin_menu.get_hookimpls()):
        try:
            answer = implementation.function(*(arguments[name] for name in implementation.argnames))
            found.extend(answer or ())
        except Exception:
            log.exception("Plugin %s failed in the admin's menu", implementation.plugin_name)
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
