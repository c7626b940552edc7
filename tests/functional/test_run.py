"""`opticworks run`, as a person at a terminal meets it: real processes on real ports."""

import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import urllib.error
import urllib.request
from pathlib import Path

import pytest

from opticworks.embedded import status, stop
from opticworks.embedded.processes import is_running, wait_for
from opticworks.testing.ports import free_port

ROOT = Path(__file__).resolve().parents[2]
PATIENCE = 240  #: seconds; a busy machine is no failure


class Run:
    """One `opticworks run` in a session of its own, its output collected."""

    def __init__(self, var, port, **environ):
        clean = {k: v for k, v in os.environ.items() if k not in ("DATABASE_URL", "REDIS_URL")}
        command = [sys.executable, "-m", "opticworks.cli", "run"]
        self.began = time.monotonic()
        self.process = subprocess.Popen(
            [*command, "--port", str(port), "--var", str(var)],
            cwd=ROOT,
            env=clean | {"PYTHONUNBUFFERED": "1"} | environ,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        self.lines = []
        self.reader = threading.Thread(target=self._read, daemon=True)
        self.reader.start()

    def _read(self):
        """Until everything that writes there has ended. Whoever reads closes it: closed by another
        while it is read, it would be an error."""
        with self.process.stdout as said:
            self.lines.extend(said)

    @property
    def said(self):
        return "".join(self.lines)

    def wait_until_up(self):
        """Seconds until it said that it serves."""
        reached = wait_for(
            lambda: "Ctrl-C stops" in self.said or self.process.poll() is not None, PATIENCE
        )
        assert reached, self.said
        assert self.process.poll() is None, self.said
        return time.monotonic() - self.began

    def services(self):
        """Pids of the web server and the worker."""
        folder = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children")
        found = [int(pid) for pid in folder.read_text().split()]
        return [
            pid for pid in found if b"opticworks.cli" in Path(f"/proc/{pid}/cmdline").read_bytes()
        ]

    def end(self, number):
        """Send a signal and wait; returns the exit code."""
        self.process.send_signal(number)
        code = self.process.wait(PATIENCE)
        self.reader.join(60)
        return code


def get(port, path="/health"):
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=60) as response:
            return response.status, response.read().decode()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read().decode()


@pytest.fixture
def var():
    folder = Path(tempfile.mkdtemp(prefix="opticworks-run-"))
    folder.chmod(0o711)
    yield folder / "var"
    stop(folder / "var")
    shutil.rmtree(folder)


@pytest.fixture
def start(var):
    """Starts runs of one `var`; whatever is left of them is killed at the end."""
    runs = []

    def begin(port, **environ):
        runs.append(Run(var, port, **environ))
        return runs[-1]

    yield begin
    for run in runs:
        if run.process.poll() is None:
            run.end(signal.SIGTERM)
        run.process.wait()


def embedded_pids(var):
    return [found.pid for found in status(var, environ={}) if found.pid]


def test_a_shop_starts_serves_survives_a_kill_of_everything_and_stops_what_it_started(var, start):
    port = free_port()
    first = start(port)
    first.wait_until_up()
    assert f"http://127.0.0.1:{port}/" in first.said
    assert f"http://127.0.0.1:{port}/admin" in first.said
    login = re.search(r"Demo staff\s+(\S+)\s+(\S+)", first.said).groups()
    code, health = get(port)
    assert (code, json.loads(health)["status"]) == (200, "ok")
    assert "RS-1" in get(port, "/products/rs-1-sensor")[1]

    # A second one on the same data says so and leaves the first alone.
    second = start(free_port())
    assert second.process.wait(PATIENCE) == 1
    second.reader.join(60)
    assert "runs already with the data in" in second.said
    assert get(port)[0] == 200

    # Everything dies at once.
    doomed = [first.process.pid, *first.services(), *embedded_pids(var)]
    assert len(doomed) == 5  # the command, web, worker, PostgreSQL, Valkey
    for pid in doomed:
        os.kill(pid, signal.SIGKILL)
    first.process.wait(PATIENCE)

    third = start(port)
    assert third.wait_until_up() < PATIENCE
    assert re.search(r"Demo staff\s+(\S+)\s+(\S+)", third.said).groups() == login
    assert "Loading the demo data" not in third.said
    assert get(port, "/products/rs-1-sensor")[0] == 200
    began = [third.process.pid, *third.services(), *embedded_pids(var)]
    assert third.end(signal.SIGINT) == 0
    assert wait_for(lambda: not any(is_running(pid) for pid in began), 60)


def test_a_run_that_alone_is_killed_takes_its_processes_along_and_the_next_one_comes_up(var, start):
    port = free_port()
    first = start(port)
    first.wait_until_up()
    services = first.services()
    first.end(signal.SIGKILL)
    assert wait_for(lambda: not any(is_running(pid) for pid in services), 60)
    left = embedded_pids(var)
    second = start(port)
    second.wait_until_up()
    assert second.end(signal.SIGTERM) == 0
    # The servers of the killed run are the next one's to stop.
    assert wait_for(lambda: not any(is_running(pid) for pid in left), 60)


def test_a_child_that_dies_ends_the_run_with_an_error(var, start):
    run = start(free_port())
    run.wait_until_up()
    os.kill(run.services()[0], signal.SIGKILL)
    assert run.process.wait(PATIENCE) == 1
    run.reader.join(60)
    assert re.search(r"The (web server|worker) ended by itself \(exit code -9\)", run.said)
    assert embedded_pids(var) == []


def test_a_port_in_use_is_one_sentence_and_nothing_stays_behind(var, start):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        run = start(port)
        assert run.process.wait(PATIENCE) == 1
        run.reader.join(60)
    assert f"Port {port} is in use." in run.said
    assert "Traceback" not in run.said
    assert embedded_pids(var) == []


def test_named_servers_are_used_and_neither_started_nor_stopped(
    var, start, make_shop, worker_database_url, worker_redis_url
):
    make_shop().close()  # whatever the last test left there is gone
    run = start(free_port(), DATABASE_URL=worker_database_url, REDIS_URL=worker_redis_url)
    run.wait_until_up()
    assert "Starting PostgreSQL" not in run.said
    assert run.end(signal.SIGTERM) == 0
    assert not (var / "postgresql").exists()


def test_a_production_ini_is_not_for_run(var):
    command = [sys.executable, "-m", "opticworks.cli", "--ini", "production.ini", "run"]
    done = subprocess.run(
        [*command, "--var", str(var)], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 1
    assert "pserve production.ini" in done.stderr
    assert not var.exists()
