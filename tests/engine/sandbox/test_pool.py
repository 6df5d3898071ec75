"""The engine in real child processes: answers, errors, limits, deaths, and nothing left behind."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from airflow_provider_classify.engine.classify import Classifier
from airflow_provider_classify.engine.memory import is_out_of_memory
from airflow_provider_classify.engine.options import EngineOptions
from airflow_provider_classify.engine.sandbox import pool
from airflow_provider_classify.engine.sandbox.cores import available_cores, limit_in_cores
from airflow_provider_classify.engine.sandbox.pool import EnginePool, EngineProcess
from airflow_provider_classify.exceptions import (
    DocumentCorrupt,
    DocumentCrashedParser,
    DocumentEncrypted,
    DocumentNotFound,
    DocumentTookTooLong,
    EngineClosed,
    EngineNotStarted,
)
from airflow_provider_classify.model.categories import Category
from tests.support import paper

CATEGORIES = (Category("invoice"), Category("contract"), Category("news", "an article of a newspaper"))
INVOICE = "Invoice number 7, bill to Example Ltd, total amount due 42.00, payment terms 30 days"
#: Takes seconds and hundreds of megabytes to read, and is small.
HEAVY_GLYPHS = 3_000_000


@pytest.fixture(scope="module")
def documents(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("documents")
    (folder / "invoice.pdf").write_bytes(paper.pdf(INVOICE))
    (folder / "pages.pdf").write_bytes(paper.pdf(INVOICE, "This contract is made between the parties. " * 2))
    (folder / "scan.png").write_bytes(paper.encoded(paper.picture()))
    (folder / "heavy.pdf").write_bytes(paper.pdf_of_glyphs(HEAVY_GLYPHS))
    (folder / "broken.pdf").write_bytes(b"%PDF-1.7 no more")
    (folder / "locked.pdf").write_bytes(paper.pdf(INVOICE, encryption=5, user_pw="secret"))
    return folder


@pytest.fixture
def engine() -> Iterator[EngineProcess]:
    with EngineProcess(EngineOptions(threads=1)) as engine:
        yield engine


def _children() -> set[int]:
    """The engine's children of this process."""
    found = set()
    for status in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = status.read_text().rpartition(")")[2].split()
            command = (status.parent / "cmdline").read_bytes()
        except (FileNotFoundError, ProcessLookupError):
            continue
        if int(fields[1]) == os.getpid() and b"sandbox.child_main" in command:
            found.add(int(status.parent.name))
    return found


def _wait_for(condition: object, *, seconds: float = 60) -> None:
    assert callable(condition)
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not happen"
        time.sleep(0.01)


