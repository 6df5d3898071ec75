"""The operators with a language model behind them: a server on loopback, and the tries of a task."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from airflow.providers.common.compat.sdk import AirflowFailException

from airflow_provider_classify.exceptions import ApiUnavailable, BudgetUsedUp, InvalidReply
from airflow_provider_classify.operators.batch import ClassifyBatchOperator
from airflow_provider_classify.operators.classify import ClassifyOperator
from airflow_provider_classify.sensors.classify import ClassifySensor
from tests.support.chat_server import ChatReply, ChatRequest, ChatServer, Fails, Says, chat_server, says
from tests.support.context import context
from tests.support.documents import write_corrupt_pdf, write_pdf
from tests.support.task_state import TaskState

CATEGORIES = ["invoice", "letter"]


class Model:
    """Answers by the text of a document. ``fails`` decides whether a request fails instead."""

    def __init__(self) -> None:
        self.fails: Callable[[ChatRequest], ChatReply | None] = lambda request: None
        self.probability: float | None = None
        self._lock = threading.Lock()

    def __call__(self, request: ChatRequest) -> ChatReply:
        with self._lock:
            if (reply := self.fails(request)) is not None:
                return reply
        return says("letter" if "Dear" in request.text else "invoice", probability=self.probability)


@pytest.fixture
def model() -> Model:
    return Model()


@pytest.fixture
def server(model: Model, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[ChatServer]:
    with chat_server(model) as server, server.connected(monkeypatch, tmp_path):
        yield server


@pytest.fixture
def document(tmp_path: Path) -> str:
    return str(write_pdf(tmp_path / "a.pdf"))


def letters(folder: Path, count: int) -> Path:
    folder.mkdir()
    for number in range(count):
        text = f"Dear Mrs. Brown,\n\nthank you for your letter number {number}, which came today.\n\nYours\nJohn"
        (folder / f"{number:02d}.txt").write_text(text)
    return folder


def run_context(store: TaskState | None = None, try_number: int = 1) -> dict[str, Any]:
    return context(try_number) | ({} if store is None else {"task_state_store": store})


def operator(document: str, **arguments: Any) -> ClassifyOperator:
    arguments = {"classify_conn_id": "model"} | arguments
    return ClassifyOperator(task_id="t", document=document, categories=CATEGORIES, **arguments)


def test_the_result_goes_to_xcom_and_a_sensor_finds_the_job(server: ChatServer, document: str) -> None:
    given = context()
    value = operator(document, deferrable=True).execute(given)  # the job has ended, so nothing is deferred
    assert isinstance(value, dict)
    assert (value["classification"], value["job_id"]) == ("invoice", given["ti"].xcom["job_id"])
    assert value["reasoning"] == "It has the form of one."
    sensor = ClassifySensor(task_id="s", job_id=value["job_id"], classify_conn_id="model")
    assert sensor.execute(context())["classification"] == "invoice"
    assert len(server.requests) == 1


def test_the_page_in_the_ui_gets_a_picture_of_the_document(server: ChatServer, document: str) -> None:
    given = context()
    operator(document).execute(given)
    assert given["ti"].xcom["thumbnail"]


def test_without_evidence_xcom_has_no_reasoning(server: ChatServer, document: str) -> None:
    value = operator(document, evidence=False).execute(context())
    assert isinstance(value, dict)
    assert "reasoning" not in value
    assert value["usage"]["input_tokens"] == 120


def test_a_retry_does_not_pay_for_a_document_that_has_its_answer(server: ChatServer, document: str) -> None:
    store = TaskState()
    first = operator(document).execute(run_context(store))
    assert operator(document).execute(run_context(store, 2)) == first
    assert len(server.requests) == 1


def test_a_retry_of_an_older_airflow_does_not_pay_either(server: ChatServer, document: str) -> None:
    """Its tasks have no state, but the key of a submit is the same in all tries."""
    first = operator(document).execute(run_context())
    assert operator(document).execute(run_context(None, 2)) == first
    assert len(server.requests) == 1


def test_a_worker_that_is_killed_before_it_keeps_the_job_id_does_not_pay_again(
    server: ChatServer, document: str
) -> None:
    class Killed(BaseException):
        pass

    class StateOfKilled(TaskState):
        def set(self, key: str, value: Any) -> None:
            if value["job_id"] is not None:
                raise Killed
            super().set(key, value)

    store = StateOfKilled()
    with pytest.raises(Killed):
        operator(document).execute(run_context(store))
    value = operator(document).execute(run_context(TaskState(store), 2))
    assert isinstance(value, dict)
    assert value["classification"] == "invoice"
    assert len(server.requests) == 1


def test_a_retry_after_a_failure_asks_again(server: ChatServer, model: Model, document: str) -> None:
    model.fails = lambda request: Fails(500, {"message": "oops"}) if len(server.requests) < 2 else None
    store = TaskState()
    with pytest.raises(ApiUnavailable):
        impatient(operator(document)).execute(run_context(store))
    value = operator(document).execute(run_context(store, 2))
    assert isinstance(value, dict)
    assert value["classification"] == "invoice"
    assert operator(document).execute(run_context(store, 3)) == value
    assert len(server.requests) == 2


def impatient(operator: Any) -> Any:
    """Return the operator, which sends no request twice, so that a test need not wait."""
    operator.hook.backend.retrier.give_up()
    return operator


# --- batches ----------------------------------------------------------------------------------


def batch(folder: Path, output: Path | None = None, **arguments: Any) -> ClassifyBatchOperator:
    arguments = {"classify_conn_id": "model", "output": None if output is None else str(output)} | arguments
    return ClassifyBatchOperator(task_id="t", documents=str(folder), categories=CATEGORIES, **arguments)


def test_a_batch_sums_what_its_answers_used(server: ChatServer, tmp_path: Path) -> None:
    folder = letters(tmp_path / "in", 5)
    write_pdf(folder / "invoice.pdf")
    write_corrupt_pdf(folder / "bad.pdf")
    manifest = batch(folder, tmp_path / "out.jsonl", max_failed=1, deferrable=True).execute(context())
    assert manifest["categories"] == {"letter": 5, "invoice": 1}
    assert manifest["failed"] == 1
    assert manifest["usage"] == {"requests": 6, "input_tokens": 720, "output_tokens": 180}
    rows = [json.loads(line) for line in (tmp_path / "out.jsonl").read_text().splitlines()]
    assert all(row["confidence_source"] == "stated" and row["job_id"] for row in rows if "error" not in row)
    assert len(server.requests) == 6


def test_results_of_an_earlier_output_are_reused_and_cost_nothing(server: ChatServer, tmp_path: Path) -> None:
    folder = letters(tmp_path / "in", 3)
    batch(folder, tmp_path / "first.jsonl").execute(context())
    (folder / "new.txt").write_text("Dear Ann,\n\nthis is another letter, and it is new.\n\nYours\nJohn")
    given = context()
    given["ti"].run_id = "the next day"
    manifest = batch(folder, tmp_path / "second.jsonl", previous=str(tmp_path / "first.jsonl")).execute(given)
    assert (manifest["documents"], manifest["reused"]) == (4, 3)
    assert manifest["usage"]["requests"] == 1
    assert len(server.requests) == 4


def test_a_retry_of_a_batch_pays_only_for_what_has_no_answer(server: ChatServer, model: Model, tmp_path: Path) -> None:
    folder, output = letters(tmp_path / "in", 40), tmp_path / "out.jsonl"
    model.fails = lambda request: Fails(503, {"message": "down"}) if len(server.requests) > 25 else None
    with pytest.raises(ApiUnavailable):
        impatient(batch(folder, output)).execute(context())
    answered = len(server.requests) - sum(1 for _ in server.requests[25:])
    assert answered == 25
    sent = len(server.requests)
    model.fails = lambda request: None
    manifest = batch(folder, output).execute(context(2))
    assert manifest["classified"] == 40
    assert len(server.requests) - sent == 40 - answered


def test_a_batch_whose_record_was_lost_does_not_pay_again(server: ChatServer, tmp_path: Path) -> None:
    """A killed task can lose the last second of the batch's record. The record of jobs has those answers."""
    folder = letters(tmp_path / "in", 5)
    for _ in range(2):
        assert len(batch(folder).execute(context())) == 5
    assert len(server.requests) == 5


