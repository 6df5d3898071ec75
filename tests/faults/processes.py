"""A process of the tests: in a session of its own, with a log, and ended with all that it started."""

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
    A command that runs from its start on.

    :param log: the file that its words are added to.
    :param user: who runs it, where that cannot be root.
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
        """It and all that it started, whatever their sessions: Airflow's tasks have groups of their own."""
        try:
            process = psutil.Process(self._process.pid)
            return [process, *process.children(recursive=True)]
        except psutil.NoSuchProcess:
            return []

    def kill(self) -> None:
        """End all of it as a crash of its machine would."""
        end(self.family())
        self._process.wait(_STOP_SECONDS)

    def stop(self, number: signal.Signals = signal.SIGTERM) -> None:
        """Ask it to stop; what is left of it then is killed."""
        family = self.family()
        if self.is_running:
            self._process.send_signal(number)
            with suppress(subprocess.TimeoutExpired):
                self._process.wait(_STOP_SECONDS)
        end(family)
        self._process.wait(_STOP_SECONDS)


def end(processes: Sequence[psutil.Process]) -> None:
    """Kill processes, and wait until they are gone."""
    for process in processes:
        try:
            process.kill()
        except psutil.NoSuchProcess:
            continue
    psutil.wait_procs(processes, timeout=_STOP_SECONDS)


def _group_of(user: str) -> int:
    return pwd.getpwnam(user).pw_gid


def other_than_root(*names: str) -> str | None:
    """Who runs what refuses root: the first of these users that there is; ``None`` where we are not root."""
    if os.geteuid() != 0:
        return None
    known = {entry.pw_name for entry in pwd.getpwall()}
    return next(name for name in names if name in known)
