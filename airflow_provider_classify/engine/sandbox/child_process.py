"""A child process of the engine, seen from its parent: started, asked, killed."""

from __future__ import annotations

import json
import os
import select
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import suppress
from typing import IO, Any

#: What a child sees of the environment: an Airflow worker's holds connections and keys.
_ENVIRONMENT = ("PATH", "HOME", "LANG", "LC_ALL", "TMPDIR", "LD_LIBRARY_PATH", "TESSDATA_PREFIX")


class ChildDied(Exception):
    """The child ended before it answered; the message says how. By a signal if ``exit_code`` is negative."""

    def __init__(self, how: str, exit_code: int) -> None:
        super().__init__(how)
        self.exit_code = exit_code


class Child:
    """A running child and the two pipes to it."""

    def __init__(self, arguments: Sequence[str]) -> None:
        self._owner = os.getpid()
        self._errors: IO[bytes] = tempfile.TemporaryFile(buffering=0)  # noqa: SIM115 - as long as the child
        command = [sys.executable, "-P", "-m", "airflow_provider_classify.engine.sandbox.child_main", *arguments]
        self._process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._errors,
            bufsize=0,
            env=_environment(),
            start_new_session=True,
        )
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._input, self._output = self._process.stdin.fileno(), self._process.stdout.fileno()
        os.set_blocking(self._input, False)
        os.set_blocking(self._output, False)
        self.served = 0

    def is_usable(self) -> bool:
        """Whether it lives and is this process's own: after a fork two would read each other's replies."""
        return self._owner == os.getpid() and self._process.poll() is None

    def ask(self, request: bytes, deadline: float) -> dict[str, Any]:
        """
        Send a request and wait for its reply.

        :raises TimeoutError: none by ``deadline``, in seconds of ``time.monotonic``.
        :raises ChildDied: instead of answering.
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
                    raise self._death()
                reply += piece
        except BrokenPipeError as error:
            raise self._death() from error
        # Warnings that led to nothing. The child goes on writing where this file stands: zeros would fill the gap.
        self._errors.seek(0)
        self._errors.truncate()
        answer: dict[str, Any] = json.loads(reply)
        return answer

    def kill(self) -> None:
        """End the child and whatever it started; a fork's copy leaves it to its owner."""
        if self._owner == os.getpid() and self._process.poll() is None:
            with suppress(ProcessLookupError):  # ended just now
                os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()

    def let_go(self) -> None:
        """Close the pipes, which nobody may be reading any more."""
        for file in (self._process.stdin, self._process.stdout, self._errors):
            if file is not None:
                file.close()

    @staticmethod
    def _wait_until_ready(descriptor: int, event: int, deadline: float) -> None:
        poll = select.poll()
        poll.register(descriptor, event)
        if not poll.poll(max(0.0, deadline - time.monotonic()) * 1000):
            raise TimeoutError

    def _death(self) -> ChildDied:
        """How it died, with the last words of its standard error."""
        code = self._process.wait()
        how = signal.Signals(-code).name if code < 0 else f"exit code {code}"
        self._errors.seek(max(0, self._errors.seek(0, os.SEEK_END) - 4096))
        words = self._errors.read().decode(errors="replace").strip().rpartition("\n")[2]
        return ChildDied(f"{how}: {words}" if words else how, code)


def _environment() -> dict[str, str]:
    kept = {name: os.environ[name] for name in _ENVIRONMENT if name in os.environ}
    # Modules come from where this process has them; numpy would start a thread for each core and has no use for them.
    return kept | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path)), "OPENBLAS_NUM_THREADS": "1"}