def test_a_document_without_a_valid_answer_fails_alone(server: ChatServer, model: Model, tmp_path: Path) -> None:
    folder = letters(tmp_path / "in", 4)
    model.fails = lambda request: Says("What?") if "number 2," in request.text else None
    rows = batch(folder, max_failed=1).execute(context())
    assert [row.get("error_kind") for row in rows] == [None, None, InvalidReply.__name__, None]
    assert len(server.requests) == 5


def test_a_429_does_not_fail_a_batch(server: ChatServer, model: Model, tmp_path: Path) -> None:
    folder, limited = letters(tmp_path / "in", 12), []

    def limit_some(request: ChatRequest) -> ChatReply | None:
        if len(limited) < 3:
            limited.append(request)
            return Fails(429, {"message": "slow down"}, {"Retry-After": "0.2"})
        return None

    model.fails = limit_some
    assert len(batch(folder).execute(context())) == 12
    assert len(server.requests) == 15


def test_a_budget_ends_a_batch_and_a_higher_one_continues_it(
    server: ChatServer, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    folder, output = letters(tmp_path / "in", 60), tmp_path / "out.jsonl"
    server.connect(monkeypatch, budget_tokens=1500)
    with pytest.raises(AirflowFailException, match="budget_tokens") as caught:
        batch(folder, output).execute(context())
    assert isinstance(caught.value.__cause__, BudgetUsedUp)
    paid = len(server.requests)
    assert 10 <= paid < 60
    with pytest.raises(AirflowFailException, match="budget_tokens"):
        batch(folder, output).execute(context(2))
    assert len(server.requests) == paid, "what the first try used counts"
    server.connect(monkeypatch, budget_tokens=60 * 150)
    assert batch(folder, output).execute(context(3))["classified"] == 60
    assert len(server.requests) == 60


def test_a_batch_in_a_second_connection_asks_only_about_the_rest(
    server: ChatServer, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("AIRFLOW_CONN_ENGINE", json.dumps({"conn_type": "classify", "extra": {"backend": "local"}}))
    folder = tmp_path / "in"
    folder.mkdir()
    write_pdf(folder / "invoice.pdf")
    (folder / "note.txt").write_text("Good morning! Where did you put the blue one?\n")
    manifest = batch(
        folder,
        tmp_path / "out.jsonl",
        classify_conn_id="engine",
        escalate_to="model",
        escalate_below=0.9,
    ).execute(context())
    assert (manifest["escalated"], manifest["calls_saved"]) == (1, 1)
    assert manifest["answered_by"] == {"engine": 1, "model": 1}
    assert manifest["usage"]["requests"] == 1
    [request] = server.requests
    assert "blue one" in request.text


def test_one_document_can_be_escalated_too(server: ChatServer, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("AIRFLOW_CONN_ENGINE", json.dumps({"conn_type": "classify", "extra": {"backend": "local"}}))
    note = tmp_path / "note.txt"
    note.write_text("Good morning! Where did you put the blue one?\n")
    store = TaskState()
    for try_number in (1, 2):
        value = operator(str(note), classify_conn_id="engine", escalate_to="model", escalate_below=0.99).execute(
            run_context(store, try_number)
        )
        assert isinstance(value, dict)
        assert (value["answered_by"], value["classification"]) == ("model", "invoice")
    assert len(server.requests) == 1
