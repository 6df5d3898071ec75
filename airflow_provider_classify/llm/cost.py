"""Limit the tokens and the money that one task may use."""

from __future__ import annotations

import threading

from airflow_provider_classify.exceptions import BudgetUsedUp
from airflow_provider_classify.model.usage import Usage


class Budget:
    """
    The usage of a task, and its limits. Thread-safe.

    The usage of an answer is known only after it. So a task can exceed its budget by the answers that it requests at
    the same time.

    :param conn_id: the connection, for the error.
    :param tokens: the most tokens; ``None`` for no limit.
    :param cost: the most US dollars; ``None`` for no limit. Answers without a known price do not count.
    :param used: the usage of earlier tries of the task.
    """

    def __init__(
        self, conn_id: str, *, tokens: int | None = None, cost: float | None = None, used: Usage | None = None
    ) -> None:
        self._conn_id = conn_id
        self._tokens = tokens
        self._cost = cost
        self._lock = threading.Lock()
        self._used_tokens = 0
        self._used_cost = 0.0
        self.add(used or Usage())

    def add(self, usage: Usage) -> None:
        """Count the usage of an answer."""
        with self._lock:
            self._used_tokens += usage.tokens
            self._used_cost += usage.cost or 0.0

    def require_left(self, document: str) -> None:
        """
        Check that the budget allows another request.

        :param document: the document, for the error.
        :raises BudgetUsedUp: nothing of the budget is left.
        """
        with self._lock:
            tokens, cost = self._used_tokens, self._used_cost
        if self._tokens is not None and tokens >= self._tokens:
            raise self._used_up(document, "budget_tokens", f"{tokens} tokens", f"{self._tokens}")
        if self._cost is not None and cost >= self._cost:
            raise self._used_up(document, "budget_cost", f"${cost:.4g}", f"${self._cost:g}")

    def _used_up(self, document: str, name: str, used: str, limit: str) -> BudgetUsedUp:
        return BudgetUsedUp(
            f"The task has used {used} of the {limit} that {name} of the connection {self._conn_id!r} allows, before "
            f"it asked about {document}; raise {name}, and clear the task to continue."
        )
