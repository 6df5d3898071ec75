"""
Answer requests for the status of a job.

Clients ask for statuses far more often than for anything else. So the requests that arrive while the record is read
share the next query, and the reply about an unchanged job is not encoded again.
"""

from __future__ import annotations

import asyncio
import json
from functools import lru_cache

from starlette.concurrency import run_in_threadpool

from airflow_provider_classify.job_record.job_store import JobStore
from airflow_provider_classify.job_record.job_table import ShownRow, job_from_row
from airflow_provider_classify.model.api_contract import MAX_STATUS_IDS

#: The most replies that are kept.
_REPLIES = 2048
#: The most characters of the result in a reply that is kept.
_LONGEST_KEPT = 16 * 1024


class StatusReads:
    """Reads the rows of jobs from the record. Use it in one event loop."""

    def __init__(self, store: JobStore) -> None:
        self._store = store
        self._waiting: dict[str, list[asyncio.Future[ShownRow | None]]] = {}
        self._reading: asyncio.Task[None] | None = None

    async def row(self, job_id: str) -> ShownRow | None:
        """
        Return the row of a job; ``None`` if there is no such job, or it has expired.

        :raises JobRecordUnavailable: the record cannot be read.
        """
        found: asyncio.Future[ShownRow | None] = asyncio.get_running_loop().create_future()
        self._waiting.setdefault(job_id, []).append(found)
        if self._reading is None:
            self._reading = asyncio.create_task(self._read())
        return await found

    async def _read(self) -> None:
        """Read the rows that requests wait for. Repeat this for requests that arrive meanwhile."""
        while self._waiting:
            asked = {job_id: self._waiting.pop(job_id) for job_id in list(self._waiting)[:MAX_STATUS_IDS]}
            try:
                rows = await run_in_threadpool(self._store.rows, list(asked))
            except Exception as error:  # each of the requests must get the error
                _settle(asked, error)
            else:
                _settle(asked, rows)
        self._reading = None


def _settle(asked: dict[str, list[asyncio.Future[ShownRow | None]]], outcome: dict[str, ShownRow] | Exception) -> None:
    for job_id, futures in asked.items():
        for future in futures:
            if future.done():  # the request was cancelled
                continue
            if isinstance(outcome, Exception):
                future.set_exception(outcome)
            else:
                future.set_result(outcome.get(job_id))


def reply_body(row: ShownRow) -> bytes:
    """Return the JSON of a job as the API shows it."""
    return _written(row) if len(row.result or "") > _LONGEST_KEPT else _kept(row)


def _written(row: ShownRow) -> bytes:
    job = job_from_row(row._asdict()).to_json()
    return json.dumps(job, ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode()


_kept = lru_cache(_REPLIES)(_written)
