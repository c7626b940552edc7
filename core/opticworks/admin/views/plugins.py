"""What is installed: state, problems in plain words, and how to enable it."""

from __future__ import annotations

from functools import partial
from typing import Any

from pyramid.interfaces import IRoutesMapper
from pyramid.request import Request

from opticworks.admin import words
from opticworks.plugins import State
from opticworks.web.page import Page
from opticworks.web.policy import admin_view
from opticworks.webhooks import service as webhooks

ORDER = {"failed": 0, "missing": 0, "blocked": 0, "enabled": 1, "disabled": 2}
CATEGORIES = {
    "goods": "Goods",
    "payment": "Payment",
    "shipping": "Shipping",
    "notification": "Mail",
    "media": "Pictures",
    "pricing": "Prices",
    "other": "Other",
}


@admin_view(
    "admin.plugins", "plugins.read", renderer="admin/plugins.pt", request_method=("GET", "HEAD")
)
def plugins(request: Request) -> dict[str, Any]:
    found = sorted(request.shop.plugins, key=lambda plugin: ORDER.get(plugin.state.value, 0))
    receivers = webhooks.receivers(request.shop)
    return {
        "page": Page("Plugins"),
        "plugins": found,
        "words": words,
        "category": lambda plugin: CATEGORIES[plugin.info.category] if plugin.info else "",
        "paths": partial(paths, request),
        "how": how_to_enable,
        "refusing": {each.plugin: each.problem for each in receivers if each.problem},
        "enabled": sum(1 for plugin in found if plugin.state.value == "enabled"),
    }


def paths(request: Request, plugin: Any) -> list[str]:
    """The paths under which the plugin has pages; what it asks for while it does not run."""
    asked = plugin.info.paths if plugin.info else ()
    if plugin.state is not State.ENABLED:
        return list(asked)
    mapper = request.registry.getUtility(IRoutesMapper)
    pages = [f"/{route.pattern.lstrip('/')}/" for route in mapper.get_routes()]
    own = dict.fromkeys((f"/{plugin.code}", f"/admin/{plugin.code}", *asked))
    return [path for path in own if any(page.startswith(f"{path.rstrip('/')}/") for page in pages)]


def how_to_enable(plugin: Any) -> str:
    """What to do to get it running; empty if it runs."""
    return {
        "enabled": "",
        "disabled": f"To enable it, add the line “{plugin.code}” to opticworks.plugins in the "
        "shop's ini file, and restart.",
        "missing": "Install its package (pip install …) or remove its line from "
        "opticworks.plugins, and restart.",
        "blocked": "Put the problem right, and restart.",
        "failed": "Update or repair its package, and restart. The log has the whole error.",
    }[plugin.state.value]
