from __future__ import annotations

from pathlib import Path

import pytest

from airflow_provider_classify.engine.options import EngineOptions


@pytest.mark.parametrize(
    "options",
    [
        EngineOptions(),
        EngineOptions(
            seconds=0.5,
            memory_mb=300,
            threads=3,
            max_pages=7,
            document_types=Path("/types"),
            sentence_model=Path("/model"),
            ocr="never",
            attachments="classify",
        ),
    ],
)
def test_json_keeps_all_options(options: EngineOptions) -> None:
    assert EngineOptions.from_json(options.to_json()) == options


def test_json_makes_folders_absolute(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    text = EngineOptions(document_types=Path("types"), sentence_model=Path("model")).to_json()
    read = EngineOptions.from_json(text)
    assert (read.document_types, read.sentence_model) == (tmp_path / "types", tmp_path / "model")
