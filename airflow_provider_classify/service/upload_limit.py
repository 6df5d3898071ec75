"""Limit the number of uploads that are read at the same time."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager

from airflow_provider_classify.service.errors import unavailable
from airflow_provider_classify.service.transfer_rate import Pace, PacedBody


class OpenUploads:
    """
    The uploads that are being read. Use it in one event loop.

    When the limit is reached, a new upload replaces the upload that has sent nothing for the longest time. So clients
    that begin uploads and then send nothing cannot block other clients.

    :param limit: the most uploads at the same time.
    :param silent_seconds: seconds that an upload must have sent nothing before another may replace it.
    """

    def __init__(self, limit: int, pace: Pace, silent_seconds: float = 1.0) -> None:
        self._limit = limit
        self._pace = pace
        self._silent_seconds = silent_seconds
        self._open: set[PacedBody] = set()

    @contextmanager
    def admit(self, chunks: AsyncIterator[bytes]) -> Iterator[PacedBody]:
        """
        Count an upload while the block runs.

        :raises HttpError: 503, the limit is reached and every upload makes progress.
        """
        if len(self._open) >= self._limit and not self._end_silent():
            raise unavailable("uploads_busy", f"{self._limit} uploads are running already; try again later")
        body = PacedBody(chunks, self._pace)
        self._open.add(body)
        try:
            yield body
        finally:
            self._open.discard(body)

    def _end_silent(self) -> bool:
        """End the upload that has sent nothing for the longest time. Return whether there was one."""
        silent_since = asyncio.get_running_loop().time() - self._silent_seconds
        silent = sorted((body for body in self._open if body.last_byte_at <= silent_since), key=_last_byte_at)
        for body in silent:
            if body.end():
                self._open.discard(body)
                return True
        return False


def _last_byte_at(body: PacedBody) -> float:
    return body.last_byte_at
