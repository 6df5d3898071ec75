"""Rendering: the pixels of Page.get_pixmap, without the abort of MuPDF's display list on damaged pages."""

from __future__ import annotations

import multiprocessing
from pathlib import Path

import pymupdf
import pytest

from airflow_provider_classify.engine.reading.rendering import render

CONTENT = b"/P<</MCID 5>>BDC /P<</MCID 6>>BDC"
OBJECTS = [
    b"<</Type/Catalog/Pages 2 0 R/StructTreeRoot 5 0 R>>",
    b"<</Type/Pages/Kids[3 0 R]/Count 1>>",
    b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 595 842]/StructParents 0/Contents 4 0 R>>",
    b"<</Length %d>>stream\n" % len(CONTENT) + CONTENT + b"\nendstream",
    b"<</Type/StructTreeRoot/ParentTree 6 0 R>>",
    b"<</Nums[0[3 7 0 R 8 0 R]]>>",
    b"<</K[5]>>",
    b"<</K[6]>>",
]


def tagged_and_damaged() -> bytes:
    """Return a PDF with tags that its structure tree does not list: MuPDF 1.28.2 frees memory twice to record it."""
    body = b"%PDF-1.7\n" + b"".join(
        b"%d 0 obj\n" % number + content + b"\nendobj\n" for number, content in enumerate(OBJECTS, 1)
    )
    return body + b"trailer\n<</Size %d/Root 1 0 R>>\n%%%%EOF\n" % (len(OBJECTS) + 1)


def _render_first_page(data: bytes) -> None:
    [page] = pymupdf.open(stream=data, filetype="pdf")
    assert render(page, page.rect, 1, 1).width == 595


def exit_code(function, data: bytes) -> int | None:
    process = multiprocessing.get_context("spawn").Process(target=function, args=(data,))
    process.start()
    process.join(60)
    return process.exitcode


def test_a_damaged_structure_tree_does_not_abort_the_process():
    assert exit_code(_render_first_page, tagged_and_damaged()) == 0


@pytest.mark.parametrize("rotation", [0, 90, 270])
def test_the_pixels_are_those_of_pymupdf(samples: Path, rotation: int):
    for name in ("invoice.pdf", "contract.pdf", "letter.pdf"):
        page = pymupdf.open(samples / name)[0]
        page.set_rotation(rotation)
        rect = page.rect
        part = pymupdf.Rect(rect.x0, rect.y0 + rect.height / 3, rect.x0 + rect.width / 2, rect.y1)
        for clip, zoom in ((rect, 1.5), (part, 2.0)):
            expected = page.get_pixmap(matrix=pymupdf.Matrix(zoom, zoom), clip=clip, alpha=False)
            pixels = render(page, clip, zoom, zoom)
            assert (pixels.width, pixels.height, pixels.n) == (expected.width, expected.height, expected.n)
            assert pixels.samples == expected.samples
