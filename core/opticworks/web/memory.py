"""Memory of a web process that is about to serve: what loading left behind goes back."""

from __future__ import annotations

import ctypes
import gc
import linecache
import os
import pickle
import sys
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")

M_ARENA_MAX = -8  #: glibc's mallopt


def apart(ask: Callable[[], T]) -> T:
    """What `ask` answers, or raises, in a child process: so that nothing which only the start
    needs (Alembic with every migration, 8 MB) stays in memory.

    To be called before there are threads. Both must be such that pickle can carry them.
    """
    reading, writing = os.pipe()
    child = os.fork()
    if not child:
        try:
            said = pickle.dumps((True, ask()))
        except BaseException as error:
            said = pickle.dumps((False, error))
        with os.fdopen(writing, "wb") as out:
            out.write(said)
        os._exit(0)
    os.close(writing)
    with os.fdopen(reading, "rb") as came:
        text = came.read()
    os.waitpid(child, 0)
    fine, said = pickle.loads(text)
    if not fine:
        raise said
    answer: T = said
    return answer


def settle() -> None:
    """Give back what loading no longer needs, and keep what it needs out of the collector's way.

    To be called once, when the application is made and before the server forks. Only one thread
    runs Python at a time, so an arena for each would only scatter what is free: with glibc they
    share one (a fifth less memory for four threads).
    """
    linecache.clearcache()  # sources that looking at functions has read; a traceback reads its own
    gc.collect()
    gc.freeze()
    if not sys.platform.startswith("linux"):
        return
    library = ctypes.CDLL(None)
    if hasattr(library, "gnu_get_libc_version"):
        library.mallopt(M_ARENA_MAX, 1)
        library.malloc_trim(0)
