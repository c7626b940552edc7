"""Demo data: asked of every enabled plugin once per database, never in production."""

from __future__ import annotations

from collections.abc import Callable

from sqlalchemy import select

from opticworks.config import ConfigError
from opticworks.settings.models import Setting
from opticworks.shop import Shop

MARK = "demo"  #: the settings row that remembers whose demo data is loaded


def load(shop: Shop, progress: Callable[[str], None] = lambda line: None) -> bool:
    """Load the demo data of plugins that have not loaded theirs yet; whether there was any.

    Each plugin's data is one transaction. Raises ConfigError in production.
    """
    if shop.config.production:
        raise ConfigError("Demo data is never loaded in production.")
    loaded = False
    for plugin in shop.plugins.enabled:
        if "demo" not in plugin.hooks:
            continue
        with shop.unit() as db:
            mark = db.scalars(
                select(Setting).where(Setting.code == MARK).with_for_update()
            ).one_or_none()
            if mark is None:
                mark = Setting(code=MARK, data={"plugins": []})
                db.add(mark)
            done = list(mark.data["plugins"])
            if plugin.code in done:
                continue
            progress(f"Loading the demo data of {plugin.title}")
            shop.plugins.ask(plugin, "demo", ctx=shop.ctx(db))
            mark.data = {"plugins": [*done, plugin.code]}
            loaded = True
    shop.forget()
    return loaded
