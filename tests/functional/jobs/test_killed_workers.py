"""Many jobs, several workers on "several hosts", and a killer: nothing is lost, nothing done twice
where a key protects it.

A thousand jobs in the suite; `OPTICWORKS_PROOF=10000 python -m pytest -n 0 -s` this file for the
whole proof, whose figures are in docs/jobs.md.
"""

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from sqlalchemy import text

from opticworks.jobs import Retry, defer
from opticworks.testing.processes import until

PROGRAM = Path(__file__).with_name("minimal_shop.py")
JOBS = int(os.environ.get("OPTICWORKS_PROOF", "1000"))
WORKERS = 3
KILLS = max(4, JOBS // 500)
PATIENCE = 120 + JOBS / 10  #: seconds; a busy machine is no failure


def start(shop, log):
    url = shop.engine.url.render_as_string(hide_password=False)
    command = [sys.executable, str(PROGRAM), url, "test", "8"]
    with log.open("a") as out:
        return subprocess.Popen(command, stdout=out, stderr=out)


def one(shop, statement):
    with shop.unit() as db:
        return db.scalar(text(statement))


@pytest.mark.timeout(PATIENCE + 60)
def test_every_job_is_done_though_workers_are_killed_at_random(shop, tmp_path):
    with shop.unit() as db:
        db.execute(text("CREATE TABLE ran (key text)"))
        db.execute(text("CREATE TABLE effect (key text PRIMARY KEY)"))
        for number in range(JOBS):
            defer(db, "watched.keyed", key=f"k{number}")
    chance = random.Random(20)
    log = tmp_path / "workers.log"
    workers = [start(shop, log) for _ in range(WORKERS)]
    kills, began = 0, time.monotonic()
    # The kernel's own schedules fall due while this runs: only our jobs are counted.
    ours = "SELECT count(*) FROM procrastinate_jobs WHERE task_name = 'watched.keyed'"
    ended = f"{ours} AND status = 'succeeded'"
    left = f"{ours} AND status IN ('todo', 'doing')"
    try:
        while kills < KILLS or one(shop, left):
            assert time.monotonic() - began < PATIENCE, log.read_text()[-2000:]
            # The next one dies when another part of the work is done, wherever it is just then.
            if kills < KILLS and one(shop, ended) >= (kills + 1) * JOBS // (KILLS + 2):
                victim = chance.randrange(WORKERS)
                workers[victim].send_signal(signal.SIGKILL)
                workers[victim].wait()
                workers[victim] = start(shop, log)
                kills += 1
            time.sleep(chance.uniform(0.01, 0.15))
    finally:
        for worker in workers:
            worker.kill()
            worker.wait()
    seconds = time.monotonic() - began
    again = one(shop, "SELECT count(*) - count(DISTINCT key) FROM ran")
    print(f"{JOBS} jobs, {kills} workers killed, {again} jobs begun again, {seconds:.0f} s")
    assert kills == KILLS
    assert one(shop, ended) == JOBS
    assert one(shop, "SELECT count(*) FROM effect") == JOBS
    assert one(shop, "SELECT count(DISTINCT key) FROM ran") == JOBS


def test_a_schedule_runs_once_however_many_workers_there_are(shop, tmp_path, monkeypatch):
    monkeypatch.setenv("WATCHED_SCHEDULE", "* * * * * *")
    log = tmp_path / "workers.log"
    workers = [start(shop, log) for _ in range(WORKERS)]
    try:
        # All have to be there: one that starts does not know yet what a signal asks of it.
        there = "SELECT count(*) FROM procrastinate_workers"
        until(lambda: one(shop, there) == WORKERS, why=log.read_text)
        enough = shop.notes().count("tick") + 4
        until(lambda: shop.notes().count("tick") >= enough, why=log.read_text)
    finally:
        for worker in workers:
            worker.terminate()
        for worker in workers:
            assert worker.wait(60) == 0
    ticks = shop.notes().count("tick")
    assert ticks >= 4
    ours = "FROM procrastinate_jobs WHERE task_name = 'watched.tick'"
    jobs = one(shop, f"SELECT count(*) {ours}")
    assert jobs == one(shop, f"SELECT count(DISTINCT args ->> 'timestamp') {ours}") >= ticks


def test_what_failed_together_does_not_come_back_together():
    retry = Retry(tries=8, base=10, cap=60, jitter=0.25)
    rests = {retry.rest(3, luck=luck).total_seconds() for luck in (0, 0.5, 1)}
    assert rests == {40, 45, 50}
    asked = Exception()
    asked.retry_after = 30
    assert retry.rest(1, asked).total_seconds() == 30
    assert retry.rest(1, asked, luck=1).total_seconds() == 37.5
