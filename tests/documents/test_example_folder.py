"""Folders of examples, which reviews fill and classifications read."""

from __future__ import annotations

import hashlib
import os
import tracemalloc
from pathlib import Path

import pytest

from airflow_provider_classify.documents.allowed_roots import require_allowed_examples
from airflow_provider_classify.documents.example_folder import (
    MAX_EXAMPLES,
    category_folder,
    examples_version,
    store_example,
    with_listed_examples,
)
from airflow_provider_classify.exceptions import DocumentNotAllowed, DocumentNotFound, InvalidCategories
from airflow_provider_classify.model.categories import Category


def listed(folder: Path) -> list[str]:
    (category,) = with_listed_examples([Category("slip", examples_folder=str(folder))])
    return [Path(path).name for path in category.examples]


def test_a_stored_document_is_listed(tmp_path: Path) -> None:
    (tmp_path / "a b.pdf").write_bytes(b"content")
    stored = store_example(str(tmp_path / "learned"), "slip", str(tmp_path / "a b.pdf"))
    assert Path(stored).read_bytes() == b"content"
    assert listed(tmp_path / "learned" / "slip") == [Path(stored).name]
    assert Path(stored).name.endswith("-a b.pdf")


def test_the_same_bytes_are_stored_once_and_in_the_last_category(tmp_path: Path) -> None:
    for name in ("a.pdf", "b.pdf"):
        (tmp_path / name).write_bytes(b"content")
    folder = str(tmp_path / "learned")
    store_example(folder, "slip", str(tmp_path / "a.pdf"))
    store_example(folder, "note", str(tmp_path / "b.pdf"), others=["slip", "note", "never seen"])
    assert listed(tmp_path / "learned" / "slip") == []
    assert len(listed(tmp_path / "learned" / "note")) == 1


def test_a_large_document_is_stored_without_loading_all_of_it(tmp_path: Path) -> None:
    size = 32 * 1024**2
    content = os.urandom(1024) * (size // 1024)
    (tmp_path / "a.pdf").write_bytes(content)
    tracemalloc.start()
    try:
        stored = store_example(str(tmp_path / "learned"), "slip", str(tmp_path / "a.pdf"))
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert Path(stored).read_bytes() == content
    assert Path(stored).name.startswith(hashlib.sha256(content).hexdigest()[:16])
    assert peak < size / 2


@pytest.mark.parametrize(
    ("category", "folder"),
    [
        ("invoice", "invoice"),
        ("finance/invoice", "finance/invoice"),
        ("../../etc", "%2E./%2E./etc"),
        ("/", "%/%"),
        ("Rechnung für Öl", "Rechnung f%C3%BCr %C3%96l"),
        ("a:b*?\n", "a%3Ab%2A%3F"),
    ],
)
def test_no_category_leaves_the_folder(category: str, folder: str) -> None:
    assert category_folder("/learned/", category) == f"/learned/{folder}"


def test_long_names_stay_different(tmp_path: Path) -> None:
    one, other = (category_folder(str(tmp_path), "ü" * 150 + end) for end in "ab")
    assert one != other
    Path(one).mkdir()


def test_a_folder_that_does_not_exist_yet_is_empty(tmp_path: Path) -> None:
    assert listed(tmp_path / "nothing") == []


def test_hidden_files_and_subfolders_are_left_out_and_the_newest_count(tmp_path: Path) -> None:
    (tmp_path / "sub").mkdir()
    (tmp_path / ".half.tmp").write_text("x")
    for number in range(MAX_EXAMPLES + 2):
        path = tmp_path / f"{number:03}.txt"
        path.write_text("x")
        os.utime(path, (number, number))
    assert listed(tmp_path) == [f"{number:03}.txt" for number in range(2, MAX_EXAMPLES + 2)]


def test_a_file_and_a_storage_are_no_folder_of_examples(tmp_path: Path) -> None:
    (tmp_path / "a.pdf").write_text("x")
    with pytest.raises(InvalidCategories, match="'slip' cannot be read"):
        listed(tmp_path / "a.pdf")
    with pytest.raises(InvalidCategories, match="'slip' are on an object storage"):
        with_listed_examples([Category("slip", examples_folder="s3://bucket/learned")])


def test_the_version_changes_with_the_examples(tmp_path: Path) -> None:
    categories = [Category("slip", examples_folder=str(tmp_path / "learned" / "slip")), Category("note")]
    assert examples_version([Category("note")]) == ""
    empty = examples_version(categories)
    (tmp_path / "a.pdf").write_bytes(b"content")
    store_example(str(tmp_path / "learned"), "slip", str(tmp_path / "a.pdf"))
    assert empty != examples_version(categories) == examples_version(categories)


def test_a_link_out_of_the_allowed_roots_is_no_example(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "secret.txt").write_text("x")
    folder = tmp_path / "learned"
    folder.mkdir()
    (folder / "inside.txt").write_text("x")
    monkeypatch.setenv("AIRFLOW__CLASSIFY__ALLOWED_ROOTS", str(folder))
    category = Category("slip", examples_folder=str(folder))
    require_allowed_examples(with_listed_examples([category]))
    (folder / "link.txt").symlink_to(tmp_path / "secret.txt")
    with pytest.raises(DocumentNotAllowed, match=r"link\.txt"):
        require_allowed_examples(with_listed_examples([category]))


def test_a_document_that_is_gone_is_named(tmp_path: Path) -> None:
    with pytest.raises(DocumentNotFound, match=r"gone\.pdf"):
        store_example(str(tmp_path), "slip", str(tmp_path / "gone.pdf"))
