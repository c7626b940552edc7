"""A web process holds what pages need: the rest is imported by what needs it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from opticworks.boot import ini_settings

ROOT = Path(__file__).resolve().parents[2]
#: All that a web process imports before it answers: the kernel, whatever its pages and tasks are,
#: and the plugins that are named.
PROGRAM = """
import importlib, pkgutil, sys
import opticworks.app
from opticworks import admin, storefront, webhooks
from opticworks.boot import BUILTINS, TASKS

for package in (admin, storefront, webhooks):
    for module in pkgutil.walk_packages(package.__path__, package.__name__ + "."):
        importlib.import_module(module.name)
for name in [dotted for _, dotted in BUILTINS] + list(TASKS) + sys.argv[1:]:
    importlib.import_module(name)
print(*sys.modules)
"""
#: Commands, migrations, demo data, whole imports, papers, pictures, tests.
NEVER = {
    "PIL",
    "alembic",
    "click",
    "mako",
    "opticworks.cli",
    "opticworks.demo",
    "opticworks.embedded",
    "opticworks.migrations",
    "opticworks.testing",
    "opticworks_catalog.demo_load",
    "opticworks_catalog.exchange.dumping",
    "opticworks_catalog.exchange.loading",
    "opticworks_discounts.demo_data",
    "opticworks_reviews.demo_data",
    "opticworks_taxes.demo_rates",
    "pypdf",
    "pytest",
    "reportlab",
    "requests",
    "unittest",
}


def loaded(*plugins):
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, *(f"opticworks_{code}" for code in plugins)],
        capture_output=True,
        text=True,
        check=True,
    )
    return set(done.stdout.split())


def test_what_only_commands_papers_and_pictures_need_is_not_loaded():
    named = ini_settings(ROOT / "production.ini")["opticworks.plugins"].split()
    modules = loaded(*named)
    assert {"opticworks.admin.views.orders", "opticworks_catalog.reading"} <= modules
    assert not NEVER & modules
