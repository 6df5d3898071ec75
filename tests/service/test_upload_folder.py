"""A document while it arrives in the folder of the service."""

from __future__ import annotations

from pathlib import Path

import pytest

from airflow_provider_classify.exceptions import DocumentTooLarge, StorageFull
from airflow_provider_classify.service.upload_folder import UploadFolder


@pytest.mark.parametrize(("max_bytes", "error"), [(10, DocumentTooLarge), (1000, StorageFull)])
def test_refused_bytes_are_not_part_of_a_document(tmp_path: Path, max_bytes: int, error: type[Exception]) -> None:
    folder = UploadFolder(tmp_path, max_bytes, max_total_bytes=12, min_free_bytes=0)
    upload = folder.create("5b3c")
    upload.write(b"accepted")
    with pytest.raises(error):
        upload.write(b"refused")
    assert upload.size == 8
    upload.write(b".")
    upload.commit()
    assert upload.size == 9
    assert (folder.folder / "5b3c").read_bytes() == b"accepted."
