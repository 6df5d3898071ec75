"""No child works past its time limit, and none outlives its parent, however that ends."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from airflow_provider_classify.engine.options import EngineOptions
from airflow_provider_classify.engine.sandbox.lifetime import time_limit
from airflow_provider_classify.engine.sandbox.pool import EnginePool, EngineProcess
from airflow_provider_classify.exceptions import (
    DocumentCrashedParser,
    DocumentTookTooLong,
    EngineClosed,
)
from airflow_provider_classify.model.categories import Category
from tests.support.children import engine_children, is_alive, wait_until_at_work
from tests.support.waiting import wait_until

CATEGORIES = (Category("invoice"), Category("contract"))

#: A process that classifies a document, unless the time limit is short, then another on a thread. It can fork before.
PARENT = """
import os, sys, threading, time
from pathlib import Path
from airflow_provider_classify.engine.options import EngineOptions
from airflow_provider_classify.engine.sandbox.pool import EngineProcess
from airflow_provider_classify.exceptions import ClassifyError
from airflow_provider_classify.model.categories import Category
folder, document, seconds, forks = Path(sys.argv[1]), sys.argv[2], float(sys.argv[3]), sys.argv[4] == "forks"
engine = EngineProcess(EngineOptions(threads=1, seconds=seconds))
def classify(name):
    try:
        engine.classify(folder / name, [Category("invoice")], name=name)
    except ClassifyError as error:
        print(error.kind, flush=True)
if seconds > 60:
    classify("invoice.pdf")
if forks and os.fork() == 0:
    time.sleep(600)
if document != "invoice.pdf":
    threading.Thread(target=classify, args=[document]).start()
print("started", flush=True)
time.sleep(600)
"""


@contextmanager
def _parent(
    documents: Path, document: str, *, seconds: float = 120, forks: bool = False
) -> Iterator[subprocess.Popen[str]]:
    """A process of its own session whose child is at work on the document, or idle after it."""
    arguments = [str(documents), document, str(seconds), "forks" if forks else ""]
    parent = subprocess.Popen(
        [sys.executable, "-c", PARENT, *arguments], stdout=subprocess.PIPE, text=True, start_new_session=True
    )
    try:
        assert parent.stdout is not None
        assert parent.stdout.readline() == "started\n"
        yield parent
    finally:
        os.killpg(parent.pid, signal.SIGKILL)
        parent.wait()
        assert parent.stdout is not None
        parent.stdout.close()


@pytest.mark.parametrize("document", ["invoice.pdf", "endless.pdf"])
@pytest.mark.parametrize("forks", [False, True], ids=["alone", "with a fork that lives on"])
def test_child_ends_with_its_parent(documents: Path, document: str, forks: bool) -> None:
    """The parent is killed while the child is idle or deep in C code; a fork of it keeps the child's pipes open."""
    with _parent(documents, document, forks=forks) as parent:
        (child,) = engine_children(parent.pid)
        if document == "endless.pdf":
            wait_until_at_work(child)
        parent.kill()
        wait_until(lambda: not is_alive(child), 10)


def test_child_keeps_its_limit_while_its_parent_is_stopped(documents: Path) -> None:
    with _parent(documents, "endless.pdf", seconds=6) as parent:
        wait_until(lambda: engine_children(parent.pid))
        (child,) = engine_children(parent.pid)
        wait_until_at_work(child)
        parent.send_signal(signal.SIGSTOP)
        wait_until(lambda: not is_alive(child), 30)
        parent.send_signal(signal.SIGCONT)
        assert parent.stdout is not None
        assert parent.stdout.readline() == "DocumentTookTooLong\n"


def test_child_outlives_the_thread_that_started_it(engine: EngineProcess, documents: Path) -> None:
    """Linux reports the end of a thread as that of the parent, which must not end the child."""
    results = []

    def classify() -> None:
        results.append(engine.classify(documents / "invoice.pdf", CATEGORIES, name="invoice.pdf"))

    children = []
    for _ in range(2):
        thread = threading.Thread(target=classify)
        thread.start()
        thread.join()
        children.append(engine_children())
    assert len(children[0]) == 1
    assert children[0] == children[1]
    assert len(results) == 2


LOOKING_CHILD = """
import os, threading, time
from airflow_provider_classify.engine.sandbox.lifetime import exit_without_parent
threading.Thread(target=exit_without_parent, args=(os.getppid(),)).start()
print("started", flush=True)
time.sleep(600)
"""
PARENT_OF_LOOKING_CHILD = """
import subprocess, sys
child = subprocess.Popen([sys.executable, "-c", sys.argv[1]], stdout=subprocess.PIPE)
child.stdout.readline()
print(child.pid, flush=True)
child.wait()
"""


def test_where_the_kernel_does_not_help_a_thread_looks_for_the_parent() -> None:
    command = [sys.executable, "-c", PARENT_OF_LOOKING_CHILD, LOOKING_CHILD]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        child = int(parent.stdout.readline())
        assert is_alive(child)
        parent.kill()
    wait_until(lambda: not is_alive(child), 10)


