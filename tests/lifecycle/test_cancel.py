"""Which states of a task instance mean that its jobs are cancelled."""

from __future__ import annotations

import pytest

from airflow_provider_classify.lifecycle.cancel import is_terminal


@pytest.mark.parametrize(
    ("state", "over"),
    [
        ("success", True),
        ("failed", True),
        ("skipped", True),
        ("removed", True),
        ("upstream_failed", True),
        ("running", False),
        ("deferred", False),
        ("restarting", False),
        ("up_for_retry", False),
        ("scheduled", False),
        ("queued", False),
        (None, False),
    ],
)
def test_only_a_terminal_state_is_terminal(state, over):
    assert is_terminal({"run": {"t": state}}, "run", "t", -1) is over
    assert is_terminal({"run": {"t": state}}, "run", "t", None) is over
    assert is_terminal({"run": {"t_0": state}}, "run", "t", 0) is over


@pytest.mark.parametrize(
    "states", [{}, {"run": {}}, {"other": {"t": "failed"}}, {"run": {"u": "failed", "t_1": "failed"}}]
)
def test_what_the_answer_does_not_have_is_not_over(states):
    assert not is_terminal(states, "run", "t", -1)
    assert not is_terminal(states, "run", "t", 0)
