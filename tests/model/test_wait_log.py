"""The lines that a wait writes to the log."""

from __future__ import annotations

import pytest

from airflow_provider_classify.exceptions import ApiNotReached
from airflow_provider_classify.model.job import JobStatus
from airflow_provider_classify.model.polling import Wait
from airflow_provider_classify.model.wait_log import WaitLog, duration

QUEUED, PROCESSING = JobStatus.QUEUED, JobStatus.PROCESSING


def test_a_line_tells_the_state_the_time_and_the_next_look():
    log = WaitLog(Wait("j1", since=1000.0, deadline=5000.0))
    assert log.line(QUEUED, 2.0, 1065.0) == "Job j1 is queued; 1 min 5 s since the wait began, next look in 2 s."


def test_there_is_at_most_a_line_in_30_s_and_the_next_one_tells_the_change():
    log = WaitLog(Wait("j1", since=0.0, deadline=5000.0))
    lines = [log.line(QUEUED if now < 40 else PROCESSING, 1.0, float(now)) for now in range(120)]
    told = {now: line for now, line in enumerate(lines) if line}
    assert list(told) == [0, 30, 60, 90]
    assert "is processing, after it is queued" in told[60]
    assert "after" not in told[90]


def test_a_server_that_fails_is_told():
    log = WaitLog(Wait("j1", since=0.0, deadline=5000.0))
    line = log.line(ApiNotReached("The server is away."), 5.0, 1.0)
    assert line == "Job j1 cannot be asked for (The server is away); 1 s since the wait began, next look in 5 s."


@pytest.mark.parametrize(
    ("seconds", "text"), [(-1, "0 s"), (59.4, "59 s"), (60, "1 min 0 s"), (3600, "1 h 0 min"), (7384, "2 h 3 min")]
)
def test_durations(seconds, text):
    assert duration(seconds) == text
