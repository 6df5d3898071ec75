"""Find errors in a browser's console on Airflow's pages."""

from __future__ import annotations

from typing import Any


def is_error(message: Any) -> bool:
    """
    Return whether a message of Playwright's console is an error of this package or of Airflow.

    On the page of every task, the plugin of Airflow's common.ai provider requests a review and gets 404. This message
    does not count.
    """
    return message.type == "error" and "/hitl-" not in message.location["url"]
