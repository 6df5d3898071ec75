"""
How long the engine's child process may live: not longer than its parent, and within its time limit.

Both hold while a parser hangs in C, when no Python code of this process can run, and when the parent cannot act
because it was killed or stopped.
"""

from __future__ import annotations

import ctypes
import os
import signal
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

#: Seconds between two looks for the parent, where the kernel does not report its end.
_SECONDS_BETWEEN_LOOKS = 0.5
#: ``PR_SET_PDEATHSIG`` of Linux's ``prctl``: the signal that a process gets when its parent ends.
_SET_SIGNAL_OF_PARENTS_END = 1
#: A timer of 0 seconds would never go off.
_SHORTEST_TIMER = 0.001


def end_with_parent(parent: int) -> None:
    """
    End this process as soon as its parent has ended.

    On Linux the kernel does it. Elsewhere a thread looks for the parent twice a second, and a parser that holds the
    interpreter's lock can delay it until the document's time limit.

    :param parent: the process id of the parent. It may have ended before this call.
    """
    if not _ask_kernel():
        threading.Thread(target=exit_without_parent, args=(parent,), daemon=True).start()
    if os.getppid() != parent:
        os._exit(1)


def _ask_kernel() -> bool:
    """
    Let Linux kill this process with its parent; return whether that is possible.

    The kernel means the thread that started this process; see :mod:`~.child_process`.
    """
    if sys.platform != "linux":
        return False
    return bool(ctypes.CDLL(None).prctl(_SET_SIGNAL_OF_PARENTS_END, signal.SIGKILL) == 0)


def exit_without_parent(parent: int) -> None:
    """Look for the parent until it has ended, and end this process then."""
    while os.getppid() == parent:
        time.sleep(_SECONDS_BETWEEN_LOOKS)
    os._exit(1)


@contextmanager
def time_limit(deadline: float) -> Iterator[None]:
    """
    Let SIGALRM kill this process at the deadline, unless the block ends before.

    The parent kills it at the same time, but a parent that is stopped cannot.

    :param deadline: in seconds of ``time.monotonic``, which all processes of a machine share.
    """
    signal.setitimer(signal.ITIMER_REAL, max(_SHORTEST_TIMER, deadline - time.monotonic()))
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)


def let_alarm_kill() -> None:
    """Give SIGALRM its default action: a parent that ignores or blocks the signal hands that down."""
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGALRM})
