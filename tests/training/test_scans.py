"""Simulated scans for the training."""

from __future__ import annotations

from pathlib import Path

import pymupdf
import pytest

from airflow_provider_classify.engine.knowledge.load import load_knowledge
from airflow_provider_classify.engine.learned.model import LearnedModel
from airflow_provider_classify.engine.scoring.category_set import CategorySet
from airflow_provider_classify.engine.scoring.compiled_knowledge import compiled_knowledge
from airflow_provider_classify.model.categories import Category
from training.documents import Labelled, read_now
from training.scans import scan_of, simulated
from training.train import SCAN, examples_of

LINES = ["Purchase contract", "between the seller Anna Brown and the buyer Ben Blue", "The price is due in ten days."]


@pytest.fixture
def contract(tmp_path: Path) -> Path:
    path = tmp_path / "contract.pdf"
    with pymupdf.open() as document:
        for _ in range(3):
            page = document.new_page()
            for number, line in enumerate(LINES):
                page.insert_text((60, 80 + 40 * number), line, fontsize=16)
        document.save(path)
    return path


def test_a_scan_has_the_pages_as_images_and_is_the_same_each_time(contract: Path) -> None:
    content = scan_of(contract)
    assert content is not None
    with pymupdf.open(stream=content, filetype="pdf") as scan:
        assert scan.page_count == 2
        assert [page.get_text() for page in scan] == ["", ""]
        pictures = [scan.extract_image(page.get_images()[0][0])["image"] for page in scan]
    with pymupdf.open(stream=scan_of(contract), filetype="pdf") as again:
        assert [again.extract_image(page.get_images()[0][0])["image"] for page in again] == pictures


def test_a_document_is_read_as_ocr_reads_its_scan(contract: Path) -> None:
    read = simulated(contract)
    assert read is not None
    page = read.pages[0][-1]
    assert page.source == "ocr"
    assert "contract" in " ".join(line.text for line in page.lines).lower()


def test_a_scan_is_a_sample_without_its_origin(contract: Path) -> None:
    names = ["contract", "letter"]
    types = compiled_knowledge(load_knowledge()).type_scorer.names
    categories = CategorySet([Category(name) for name in names], load_knowledge(), model=LearnedModel.empty(types))
    labelled = Labelled(contract, "contract", "folder", "", "en", "owner")
    (alone,) = examples_of([labelled], [read_now(contract)], categories)
    (both,) = examples_of([labelled], [read_now(contract)], categories, [simulated(contract)])
    scan = both.samples[-1]
    assert len(both.samples) == len(alone.samples) + 1
    assert (scan.label, scan.source, scan.weight) == (names.index("contract"), "owner", SCAN)
    for page in scan.pages:
        assert "origin" not in page.measures
        assert {"scores", "text", "layout", "look"} <= page.measures.keys()
    assert all("origin" in page.measures for sample in alone.samples for page in sample.pages)


def test_documents_without_a_text_layer_or_pictures_have_no_scan(contract: Path, tmp_path: Path) -> None:
    image, note, damaged = (tmp_path / name for name in ("page.png", "note.txt", "damaged.pdf"))
    with pymupdf.open(contract) as document:
        document[0].get_pixmap().save(image)
    note.write_text("Dear Anna, the meeting is on Monday at ten. Kind regards, Ben")
    damaged.write_bytes(contract.read_bytes()[:100])
    assert [scan_of(path) for path in (image, note, damaged)] == [None, None, None]
