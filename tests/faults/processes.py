"""Run a process in its own session, with a log, and end it with all processes that it started."""

from __future__ import annotations

import os
import pwd
import signal
import subprocess
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path

import psutil
from standalone import restore_interrupts

_STOP_SECONDS = 30


class Process:
    """
    A running command. Creating the object starts it.

    :param log: the file to which its output is appended.
    :param user: the user who runs it; the current user if None.
    """

    def __init__(
        self,
        command: Sequence[str],
        log: Path,
        *,
        env: Mapping[str, str] | None = None,
        user: str | None = None,
        cwd: Path | None = None,
    ) -> None:
        self.log = log
        identity = {} if user is None else {"user": user, "group": _group_of(user), "extra_groups": []}
        with log.open("ab") as file:
            self._process = subprocess.Popen(
                command,
                stdout=file,
                stderr=subprocess.STDOUT,
                env=env,
                cwd=cwd,
                start_new_session=True,
                preexec_fn=restore_interrupts,
                **identity,
            )

    @property
    def is_running(self) -> bool:
        return self._process.poll() is None

    def family(self) -> list[psutil.Process]:
        """Return the process and all its descendants, in any session: Airflow's tasks have their own process groups."""
        try:
            process = psutil.Process(self._process.pid)
            return [process, *process.children(recursive=True)]
        except psutil.NoSuchProcess:
            return []

    def kill(self) -> None:
        """Kill the process and its descendants, as a crash of the machine does."""
        end(self.family())
        self._process.wait(_STOP_SECONDS)

    def stop(self, number: signal.Signals = signal.SIGTERM) -> None:
        """Stop the process with a signal, then kill the descendants that are left."""
        family = self.family()
        if self.is_running:
            self._process.send_signal(number)
            with suppress(subprocess.TimeoutExpired):
                self._process.wait(_STOP_SECONDS)
        end(family)
        self._process.wait(_STOP_SECONDS)


def end(processes: Sequence[psutil.Process]) -> None:
    """Kill processes and wait until they have ended."""
    for process in processes:
        try:
            process.kill()
        except psutil.NoSuchProcess:
            continue
    psutil.wait_procs(processes, timeout=_STOP_SECONDS)


def _group_of(user: str) -> int:
    return pwd.getpwnam(user).pw_gid


def unprivileged_user(*names: str) -> str | None:
    """Return the first existing user of these, for servers that refuse to run as root; None if we are not root."""
    if os.geteuid() != 0:
        return None
    known = {entry.pw_name for entry in pwd.getpwall()}
    return next(name for name in names if name in known)
