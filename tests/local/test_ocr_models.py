"""Downloading OCR models, from a server of the test."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

from airflow_provider_classify.engine.ocr.script_models import MODEL_NAMES, models_in
from airflow_provider_classify.exceptions import OcrModelNotFetched
from airflow_provider_classify.local.ocr_models import fetch_ocr_models, listed_models

CONTENT = b"a model"


class _QuietHandler(SimpleHTTPRequestHandler):
    def log_message(self, *args: Any) -> None:
        pass


@pytest.fixture
def url(tmp_path: Path) -> Iterator[str]:
    served = tmp_path / "served"
    served.mkdir()
    (served / "model.onnx").write_bytes(CONTENT)
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(_QuietHandler, directory=str(served))) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/model.onnx"
        server.shutdown()


def _listed(url: str, digest: str = hashlib.sha256(CONTENT).hexdigest()) -> dict[str, dict[str, str]]:
    return {name: {"model_dir": url, "SHA256": digest} for name in MODEL_NAMES.values()}


def test_models_are_downloaded_once(url: str, tmp_path: Path) -> None:
    folder = tmp_path / "models"
    (file,) = fetch_ocr_models(folder, ["Korean"], _listed(url))
    assert file.read_bytes() == CONTENT
    assert models_in(folder) == {"Korean": file}
    # The second time, nothing is downloaded: no server has this address.
    assert list(fetch_ocr_models(folder, ["Korean"], _listed("http://127.0.0.1:9/model.onnx"))) == [file]


def test_without_names_all_models_are_downloaded(url: str, tmp_path: Path) -> None:
    assert len(list(fetch_ocr_models(tmp_path / "models", models=_listed(url)))) == len(MODEL_NAMES)


def test_another_file_is_refused(url: str, tmp_path: Path) -> None:
    with pytest.raises(OcrModelNotFetched, match="is not the OCR model"):
        list(fetch_ocr_models(tmp_path / "models", ["Thai"], _listed(url, "0" * 64)))


def test_a_server_without_the_model(url: str, tmp_path: Path) -> None:
    with pytest.raises(OcrModelNotFetched, match="could not be downloaded"):
        list(fetch_ocr_models(tmp_path / "models", ["Thai"], _listed(url + ".missing")))


def test_an_unknown_script(tmp_path: Path) -> None:
    with pytest.raises(OcrModelNotFetched, match=r"'Runes'; name some of Arabic"):
        list(fetch_ocr_models(tmp_path, ["Runes"]))


def test_rapidocr_lists_each_model() -> None:
    models = listed_models()
    assert all(models[name]["model_dir"].startswith("https://") for name in MODEL_NAMES.values())
    assert all(len(models[name]["SHA256"]) == 64 for name in MODEL_NAMES.values())
