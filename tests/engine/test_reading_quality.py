"""Text layers that are worth reading, and those that are not."""

from __future__ import annotations

from pathlib import Path

import pymupdf
import pytest

from airflow_provider_classify.engine.reading.quality import is_legible
from tests.support.pages import page_of
from tests.support.reading import read


@pytest.mark.parametrize(
    "text",
    [
        "Dear Ann, the 3 rooms cost €1,200.50 (net), don't they? Yours, Ben",
        "Técnico-comercial: «Año 2020», 12/05, n'est-ce pas?",
        "Стороны договорились о цене 12%",
    ],
)
def test_words_and_numbers_are_legible(text: str) -> None:
    assert is_legible(page_of(text))


def test_what_bad_recognition_leaves_is_not() -> None:
    assert not is_legible(page_of(".1/1.e_atinc24451a.y, 0-e-el-k- .A.:01.6e.e. tet:A•44 WI.GL,41.44-gta*Air. ciA#"))


def test_words_that_a_file_places_one_by_one_become_lines(tmp_path: Path) -> None:
    with pymupdf.open() as document:
        page = document.new_page()
        x = 72.0
        for word in ("Statement", "of", "account", "for", "May", "and", "June", "of", "this", "year"):
            page.insert_text((x, 100), word)
            x += pymupdf.get_text_length(word) + 3
        page.insert_text((450, 100), "1,204.50")
        content = document.tobytes()
    (read_page,) = read(content, tmp_path)
    assert [line.text for line in read_page.lines] == [
        "Statement of account for May and June of this year",
        "1,204.50",
    ]
    (statement, amount) = read_page.lines
    assert statement.x1 < amount.x0
