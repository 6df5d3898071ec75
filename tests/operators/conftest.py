"""The documents of the tests of batches, and the services of the tests of cascades."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.batches import write_documents
from tests.support.cascades import Apis
from tests.support.table_api import connect_to, table_api


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with four documents that can be classified and one that cannot."""
    return write_documents(tmp_path_factory.mktemp("documents"))


@pytest.fixture
def apis(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Apis]:
    """Run the services of the connections ``first`` and ``second``."""
    document = tmp_path / "document.txt"
    document.write_text("Dear Mrs. Brown")
    with (
        table_api(tmp_path / "first", {}, engine="small") as first,
        table_api(tmp_path / "second", {}, engine="large") as second,
    ):
        connect_to(monkeypatch, "first", first)
        connect_to(monkeypatch, "second", second)
        yield Apis(first, second, document)
        second.classifier.gate.set()
