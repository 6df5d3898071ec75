"""
End the engine's child process when its parent ends, and at its time limit.

On Linux the kernel does both. So they work even while a parser hangs in C and no Python code of this process can run,
and even if the parent was killed or stopped. Other systems send no signal when a parent ends; there a thread checks.
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

#: Seconds between two checks for the parent, on systems that do not report its end.
_SECONDS_BETWEEN_CHECKS = 0.5
#: ``PR_SET_PDEATHSIG`` of Linux's ``prctl``: the signal that a process gets when its parent ends.
_SET_SIGNAL_OF_PARENTS_END = 1
#: The shortest timer in seconds. A timer of 0 seconds would never send its signal.
_SHORTEST_TIMER = 0.001


def end_with_parent(parent: int) -> None:
    """
    End this process as soon as its parent has ended.

    On Linux the kernel ends it. On other systems a thread checks for the parent twice a second. A parser that holds
    the interpreter's lock can delay this check until the document's time limit.

    :param parent: the process id of the parent. It may have ended before this call.
    """
    if not _ask_kernel():
        threading.Thread(target=exit_without_parent, args=(parent,), daemon=True).start()
    if os.getppid() != parent:
        os._exit(1)


def _ask_kernel() -> bool:
    """
    Ask Linux to kill this process when its parent ends. Return whether Linux can do this.

    For Linux, the parent is the thread that started this process; see :mod:`~.child_process`.
    """
    if sys.platform != "linux":
        return False
    return bool(ctypes.CDLL(None).prctl(_SET_SIGNAL_OF_PARENTS_END, signal.SIGKILL) == 0)


def exit_without_parent(parent: int) -> None:
    """Check for the parent until it has ended, then end this process."""
    while os.getppid() == parent:
        time.sleep(_SECONDS_BETWEEN_CHECKS)
    os._exit(1)


@contextmanager
def time_limit(deadline: float) -> Iterator[None]:
    """
    Let SIGALRM kill this process at the deadline, unless the block has ended by then.

    A running parent kills it at the deadline too; a parent that is stopped cannot.

    :param deadline: in seconds of ``time.monotonic``, which all processes of a machine share.
    """
    signal.setitimer(signal.ITIMER_REAL, max(_SHORTEST_TIMER, deadline - time.monotonic()))
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)


def let_alarm_kill() -> None:
    """Restore the default action of SIGALRM and unblock it. A child inherits both settings from its parent."""
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGALRM})
