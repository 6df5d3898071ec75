"""Blank pages are shown as such, and do not count among the pages that are read."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from airflow_provider_classify.engine.page import Line, Page
from airflow_provider_classify.engine.reading import open_document
from airflow_provider_classify.engine.reading.opened_document import PageReading, ReadPage
from airflow_provider_classify.engine.reading.pages import READ_LIMIT, first_pages
from airflow_provider_classify.exceptions import DocumentCorrupt
from tests.support import paper
from tests.support.reading import read, text

LINE = Line("text", 10, 0, 0, 1, 0.1)


def readings(pages: str) -> list[PageReading]:
    """A page for each letter: b is blank, t has text."""
    return [
        ReadPage(Page(number, 600, 800, () if kind == "b" else (LINE,), "text_layer", is_blank=kind == "b"))
        for number, kind in enumerate(pages, 1)
    ]


def numbers(pages: Sequence[PageReading], max_pages: int) -> list[int]:
    found = []
    for page in first_pages(pages, max_pages):
        list(page.passes())
        found.append(page.number)
    return found


@pytest.mark.parametrize(
    ("pages", "max_pages", "expected"),
    [
        ("ttt", 2, [1, 2]),
        ("bbbbt", 4, [1, 2, 3, 4, 5]),
        ("btbtbt", 2, [1, 2, 3, 4]),
        ("b" * 20 + "t", 2, list(range(1, 2 * READ_LIMIT + 1))),
        ("", 4, []),
    ],
)
def test_blank_pages_do_not_count(pages: str, max_pages: int, expected: list[int]) -> None:
    assert numbers(readings(pages), max_pages) == expected


def test_page_that_is_not_read_counts() -> None:
    assert [page.number for page in first_pages(readings("bbb"), 2)] == [1, 2]


def test_page_that_cannot_be_read_counts() -> None:
    class Broken:
        number = 1

        def passes(self) -> Iterator[Page]:
            raise DocumentCorrupt("broken")

    pages = first_pages([Broken(), *readings("tt")], 2)
    with pytest.raises(DocumentCorrupt):
        list(next(pages).passes())
    assert [page.number for page in pages] == [1]


def test_invoice_behind_four_blank_pages(tmp_path: Path) -> None:
    pages = read(paper.pdf("", "", "", "", "The invoice is on the fifth page of this file."), tmp_path, max_pages=4)
    assert [page.is_blank for page in pages] == [True, True, True, True, False]
    assert text(pages[-1]) == "The invoice is on the fifth page of this file."


def test_blank_frames_of_an_image(tmp_path: Path) -> None:
    blank = paper.picture([])
    data = paper.encoded(blank, "TIFF", save_all=True, append_images=[blank, paper.picture()])
    (tmp_path / "data").write_bytes(data)
    with open_document(tmp_path / "data", name="fax.tiff", max_pages=1, threads=1) as document:
        assert [list(page.passes())[-1].is_blank for page in document.pages] == [True, True, False]


def test_page_with_text_or_ink_is_not_blank(tmp_path: Path) -> None:
    assert not read(paper.pdf("x"), tmp_path)[0].is_blank
    assert not read(paper.scanned_pdf(paper.picture()), tmp_path)[0].is_blank
