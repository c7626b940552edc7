"""Fixtures for every test of this repository, the plugins' own included."""

import atexit
import gc
import os
import shutil
import tempfile

from hypothesis import HealthCheck, settings

if "CHAMELEON_CACHE" not in os.environ:
    # Every shop that a test boots would compile every template anew; Chameleon reads this when
    # it is imported, and xdist's workers inherit it.
    os.environ["CHAMELEON_CACHE"] = tempfile.mkdtemp(prefix="opticworks-templates-")
    atexit.register(shutil.rmtree, os.environ["CHAMELEON_CACHE"], ignore_errors=True)

pytest_plugins = ["opticworks.testing.servers", "opticworks.testing.shops"]


def pytest_xdist_auto_num_workers() -> int:
    """Half as many workers again as there are cores: a third of the suite's time is spent waiting
    for processes, servers and browsers. Four have databases enough on a Redis of 16."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return min(4, (cores or 1) + (cores or 1) // 2)


def pytest_collection_finish() -> None:
    """Keep what is loaded, which is much and stays, out of the garbage collector's way: looking
    through it again and again took two fifths of the time in which a test puts a shop together."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 20)


# How long an input takes to make up, or to try, says how busy the machine is, not that a test is
# wrong.
settings.register_profile("shop", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("shop")
