"""Keep the memory of the service small while it runs for months: avoid gaps, and return freed memory."""

from __future__ import annotations

import ctypes
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from airflow_provider_classify.engine.freed_memory import release_freed_memory

#: Seconds between two releases. A release takes some milliseconds of one core.
SECONDS = 5.0
#: The numbers of glibc's parameters ``M_ARENA_MAX`` and ``M_MMAP_THRESHOLD``, from ``malloc.h``.
_ARENA_MAX, _MMAP_THRESHOLD = -8, -3
#: Blocks of this many bytes or more, such as uploads and results, are returned to the system when they are freed.
_LARGE_BLOCK = 64 * 1024


def limit_fragmentation() -> None:
    """
    Let all threads allocate from one arena, and large blocks outside of it. Call it before the threads start.

    glibc gives each thread an arena of its own, up to eight for each core. Memory that a thread has freed in one arena
    is not used for another. And when a large block was freed, glibc puts later blocks of this size into an arena, where
    they leave gaps. So a service with many threads would grow for hours. Python's threads rarely allocate at the same
    time, so one arena is enough. With another C library, do nothing.
    """
    set_option = getattr(ctypes.CDLL(None), "mallopt", None)
    if set_option is not None:
        set_option(_ARENA_MAX, 1)
        set_option(_MMAP_THRESHOLD, _LARGE_BLOCK)


@contextmanager
def released(seconds: float = SECONDS) -> Iterator[None]:
    """
    Release freed memory again and again while the block runs, in a thread.

    Requests and results have many sizes, so the C library keeps more and more small gaps between them. Without a
    release, the process would grow for hours.

    :param seconds: seconds between two releases.
    """
    stopping = threading.Event()

    def run() -> None:
        while not stopping.wait(seconds):
            release_freed_memory()

    thread = threading.Thread(target=run, name="classify-memory", daemon=True)
    thread.start()
    try:
        yield
    finally:
        stopping.set()
        thread.join()
