"""Recognition models for other scripts: read from a folder, and used only for their script."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pymupdf
import pytest

from airflow_provider_classify.engine.ocr.models import RECOGNITION, model_path
from airflow_provider_classify.engine.ocr.page_image import Pixels
from airflow_provider_classify.engine.ocr.recognise_line import LINE_HEIGHT
from airflow_provider_classify.engine.ocr.script_models import ScriptModels, in_order_of_reading, models_in
from airflow_provider_classify.engine.ocr.scripts import Script

HAN = Script("Han", "\u4e00-\u9fff", ())
NAMES = {"Han": "han"}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with a model. It is the package's own model, because it knows a script that can be drawn here."""
    folder = tmp_path_factory.mktemp("models")
    shutil.copy(model_path(RECOGNITION), folder / "han.onnx")
    return folder


def line(text: str) -> Pixels:
    """Return the picture of a line, upright and as high as the models need."""
    with pymupdf.open() as document:
        page = document.new_page(width=len(text) * 34 + 20, height=LINE_HEIGHT)
        page.insert_htmlbox((8, 0, page.rect.width, LINE_HEIGHT), f'<span style="font-size:30px">{text}</span>')
        pixels = page.get_pixmap()
    return np.frombuffer(pixels.samples, np.uint8).reshape(pixels.height, pixels.width, 3)


def test_lines_in_the_script_of_a_model_are_read(folder: Path) -> None:
    texts = ScriptModels(folder, threads=1, scripts=[HAN], names=NAMES).read(
        [line("租赁合同"), None, line("甲方和乙方")]
    )
    assert texts is not None
    assert [text.text for text in texts] == ["租赁合同", "", "甲方和乙方"]
    assert texts[0].probability > 0.8


def test_lines_in_another_script_are_not_read(folder: Path) -> None:
    assert ScriptModels(folder, threads=1, scripts=[HAN], names=NAMES).read([line("Rental agreement")]) is None


def test_a_folder_without_models_reads_nothing(tmp_path: Path) -> None:
    assert ScriptModels(tmp_path, threads=1).read([line("Rental agreement")]) is None
    assert models_in(tmp_path) == {}


@pytest.mark.parametrize(
    ("as_it_stands", "as_it_is_read"),
    [("بكر", "ركب"), ("123 بكر", "ركب 123"), ("Example Ltd بكر", "ركب Example Ltd"), ("", "")],
)
def test_text_from_right_to_left(as_it_stands: str, as_it_is_read: str) -> None:
    assert in_order_of_reading(as_it_stands) == as_it_is_read
