"""Start a child process of the engine, send it requests, and end it."""

from __future__ import annotations

import json
import os
import select
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Sequence
from concurrent.futures import Future
from contextlib import suppress
from typing import IO, Any

#: The environment variables that a child gets from its parent. Others of an Airflow worker hold connections and keys.
_ENVIRONMENT = ("PATH", "HOME", "LANG", "LC_ALL", "TMPDIR", "LD_LIBRARY_PATH", "TESSDATA_PREFIX")


class ChildDied(Exception):
    """
    The child ended before it replied.

    The message has the signal or the exit code, and the last line of the child's standard error. ``exit_code`` is
    negative if a signal ended the child.
    """

    def __init__(self, how: str, exit_code: int) -> None:
        super().__init__(how)
        self.exit_code = exit_code


class Child:
    """
    A running child process and the pipes to it.

    :param arguments: the arguments of :mod:`~airflow_provider_classify.engine.sandbox.child_main`.
    """

    def __init__(self, arguments: Sequence[str]) -> None:
        self._owner = os.getpid()
        self._errors: IO[bytes] = tempfile.TemporaryFile(buffering=0)  # noqa: SIM115 - closed by close()
        self._process = _start(arguments, self._errors)
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._input, self._output = self._process.stdin.fileno(), self._process.stdout.fileno()
        os.set_blocking(self._input, False)
        os.set_blocking(self._output, False)
        #: The number of requests that :meth:`ask` has sent.
        self.served = 0

    def is_usable(self) -> bool:
        """Return whether the child runs and this process started it. A fork of this process may not use it."""
        return self._owner == os.getpid() and self._process.poll() is None

    def ask(self, request: bytes, deadline: float) -> dict[str, Any]:
        """
        Send a request and return the reply.

        :param deadline: in seconds of ``time.monotonic``.
        :raises TimeoutError: there was no reply by the deadline.
        :raises ChildDied: the child ended before it replied.
        """
        self.served += 1
        try:
            while request:
                self._wait_until_ready(self._input, select.POLLOUT, deadline)
                request = request[os.write(self._input, request) :]
            reply = b""
            while not reply.endswith(b"\n"):
                self._wait_until_ready(self._output, select.POLLIN, deadline)
                piece = os.read(self._output, 65536)
                if not piece:
                    raise self._died()
                reply += piece
        except BrokenPipeError as error:
            raise self._died() from error
        # Delete the warnings that the child wrote. Without the seek, its next output would follow a gap of zeros.
        self._errors.seek(0)
        self._errors.truncate()
        answer: dict[str, Any] = json.loads(reply)
        return answer

    def kill(self) -> None:
        """End the child and the processes that it started. Do nothing in a fork of the process that started it."""
        if self._owner == os.getpid() and self._process.poll() is None:
            with suppress(ProcessLookupError):  # the child has ended before the signal
                os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()

    def close(self) -> None:
        """Close the pipes. Do not call this while another thread waits in :meth:`ask`."""
        for file in (self._process.stdin, self._process.stdout, self._errors):
            if file is not None:
                file.close()

    @staticmethod
    def _wait_until_ready(descriptor: int, event: int, deadline: float) -> None:
        poll = select.poll()
        poll.register(descriptor, event)
        if not poll.poll(max(0.0, deadline - time.monotonic()) * 1000):
            raise TimeoutError

    def _died(self) -> ChildDied:
        """Wait for the child's end; return how it ended, with the last line of its standard error."""
        code = self._process.wait()
        how = signal.Signals(-code).name if code < 0 else f"exit code {code}"
        self._errors.seek(max(0, self._errors.seek(0, os.SEEK_END) - 4096))
        last_line = self._errors.read().decode(errors="replace").strip().rpartition("\n")[2]
        return ChildDied(f"{how}: {last_line}" if last_line else how, code)


def _start(arguments: Sequence[str], errors: IO[bytes]) -> subprocess.Popen[bytes]:
    """
    Start a child process from a thread that lives as long as the child.

    Linux ends the child when the *thread* that started it ends (see :mod:`~.lifetime`). A caller's thread may end while
    other threads use the child.
    """
    started: Future[subprocess.Popen[bytes]] = Future()

    def start_and_wait() -> None:
        try:
            process = _popen(arguments, errors)
        except BaseException as error:
            started.set_exception(error)
            return
        started.set_result(process)
        with suppress(ChildProcessError):  # the child has ended, and the caller reads its exit code
            os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)

    if sys.platform != "linux":
        return _popen(arguments, errors)
    threading.Thread(target=start_and_wait, name="classify-engine-child", daemon=True).start()
    return started.result()


def _popen(arguments: Sequence[str], errors: IO[bytes]) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-P", "-m", "airflow_provider_classify.engine.sandbox.child_main", *arguments],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=errors,
        bufsize=0,
        env=_environment(),
        # Ctrl-C reaches the parent's group only. The child stays in the parent's session, because Linux compares the
        # niceness only of processes in the same session (see autogroup in sched(7)).
        process_group=0,
    )


def _environment() -> dict[str, str]:
    kept = {name: os.environ[name] for name in _ENVIRONMENT if name in os.environ}
    # With PYTHONPATH, the child imports modules from the same folders as this process. Without the limit of OpenBLAS,
    # numpy would start a thread for each core.
    return kept | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path)), "OPENBLAS_NUM_THREADS": "1"}
