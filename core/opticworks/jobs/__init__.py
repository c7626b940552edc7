"""Background work: a job is a row written in the transaction of the fact that asks for it."""

from opticworks.jobs import upkeep  # noqa: F401 - registers its tasks
from opticworks.jobs.board import replay
from opticworks.jobs.failures import FailedJob, failed
from opticworks.jobs.queue import (
    Permanent,
    Registry,
    Retry,
    Runtime,
    TaskSpec,
    defer,
    deferring,
    registry_of,
    task,
    tasks,
    waiting,
)

__all__ = [
    "FailedJob",
    "Permanent",
    "Registry",
    "Retry",
    "Runtime",
    "TaskSpec",
    "defer",
    "deferring",
    "failed",
    "registry_of",
    "replay",
    "task",
    "tasks",
    "waiting",
]
