"""What the command line tells the service about reading and knowledge."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.support.command_service import serving
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
