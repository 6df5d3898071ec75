"""The jobs of a record that have not ended."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Backlog:
    """
    The jobs that have not ended.

    :param queued: jobs that wait.
    :param processing: jobs that are being classified.
    :param oldest_queued_seconds: seconds since the submit of the oldest job that waits; 0 if none waits.
    """

    queued: int
    processing: int
    oldest_queued_seconds: float
