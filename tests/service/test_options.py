"""What the command line tells the service about reading and knowledge."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.support.command_service import COMMAND, serving
from tests.support.sentence_model import write_sentence_model
from tests.support.waiting import wait_until

OWN = "keeper log:\n  description: The log of a lighthouse.\n  cues: {en: {decisive: lamp lit}}"


@pytest.fixture
def client(tmp_path: Path) -> Iterator[httpx.Client]:
    (tmp_path / "own.yaml").write_text(OWN)
    with serving(tmp_path / "data", "--max-pages", "6", "--document-types", str(tmp_path)) as client:
        yield client


def submit(client: httpx.Client, categories: object) -> httpx.Response:
    document = "\f".join(["Godrevy, lamp lit 19.40, wind west"] * 7).encode()
    return client.post("/classify", data={"categories": json.dumps(categories)}, files={"pdf_file": document})


def classified(client: httpx.Client, categories: object) -> dict[str, Any]:
    job_id = submit(client, categories).json()["job_id"]
    wait_until(lambda: client.get(f"/classify/{job_id}").json()["status"] == "completed")
    return client.get(f"/classify/{job_id}").json()["result"]


def test_pages_and_own_types_reach_the_engine(client: httpx.Client) -> None:
    result = classified(client, ["letter", "keeper logs"])
    assert (result["classification"], result["total_pages"]) == ("keeper logs", 6)
    assert result["categories"][0]["page_count"] == 6


def test_a_client_makes_it_read_no_files(client: httpx.Client, tmp_path: Path) -> None:
    reply = submit(client, ["letter", {"name": "zeta", "examples": [str(tmp_path / "own.yaml")]}])
    assert reply.status_code == 400
    assert "examples" in reply.json()["detail"]


def test_a_sentence_model_reaches_the_engine(tmp_path: Path) -> None:
    model = write_sentence_model(tmp_path / "model")
    with serving(tmp_path / "data", "--sentence-model", str(model)) as client:
        assert "sentence_model" in classified(client, ["letter", "zibble"])["engine"]
        assert "sentence_model" not in classified(client, ["letter", "invoice"])["engine"]


def test_results_are_kept_as_long_as_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CLASSIFY_API_KEY", raising=False)
    with serving(tmp_path / "data", "--keep-results", "0.00002") as client:
        job_id = submit(client, ["letter", "invoice"]).json()["job_id"]
        assert client.get(f"/classify/{job_id}").status_code == 200
        wait_until(lambda: client.get(f"/classify/{job_id}").status_code == 404)


@pytest.mark.parametrize("days", ["0", "-1", "week", "nan", "99999"])
def test_days_are_a_number(days: str) -> None:
    command = [COMMAND, "serve", "--keep-results", days]
    process = subprocess.run(command, capture_output=True, text=True)
    assert process.returncode == 2
    assert "not a number of days" in process.stderr


def test_a_database_of_the_environment_counts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CLASSIFY_DATABASE", "postgresql+psycopg://user:hunter2@127.0.0.1:9/jobs")
    command = [COMMAND, "serve", "--port", "0", "--data", str(tmp_path)]
    alone = subprocess.run(command, capture_output=True, text=True)
    assert (alone.returncode, "both --database and --documents" in alone.stderr) == (2, True)
    with_documents = [*command, "--documents", str(tmp_path / "documents")]
    away = subprocess.run(with_documents, capture_output=True, text=True)
    assert away.returncode == 2
    assert "127.0.0.1:9" in away.stderr
    assert "hunter2" not in away.stderr