def _is_alive(pid: int) -> bool:
    """Whether a process runs; one that only waits to be reaped does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


def _cpu_seconds(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _start(engine: EngineProcess, path: Path) -> tuple[threading.Thread, list[BaseException], int]:
    """Let a thread classify a heavy document, and wait until the child is at work on it."""
    engine.classify(path.parent / "invoice.pdf", CATEGORIES, name="warm-up")
    (child,) = _children()
    before = _cpu_seconds(child)
    errors: list[BaseException] = []

    def run() -> None:
        try:
            engine.classify(path, CATEGORIES, name=path.name)
        except Exception as error:
            errors.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    _wait_for(lambda: _cpu_seconds(child) > before + 0.1)
    return thread, errors, child


@pytest.mark.parametrize("name", ["invoice.pdf", "pages.pdf", "scan.png"])
def test_answers_as_the_classifier_does(engine: EngineProcess, documents: Path, name: str) -> None:
    expected = Classifier(CATEGORIES, EngineOptions(threads=1)).classify(documents / name, name=name)
    result = engine.classify(documents / name, CATEGORIES, name=name)
    assert result == expected
    assert result.classification == "invoice"


def test_relative_paths(engine: EngineProcess, documents: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    engine.classify(documents / "invoice.pdf", CATEGORIES, name="starts the child elsewhere")
    monkeypatch.chdir(documents)
    assert engine.classify(Path("pages.pdf"), CATEGORIES, name="x").total_pages == 2


def test_max_pages(documents: Path) -> None:
    with EngineProcess(EngineOptions(max_pages=1)) as engine, EnginePool(1, EngineOptions(max_pages=1)) as pool:
        assert engine.classify(documents / "pages.pdf", CATEGORIES, name="x").total_pages == 1
        assert pool.classify(documents / "pages.pdf", CATEGORIES, name="x").total_pages == 1


def test_one_warm_child_serves_all(engine: EngineProcess, documents: Path) -> None:
    assert _children() == set()
    seen = set()
    for _ in range(3):
        engine.classify(documents / "invoice.pdf", CATEGORIES, name="invoice.pdf")
        seen |= _children()
    assert len(seen) == 1


@pytest.mark.parametrize(
    ("name", "kind"),
    [("broken.pdf", DocumentCorrupt), ("locked.pdf", DocumentEncrypted), ("lost.pdf", DocumentNotFound)],
)
def test_errors_keep_their_kind(engine: EngineProcess, documents: Path, name: str, kind: type[Exception]) -> None:
    with pytest.raises(kind, match="as the user calls it"):
        engine.classify(documents / name, CATEGORIES, name="as the user calls it")
    (child,) = _children()
    engine.classify(documents / "invoice.pdf", CATEGORIES, name="the next")
    assert _children() == {child}


def test_time_limit(documents: Path) -> None:
    with EngineProcess(EngineOptions(seconds=0.2)) as engine:
        with pytest.raises(DocumentTookTooLong, match=r"'heavy\.pdf' .* 0\.2 seconds"):
            engine.classify(documents / "heavy.pdf", CATEGORIES, name="heavy.pdf")
        assert _children() == set()


def test_child_that_hangs_is_stopped_and_replaced(documents: Path) -> None:
    with EngineProcess(EngineOptions(seconds=5)) as engine:
        engine.classify(documents / "invoice.pdf", CATEGORIES, name="invoice.pdf")
        (child,) = _children()
        os.kill(child, signal.SIGSTOP)
        with pytest.raises(DocumentTookTooLong):
            engine.classify(documents / "invoice.pdf", CATEGORIES, name="invoice.pdf")
        assert not _is_alive(child)
        assert engine.classify(documents / "invoice.pdf", CATEGORIES, name="invoice.pdf").success


def test_request_larger_than_a_pipe_does_not_block_a_hung_child(documents: Path) -> None:
    with EngineProcess(EngineOptions(seconds=5)) as engine:
        engine.classify(documents / "invoice.pdf", CATEGORIES, name="invoice.pdf")
        (child,) = _children()
        os.kill(child, signal.SIGSTOP)
        with pytest.raises(DocumentTookTooLong):
            engine.classify(documents / "invoice.pdf", [Category("a", "word " * 200_000)], name="invoice.pdf")


def test_child_that_dies_fails_its_document_only(engine: EngineProcess, documents: Path) -> None:
    thread, errors, child = _start(engine, documents / "heavy.pdf")
    os.kill(child, signal.SIGSEGV)
    thread.join()
    (error,) = errors
    assert isinstance(error, DocumentCrashedParser)
    assert "SIGSEGV" in str(error)
    assert "'heavy.pdf'" in str(error)
    assert engine.classify(documents / "invoice.pdf", CATEGORIES, name="invoice.pdf").success


def test_child_that_died_between_documents_is_replaced(engine: EngineProcess, documents: Path) -> None:
    engine.classify(documents / "invoice.pdf", CATEGORIES, name="invoice.pdf")
    (child,) = _children()
    os.kill(child, signal.SIGKILL)
    _wait_for(lambda: not _is_alive(child))
    assert engine.classify(documents / "invoice.pdf", CATEGORIES, name="invoice.pdf").success


def test_memory_limit(documents: Path) -> None:
    with EngineProcess(EngineOptions(memory_mb=200, threads=1)) as engine:
        assert engine.classify(documents / "invoice.pdf", CATEGORIES, name="invoice.pdf").success
        with pytest.raises(DocumentCrashedParser, match="more memory than the 200 MB"):
            engine.classify(documents / "heavy.pdf", CATEGORIES, name="heavy.pdf")
        assert engine.classify(documents / "invoice.pdf", CATEGORIES, name="invoice.pdf").success


def test_child_that_cannot_start_is_not_the_documents_fault(
    engine: EngineProcess, documents: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    broken = tmp_path / "python"
    broken.write_text("#!/bin/sh\necho no module of that name >&2\nexit 1\n")
    broken.chmod(0o755)
    with monkeypatch.context() as patch:
        patch.setattr(sys, "executable", str(broken))
        with pytest.raises(EngineNotStarted, match=r"'invoice\.pdf' did not start .*no module of that name"):
            engine.classify(documents / "invoice.pdf", CATEGORIES, name="invoice.pdf")
    assert engine.classify(documents / "invoice.pdf", CATEGORIES, name="invoice.pdf").success


def test_last_words_of_a_child_are_about_its_last_document(
    documents: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """What it said of documents before is gone, and leaves no hole."""
    child = tmp_path / "python"
    reply = '{"kind": "DocumentCorrupt", "message": "damaged"}'
    child.write_text(f"#!/bin/sh\nread r\necho a warning >&2\necho '{reply}'\nread r\necho help >&2\nkill -ABRT $$\n")
    child.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(child))
    with EngineProcess() as engine:
        with pytest.raises(DocumentCorrupt):
            engine.classify(documents / "invoice.pdf", CATEGORIES, name="invoice.pdf")
        with pytest.raises(DocumentCrashedParser, match=r"\(SIGABRT: help\)"):
            engine.classify(documents / "invoice.pdf", CATEGORIES, name="invoice.pdf")


def test_stricter_limit_of_the_system_stays(documents: Path) -> None:
    script = """
