"""Fixtures for every test of this repository, the plugins' own included."""

import atexit
import os
import shutil
import tempfile

if "CHAMELEON_CACHE" not in os.environ:
    # Every shop that a test boots would compile every template anew; Chameleon reads this when
    # it is imported, and xdist's workers inherit it.
    os.environ["CHAMELEON_CACHE"] = tempfile.mkdtemp(prefix="opticworks-templates-")
    atexit.register(shutil.rmtree, os.environ["CHAMELEON_CACHE"], ignore_errors=True)

pytest_plugins = ["opticworks.testing.servers", "opticworks.testing.shops"]
