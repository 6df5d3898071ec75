"""Write the log lines of a long wait: the status of the job, the time until the next look and the time so far."""

from __future__ import annotations

from dataclasses import dataclass

from airflow_provider_classify.exceptions import ClassifyError
from airflow_provider_classify.model.job import JobStatus
from airflow_provider_classify.model.polling import Wait

#: The least seconds between two log lines of a wait.
INTERVAL = 30.0


@dataclass(slots=True)
class WaitLog:
    """The log lines of a wait, at most one in 30 s. If the status changes sooner, the next line shows the change."""

    wait: Wait
    _logged_at: float | None = None
    _logged: str = ""

    def line(self, seen: JobStatus | ClassifyError, next_look: float, now: float) -> str | None:
        """
        Return the log line for a look; ``None`` if the last line is less than 30 s old.

        :param seen: the status of the job, or the error of the request for it.
        :param next_look: seconds until the next look.
        :param now: the current time in epoch seconds.
        """
        if self._logged_at is not None and now - self._logged_at < INTERVAL:
            return None
        state = f"cannot be asked for ({str(seen).rstrip('.')})" if isinstance(seen, ClassifyError) else f"is {seen}"
        before = f", after it {self._logged}" if self._logged and self._logged != state else ""
        self._logged_at, self._logged = now, state
        elapsed, job = duration(now - self.wait.since), f"Job {self.wait.job_id}"
        return f"{job} {state}{before}; {elapsed} since the wait began, next look in {next_look:.0f} s."


def duration(seconds: float) -> str:
    """Return a duration as a text, such as "2 h 5 min" or "40 s"."""
    minutes, rest = divmod(max(0, round(seconds)), 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours} h {minutes} min"
    return f"{minutes} min {rest} s" if minutes else f"{rest} s"