import resource, sys
from pathlib import Path
from airflow_provider_classify.model.categories import Category
from airflow_provider_classify.engine.options import EngineOptions
from airflow_provider_classify.engine.sandbox.pool import EngineProcess
resource.setrlimit(resource.RLIMIT_DATA, (1024**3, 1024**3))
with EngineProcess(EngineOptions(memory_mb=4096)) as engine:
    print(engine.classify(Path(sys.argv[1]), [Category("invoice")], name="x").classification)
"""
    command = [sys.executable, "-c", script, str(documents / "invoice.pdf")]
    assert subprocess.run(command, capture_output=True, check=True, text=True).stdout == "invoice\n"


def test_close_stops_a_document_at_once(documents: Path) -> None:
    engine = EngineProcess()
    thread, errors, child = _start(engine, documents / "heavy.pdf")
    engine.close()
    thread.join()
    assert [type(error) for error in errors] == [EngineClosed]
    assert not _is_alive(child)
    with pytest.raises(EngineClosed):
        engine.classify(documents / "invoice.pdf", CATEGORIES, name="invoice.pdf")


def test_pool_may_be_closed_at_any_moment(documents: Path) -> None:
    """Before a child answers, while it does and between documents, threads that use the pool learn the same."""
    for moment in range(8):
        pool = EnginePool(2)
        errors: list[BaseException] = []

        def classify(pool: EnginePool = pool, errors: list[BaseException] = errors) -> None:
            try:
                while True:
                    pool.classify(documents / "invoice.pdf", CATEGORIES, name="invoice.pdf")
            except Exception as caught:
                errors.append(caught)

        threads = [threading.Thread(target=classify) for _ in range(3)]
        for thread in threads:
            thread.start()
        time.sleep(moment * 0.1)
        pool.close()
        for thread in threads:
            thread.join()
        assert [type(error) for error in errors] == [EngineClosed] * 3
    assert _children() == set()


def test_signal_handler_may_close(documents: Path) -> None:
    """As a task's does when Airflow stops it: on the very thread that waits for the document."""
    engine = EngineProcess()
    before = signal.signal(signal.SIGALRM, lambda *_: engine.close())
    signal.setitimer(signal.ITIMER_REAL, 0.5)
    try:
        with pytest.raises(EngineClosed):
            engine.classify(documents / "heavy.pdf", CATEGORIES, name="heavy.pdf")
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
    assert _children() == set()


def test_child_is_replaced_after_its_share_of_documents(
    engine: EngineProcess, documents: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pool, "DOCUMENTS_PER_CHILD", 2)
    seen = []
    for _ in range(3):
        seen.append(_children())
        assert engine.classify(documents / "invoice.pdf", CATEGORIES, name="invoice.pdf").success
    assert [len(children) for children in seen] == [0, 1, 0]


