"""The lines of a text layer whose boxes contain only their own text."""

from __future__ import annotations

import pymupdf
import pytest

from airflow_provider_classify.engine.reading.text_layer import TextLayer, read_text_layer

ANGLE = 20.0


def layer(*words: tuple[str, float, float, float]) -> TextLayer:
    """Return the text layer of a page with these words, each with its place and its angle in degrees."""
    with pymupdf.open() as document:
        page = document.new_page()
        for word, x, y, angle in words:
            start = pymupdf.Point(x, y)
            page.insert_text(start, word, fontsize=12, morph=(start, pymupdf.Matrix(angle)))
        return read_text_layer(page, 1)


@pytest.mark.parametrize("order", [1, -1], ids=["slanted first", "slanted last"])
def test_an_upright_line_with_the_text_of_a_slanted_one_is_covering(order: int) -> None:
    found = layer(*[("Copy", 100.0, 400.0, ANGLE), ("Copy", 100.0, 100.0, 0.0)][::order])
    assert [line.text for line in found.page.lines] == ["Copy", "Copy"]
    assert [(line.text, line.y0 < 0.2) for line in found.covering] == [("Copy", True)]


def test_a_slanted_line_in_pieces_is_not_covering() -> None:
    found = layer(("No", 100.0, 400.0, ANGLE), ("copy", 119.0, 396.0, ANGLE), ("Upright", 100.0, 100.0, 0.0))
    assert [line.text for line in found.page.lines] == ["No copy", "Upright"]
    assert [line.text for line in found.covering] == ["Upright"]
