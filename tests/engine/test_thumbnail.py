"""The small picture of a first page."""

from __future__ import annotations

import base64
import io
from pathlib import Path

import pytest
from PIL import Image

from airflow_provider_classify.engine.options import EngineOptions
from airflow_provider_classify.engine.sandbox.pool import EngineProcess
from airflow_provider_classify.engine.thumbnail import LONGEST_SIDE, MAX_BYTES, thumbnail
from airflow_provider_classify.exceptions import DocumentCorrupt, DocumentEncrypted
from tests.support.documents import write_corrupt_pdf, write_pdf


def picture(data: bytes | None) -> Image.Image:
    assert data is not None
    return Image.open(io.BytesIO(data))


def test_a_page_is_drawn_in_its_proportions(tmp_path: Path) -> None:
    drawn = picture(thumbnail(write_pdf(tmp_path / "a.pdf"), name="a.pdf"))
    assert drawn.format == "JPEG"
    assert max(drawn.size) == LONGEST_SIDE
    assert drawn.width / drawn.height == pytest.approx(595 / 842, abs=0.01)
    assert min(drawn.convert("L").get_flattened_data()) < 100 < max(drawn.convert("L").get_flattened_data())


def test_a_photo_stays_small(tmp_path: Path) -> None:
    Image.effect_noise((3000, 2000), 90).save(tmp_path / "noise.png")
    data = thumbnail(tmp_path / "noise.png", name="noise.png")
    assert data is None or len(data) <= MAX_BYTES
    Image.radial_gradient("L").resize((3000, 2000)).convert("RGB").save(tmp_path / "photo.jpg")
    assert picture(thumbnail(tmp_path / "photo.jpg", name="photo.jpg")).size == (1000, 667)


def test_a_document_of_text_has_no_picture(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("Dear Mrs. Brown,\n\nthank you.\n")
    assert thumbnail(tmp_path / "a.txt", name="a.txt") is None


@pytest.mark.parametrize("kind", ["corrupt", "encrypted"])
def test_a_document_that_cannot_be_opened_is_named(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "a.pdf"
    write_corrupt_pdf(path) if kind == "corrupt" else write_pdf(path, password="x")
    with pytest.raises((DocumentCorrupt, DocumentEncrypted), match=r"a\.pdf"):
        thumbnail(path, name="a.pdf")


def test_a_child_process_draws_and_then_classifies(tmp_path: Path) -> None:
    path = write_pdf(tmp_path / "a.pdf")
    with EngineProcess(EngineOptions(threads=1)) as engine:
        data = engine.thumbnail(path, name="a.pdf")
        assert picture(base64.b64decode(data or "")).format == "JPEG"
        with pytest.raises(DocumentCorrupt):
            engine.thumbnail(write_corrupt_pdf(tmp_path / "b.pdf"), name="b.pdf")
