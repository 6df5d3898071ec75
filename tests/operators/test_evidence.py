"""With evidence=False no text of a document reaches XCom, an output, a record or a log."""

from __future__ import annotations

import asyncio
import json
import os
from pathlib import Path

import pytest

from airflow_provider_classify.exceptions import ConnectionNotUsable
from airflow_provider_classify.hooks.classify import ClassifyHook
from airflow_provider_classify.operators.batch import ClassifyBatchOperator
from airflow_provider_classify.operators.classify import ClassifyOperator
from airflow_provider_classify.sensors.classify import ClassifySensor
from tests.support.context import context

SECRET = "ZEBRA-4711"
CATEGORIES = ["invoice", "letter"]


@pytest.fixture(scope="module")
def invoice(tmp_path_factory):
    path = tmp_path_factory.mktemp("documents") / "invoice.txt"
    path.write_text(f"INVOICE {SECRET}\n\nInvoice number: {SECRET}\nInvoice date: 3 May\nTotal amount due: 100 EUR\n")
    return str(path)


@pytest.fixture(params=["service", "local"])
def connection(request, service, monkeypatch):
    """Define a connection to each backend that leaves evidence out, and one that does not."""
    fields = (
        json.loads(os.environ["AIRFLOW_CONN_SERVICE"])
        if request.param == "service"
        else {"conn_type": "classify", "extra": {"backend": "local"}}
    )
    private = fields | {"extra": {**fields.get("extra", {}), "evidence": False}}
    monkeypatch.setenv("AIRFLOW_CONN_OPEN", json.dumps(fields))
    monkeypatch.setenv("AIRFLOW_CONN_PRIVATE", json.dumps(private))
    return request.param


def operator(invoice, conn_id, **arguments):
    return ClassifyOperator(task_id="t", document=invoice, categories=CATEGORIES, classify_conn_id=conn_id, **arguments)


@pytest.mark.parametrize(
    ("conn_id", "evidence", "expected"),
    [("open", None, True), ("open", False, False), ("private", None, False), ("private", True, True)],
)
def test_the_operator_decides_and_else_the_connection(invoice, connection, conn_id, evidence, expected):
    result = operator(invoice, conn_id, evidence=evidence).execute(context())
    assert result["classification"] == "invoice"
    assert result["scores"]["invoice"] > 0.5
    assert (SECRET in json.dumps(result)) is expected


@pytest.mark.parametrize(("conn_id", "evidence"), [("open", False), ("private", None)])
def test_the_hook_and_the_sensor(invoice, connection, conn_id, evidence):
    hook = ClassifyHook(conn_id, evidence=evidence)
    result = hook.classify(invoice, CATEGORIES)
    sensor = ClassifySensor(task_id="t", job_id=result["job_id"], classify_conn_id=conn_id, evidence=evidence)
    values = [result, asyncio.run(hook.aclassify(invoice, CATEGORIES)), sensor.poke(context()).xcom_value]
    assert [value["classification"] for value in values] == ["invoice"] * 3
    assert SECRET not in json.dumps(values)


def test_after_a_deferral(invoice, connection):
    job_id = ClassifyHook("open").submit(invoice, CATEGORIES).job_id
    ClassifyHook("open").fetch(job_id)
    event = {"job_id": job_id, "status": "completed"}
    assert SECRET in json.dumps(operator(invoice, "open").execute_complete(context(), event))
    assert SECRET not in json.dumps(operator(invoice, "open", evidence=False).execute_complete(context(), event))


def batch(invoice, folder, conn_id="open", **arguments):
    return ClassifyBatchOperator(
        task_id="t",
        documents=[invoice, str(folder / "missing.pdf")],
        categories=CATEGORIES,
        classify_conn_id=conn_id,
        poll_interval=1,
        **{"output": str(folder / "out.jsonl"), **arguments},
    )


