"""Bound the number of uploads that are read at the same time."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager

from airflow_provider_classify.service.errors import unavailable
from airflow_provider_classify.service.pace import Pace, PacedBody


class OpenUploads:
    """
    The uploads that are being read; to be used in one event loop.

    Where all places are taken, the upload that has been silent for longest gives way to a new one. So clients that
    begin uploads and stop cannot keep others out.

    :param limit: the number of uploads.
    :param silent_seconds: how long an upload must have been silent to give way.
    """

    def __init__(self, limit: int, pace: Pace, silent_seconds: float = 1.0) -> None:
        self._limit = limit
        self._pace = pace
        self._silent_seconds = silent_seconds
        self._open: set[PacedBody] = set()

    @contextmanager
    def admit(self, chunks: AsyncIterator[bytes]) -> Iterator[PacedBody]:
        """
        Let an upload in for the time of the block.

        :raises HttpError: 503, there are too many, and all of them make progress.
        """
        if len(self._open) >= self._limit and not self._end_one():
            raise unavailable("uploads_busy", f"{self._limit} uploads are under way already; try again later")
        body = PacedBody(chunks, self._pace)
        self._open.add(body)
        try:
            yield body
        finally:
            self._open.discard(body)

    def _end_one(self) -> bool:
        silent_since = asyncio.get_running_loop().time() - self._silent_seconds
        silent = sorted((body for body in self._open if body.last_byte_at <= silent_since), key=_last_byte_at)
        for body in silent:
            if body.end():
                self._open.discard(body)
                return True
        return False


def _last_byte_at(body: PacedBody) -> float:
    return body.last_byte_at
