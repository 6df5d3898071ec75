"""The example DAG, its folder on an object store."""

from __future__ import annotations

from importlib import import_module

from samples import draw_samples

from airflow_provider_classify.documents.storage_path import StoragePath
from tests.support.dags import run_dag


def test_every_document_of_a_prefix_is_classified_and_routed(object_store, tmp_path):
    folder = object_store.folder()
    draw_samples(tmp_path)
    for name in ("invoice.pdf", "letter.pdf"):
        StoragePath(f"{folder}/{name}").write_bytes((tmp_path / name).read_bytes())

    run = run_dag(import_module("classify_incoming_documents").dag, folder=folder)

    assert run.state == "success"
    rows = {row["document"]: row["route"] for row in run.xcom("summary")}
    assert rows == {f"{folder}/invoice.pdf": "accounting", f"{folder}/letter.pdf": "files"}
