"""Decide what a long wait writes to the log: its state, the next look and the time since it began."""

from __future__ import annotations

from dataclasses import dataclass

from airflow_provider_classify.exceptions import ClassifyError
from airflow_provider_classify.model.job import JobStatus
from airflow_provider_classify.model.polling import Wait

#: The least seconds between two lines of a wait.
INTERVAL = 30.0


@dataclass(slots=True)
class WaitLog:
    """
    The lines of a wait, at most one in 30 s. A change that comes sooner is told in the next line.

    :param wait: the wait.
    """

    wait: Wait
    _told_at: float | None = None
    _told: str = ""

    def line(self, seen: JobStatus | ClassifyError, next_look: float, now: float) -> str | None:
        """
        Return the line after a look; ``None`` if it is too soon for a line.

        :param seen: the status of the job, or the error of the look.
        :param next_look: seconds until the next look.
        :param now: epoch seconds.
        """
        if self._told_at is not None and now - self._told_at < INTERVAL:
            return None
        state = f"cannot be asked for ({str(seen).rstrip('.')})" if isinstance(seen, ClassifyError) else f"is {seen}"
        before = f", after it {self._told}" if self._told and self._told != state else ""
        self._told_at, self._told = now, state
        elapsed, job = duration(now - self.wait.since), f"Job {self.wait.job_id}"
        return f"{job} {state}{before}; {elapsed} since the wait began, next look in {next_look:.0f} s."


def duration(seconds: float) -> str:
    """Return a duration for people, in hours, minutes and seconds."""
    minutes, rest = divmod(max(0, round(seconds)), 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours} h {minutes} min"
    return f"{minutes} min {rest} s" if minutes else f"{rest} s"
