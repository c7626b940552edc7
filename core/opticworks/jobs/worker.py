"""The worker: a process that runs due jobs, several at a time, until it is told to stop.

SIGTERM or SIGINT finishes the running jobs and takes no new ones; a second signal ends at once.
A worker that is killed leaves its jobs "doing": every other worker looks for such jobs and queues
them again once the dead one's heartbeat is old. A lost database stops nothing for good: the worker
starts over until it is back.
"""

from __future__ import annotations

import asyncio
import logging
import os
import random
import signal
import socket
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import procrastinate
import procrastinate.worker
from procrastinate.jobs import Job, Status
from sqlalchemy import text

from opticworks import faults
from opticworks.faults import fault
from opticworks.jobs.failures import note_failure, record_failure
from opticworks.jobs.queue import Registry, Runtime, TaskSpec, registry_of

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Pace:
    """How often a worker shows that it lives and looks for work, in seconds."""

    heartbeat: float = 10.0
    stalled_after: float = 30.0
    rescue: float = 15.0
    poll: float = 5.0


PRODUCTION = Pace()
DEVELOPMENT = Pace(heartbeat=1.0, stalled_after=5.0, rescue=2.0, poll=1.0)


def pace_of(mode: str) -> Pace:
    """The pace of a shop's workers."""
    return PRODUCTION if mode == "production" else DEVELOPMENT


class _Backoff(procrastinate.BaseRetryStrategy):
    """A task's `Retry` as Procrastinate asks for it."""

    def __init__(self, spec: TaskSpec) -> None:
        self.retry = spec.retry

    def get_retry_decision(
        self, *, exception: BaseException, job: Job
    ) -> procrastinate.RetryDecision | None:
        rest = self.retry.rest(job.attempts + 1, exception, luck=random.random())
        return procrastinate.RetryDecision(retry_at=datetime.now(UTC) + rest) if rest else None


class _NoArguments(logging.Filter):
    """Drops Procrastinate's lines about single jobs: they print arguments. We log our own."""

    def filter(self, record: logging.LogRecord) -> bool:
        return not hasattr(record, "job") and getattr(record, "action", "") != "ending_job"


def perform(shop: Runtime, spec: TaskSpec, job_id: int, args: dict[str, Any]) -> None:
    """Run one job's handler, logged by name and id; what it raises is kept and raised again."""
    if spec.schedule:
        args = {name: value for name, value in args.items() if name != "timestamp"}
    started = time.monotonic()
    fault("jobs.before_handler")
    try:
        spec.handler(shop, **args)
    except Exception as error:
        log.warning("job %s %s failed: %s", spec.name, job_id, type(error).__name__)
        try:
            record_failure(shop, job_id, error)
        except Exception:
            log.exception("the failure of job %s %s could not be kept", spec.name, job_id)
        raise
    fault("jobs.after_handler")
    log.info("job %s %s done in %.3f s", spec.name, job_id, time.monotonic() - started)


def build(shop: Runtime, registry: Registry, scheduled: bool = True) -> procrastinate.App:
    """A Procrastinate app that knows the shop's tasks, their schedules if wanted, and its
    database."""
    url = shop.engine.url.set(drivername="postgresql").render_as_string(hide_password=False)
    app = procrastinate.App(
        connector=procrastinate.PsycopgConnector(conninfo=url, min_size=1, max_size=4)
    )
    for spec in registry.values():
        register = app.task(name=spec.name, pass_context=True, retry=_Backoff(spec))
        registered = register(_call(shop, spec))
        if spec.schedule and scheduled:
            # While one run waits, the next is not queued behind it.
            app.periodic(cron=spec.schedule, queueing_lock=f"schedule:{spec.name}")(registered)
    return app


def _call(shop: Runtime, spec: TaskSpec) -> Any:
    def run(context: procrastinate.JobContext, **args: Any) -> None:
        perform(shop, spec, context.job.id or 0, args)

    return run


