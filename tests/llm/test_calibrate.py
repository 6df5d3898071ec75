from __future__ import annotations

import csv
import json
import random
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from airflow_provider_classify.documents.labelled_folder import read_labels
from airflow_provider_classify.exceptions import CalibrationNotUsable, DocumentNotFound, InvalidDocument
from airflow_provider_classify.hooks.classify import ClassifyHook
from airflow_provider_classify.llm.calibrate import Trial, calibration_error, cross_error
from airflow_provider_classify.llm.calibration import Calibration
from tests.support.chat_server import ChatReply, ChatRequest, ChatServer, chat_server, says
from tests.support.command_line import run


def overconfident(request: ChatRequest) -> ChatReply:
    """State the confidence that the document names, and answer "letter", which is right less often."""
    found = re.search(r"certainty 0\.(\d+)", request.text)
    assert found
    return says("letter", confidence=float(f"0.{found[1]}"))


@pytest.fixture
def labelled(tmp_path: Path) -> Path:
    """60 documents: of those about which the model states 0.95, two thirds are letters; of the others, one third."""
    folder = tmp_path / "labelled"
    for category in ("letter", "memo"):
        (folder / category).mkdir(parents=True)
    for number in range(60):
        confidence, is_letter = (0.95, number % 3 != 0) if number % 2 else (0.6, number % 3 == 0)
        category = "letter" if is_letter else "memo"
        text = f"Document number {number} of the archive, with a certainty {confidence} of the model."
        (folder / category / f"{number}.txt").write_text(text)
    return folder


@pytest.fixture
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[ChatServer]:
    with chat_server(overconfident) as server:
        server.connect(monkeypatch)
        monkeypatch.setenv("AIRFLOW__CLASSIFY__JOBS_URL", f"sqlite:///{tmp_path}/jobs.db")
        yield server


def calibrate(folder: Path, to: Path, conn_id: str = "model") -> subprocess.CompletedProcess[str]:
    return run("calibrate", folder, "--conn-id", conn_id, "--to", to)


def test_the_command_fits_a_calibration_that_the_connection_uses(
    server: ChatServer, labelled: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    to = tmp_path / "calibration.json"
    done = calibrate(labelled, to)
    assert done.returncode == 0, done.stderr
    assert "60 answers of openai:stand-in-1" in done.stdout
    assert "stated: 60 answers, 50.0% right" in done.stdout
    curve = Calibration.load(to).curves["stated"]
    assert curve.confidences == pytest.approx((0.6, 0.95))
    assert curve.shares == pytest.approx((11 / 32, 21 / 32))

    server.connect(monkeypatch, calibration=str(to))
    document = labelled / "letter" / "1.txt"
    result = ClassifyHook("model").classify(str(document), ["letter", "memo"])
    assert (result["confidence"], result["uncalibrated_confidence"]) == (0.6562, 0.95)


def test_a_second_run_pays_only_for_new_documents(server: ChatServer, labelled: Path, tmp_path: Path) -> None:
    assert calibrate(labelled, tmp_path / "first.json").returncode == 0
    (labelled / "letter" / "new.txt").write_text("Another document, with a certainty 0.7 of the model.")
    assert calibrate(labelled, tmp_path / "second.json").returncode == 0
    assert len(server.requests) == 61


def test_what_cannot_be_calibrated_is_said(
    server: ChatServer, labelled: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AIRFLOW_CONN_ENGINE", json.dumps({"conn_type": "classify", "extra": {"backend": "local"}}))
    for path in sorted(labelled.glob("*/*"))[15:]:
        path.unlink()
    for conn_id, said in (("engine", "not one to a language model"), ("model", "needs at least 20")):
        done = calibrate(labelled, tmp_path / "c.json", conn_id)
        assert (done.returncode, said in done.stderr) == (2, True), done.stderr
    assert not (tmp_path / "c.json").exists()


def test_a_trial_without_answers_has_no_calibration() -> None:
    with pytest.raises(CalibrationNotUsable):
        Trial("m").calibration()


def test_the_error_is_zero_for_confidences_that_mean_what_they_say() -> None:
    honest = [(0.75, number % 4 != 0) for number in range(100)]
    assert calibration_error(honest) == pytest.approx(0)
    assert calibration_error([(1.0, False)] * 10) == pytest.approx(1)


def test_the_error_after_a_calibration_is_measured_on_other_answers() -> None:
    chance = random.Random(1)
    found = [(confidence, chance.random() < confidence / 2) for confidence in (chance.random() for _ in range(500))]
    assert cross_error(found) < calibration_error(found) / 2


def test_labels_are_read_from_a_file_or_from_folders(labelled: Path, tmp_path: Path) -> None:
    found = read_labels(labelled)
    assert found[str(labelled / "letter" / "1.txt")] == "letter"
    with (tmp_path / "labels.csv").open("w", newline="") as file:
        csv.writer(file).writerows([("path", "category", "more"), ("a/b.pdf", "memo", "x")])
    assert read_labels(tmp_path) == {str(tmp_path / "a/b.pdf"): "memo"}
    (tmp_path / "labels.csv").write_text("file,category\na.pdf,memo\n")
    with pytest.raises(InvalidDocument, match="path and category"):
        read_labels(tmp_path)
    (tmp_path / "empty").mkdir()
    with pytest.raises(InvalidDocument, match="no labelled documents"):
        read_labels(tmp_path / "empty")
    with pytest.raises(DocumentNotFound):
        read_labels(tmp_path / "none")
