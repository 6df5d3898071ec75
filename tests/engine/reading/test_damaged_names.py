"""The error for a file that does not begin as its name says."""

from __future__ import annotations

from pathlib import Path

import pytest

from airflow_provider_classify.engine.reading import open_document
from airflow_provider_classify.exceptions import DocumentTypeUnknown


@pytest.mark.parametrize(
    ("name", "message"), [("a.PDF", "does not begin as a PDF file does"), ("a.bin", "is of no type that can be read")]
)
def test_a_name_with_a_known_ending_is_named(tmp_path: Path, name: str, message: str) -> None:
    (tmp_path / name).write_bytes(bytes(5000))
    with pytest.raises(DocumentTypeUnknown, match=message), open_document(tmp_path / name, name=name, threads=1):
        pass