class Worker:
    """Runs jobs until `stop()`."""

    def __init__(
        self,
        shop: Runtime,
        *,
        concurrency: int = 4,
        pace: Pace | None = None,
        scheduled: bool = True,
    ) -> None:
        self.shop = shop
        self.scheduled = scheduled
        self.registry = registry_of(shop)
        self.concurrency = concurrency
        self.pace = pace or pace_of(shop.config.mode)
        self._stopping = asyncio.Event()

    def stop(self) -> None:
        """Take no new jobs and end when the running ones are done."""
        self._stopping.set()

    async def run(self) -> None:
        """Work; come back after a lost database, until told to stop."""
        failures = 0
        while not self._stopping.is_set():
            began = time.monotonic()
            try:
                await self._work()
            except Exception as error:
                log.error("the worker lost its database: %s", type(error).__name__)
            if self._stopping.is_set():
                break
            failures = failures + 1 if time.monotonic() - began < 60 else 1
            rest = min(30.0, 0.5 * 2**failures)
            log.warning("the worker starts over in %.0f s", rest)
            try:
                await asyncio.wait_for(self._stopping.wait(), rest)
            except TimeoutError:
                continue

    async def _work(self) -> None:
        app = build(self.shop, self.registry, self.scheduled)
        async with app.open_async():
            inner = procrastinate.worker.Worker(
                app,
                concurrency=self.concurrency,
                install_signal_handlers=False,
                fetch_job_polling_interval=self.pace.poll,
                update_heartbeat_interval=self.pace.heartbeat,
                stalled_worker_timeout=self.pace.stalled_after,
            )
            main = asyncio.create_task(inner.run())  # type: ignore[no-untyped-call]
            introducing = asyncio.create_task(self._introduce(inner))
            asking = asyncio.create_task(self._stopping.wait())
            rescuing = asyncio.create_task(self._rescue(app))
            try:
                await asyncio.wait({main, asking}, return_when=asyncio.FIRST_COMPLETED)
            finally:
                for beside in (introducing, rescuing, asking):
                    beside.cancel()
                main.cancel()  # Procrastinate takes this as "finish what runs, then end"
                ended = (await asyncio.gather(main, return_exceptions=True))[0]
                await asyncio.gather(introducing, rescuing, asking, return_exceptions=True)
            if isinstance(ended, Exception):
                raise ended

    async def _introduce(self, inner: procrastinate.worker.Worker) -> None:
        """Write down who this worker is, so that staff know which machine is meant."""
        while inner.worker_id is None:
            await asyncio.sleep(0.05)
        try:
            await asyncio.to_thread(introduce, self.shop, inner.worker_id, self.concurrency)
        except Exception as error:  # the worker works all the same
            log.warning("the worker's name could not be kept: %s", type(error).__name__)

    async def _rescue(self, app: procrastinate.App) -> None:
        while True:
            try:
                await rescue(self.shop, app, self.registry, self.pace.stalled_after)
            except Exception as error:  # the database is away: the worker itself notices
                log.warning("looking for abandoned jobs failed: %s", type(error).__name__)
            await asyncio.sleep(self.pace.rescue)


def introduce(shop: Runtime, worker_id: int, places: int) -> None:
    """Keep a worker's machine and process beside its heartbeat; gone with that."""
    with shop.unit() as db:
        db.execute(
            text(
                "INSERT INTO job_worker (worker_id, host, pid, places)"
                " VALUES (:id, :host, :pid, :places) ON CONFLICT (worker_id) DO NOTHING"
            ),
            {"id": worker_id, "host": socket.gethostname(), "pid": os.getpid(), "places": places},
        )


async def rescue(
    shop: Runtime, app: procrastinate.App, registry: Registry, stalled_after: float
) -> int:
    """Queue the jobs of dead workers again; returns how many.

    This is a loop in every worker and no scheduled task, so that it works while all slots are
    busy, and leaves no rows behind. A job that was there at its worker's death on every try is
    dead, else it would kill workers for ever.
    """
    jobs = await app.job_manager.get_stalled_jobs(seconds_since_heartbeat=stalled_after)
    count = 0
    for job in jobs:
        spec = registry.get(job.task_name)
        try:
            if spec is not None and job.attempts + 1 >= spec.retry.tries:
                await app.job_manager.finish_job(job, Status.FAILED, delete_job=False)
                sentence = "Its worker was killed while it ran."
                await asyncio.to_thread(note_failure, shop, job.id or 0, sentence)
                log.error("job %s %s is dead: its worker was killed", job.task_name, job.id)
            else:
                await app.job_manager.retry_job(job, retry_at=datetime.now(UTC))
                log.warning("job %s %s was abandoned and runs again", job.task_name, job.id)
                count += 1
        except procrastinate.exceptions.ConnectorException:
            continue  # another worker was faster
    return count


def run(
    shop: Runtime, *, concurrency: int = 4, pace: Pace | None = None, scheduled: bool = True
) -> None:
    """Run a worker in this process until SIGTERM or SIGINT; blocks. Unless `scheduled`, only jobs
    that somebody deferred are run, whatever the clock says."""
    faults.arm(shop.config.mode)
    quiet_arguments()
    worker = Worker(shop, concurrency=concurrency, pace=pace, scheduled=scheduled)
    asyncio.run(_until_signal(worker))


async def _until_signal(worker: Worker) -> None:
    loop = asyncio.get_running_loop()

    def asked() -> None:
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.remove_signal_handler(number)  # a second signal ends at once
        log.info("worker told to stop, its running jobs end first")
        worker.stop()

    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, asked)
    log.info("worker started, %s jobs at a time", worker.concurrency)
    await worker.run()
    log.info("worker stopped")


def quiet_arguments() -> None:
    """Keep job arguments out of Procrastinate's own log lines."""
    for name in ("procrastinate.worker", "procrastinate.worker.worker", "procrastinate.periodic"):
        logger = logging.getLogger(name)
        if not any(isinstance(f, _NoArguments) for f in logger.filters):
            logger.addFilter(_NoArguments())
