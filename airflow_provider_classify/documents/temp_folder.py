"""
Create temporary folders that are removed even if their process is killed.

A process that is killed during a download leaves its folder behind, with up to 500 MB in it. The next process that
needs such a folder removes those of dead processes. A live process holds a lock on its folder. The operating system
releases the lock when the process ends.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import lru_cache
from pathlib import Path

PREFIX = "airflow-classify-download-"


@contextmanager
def temporary_folder(parent: str | None = None) -> Iterator[Path]:
    """
    Create a folder and remove it at the end of the block.

    :param parent: the folder in which it is created; the system's folder for temporary files if None.
    """
    parent = parent or tempfile.gettempdir()
    _remove_abandoned_once(parent, os.getpid())
    folder, lock = _create(parent)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        if lock is not None:
            os.close(lock)


def remove_abandoned(parent: str) -> None:
    """Remove the folders in ``parent`` that dead processes of this user have left."""
    with os.scandir(parent) as entries:
        found = [entry.path for entry in entries if entry.name.startswith(PREFIX) and _is_own_folder(entry)]
    for path in found:
        with suppress(OSError):  # the folder is locked, its owner has just removed it, or the file system has no locks
            lock = _lock(path)
            try:
                shutil.rmtree(path, ignore_errors=True)
            finally:
                os.close(lock)


@lru_cache(maxsize=1)
def _remove_abandoned_once(parent: str, process_id: int) -> None:
    """Remove the abandoned folders once per process. A forked process inherits the cache but has another id."""
    remove_abandoned(parent)


def _create(parent: str) -> tuple[Path, int | None]:
    """
    Create a folder and lock it. Repeat this if another process removed the folder before it was locked.

    On a file system without locks, return ``None`` as the lock. On such a file system, no process removes the folder of
    another process.
    """
    while True:
        path = Path(tempfile.mkdtemp(prefix=PREFIX, dir=parent))
        try:
            lock = _lock(path)
        except (BlockingIOError, FileNotFoundError):
            continue
        except OSError:
            return path, None
        with suppress(FileNotFoundError):
            if os.path.samestat(os.fstat(lock), path.stat()):
                return path, lock
        os.close(lock)


def _lock(path: str | Path) -> int:
    """
    Lock a folder and return its file descriptor. Closing the descriptor releases the lock.

    :raises BlockingIOError: a live process holds the lock.
    """
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BaseException:
        os.close(descriptor)
        raise
    return descriptor


def _is_own_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir(follow_symlinks=False) and entry.stat(follow_symlinks=False).st_uid == os.geteuid()
    except FileNotFoundError:
        return False
