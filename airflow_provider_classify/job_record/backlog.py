"""The jobs of a record that have not ended."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Backlog:
    """
    The jobs that have not ended.

    :param queued: the number of queued jobs.
    :param processing: the number of jobs that are being classified.
    :param oldest_queued_seconds: seconds since the submit of the oldest queued job; 0 if no job is queued.
    """

    queued: int
    processing: int
    oldest_queued_seconds: float
