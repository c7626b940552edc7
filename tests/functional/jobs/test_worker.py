"""Real worker processes: killed, stopped and left alone."""

import os
import signal
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path

import pytest
from sqlalchemy import text

from opticworks.jobs import defer, failed

PROGRAM = Path(__file__).with_name("minimal_shop.py")


@contextmanager
def worker(shop, log, fault="", mode="test"):
    environment = os.environ | {"OPTICWORKS_FAULT": fault}
    url = shop.engine.url.render_as_string(hide_password=False)
    with log.open("a") as out:
        process = subprocess.Popen(
            [sys.executable, str(PROGRAM), url, mode], env=environment, stdout=out, stderr=out
        )
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def wait_for(condition, seconds=60.0):  # a busy machine is no failure
    end = time.monotonic() + seconds
    while not (answer := condition()):
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.05)
    return answer


@pytest.fixture
def log(tmp_path):
    return tmp_path / "worker.log"


def put(shop, task, **args):
    with shop.unit() as db:
        return defer(db, task, **args)


def test_a_worker_runs_jobs_soon_and_keeps_arguments_out_of_its_log(shop, log):
    with worker(shop, log):
        put(shop, "watched.note", word="confidential")
        wait_for(lambda: "confidential" in shop.notes())
        put(shop, "watched.provider", retryable=False)
        wait_for(lambda: "watched.provider" in log.read_text())
    lines = log.read_text()
    assert "job watched.note" in lines
    assert "confidential" not in lines
    assert "retryable" not in lines


@pytest.mark.parametrize(("fault", "runs"), [("jobs.before_handler", 1), ("jobs.after_handler", 2)])
def test_the_job_of_a_killed_worker_is_taken_again(shop, log, fault, runs):
    put(shop, "watched.note", word="hello")
    with worker(shop, log, fault=fault) as killed:
        assert killed.wait(60) == -signal.SIGKILL
    with worker(shop, log):
        wait_for(lambda: shop.notes().count("hello") == runs)
        wait_for(lambda: statuses(shop) == {"succeeded"})
    assert shop.notes().count("hello") == runs


def test_faults_are_ignored_in_production(shop, log):
    put(shop, "watched.note", word="hello")
    with worker(shop, log, fault="jobs.before_handler", mode="production") as process:
        wait_for(lambda: "hello" in shop.notes())
        assert process.poll() is None


def dead_jobs(shop):
    with shop.unit() as db:
        return failed(db)


def statuses(shop):
    with shop.unit() as db:
        return set(db.scalars(text("SELECT status FROM procrastinate_jobs")))


def test_sigterm_finishes_the_running_job_and_takes_no_other(shop, log):
    with worker(shop, log) as process:
        for _ in range(2):
            put(shop, "watched.slow")
        wait_for(lambda: shop.notes().count("begun") == 2)
        put(shop, "watched.note", word="too late")
        process.terminate()
        wait_for(lambda: "told to stop" in log.read_text())
        with shop.unit() as db:
            db.execute(text("INSERT INTO note (word) VALUES ('go on')"))
        assert process.wait(60) == 0
    assert shop.notes().count("finished") == 2
    assert "too late" not in shop.notes()
    assert statuses(shop) == {"succeeded", "todo"}


def test_a_failing_job_is_tried_again_by_the_worker(shop, log):
    put(shop, "watched.flaky", works_at=3)
    with worker(shop, log):
        wait_for(lambda: statuses(shop) == {"succeeded"})
    assert shop.notes().count("tried") == 3


def test_a_job_that_kills_its_worker_every_time_is_dead_in_the_end(shop, log):
    job = put(shop, "watched.poison")
    for _ in range(2):
        with worker(shop, log) as process:
            assert process.wait(60) == -signal.SIGKILL
    with worker(shop, log):
        dead = wait_for(lambda: [d for d in dead_jobs(shop) if d.error])
    assert [(d.id, d.error) for d in dead] == [(job, "Its worker was killed while it ran.")]
    assert shop.notes().count("poisoned") == 2


def test_scheduled_tasks_run_by_themselves(shop, log, monkeypatch):
    monkeypatch.setenv("WATCHED_SCHEDULE", "* * * * * *")
    with worker(shop, log):
        wait_for(lambda: shop.notes().count("tick") >= 2)


def test_a_worker_comes_back_after_it_lost_every_connection(shop, log):
    with worker(shop, log) as process:
        put(shop, "watched.note", word="before")
        wait_for(lambda: "before" in shop.notes())
        with shop.unit() as db:
            db.execute(
                text(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                    " WHERE datname = current_database() AND pid <> pg_backend_pid()"
                )
            )
        put(shop, "watched.note", word="after")
        wait_for(lambda: "after" in shop.notes())
        assert process.poll() is None
