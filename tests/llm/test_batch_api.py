"""A batch over the batch API of the model's provider: a server on loopback that speaks OpenAI's."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from airflow.providers.common.compat.sdk import AirflowFailException

from airflow_provider_classify.exceptions import ApiUnavailable, JobTimedOut
from airflow_provider_classify.llm.request_retrier import RequestRetrier
from airflow_provider_classify.operators.batch import ClassifyBatchOperator
from tests.support.chat_server import ChatReply, ChatRequest, Fails, Says, says
from tests.support.context import context
from tests.support.documents import write_corrupt_pdf, write_picture
from tests.support.vendor_batches import BatchServer, batch_server


class Model:
    def __init__(self) -> None:
        self.replies: dict[str, ChatReply] = {}

    def __call__(self, request: ChatRequest) -> ChatReply:
        if request.pages:
            pages = [{"page": number, "category": "letter", "confidence": 0.6} for number in request.pages]
            return says("letter", pages=pages)
        return next((reply for words, reply in self.replies.items() if words in request.text), says("letter"))


@pytest.fixture
def model() -> Model:
    return Model()


@pytest.fixture
def server(model: Model, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[BatchServer]:
    with batch_server(model, looks=2) as server, server.connected(monkeypatch, tmp_path, batch_api=True):
        yield server


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "in"
    folder.mkdir()
    for number in range(6):
        (folder / f"{number}.txt").write_text(f"Dear Ann,\n\nthank you for the letter number {number}.\n\nYours\nJohn")
    return folder


def run(folder: Path, try_number: int = 1, **arguments: Any) -> Any:
    operator = ClassifyBatchOperator(
        task_id="t",
        documents=str(folder),
        categories=["invoice", "letter"],
        classify_conn_id="model",
        output=str(folder.with_name("out.jsonl")),
        **arguments,
    )
    backend: Any = operator.hook.backend
    backend.retrier = RequestRetrier(sleep=lambda seconds: None)
    return operator.execute(context(try_number))


def rows(folder: Path) -> dict[str, Any]:
    lines = folder.with_name("out.jsonl").read_text().splitlines()
    return {Path(row["document"]).name: row for row in map(json.loads, lines)}


def test_documents_of_text_go_through_the_batch_api(server: BatchServer, folder: Path) -> None:
    (folder / "pages.txt").write_text("Dear Ann,\nthis is the first page.\fAnd this is the second page of the letter.")
    write_picture(folder / "scan.png")
    write_corrupt_pdf(folder / "bad.pdf")
    manifest = run(folder, max_failed=1)
    assert (manifest["classified"], manifest["failed"]) == (8, 1)
    assert manifest["usage"] == {"requests": 8, "input_tokens": 960, "output_tokens": 240}
    assert [len(request.pictures) for request in server.requests] == [1], "only the scan was asked about directly"
    assert len(server.batched) == 7
    assert len(server.batches) == 2, "one for documents of one page, and one for those of two"
    found = rows(folder)
    assert found["pages.txt"]["page_results"][1]["confidence"] == 0.6
    assert found["0.txt"]["confidence_source"] == "stated"
    assert found["0.txt"]["engine"]["version"] == "stand-in-1-2026-01-01"
    for request in server.batched:
        assert request.options == ["invoice", "letter", "none of these"]
        assert "Ann" not in request.instructions


def test_what_a_batch_did_not_answer_is_asked_about_directly(server: BatchServer, model: Model, folder: Path) -> None:
    wrong = {"number 1": Says("What?"), "number 2": Fails(400, {"message": "no"})}
    server._answer = lambda request: says("letter") if server.batches else Model.__call__(model, request)
    model.replies = wrong
    assert run(folder)["classified"] == 6
    assert len(server.requests) == 2


def test_a_retry_waits_for_the_batch_that_was_submitted(server: BatchServer, folder: Path) -> None:
    server.looks = 10**6
    with pytest.raises(JobTimedOut, match="batch_0"):
        run(folder, timeout=0.001)
    server.looks = 0
    assert run(folder, 2)["classified"] == 6
    assert (len(server.batches), len(server.requests)) == (1, 0)
    assert not list(folder.parent.glob("out.jsonl.parts/*")), "the files of the batch are deleted"


def test_a_batch_whose_id_was_lost_is_found_again(server: BatchServer, folder: Path) -> None:
    server.lose_replies = True
    with pytest.raises(ApiUnavailable):
        run(folder)
    created = len(server.batches)
    server.lose_replies = False
    assert run(folder, 2)["classified"] == 6
    assert len(server.batches) == created
    assert server.requests == []


def test_a_batch_that_never_arrived_is_submitted_again(server: BatchServer, folder: Path) -> None:
    server.lose_replies = True
    with pytest.raises(ApiUnavailable):
        run(folder)
    server.lose_replies = False
    server.batches.clear()
    assert run(folder, 2)["classified"] == 6
    assert len(server.batches) == 1


def test_a_batch_that_expired_is_submitted_again_by_the_next_try(
    server: BatchServer, model: Model, folder: Path
) -> None:
    expired = Fails(500, {"code": "batch_expired"})
    model.replies = {"number": expired}
    server.status = "expired"
    create = server._create

    def create_expired(body: dict[str, Any]) -> Any:
        batch = create(body)
        lines = [json.loads(line) for line in server._files[f"{batch.id}-error"].splitlines()]
        expired_lines = [
            {"custom_id": line["custom_id"], "response": None, "error": {"code": "batch_expired", "message": "late"}}
            for line in lines
        ]
        server._files[f"{batch.id}-error"] = b"".join(json.dumps(line).encode() + b"\n" for line in expired_lines)
        return batch

    server._create = create_expired  # type: ignore[method-assign]
    with pytest.raises(AirflowFailException, match="6 of 6 documents were not classified"):
        run(folder)
    assert server.requests == [], "a whole batch is not asked about at the full price"
    model.replies, server.status = {}, "completed"
    assert run(folder, 2)["classified"] == 6
    assert len(server.batches) == 2


def test_a_batch_that_the_provider_rejects_is_an_error(server: BatchServer, folder: Path) -> None:
    server.status = "failed"
    with pytest.raises(AirflowFailException, match="rejected the batch batch_0"):
        run(folder)


def test_a_provider_without_a_batch_api_is_an_error_of_the_connection(
    server: BatchServer, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in server.environment(model="ollama:stand-in-1", batch_api=True).items():
        monkeypatch.setenv(name, value)
    with pytest.raises(AirflowFailException, match="has no batch API"):
        run(folder)
