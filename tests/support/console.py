"""What a browser's console says about Airflow's pages."""

from __future__ import annotations

from typing import Any


def is_error(message: Any) -> bool:
    """
    Return whether a message of Playwright's console is an error of this package or of Airflow.

    The plugin of Airflow's common.ai provider asks for a review of its own on every task, and gets 404.
    """
    return message.type == "error" and "/hitl-" not in message.location["url"]
