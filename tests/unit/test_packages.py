"""A shop may be installed from wheels: whatever a package needs at run time is in its package."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
DISTRIBUTIONS = [
    str(path.parent.relative_to(ROOT))
    for pattern in ("setup.cfg", "plugins/*/setup.cfg", "themes/*/setup.cfg")
    for path in sorted(ROOT.glob(pattern))
]
#: Sources of a compiled style sheet: for those who change it, not for those who run a shop.
SOURCES = "core/opticworks/admin/css/"
LIST = """
import json, os
from setuptools import Distribution
distribution = Distribution({"script_name": "setup.py"})
distribution.parse_config_files()
build = distribution.get_command_obj("build_py")
build.ensure_finalized()
files = [module[-1] for module in build.find_all_modules()]
for _package, source, _target, names in build.data_files:
    files += [os.path.join(source, name) for name in names]
print(json.dumps(sorted({os.path.normpath(file) for file in files})))
"""


def shipped_by(folder):
    """The files that a wheel of that folder would hold."""
    answer = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", LIST],
        cwd=folder,
        capture_output=True,
        text=True,
        check=True,
    )
    return set(json.loads(answer.stdout.splitlines()[-1]))


@pytest.mark.parametrize("distribution", DISTRIBUTIONS)
def test_every_file_of_a_package_is_in_its_wheel(distribution):
    folder = ROOT / distribution
    shipped = shipped_by(folder)
    assert shipped
    tops = {name.split("/")[0] + "/" + name.split("/")[1] for name in shipped if "/" in name}
    tops = {top if top.startswith("core/") else top.split("/")[0] for top in tops}
    there = {
        path.relative_to(folder).as_posix()
        for top in tops
        for path in (folder / top).rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    missing = {name for name in there - shipped if not name.startswith(SOURCES)}
    assert missing == set()


@pytest.mark.parametrize(
    ("page", "files"),
    [
        (
            "docs/plugins.md",
            {
                "acme_pay/__init__.py",
                "acme_pay/static/acme_pay/pay.js",
                "acme_pay/templates/acme_pay/page.pt",
                "acme_pay/templates/admin/acme_pay/list.pt",
                "acme_pay/versions/first.py",
            },
        ),
        (
            "docs/themes.md",
            {
                "opticworks_theme_oak/__init__.py",
                "opticworks_theme_oak/theme.ini",
                "opticworks_theme_oak/static/oak.css",
                "opticworks_theme_oak/templates/catalog/product.pt",
            },
        ),
    ],
)
def test_the_setup_cfg_that_the_docs_show_ships_every_file(page, files, tmp_path):
    text = textwrap.dedent((ROOT / page).read_text(encoding="utf-8").replace("```", ""))
    shown = re.search(
        r"^ *\[metadata\]\n.*?^ *opticworks\.\w+ =\n.*?\n", text, re.DOTALL | re.MULTILINE
    )
    (tmp_path / "setup.cfg").write_text(textwrap.dedent(shown.group()))
    for name in files:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    assert shipped_by(tmp_path) == files
