"""Workers killed at every commit and on both sides of the mail server, counted at the server.

At the server's side stands a real SMTP server; its count of accepted mails is the truth. Only one
window repeats a mail, and only for a mailer without keys: after the server's 250 and before our
commit. The repeat has the same Message-ID, by which mail programs know it.
"""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from sqlalchemy import text

from opticworks import events
from opticworks.notifications import service
from opticworks.testing.processes import bury
from opticworks.testing.smtp import SMTPServer

PROGRAM = Path(__file__).with_name("little_shop.py")

#: Every place in the room's jobs where a test may kill, and how many mails SMTP then delivers.
FAULTS = {
    "compose.before_commit": 1,
    "compose.after_commit": 1,
    "dispatch.before_commit": 1,
    "dispatch.after_commit": 1,
    "react.before_commit": 1,
    "react.after_commit": 1,
    "send.before_commit": 1,
    "send.after_commit": 1,
    "send.before_provider": 1,
    "send.after_provider": 2,
    "sent.before_commit": 2,
    "sent.after_commit": 1,
    "jobs.before_handler": 1,
    "jobs.after_handler": 1,
}


@pytest.fixture
def server():
    with SMTPServer() as server:
        yield server


class Nursery:
    """A process that forks workers which have everything imported already."""

    def __init__(self):
        environment = os.environ | {"PYTHONWARNINGS": "ignore"}
        self.process = subprocess.Popen(
            [sys.executable, str(PROGRAM)],
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def ask(self, line):
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()
        return self.process.stdout.readline().strip()

    def start(self, **options):
        return int(self.ask(f"start {json.dumps(options)}"))

    def status(self, pid):
        """How the worker ended, as subprocess says it; None while it runs."""
        answer = self.ask(f"poll {pid}")
        return None if answer == "running" else int(answer)


@pytest.fixture(scope="module")
def nursery():
    nursery = Nursery()
    yield nursery
    nursery.process.stdin.close()
    nursery.process.wait()
    nursery.process.stdout.close()


def wait_until(condition, folder, seconds=90.0):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, (folder / "log").read_text()[-2000:]
        time.sleep(0.05)


def all_done(shop):
    with shop.unit() as db:
        jobs_left = db.scalar(
            text("SELECT count(*) FROM procrastinate_jobs WHERE status <> 'succeeded'")
        )
        sent = db.scalar(text("SELECT count(*) FROM message WHERE status = 'sent'"))
    return jobs_left == 0 and sent == 1


def kill_at(shop, nursery, kind, port, folder, fault):
    """Announce an order, kill the worker at the fault, let another finish."""
    with shop.unit() as db:
        service.emit(db, events.ORDER_PLACED, "OW-1")
        event_id = db.scalar(text("SELECT id FROM event"))
    url = shop.engine.url.render_as_string(hide_password=False)
    options = {"url": url, "kind": kind, "port": port, "folder": str(folder)}
    killed = nursery.start(**options, fault=fault)
    wait_until(lambda: nursery.status(killed) == -signal.SIGKILL, folder)
    bury(shop)
    other = nursery.start(**options, fault="")
    try:
        wait_until(lambda: all_done(shop), folder)
    finally:
        os.kill(other, signal.SIGKILL)
        wait_until(lambda: nursery.status(other) is not None, folder)
    with shop.unit() as db:
        assert db.scalar(text("SELECT count(*) FROM message")) == 1
        reactions = text("SELECT count(*) FROM suppression WHERE address = :seen")
        assert db.scalar(reactions, {"seen": f"seen-{event_id}-order.placed"}) == 1


@pytest.mark.parametrize(("fault", "mails"), FAULTS.items())
def test_a_killed_worker_loses_no_mail_over_smtp(
    open_shop, server, nursery, tmp_path, fault, mails
):
    kill_at(open_shop(), nursery, "smtp", server.port, tmp_path, fault)
    assert len(server.mails) == mails
    assert len(set(server.message_ids)) == 1


@pytest.mark.parametrize("fault", ["send.after_provider", "sent.before_commit"])
def test_a_mailer_with_keys_sends_once_even_there(open_shop, server, nursery, tmp_path, fault):
    kill_at(open_shop(), nursery, "keyed", server.port, tmp_path, fault)
    assert len(server.mails) == 1
