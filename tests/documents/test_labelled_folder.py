"""The labels of a folder of documents whose categories are known."""

from __future__ import annotations

from pathlib import Path

import pytest

from airflow_provider_classify.documents.labelled_folder import LABELS, read_labels
from airflow_provider_classify.exceptions import InvalidDocument

ROWS = "path,category\nlettre.pdf,relevé\n"


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig"])
def test_labels_in_utf8_are_read(encoding: str, tmp_path: Path) -> None:
    (tmp_path / LABELS).write_text(ROWS, encoding=encoding)
    assert read_labels(tmp_path) == {str(tmp_path / "lettre.pdf"): "relevé"}


@pytest.mark.parametrize(
    "content",
    [ROWS.encode("latin-1"), ROWS.encode("utf-16"), b'path,category\n"' + b"x" * 200_000 + b'",memo\n'],
    ids=["latin-1", "utf-16", "too long a field"],
)
def test_labels_that_are_not_csv_in_utf8_say_so(content: bytes, tmp_path: Path) -> None:
    (tmp_path / LABELS).write_bytes(content)
    with pytest.raises(InvalidDocument, match=r"labels\.csv' is not CSV in UTF-8 \(.*\); save it as such\.$"):
        read_labels(tmp_path)


def test_a_folder_of_this_name_is_no_file_of_labels(tmp_path: Path) -> None:
    (tmp_path / LABELS).mkdir()
    with pytest.raises(InvalidDocument, match=r"labels\.csv' cannot be read \(.*\); check that it is a file"):
        read_labels(tmp_path)
