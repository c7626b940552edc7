"""The state of one account at a vendor: plain dicts as its API writes them, kept in a file."""

from __future__ import annotations

import json
import os
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar

Object = dict[str, Any]


@dataclass
class Account:
    """`objects` by kind and id. `announced` is called with each event after it was stored.

    With a path the state outlives the process; `kept` names further attributes to keep.
    """

    kinds: ClassVar[tuple[str, ...]] = ()
    kept: ClassVar[tuple[str, ...]] = ()

    path: Path | None = None
    clock: Callable[[], float] = time.time
    announced: Callable[[Object], None] = lambda event: None
    objects: dict[str, dict[str, Object]] = field(default_factory=dict)
    lock: Any = field(default_factory=threading.RLock)

    def __post_init__(self) -> None:
        for kind in self.kinds:
            self.objects.setdefault(kind, {})
        if self.path is not None and self.path.is_file():
            stored = json.loads(self.path.read_text(encoding="utf-8"))
            self.objects.update(stored["objects"])
            for name in self.kept:
                getattr(self, name).update(stored.get(name, {}))

    def save(self) -> None:
        """Keep the state, whole or not at all."""
        if self.path is None:
            return
        state = {"objects": self.objects, **{name: getattr(self, name) for name in self.kept}}
        part = self.path.with_suffix(".part")
        part.write_text(json.dumps(state), encoding="utf-8")
        os.replace(part, self.path)

    @property
    def now(self) -> int:
        return int(self.clock())

    def add(self, made: Object) -> Object:
        """Keep a new object under its own kind and id."""
        self.objects[made["object"]][made["id"]] = made
        return made
