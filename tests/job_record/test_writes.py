"""Writes that share a transaction."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import pytest
from sqlalchemy import Column, Integer, MetaData, Table, event, insert, select, text
from sqlalchemy.engine import Connection, Engine
from sqlalchemy.exc import IntegrityError

from airflow_provider_classify.exceptions import JobRecordUnavailable
from airflow_provider_classify.job_record.database import connect, transaction
from airflow_provider_classify.job_record.writes import Writes

NUMBERS = Table("numbers", MetaData(), Column("number", Integer, primary_key=True))


@pytest.fixture
def engine(tmp_path: Path) -> Engine:
    engine = connect(f"sqlite:///{tmp_path / 'a.db'}", sqlite_wait=0.1)
    NUMBERS.create(engine)
    return engine


def add(number: int) -> Callable[[Connection], int]:
    def work(connection: Connection) -> int:
        connection.execute(insert(NUMBERS).values(number=number))
        return number

    return work


def written(engine: Engine) -> list[int]:
    with transaction(engine) as connection:
        return list(connection.execute(select(NUMBERS.c.number).order_by(NUMBERS.c.number)).scalars())


def run_together(writes: Writes, works: Sequence[Callable[[Connection], int]]) -> list[Future[int]]:
    """Run writes in threads that all ask while another write runs, so that they share the next transactions."""
    asking = threading.Barrier(len(works) + 1)

    def ask(work: Callable[[Connection], int]) -> int:
        asking.wait(10)
        return writes.run(work)

    def first(_: Connection) -> None:
        asking.wait(10)
        time.sleep(0.2)

    with ThreadPoolExecutor(len(works)) as pool:
        futures = [pool.submit(ask, work) for work in works]
        writes.run(first)
    return futures


def test_writes_that_wait_share_a_transaction(engine: Engine) -> None:
    commits: list[object] = []
    event.listen(engine, "commit", commits.append)
    futures = run_together(Writes(engine), [add(number) for number in range(20)])
    assert [future.result() for future in futures] == list(range(20))
    assert written(engine) == list(range(20))
    assert len(commits) < 20


def test_the_error_of_one_write_undoes_only_its_own_changes(engine: Engine) -> None:
    def broken(connection: Connection) -> int:
        add(100)(connection)
        raise ValueError("broken")

    works = [add(1), broken, add(2), add(1), add(3)]
    first, bad, second, *others = run_together(Writes(engine), works)
    with pytest.raises(ValueError, match="broken"):
        bad.result()
    assert second.result() == 2
    assert sorted(isinstance(future.exception(), IntegrityError) for future in (first, others[0])) == [False, True]
    assert written(engine) == [1, 2, 3]


def test_a_write_alone_raises_its_error(engine: Engine) -> None:
    writes = Writes(engine)
    writes.run(add(1))
    with pytest.raises(IntegrityError):
        writes.run(add(1))
    writes.run(add(2), is_durable=False)
    assert written(engine) == [1, 2]


def test_all_writes_of_a_transaction_fail_with_it(engine: Engine) -> None:
    with transaction(engine) as other:
        other.exec_driver_sql("DROP TABLE numbers")
    futures = run_together(Writes(engine), [add(number) for number in range(5)])
    errors = [future.exception() for future in futures]
    assert {type(error) for error in errors} == {JobRecordUnavailable}
    assert len(set(map(id, errors))) == 5


def test_a_later_write_survives_a_loss_of_power_again(engine: Engine) -> None:
    writes = Writes(engine)

    def mode(connection: Connection) -> int:
        return int(connection.execute(text("PRAGMA synchronous")).scalar_one())

    assert [writes.run(mode, is_durable=is_durable) for is_durable in (True, False, True)] == [2, 1, 2]
    with transaction(engine) as connection:
        assert mode(connection) == 2


def test_an_interrupted_write_leaves_no_other_thread_waiting(engine: Engine) -> None:
    writes = Writes(engine)

    def interrupted(_: Connection) -> int:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        writes.run(interrupted)
    assert writes.run(add(1)) == 1


@pytest.mark.parametrize("leads", [False, True], ids=["while it waits", "while it writes"])
def test_a_thread_that_a_signal_interrupts_does_not_stop_the_others(engine: Engine, leads: bool) -> None:
    """Airflow's time limit of a task raises an exception in the main thread, whatever that thread does."""
    writes, is_writing, may_end = Writes(engine), threading.Event(), threading.Event()

    def slow(_: Connection) -> None:
        is_writing.set()
        may_end.wait(10)

    def expire(_: int, __: object) -> None:
        may_end.set()
        raise TimeoutError("the task has taken too long")

    before = signal.signal(signal.SIGALRM, expire)
    try:
        with ThreadPoolExecutor(2) as pool:
            first = None if leads else pool.submit(writes.run, slow)
            if not leads:
                assert is_writing.wait(10)
            signal.setitimer(signal.ITIMER_REAL, 0.2)
            with pytest.raises(TimeoutError):
                writes.run(slow if leads else add(1))
            assert pool.submit(writes.run, add(2)).result(10) == 2
            if first is not None:
                first.result(10)
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
    assert written(engine) == [2]
