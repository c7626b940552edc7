"""Fixtures for every test of this repository, the plugins' own included."""

import atexit
import gc
import os
import shutil
import tempfile

import pytest
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


#: What takes long, and about how many seconds of a worker: processes, browsers, every form.
LONG = {
    "tests/browser/": 260,
    "tests/functional/crash/": 240,
    "tests/functional/hostile/": 110,
    "tests/functional/test_run.py": 100,
    "tests/functional/jobs/": 60,
    "tests/functional/test_foreign_plugin.py": 60,
    "tests/functional/test_production.py": 60,
    "tests/functional/notifications/test_crashes.py": 40,
    "tests/functional/test_embedded.py": 40,
    "tests/contract/test_suites.py": 15,
}


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Each worker of xdist begins with its share of what takes long, and ends with what is short.

    A worker that has nothing left takes from the end of another's tests, so that none is alone
    with a long one at last. And one folder's tests begin in one worker: what they share, as a
    browser or a shop in processes, is started once and not by every worker.
    """
    workers = int(getattr(config, "workerinput", {}).get("workercount", 1))
    groups: dict[str, list[pytest.Item]] = {start: [] for start in LONG}
    rest: list[pytest.Item] = []
    for item in items:
        start = next((start for start in LONG if item.nodeid.startswith(start)), None)
        (rest if start is None else groups[start]).append(item)
    shares: list[list[pytest.Item]] = [[] for _ in range(workers)]
    seconds = [0] * workers
    for start, group in groups.items():  # the longest first, to whoever has least
        least = seconds.index(min(seconds))
        seconds[least] += LONG[start] if group else 0
        shares[least] += group
    left = len(items)
    ordered: list[pytest.Item] = []
    for number, share in enumerate(shares):
        size = left // (workers - number)  # as xdist cuts them
        short, rest = rest[: max(0, size - len(share))], rest[max(0, size - len(share)) :]
        ordered += share + short
        left -= len(share) + len(short)
    items[:] = ordered + rest


def pytest_collection_finish() -> None:
    """Keep what is loaded, which is much and stays, out of the garbage collector's way: looking
    through it again and again took two fifths of the time in which a test puts a shop together."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 20)


# How long an input takes to make up, or to try, says how busy the machine is, not that a test is
# wrong. And the inputs are the same in every run: one that fails is found by whoever looks for new
# ones (--hypothesis-profile=explore), not by whoever changed something else.
settings.register_profile("explore", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("shop", settings.get_profile("explore"), derandomize=True)
settings.load_profile("shop")
