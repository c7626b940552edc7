"""For plugin authors: what a plugin package imports besides contracts, events and money.

    from opticworks.plugin import hookimpl, plugin_base

Hooks and their meaning are in docs/hooks.md, the verbs a plugin may call in `opticworks.kernel`.
"""

from __future__ import annotations

from opticworks.admin.shell import flash, item_groups
from opticworks.contracts import (
    Ctx,
    MenuItem,
    MigrationBranch,
    PluginInfo,
    SlotFragment,
)
from opticworks.db import UTCDateTime, plugin_base, timestamp
from opticworks.db.changes import Memory, memory_of, remembered
from opticworks.hookspecs import hookimpl
from opticworks.jobs import defer
from opticworks.jobs import waiting as job_waits
from opticworks.web.headers import cacheable, private_page, surrogate_keys
from opticworks.web.numbers import whole
from opticworks.web.page import Crumb, Page, share_picture, shortened, text_of
from opticworks.web.policy import admin_view
from opticworks.web.schema_form import SchemaForm
from opticworks.web.sheets import escaped_cell, unescaped_cell
from opticworks.web.signed_links import link_token, read_link_token

__all__ = [
    "Crumb",
    "Ctx",
    "Memory",
    "MenuItem",
    "MigrationBranch",
    "Page",
    "PluginInfo",
    "SchemaForm",
    "SlotFragment",
    "UTCDateTime",
    "admin_view",
    "cacheable",
    "defer",
    "escaped_cell",
    "flash",
    "hookimpl",
    "item_groups",
    "job_waits",
    "link_token",
    "memory_of",
    "plugin_base",
    "private_page",
    "read_link_token",
    "remembered",
    "share_picture",
    "shortened",
    "surrogate_keys",
    "text_of",
    "timestamp",
    "unescaped_cell",
    "whole",
]
