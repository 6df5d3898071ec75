"""Documents and engines for the tests of the child process."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from airflow_provider_classify.engine.options import EngineOptions
from airflow_provider_classify.engine.sandbox.pool import EngineProcess
from tests.support import hostile, paper


@pytest.fixture(scope="session")
def documents(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of documents, of which ``endless.pdf`` keeps the parser at work for ever, in C code."""
    folder = tmp_path_factory.mktemp("documents")
    (folder / "invoice.pdf").write_bytes(paper.pdf(hostile.LINE))
    (folder / "pages.pdf").write_bytes(paper.pdf(hostile.LINE, "This contract is made between the parties. " * 2))
    (folder / "scan.png").write_bytes(paper.encoded(paper.picture()))
    (folder / "endless.pdf").write_bytes(hostile.nested_forms(12, 10))
    (folder / "broken.pdf").write_bytes(b"%PDF-1.7 no more")
    (folder / "locked.pdf").write_bytes(paper.pdf(hostile.LINE, encryption=5, user_pw="secret"))
    return folder


@pytest.fixture
def engine() -> Iterator[EngineProcess]:
    """An engine whose child has not started."""
    with EngineProcess(EngineOptions(threads=1)) as engine:
        yield engine