@pytest.mark.parametrize(("conn_id", "evidence"), [("open", False), ("private", None)])
def test_a_batch_has_none_in_its_output_and_record(invoice, connection, tmp_path, conn_id, evidence):
    with pytest.raises(Exception, match="1 of 2 documents"):  # the record is left
        batch(invoice, tmp_path, conn_id, evidence=evidence).execute(context())
    written = {path.name: path.read_text() for path in tmp_path.rglob("*") if path.is_file()}
    assert '"classification": "invoice"' in written["out.jsonl"]
    assert len(written) > 2
    assert not [name for name, text in written.items() if SECRET in text]


def test_a_batch_reuses_an_earlier_output_without_its_text(invoice, connection, tmp_path):
    batch(invoice, tmp_path, max_failed=1).execute(context())
    assert SECRET in (tmp_path / "out.jsonl").read_text()
    again = str(tmp_path / "again.jsonl")
    manifest = batch(
        invoice, tmp_path, output=again, previous=str(tmp_path / "out.jsonl"), max_failed=1, evidence=False
    ).execute(context())
    assert manifest["reused"] == 1
    assert '"classification": "invoice"' in Path(again).read_text()
    assert SECRET not in Path(again).read_text()


def test_the_next_try_leaves_out_what_an_earlier_one_recorded(invoice, connection, tmp_path):
    with pytest.raises(Exception, match="1 of 2 documents"):
        batch(invoice, tmp_path).execute(context())
    batch(invoice, tmp_path, max_failed=1, evidence=False).execute(context())
    assert '"classification": "invoice"' in (tmp_path / "out.jsonl").read_text()
    assert SECRET not in (tmp_path / "out.jsonl").read_text()


def test_the_local_record_of_jobs_and_the_logs_have_none(invoice, connection, tmp_path, monkeypatch, caplog, capfd):
    monkeypatch.setenv("AIRFLOW_HOME", str(tmp_path))
    operator(invoice, "open", evidence=False).execute(context())
    ClassifyHook("private").classify(invoice, CATEGORIES)
    asyncio.run(ClassifyHook("private").aclassify(invoice, CATEGORIES))
    assert SECRET not in caplog.text + "".join(capfd.readouterr())
    if connection == "local":
        assert not records_with_text(tmp_path)
        ClassifyHook("open").submit(invoice, CATEGORIES)
        assert records_with_text(tmp_path)


def records_with_text(home):
    return [path for path in (home / "classify").iterdir() if SECRET.encode() in path.read_bytes()]


@pytest.mark.parametrize("value", ["no", 0, "false"])
def test_another_value_is_refused_with_the_task(value):
    for make in (
        lambda: operator("a.pdf", "open", evidence=value),
        lambda: ClassifyBatchOperator(task_id="t", documents="in", categories=CATEGORIES, evidence=value),
        lambda: ClassifySensor(task_id="t", job_id="1", evidence=value),
    ):
        with pytest.raises(ValueError, match="evidence of 't'"):
            make()


@pytest.mark.parametrize(
    ("value", "expected"), [(True, True), (False, False), ("true", True), ("False", False), ("", True), (None, True)]
)
@pytest.mark.parametrize("backend", [{"host": "https://api.example.com"}, {"extra": {"backend": "local"}}])
def test_the_extra_of_a_connection(monkeypatch, backend, value, expected):
    fields = {"conn_type": "classify", **backend, "extra": {**backend.get("extra", {}), "evidence": value}}
    monkeypatch.setenv("AIRFLOW_CONN_MADE", json.dumps(fields))
    assert ClassifyHook("made").evidence is expected


@pytest.mark.parametrize("value", ["no", 2, [True], {"a": 1}])
def test_another_extra_is_refused_with_the_connection(monkeypatch, value):
    fields = {"conn_type": "classify", "extra": {"backend": "local", "evidence": value}}
    monkeypatch.setenv("AIRFLOW_CONN_MADE", json.dumps(fields))
    with pytest.raises(ConnectionNotUsable, match=r"'evidence' of the connection 'made' is .*give true or false"):
        _ = ClassifyHook("made").evidence
