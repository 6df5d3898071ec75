"""Documents of a packet as PDFs of their own, written by the child process."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pymupdf
import pytest

from airflow_provider_classify.engine.packets.pieces import documents_in, piece_name
from airflow_provider_classify.engine.packets.write import write_pieces
from airflow_provider_classify.engine.sandbox.pool import EngineProcess
from airflow_provider_classify.exceptions import DocumentEncrypted, DocumentNotFound, DocumentNotSplittable
from tests.support import paper
from tests.support.documents import write_pdf
from tests.support.packets import write_packet


@pytest.fixture(scope="module")
def engine() -> Iterator[EngineProcess]:
    with EngineProcess() as engine:
        yield engine


def listed(*documents: list[int], pages: int | None = None) -> dict[str, Any]:
    found = [{"category": "invoice", "pages": numbers, "confidence": 0.9} for numbers in documents]
    return {"total_pages": pages or max(map(max, documents)), "documents": found}


def split(engine: EngineProcess, path: Path, result: dict[str, Any], folder: Path) -> list[list[str]]:
    """Return the text of each page of each written document."""
    texts = []
    for file, _ in write_pieces(engine, path, result, folder, name=str(path)):
        with pymupdf.open(file) as document:
            texts.append([page.get_text().strip() for page in document])
    return texts


def test_the_pages_of_a_pdf_are_copied(engine: EngineProcess, tmp_path: Path) -> None:
    path = write_packet(tmp_path / "packet.pdf", ["one", "two", "", "four"])
    assert split(engine, path, listed([1, 2], [4]), tmp_path) == [["one", "two"], ["four"]]


def test_the_frames_of_a_tiff_become_pages_of_their_printed_size(engine: EngineProcess, tmp_path: Path) -> None:
    path = tmp_path / "fax.tiff"
    frames = [
        paper.picture(size=(850, 1100)).convert("1"),
        paper.picture(size=(400, 1100)),
        paper.picture().convert("L"),
    ]
    path.write_bytes(paper.encoded(frames[0], "TIFF", save_all=True, append_images=frames[1:], dpi=(100, 100)))
    pieces = list(write_pieces(engine, path, listed([1], [2, 3]), tmp_path, name="fax.tiff"))
    sizes = []
    for file, _ in pieces:
        with pymupdf.open(file) as document:
            sizes.append([(page.rect.width, page.rect.height) for page in document])
            assert all(page.get_images() for page in document)
    assert sizes[0] == [(612, 792)]
    assert len(sizes[1]) == 2


def test_a_file_with_more_pages_than_were_classified_is_not_split(engine: EngineProcess, tmp_path: Path) -> None:
    path = write_packet(tmp_path / "long.pdf", ["text"] * 6)
    with pytest.raises(DocumentNotSplittable, match=r"6 pages, of which 4 were classified; set max_pages"):
        split(engine, path, listed([1, 2, 3, 4]), tmp_path)
    assert not list(tmp_path.glob("long-*"))


def test_text_is_not_split(engine: EngineProcess, tmp_path: Path) -> None:
    path = tmp_path / "notes.txt"
    path.write_text("one\ftwo")
    with pytest.raises(DocumentNotSplittable, match=r"notes\.txt.* give a PDF or an image"):
        split(engine, path, listed([1, 2]), tmp_path)


def test_a_pdf_that_cannot_be_opened(engine: EngineProcess, tmp_path: Path) -> None:
    with pytest.raises(DocumentEncrypted):
        split(engine, write_pdf(tmp_path / "locked.pdf", password="secret"), listed([1]), tmp_path)
    with pytest.raises(DocumentNotFound):
        split(engine, tmp_path / "missing.pdf", listed([1]), tmp_path)


def test_a_result_without_documents() -> None:
    one = {"total_pages": 1, "classification": "letter", "confidence": 0.8}
    assert documents_in(one, "a.pdf") == [{"category": "letter", "pages": [1], "confidence": 0.8}]
    with pytest.raises(DocumentNotSplittable, match=r"'a\.pdf' does not list"):
        documents_in({"total_pages": 2}, "a.pdf")
    with pytest.raises(DocumentNotSplittable, match=r"'inner\.pdf'"):
        documents_in(one | {"read_from": "inner.pdf"}, "a.pdf")


def test_names() -> None:
    name = piece_name("s3://bucket/in/scan 1.pdf", 3, "tax/Form 1040")
    assert name.startswith("scan-1-")
    assert name.endswith("-03-tax-Form-1040.pdf")
    assert piece_name("a/scan.pdf", 1, None) != piece_name("b/scan.pdf", 1, None)
    assert piece_name("a/scan.pdf", 1, None) == piece_name("a/scan.pdf", 1, None)
    assert "/" not in piece_name("../..", 1, "../../etc")
