"""Run the example DAGs of batches on a real Airflow, with the local engine on its workers and with the service."""

from __future__ import annotations

import shutil

import pytest
from samples import draw_samples

from airflow_provider_classify.results import read_results
from tests.support.airflow_run import DagRun

pytestmark = [pytest.mark.system, pytest.mark.timeout(900)]


@pytest.fixture
def folder(tmp_path):
    folder = tmp_path / "in"
    draw_samples(folder)
    (folder / "letter2.txt").write_text(
        "Dear Mrs. Brown,\n\nthank you for your letter.\n\nYours sincerely\nJohn Smith\n"
    )
    return folder


def test_a_task_reads_the_results_of_a_batch(airflow, service, folder):
    before = len(service.jobs())
    run = DagRun(airflow, "batch_and_read", {"folder": str(folder)})
    assert run.wait(300) == "success"
    assert str(folder / "invoice.pdf") in [row["document"] for row in run.xcom("sure")]
    assert run.xcom("batch")["documents"] == 7
    assert len(service.jobs()) == before + 7


def test_a_batch_in_shards_has_one_output_and_one_manifest(airflow, service, folder):
    before = len(service.jobs())
    run = DagRun(airflow, "batch_in_shards", {"folder": str(folder)})
    assert run.wait(400) == "success"
    assert [task["state"] for task in run.tasks("batch.shard")] == ["success"] * 4
    manifest = run.xcom("batch.merge")
    assert (manifest["documents"], manifest["failed"], manifest["output"]) == (7, 0, f"{folder}.jsonl")
    found = {row["document"]: row["classification"] for row in read_results(manifest["output"])}
    assert list(found) == sorted(str(path) for path in folder.iterdir())
    assert found[str(folder / "contract.pdf")] == "contract"
    assert len(service.jobs()) == before + 7
    assert sorted(path.name for path in folder.parent.iterdir()) == ["in", "in.jsonl"]

    # Another run is not in the way of the first, and an empty folder skips it.
    shutil.rmtree(folder)
    folder.mkdir()
    run = DagRun(airflow, "batch_in_shards", {"folder": str(folder)})
    assert run.wait(300) == "success"
    assert run.states("batch.plan") == run.states("batch.merge") == run.states("doubtful") == {"skipped"}
    assert len(list(read_results(f"{folder}.jsonl"))) == 7
