from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from airflow_provider_classify.engine.categories.sentence_model import SentenceModel
from airflow_provider_classify.exceptions import ExtraNotInstalled, SentenceModelNotUsable
from airflow_provider_classify.local.model_hub import find_sentence_model
from tests.support.hub import model_hub
from tests.support.sentence_model import write_sentence_model

pytest.importorskip("model2vec", reason="model2vec is not installed; it comes with the extra 'sentences'")

#: The hub is another process's, since its library reads the environment once.
FIND = (
    "import sys; from airflow_provider_classify.local.model_hub import find_sentence_model as f; print(f(sys.argv[1]))"
)


def find(model: str, cache: Path, hub: str = "http://127.0.0.1:9") -> subprocess.CompletedProcess[str]:
    """As in a new process; without a ``hub``, all connections are refused."""
    environment = os.environ | {"HF_HOME": str(cache), "HF_HUB_CACHE": str(cache / "hub"), "HF_ENDPOINT": hub}
    return subprocess.run([sys.executable, "-c", FIND, model], env=environment, capture_output=True, text=True)


def test_a_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    (tmp_path / "own" / "model").mkdir(parents=True)
    assert {find_sentence_model(model) for model in ("own/model", "~/own/model", str(tmp_path / "own/model"))} == {
        tmp_path / "own" / "model"
    }


@pytest.mark.parametrize("model", ["/none", "none", "./own/model/x"])
def test_neither_a_folder_nor_a_name(model: str) -> None:
    with pytest.raises(
        SentenceModelNotUsable, match=rf"'{model}' that \[classify\] sentence_model or --sentence-model"
    ):
        find_sentence_model(model)


def test_a_name_is_fetched_once(tmp_path: Path) -> None:
    model = write_sentence_model(tmp_path / "model")
    with model_hub("own/model", model) as (hub, asked):
        folder = Path(find("own/model", tmp_path / "cache", hub).stdout.strip())
        assert SentenceModel(folder).version == SentenceModel(model).version
        assert not (folder / "README.md").exists()
        before = len(asked)
        assert Path(find("own/model", tmp_path / "cache", hub).stdout.strip()) == folder
        assert len(asked) == before > 0
        (folder / "model.safetensors").unlink()  # as if the fetch had been cut off
        find("own/model", tmp_path / "cache", hub)
        assert (folder / "model.safetensors").exists()
    assert Path(find("own/model", tmp_path / "cache").stdout.strip()) == folder


def test_a_name_that_cannot_be_fetched(tmp_path: Path) -> None:
    done = find("own/model", tmp_path)
    assert done.returncode
    assert "'own/model' that [classify] sentence_model or --sentence-model names is not a folder" in done.stderr


def test_without_the_library(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "model2vec", None)
    with pytest.raises(ExtraNotInstalled, match=r"airflow-provider-classify\[sentences\]"):
        find_sentence_model(str(tmp_path))
