"""The engine in real child processes: results, errors, limits and replacements."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from airflow_provider_classify.engine.classify import Classifier
from airflow_provider_classify.engine.options import EngineOptions
from airflow_provider_classify.engine.sandbox.pool import EnginePool, EngineProcess
from airflow_provider_classify.exceptions import (
    DocumentCorrupt,
    DocumentCrashedParser,
    DocumentEncrypted,
    DocumentNotFound,
    EngineNotStarted,
)
from airflow_provider_classify.model.categories import Category
from tests.support import paper
from tests.support.children import engine_children

CATEGORIES = (Category("invoice"), Category("contract"), Category("news", "an article of a newspaper"))


@pytest.fixture(scope="module")
def warm_engine(documents: Path) -> Iterator[EngineProcess]:
    """An engine for tests that only ask; its child has answered once."""
    with EngineProcess(EngineOptions(threads=1)) as engine:
        engine.classify(documents / "invoice.pdf", CATEGORIES, name="warm-up")
        yield engine


@pytest.mark.parametrize("name", ["invoice.pdf", "pages.pdf", "scan.png"])
def test_answers_as_the_classifier_does(warm_engine: EngineProcess, documents: Path, name: str) -> None:
    before = engine_children()
    expected = Classifier(CATEGORIES, EngineOptions(threads=1)).classify(documents / name, name=name)
    result = warm_engine.classify(documents / name, CATEGORIES, name=name)
    assert result == expected
    assert result.classification == "invoice"
    assert engine_children() == before


def test_relative_paths(warm_engine: EngineProcess, documents: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(documents)
    assert warm_engine.classify(Path("pages.pdf"), CATEGORIES, name="x").total_pages == 2


@pytest.mark.parametrize(
    ("name", "kind"),
    [("broken.pdf", DocumentCorrupt), ("locked.pdf", DocumentEncrypted), ("lost.pdf", DocumentNotFound)],
)
def test_errors_keep_their_kind(warm_engine: EngineProcess, documents: Path, name: str, kind: type[Exception]) -> None:
    before = engine_children()
    with pytest.raises(kind, match="as the user calls it"):
        warm_engine.classify(documents / name, CATEGORIES, name="as the user calls it")
    warm_engine.classify(documents / "invoice.pdf", CATEGORIES, name="the next")
    assert engine_children() == before


def test_fork_makes_its_own_child(warm_engine: EngineProcess, documents: Path) -> None:
    before = engine_children()
    fork = os.fork()
    if fork == 0:
        result = warm_engine.classify(documents / "invoice.pdf", CATEGORIES, name="invoice.pdf")
        warm_engine.close()
        os._exit(0 if result.success else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(fork, 0)[1]) == 0
    assert warm_engine.classify(documents / "invoice.pdf", CATEGORIES, name="invoice.pdf").success
    assert engine_children() == before


def test_max_pages(documents: Path) -> None:
    with EnginePool(1, EngineOptions(max_pages=1)) as pool:
        assert pool.classify(documents / "pages.pdf", CATEGORIES, name="x").total_pages == 1


def test_child_is_replaced_after_its_share_of_documents(documents: Path) -> None:
    before = engine_children()
    counts = []
    with EngineProcess(EngineOptions(threads=1), documents_per_child=2) as engine:
        for _ in range(3):
            counts.append(len(engine_children() - before))
            assert engine.classify(documents / "invoice.pdf", CATEGORIES, name="invoice.pdf").success
    assert counts == [0, 1, 0]


def test_memory_limit(documents: Path, tmp_path: Path) -> None:
    """The document takes hundreds of megabytes to read, and is small."""
    path = tmp_path / "heavy.pdf"
    path.write_bytes(paper.pdf_of_glyphs(300_000))
    with EngineProcess(EngineOptions(memory_mb=200, threads=1)) as engine:
        assert engine.classify(documents / "invoice.pdf", CATEGORIES, name="invoice.pdf").success
        with pytest.raises(DocumentCrashedParser, match="more memory than the 200 MB"):
            engine.classify(path, CATEGORIES, name="heavy.pdf")
        assert engine.classify(documents / "invoice.pdf", CATEGORIES, name="invoice.pdf").success


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


def test_a_pool_whose_engine_does_not_start_says_so_until_it_does(
    documents: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    broken = tmp_path / "python"
    broken.write_text("#!/bin/sh\nexit 1\n")
    broken.chmod(0o755)
    with EnginePool(1) as pool:
        pool.check()
        with monkeypatch.context() as patch:
            patch.setattr(sys, "executable", str(broken))
            with pytest.raises(EngineNotStarted):
                pool.classify(documents / "invoice.pdf", CATEGORIES, name="invoice.pdf")
            with pytest.raises(EngineNotStarted):
                pool.check()
        pool.check()
        with pytest.raises(DocumentCorrupt):
            pool.classify(documents / "broken.pdf", CATEGORIES, name="broken.pdf")
        pool.check()


def test_an_interpreter_that_is_not_there_is_reported_to_the_caller(
    engine: EngineProcess, documents: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(sys, "executable", str(tmp_path / "none"))
    with pytest.raises(FileNotFoundError):
        engine.classify(documents / "invoice.pdf", CATEGORIES, name="invoice.pdf")


def test_last_words_of_a_child_are_about_its_last_document(
    documents: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """What it wrote about documents before is gone, and leaves no gap."""
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


def test_child_imports_nothing_it_does_not_need() -> None:
    script = (
        "import sys, json, airflow_provider_classify.engine.sandbox.child_main; print(json.dumps(list(sys.modules)))"
    )
    modules = json.loads(subprocess.run([sys.executable, "-c", script], capture_output=True, check=True).stdout)
    assert not {"airflow", "httpx", "aiohttp", "fastapi", "numpy", "pymupdf", "cv2", "onnxruntime", "PIL"} & set(
        modules
    )


def test_pool_classifies_several_at_once(documents: Path) -> None:
    before = engine_children()
    with EnginePool(2) as pool, ThreadPoolExecutor(6) as threads:
        jobs = [
            threads.submit(pool.classify, documents / name, CATEGORIES, name=name)
            for name in ["invoice.pdf", "broken.pdf", "scan.png"] * 4
        ]
        outcomes = [job.exception() or job.result().classification for job in jobs]
        assert len(engine_children() - before) == 2
    assert [str(outcome) for outcome in outcomes[::3] + outcomes[2::3]] == ["invoice"] * 8
    assert all(isinstance(outcome, DocumentCorrupt) for outcome in outcomes[1::3])
    assert engine_children() == before


def test_pool_starts_no_more_children_than_it_needs(documents: Path) -> None:
    before = engine_children()
    with EnginePool(3) as pool:
        for _ in range(4):
            pool.classify(documents / "invoice.pdf", CATEGORIES, name="invoice.pdf")
        assert len(engine_children() - before) == 1
