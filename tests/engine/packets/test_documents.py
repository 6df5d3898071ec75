"""The documents that a result lists of a file with several pages."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pymupdf
import pytest

from airflow_provider_classify.engine.classify import Classifier
from airflow_provider_classify.engine.options import EngineOptions
from airflow_provider_classify.model.categories import Category
from tests.support import paper
from tests.support.packets import INVOICE_1, INVOICE_2, LETTER, RECEIPTS, SLIP, write_packet

NAMES = ("invoice", "letter", "receipt", "contract")
FAX_COVER = """FAX TRANSMITTAL SHEET

To: Ann Blue          From: Lenka Novak
Fax: 0113 496 0001    Pages including cover: 3
Urgent   For review   Please comment   Please reply"""


@pytest.fixture(scope="module")
def classifier() -> Classifier:
    return Classifier([Category(name) for name in NAMES], EngineOptions(max_pages="all"))


def documents(classifier: Classifier, path: Path) -> list[tuple[str, list[int]]]:
    listed = classifier.classify(path, name=path.name).extra["documents"]
    return [(found["category"], found["pages"]) for found in listed]


def packet(tmp_path: Path, *pages: str, sizes: Sequence[Any] = ()) -> Path:
    return write_packet(tmp_path / "packet.pdf", pages, sizes)


def other_invoice(text: str) -> str:
    return text.replace("20417", "31990").replace("88120", "71300").replace("ACME TOOLS LTD", "BERGMAN PAPER GMBH")


def test_an_invoice_of_two_pages_and_a_letter(classifier: Classifier, tmp_path: Path) -> None:
    path = packet(tmp_path, INVOICE_1, INVOICE_2, LETTER)
    assert documents(classifier, path) == [("invoice", [1, 2]), ("letter", [3])]


def test_two_invoices_of_two_pages(classifier: Classifier, tmp_path: Path) -> None:
    path = packet(tmp_path, INVOICE_1, INVOICE_2, other_invoice(INVOICE_1), other_invoice(INVOICE_2))
    assert documents(classifier, path) == [("invoice", [1, 2]), ("invoice", [3, 4])]


@pytest.mark.parametrize("sizes", [(), (SLIP, (226, 300), (226, 420))])
def test_three_receipts_are_three_documents(classifier: Classifier, tmp_path: Path, sizes: Sequence[Any]) -> None:
    path = packet(tmp_path, *RECEIPTS, sizes=sizes)
    assert documents(classifier, path) == [("receipt", [1]), ("receipt", [2]), ("receipt", [3])]


def test_blank_pages(classifier: Classifier, tmp_path: Path) -> None:
    """A blank page between documents belongs to none; one within a document belongs to it."""
    path = packet(tmp_path, "", LETTER, "", INVOICE_1, "", INVOICE_2, "")
    assert documents(classifier, path) == [("letter", [2]), ("invoice", [4, 5, 6])]


def test_a_fax_cover_is_a_document_of_its_own(classifier: Classifier, tmp_path: Path) -> None:
    result = classifier.classify(packet(tmp_path, FAX_COVER, INVOICE_1, INVOICE_2), name="fax.pdf")
    cover, invoice = result.extra["documents"]
    assert (cover["pages"], cover["cover"]) == ([1], True)
    assert (invoice["category"], invoice["pages"]) == ("invoice", [2, 3])
    assert "cover" not in invoice


def test_a_page_that_cannot_be_read_belongs_to_the_document_before_it(classifier: Classifier, tmp_path: Path) -> None:
    path = tmp_path / "frames.tiff"
    frames = [paper.picture(), paper.picture(paper.RECEIPT, size=(400, 900))]
    path.write_bytes(paper.encoded(frames[0], "TIFF", save_all=True, append_images=frames[1:]))
    whole = documents(classifier, path)
    assert whole == [("invoice", [1]), ("receipt", [2])]


def test_all_blank(classifier: Classifier, tmp_path: Path) -> None:
    assert documents(classifier, packet(tmp_path, "", "")) == []


def test_a_file_of_one_page_lists_none(classifier: Classifier, tmp_path: Path) -> None:
    assert "documents" not in classifier.classify(packet(tmp_path, LETTER), name="letter.pdf").extra


def test_text_is_one_document(classifier: Classifier, tmp_path: Path) -> None:
    path = tmp_path / "text.txt"
    path.write_text(f"{INVOICE_1}\f{INVOICE_2}")
    assert documents(classifier, path) == [("invoice", [1, 2])]


def test_the_answer_of_the_packet_stays(classifier: Classifier, tmp_path: Path) -> None:
    result = classifier.classify(packet(tmp_path, INVOICE_1, INVOICE_2, LETTER), name="packet.pdf")
    assert result.classification == "invoice"
    assert all(0 < found["confidence"] <= 1 for found in result.extra["documents"])
    assert result.without_text().extra["documents"] == result.extra["documents"]


def test_all_pages_and_only_the_first_ones(tmp_path: Path) -> None:
    path = packet(tmp_path, *[INVOICE_1.replace("Page 1 of 2", f"Page {n} of 7") for n in range(1, 8)])
    with pymupdf.open(path) as opened:
        assert opened.page_count == 7
    for max_pages, expected in ((2, 2), ("all", 7)):
        options = EngineOptions.from_json(EngineOptions(max_pages=max_pages).to_json())
        result = Classifier([Category("invoice"), Category("letter")], options).classify(path, name="long.pdf")
        assert result.total_pages == expected
        assert [len(found["pages"]) for found in result.extra["documents"]] == [expected]
