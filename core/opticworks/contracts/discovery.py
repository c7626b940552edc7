"""What a plugin says of itself, and what every hook is given."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

from pydantic import BaseModel

from opticworks.contracts.goods import Rating
from opticworks.contracts.prices import PriceDisplay


@dataclass(frozen=True, slots=True, kw_only=True)
class Permission:
    """Something staff may be allowed to do; `code` is prefixed with the plugin's code."""

    code: str
    title: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PluginInfo:
    """What a plugin says of itself.

    `kernel` is a PEP 440 range of kernel versions; `requires` are codes of plugins that must be
    enabled too; `settings` is a pydantic model whose defaults make a working plugin; `paths` are
    the address prefixes it owns besides `/<code>/` and `/admin/<code>/`.
    """

    code: str
    title: str
    version: str
    category: Literal["goods", "payment", "shipping", "notification", "media", "pricing", "other"]
    description: str = ""
    kernel: str = ""
    requires: tuple[str, ...] = ()
    settings: type[BaseModel] | None = None
    permissions: tuple[Permission, ...] = ()
    paths: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class MigrationBranch:
    """A plugin's Alembic branch: its label is the plugin's code, `path` holds the revisions."""

    path: str
    metadata: Any  #: the sqlalchemy MetaData of the plugin's tables


@dataclass(frozen=True, slots=True, kw_only=True)
class StandIn:
    """A local server that stands in for a vendor: `python -m <module> <arguments>`.

    In the arguments "{port}" is the port it must listen on (127.0.0.1), "{shop}" the shop's
    address, "{var}" the folder for what it keeps. It gets `--parent <pid>` too and ends when
    that process is gone. Its address is `settings["standins"][code]`.
    """

    code: str
    title: str
    module: str
    arguments: tuple[str, ...] = ("--port", "{port}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Ctx:
    """What every hook that works on data is given.

    `settings` maps a plugin's code to its validated settings ("shop" is the kernel's own);
    `db` is the caller's SQLAlchemy session: read the plugin's own tables with it, never commit.
    """

    settings: Mapping[str, Any]
    now: datetime
    currency: str
    locale: str
    db: Any
    mode: Literal["development", "test", "production"] = "production"
    #: how a page that knows no address shows prices: as in the shop's first country
    display: PriceDisplay = field(default_factory=lambda: PriceDisplay())
    #: asks the plugins what buyers thought of these SKUs (the hook `ratings`); fails open
    ratings: Callable[[Iterable[str]], Mapping[str, Rating]] = field(
        default=lambda skus: {}, repr=False, compare=False
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class MenuItem:
    """An entry of the admin's menu. Positions go in tens; `permission` hides it from others."""

    label: str
    path: str
    position: int
    permission: str
    icon: str = "circle"
    count: int | None = None  #: work waiting there


@dataclass(frozen=True, slots=True, kw_only=True)
class Attention:
    """Something that staff should look at, on their first page: `count` of them, to be seen at
    `path` by those with the permission."""

    label: str
    count: int
    path: str
    permission: str
    icon: str = "circle-alert"


@dataclass(frozen=True, slots=True, kw_only=True)
class SlotFragment:
    """What a plugin puts into a named slot: a template (themes may replace it) and its data.

    `pure`: the template sees only `data`, the slot's context and what all pages share, no request;
    its HTML is then remembered by those values, of which equal ones must print alike.
    """

    template: str
    data: Mapping[str, Any] = field(default_factory=dict)
    position: int = 100
    pure: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class SitemapEntry:
    """A page for search engines: its canonical path, when what it shows last changed (None when
    that isn't known), and the addresses of its pictures (paths, or absolute)."""

    path: str
    updated_at: datetime | None = None
    images: tuple[str, ...] = ()
