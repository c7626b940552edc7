"""A shop may be installed from wheels: whatever a package needs at run time is in its package."""

from __future__ import annotations

import json
import subprocess
import sys
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


@pytest.mark.parametrize("distribution", DISTRIBUTIONS)
def test_every_file_of_a_package_is_in_its_wheel(distribution, tmp_path):
    folder = ROOT / distribution
    answer = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", LIST],
        cwd=folder,
        capture_output=True,
        text=True,
        check=True,
    )
    shipped = set(json.loads(answer.stdout.splitlines()[-1]))
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