def test_the_timer_stops_with_its_document() -> None:
    with time_limit(time.monotonic() + 600):
        assert signal.getitimer(signal.ITIMER_REAL)[0] > 500
    assert signal.getitimer(signal.ITIMER_REAL)[0] == 0


def test_time_limit(documents: Path) -> None:
    with EngineProcess(EngineOptions(seconds=0.2)) as engine:
        with pytest.raises(DocumentTookTooLong, match=r"'endless\.pdf' .* 0\.2 seconds"):
            engine.classify(documents / "endless.pdf", CATEGORIES, name="endless.pdf")
        assert engine_children() == set()


def _at_work(engine: EngineProcess, documents: Path) -> tuple[threading.Thread, list[BaseException], int]:
    """Let a thread classify a document without end, and wait until the child is at work on it."""
    engine.classify(documents / "invoice.pdf", CATEGORIES, name="warm-up")
    (child,) = engine_children()
    errors: list[BaseException] = []

    def run() -> None:
        try:
            engine.classify(documents / "endless.pdf", CATEGORIES, name="endless.pdf")
        except Exception as error:
            errors.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    wait_until_at_work(child)
    return thread, errors, child


def test_child_that_dies_fails_its_document_only(engine: EngineProcess, documents: Path) -> None:
    thread, errors, child = _at_work(engine, documents)
    os.kill(child, signal.SIGSEGV)
    thread.join()
    (error,) = errors
    assert isinstance(error, DocumentCrashedParser)
    assert "SIGSEGV" in str(error)
    assert "'endless.pdf'" in str(error)
    assert engine.classify(documents / "invoice.pdf", CATEGORIES, name="invoice.pdf").success


def test_child_that_died_between_documents_is_replaced(engine: EngineProcess, documents: Path) -> None:
    engine.classify(documents / "invoice.pdf", CATEGORIES, name="invoice.pdf")
    (child,) = engine_children()
    os.kill(child, signal.SIGKILL)
    wait_until(lambda: not is_alive(child))
    assert engine.classify(documents / "invoice.pdf", CATEGORIES, name="invoice.pdf").success


def test_close_stops_a_document_at_once(documents: Path) -> None:
    engine = EngineProcess()
    thread, errors, child = _at_work(engine, documents)
    engine.close()
    thread.join()
    assert [type(error) for error in errors] == [EngineClosed]
    assert not is_alive(child)
    with pytest.raises(EngineClosed):
        engine.classify(documents / "invoice.pdf", CATEGORIES, name="invoice.pdf")


#: When a pool is closed: at once, when a child runs, when a document has been classified, and when several have.
MOMENTS: dict[str, Callable[[list[object]], object]] = {
    "at once": lambda results: True,
    "child runs": lambda results: engine_children(),
    "one result": lambda results: results,
    "results": lambda results: len(results) > 5,
}


@pytest.mark.parametrize("moment", MOMENTS.values(), ids=MOMENTS)
def test_pool_may_be_closed_at_any_moment(moment: Callable[[list[object]], object], documents: Path) -> None:
    pool = EnginePool(2)
    errors: list[BaseException] = []
    results: list[object] = []

    def classify() -> None:
        try:
            while True:
                results.append(pool.classify(documents / "invoice.pdf", CATEGORIES, name="invoice.pdf"))
        except Exception as error:
            errors.append(error)

    threads = [threading.Thread(target=classify) for _ in range(3)]
    for thread in threads:
        thread.start()
    wait_until(lambda: moment(results))
    pool.close()
    for thread in threads:
        thread.join()
    assert [type(error) for error in errors] == [EngineClosed] * 3
    assert engine_children() == set()


def test_signal_handler_may_close(documents: Path) -> None:
    """As Airflow's does when it stops a task: on the very thread that waits for the document."""
    engine = EngineProcess()

    def stop() -> None:
        wait_until(engine_children)
        os.kill(os.getpid(), signal.SIGUSR1)

    before = signal.signal(signal.SIGUSR1, lambda *_: engine.close())
    thread = threading.Thread(target=stop)
    thread.start()
    try:
        with pytest.raises(EngineClosed):
            engine.classify(documents / "endless.pdf", CATEGORIES, name="endless.pdf")
    finally:
        thread.join()
        signal.signal(signal.SIGUSR1, before)
    assert engine_children() == set()


def test_signal_handler_may_close_while_the_child_starts(documents: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    engine = EngineProcess()
    start = subprocess.Popen

    def start_and_close(*arguments: object, **options: object) -> subprocess.Popen[bytes]:
        process = start(*arguments, **options)  # type: ignore[call-overload]
        os.kill(os.getpid(), signal.SIGUSR1)
        return process  # type: ignore[no-any-return]

    before = signal.signal(signal.SIGUSR1, lambda *_: engine.close())
    monkeypatch.setattr(subprocess, "Popen", start_and_close)
    try:
        with pytest.raises(EngineClosed):
            engine.classify(documents / "endless.pdf", CATEGORIES, name="endless.pdf")
    finally:
        signal.signal(signal.SIGUSR1, before)
    assert engine_children() == set()
