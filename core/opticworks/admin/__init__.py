"""The admin: staff screens under /admin."""

from typing import Any


def includeme(config: Any) -> None:
    """Nothing yet: the screens bring their routes."""