@pytest.mark.parametrize("document", ["invoice.pdf", "heavy.pdf"])
def test_child_dies_with_its_parent(documents: Path, document: str) -> None:
    """Killed without a chance to clean up, while the child is idle and while it is deep in a parser."""
    script = """
import sys, threading, time
from pathlib import Path
from airflow_provider_classify.model.categories import Category
from airflow_provider_classify.engine.sandbox.pool import EngineProcess
engine, folder = EngineProcess(), Path(sys.argv[1])
def classify(name): engine.classify(folder / name, [Category("invoice")], name=name)
classify("invoice.pdf")
if sys.argv[2] != "invoice.pdf":
    threading.Thread(target=classify, args=[sys.argv[2]]).start()
print("started", flush=True)
time.sleep(600)
"""
    parent = subprocess.Popen(
        [sys.executable, "-c", script, str(documents), document], stdout=subprocess.PIPE, text=True
    )
    with parent:
        assert parent.stdout is not None
        assert parent.stdout.readline() == "started\n"
        listed = Path(f"/proc/{parent.pid}/task/{parent.pid}/children").read_text().split()
        (child,) = map(int, listed)
        before = _cpu_seconds(child)
        if document != "invoice.pdf":
            _wait_for(lambda: _cpu_seconds(child) > before + 0.1)
        parent.kill()
    _wait_for(lambda: not _is_alive(child), seconds=2)


def test_fork_makes_its_own_child(engine: EngineProcess, documents: Path) -> None:
    engine.classify(documents / "invoice.pdf", CATEGORIES, name="invoice.pdf")
    before = _children()
    fork = os.fork()
    if fork == 0:
        result = engine.classify(documents / "invoice.pdf", CATEGORIES, name="invoice.pdf")
        engine.close()
        os._exit(0 if result.success else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(fork, 0)[1]) == 0
    assert engine.classify(documents / "invoice.pdf", CATEGORIES, name="invoice.pdf").success
    assert _children() == before


def test_child_sees_no_secrets(engine: EngineProcess, documents: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AIRFLOW_CONN_CLASSIFY_DEFAULT", "classify://:key@api.example")
    engine.classify(documents / "invoice.pdf", CATEGORIES, name="invoice.pdf")
    (child,) = _children()
    assert b"AIRFLOW" not in Path(f"/proc/{child}/environ").read_bytes()


def test_worker_imports_nothing_it_does_not_need() -> None:
    script = (
        "import sys, json, airflow_provider_classify.engine.sandbox.child_main; print(json.dumps(list(sys.modules)))"
    )
    modules = json.loads(subprocess.run([sys.executable, "-c", script], capture_output=True, check=True).stdout)
    assert not {"airflow", "httpx", "aiohttp", "fastapi", "numpy", "pymupdf", "cv2", "onnxruntime", "PIL"} & set(
        modules
    )


def test_pool_classifies_several_at_once(documents: Path) -> None:
    with EnginePool(2) as pool, ThreadPoolExecutor(6) as threads:
        jobs = [
            threads.submit(pool.classify, documents / name, CATEGORIES, name=name)
            for name in ["invoice.pdf", "broken.pdf", "scan.png"] * 4
        ]
        outcomes = [job.exception() or job.result().classification for job in jobs]
        assert len(_children()) == 2
    assert [str(outcome) for outcome in outcomes[::3] + outcomes[2::3]] == ["invoice"] * 8
    assert all(isinstance(outcome, DocumentCorrupt) for outcome in outcomes[1::3])
    assert _children() == set()


def test_pool_starts_no_more_children_than_it_needs(documents: Path) -> None:
    with EnginePool(3) as pool:
        for _ in range(4):
            pool.classify(documents / "invoice.pdf", CATEGORIES, name="invoice.pdf")
        assert len(_children()) == 1


@pytest.mark.parametrize(
    ("quota", "period", "cores"),
    [("max", "100000", None), ("-1", "100000", None), ("50000", "100000", 1), ("250000", "100000\n", 3)],
)
def test_limit_of_a_container(quota: str, period: str, cores: int | None) -> None:
    assert limit_in_cores(quota, period) == cores


def test_available_cores_are_at_most_the_affinity() -> None:
    assert 1 <= available_cores() <= len(os.sched_getaffinity(0))


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (MemoryError(), True),
        (RuntimeError("code=2: realloc (84713472 bytes) failed"), True),
        (RuntimeError("[ONNXRuntimeError] : 6 : RUNTIME_EXCEPTION : std::bad_alloc"), True),
        (RuntimeError("OpenCV(4) error: (-4:Insufficient memory) Failed to allocate 400 bytes"), True),
        (ValueError("memory of a goldfish"), False),
    ],
)
def test_what_is_out_of_memory(error: Exception, expected: bool) -> None:
    assert is_out_of_memory(error) is expected
