"""
Write to the database of the record of jobs. On SQLite, concurrent writes share a transaction, which saves time.

A commit on SQLite waits until the disk has the data, which takes milliseconds, and only one transaction writes at a
time. So the writes that threads ask for during a commit share the next transaction. Each of them has its own
savepoint, and returns when the transaction is committed. A database server groups the commits of its clients itself.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, TypeVar, cast

from sqlalchemy.engine import Connection, Engine
from sqlalchemy.exc import IntegrityError, SQLAlchemyError

from airflow_provider_classify.exceptions import JobRecordUnavailable
from airflow_provider_classify.job_record.database import commit_without_sync, transaction

#: The most writes in one transaction, so that no write waits long for others.
MAX_SHARED = 100

_Returned = TypeVar("_Returned")


@dataclass(slots=True, eq=False)
class _Write:
    """
    A write that a thread asks for.

    :param leads: whether its thread writes for all threads that wait.
    :param woken: set when the write is done, or when it leads.
    """

    work: Callable[[Connection], Any]
    is_durable: bool
    leads: bool = False
    woken: threading.Event = field(default_factory=threading.Event)
    is_done: bool = False
    returned: Any = None
    error: Exception | None = None


class Writes:
    """
    The writes of this process to a database. Thread-safe.

    :param engine: the database, as :func:`~.database.connect` returns it.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._shares = engine.dialect.name == "sqlite"
        self._waiting: deque[_Write] = deque()
        # One thread writes for all threads that wait. Then it wakes the first of those that have come in the meantime.
        # The others wait for their own events. If they waited for one lock, they would wake up one after the other.
        self._is_writing = False
        self._lock = threading.Lock()

    def run(self, work: Callable[[Connection], _Returned], *, is_durable: bool = True) -> _Returned:
        """
        Call ``work`` in a transaction, and return what it returns when the transaction is committed.

        :param work: reads and writes only with the connection. If it raises an error, only its own changes are undone,
            and the error is raised. A failure of the database undoes the whole transaction.
        :param is_durable: whether the write survives a loss of power. On SQLite, a write that need not is faster.
        :raises IntegrityError: a row with the same key exists.
        :raises JobRecordUnavailable: the database cannot be reached, or a statement failed.
        """
        if not self._shares:
            with transaction(self._engine) as connection:
                return work(connection)
        write = _Write(work, is_durable)
        with self._lock:
            self._waiting.append(write)
            if not self._is_writing:
                self._let_first_lead()
        try:
            write.woken.wait()
            if not write.is_done:
                self._run_waiting()
        finally:  # also after the exception of a signal handler
            with self._lock:
                if write in self._waiting:
                    self._waiting.remove(write)
                if write.leads:
                    self._let_first_lead()
        if write.error is not None:
            raise write.error
        return cast("_Returned", write.returned)

    def _let_first_lead(self) -> None:
        """Let the thread of the first waiting write do all waiting writes. The caller holds the lock."""
        self._is_writing = bool(self._waiting)
        if self._waiting:
            self._waiting[0].leads = True
            self._waiting[0].woken.set()

    def _run_waiting(self) -> None:
        writes: list[_Write] = []
        try:
            with self._lock:
                writes += [self._waiting.popleft() for _ in range(min(MAX_SHARED, len(self._waiting)))]
            with transaction(self._engine) as connection:
                if not any(write.is_durable for write in writes):
                    commit_without_sync(connection)
                # The transaction must hold the lock of the writer from its beginning, because a write may read first.
                connection.exec_driver_sql("BEGIN IMMEDIATE")
                for write in writes:
                    _run(write, connection, is_alone=len(writes) == 1)
        except IntegrityError as error:  # of a write that is alone in its transaction
            writes[0].error = error
        except BaseException as error:
            for write in writes:
                # Each thread needs its own error, because a traceback belongs to one thread.
                write.error = JobRecordUnavailable(str(error) or "The write to the record of jobs was interrupted.")
                write.error.__cause__ = error.__cause__
            if not isinstance(error, JobRecordUnavailable):
                raise
        finally:
            for write in writes:
                write.is_done = True
                write.woken.set()


def _run(write: _Write, connection: Connection, *, is_alone: bool) -> None:
    if is_alone:  # its error undoes the transaction
        write.returned = write.work(connection)
        return
    try:
        with connection.begin_nested():
            write.returned = write.work(connection)
    except IntegrityError as error:
        write.error = error
    except SQLAlchemyError:
        raise  # The database fails, so the whole transaction does.
    except Exception as error:  # the thread of this write raises any other error
        write.error = error
