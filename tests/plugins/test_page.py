"""The page's routes in Airflow's API server, with a real metadata database and permissions by DAG."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime, timedelta

import pytest
from starlette.testclient import TestClient

from airflow_provider_classify.lifecycle.links import PAGE_LINK_KEY
from airflow_provider_classify.plugins.page import STATIC
from tests.support.auth_manager import SECRET_DAG, DagAuthManager
from tests.support.dags import migrate_database
from tests.support.metadata import Value, delete_runs, write_run

DAG = "page_cases"


@pytest.fixture(scope="module")
def app():
    from airflow.api_fastapi.app import create_app, purge_cached_app

    migrate_database()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AIRFLOW__CORE__AUTH_MANAGER", f"{DagAuthManager.__module__}.{DagAuthManager.__name__}")
        patch.setenv(
            "AIRFLOW__API_AUTH__JWT_SECRET",
            "a secret that only this test has, and which has sixty-four bytes or even more",
        )
        yield create_app(apps="core")
    purge_cached_app()


@pytest.fixture
def get(app):
    """Return a function that sends a request as a user."""
    from airflow.api_fastapi.app import get_auth_manager
    from airflow.api_fastapi.auth.managers.simple.user import SimpleAuthManagerUser

    client = TestClient(app, base_url="http://testserver")

    def send(path, user="admin", role="viewer"):
        headers = {}
        if user:
            token = get_auth_manager().generate_jwt(SimpleAuthManagerUser(username=user, role=role))
            headers["Authorization"] = f"Bearer {token}"
        return client.get(f"/classify/{path}", headers=headers)

    return send


@pytest.fixture(autouse=True)
def _clean(app):
    yield
    for dag_id in (DAG, SECRET_DAG):
        delete_runs(dag_id)


def result(number, category="invoice", confidence=0.9, **more):
    return {
        "job_id": f"job-{number}",
        "document": f"/in/{number:05}.pdf",
        "success": True,
        "classification": category,
        "confidence": confidence,
        **more,
    }


def documents(get, run_id="run", dag_id=DAG, user="admin", **query):
    reply = get(f"api/dags/{dag_id}/runs/{run_id}/documents?" + "&".join(f"{n}={v}" for n, v in query.items()), user)
    assert reply.status_code == 200, reply.text
    return reply.json()


def test_a_run_is_paged_by_the_server(get):
    write_run(DAG, "run", [Value(result(number, confidence=number / 1000), map_index=number) for number in range(1000)])
    first = documents(get, limit=50)
    assert (first["figures"]["documents"], first["matching"], len(first["documents"])) == (1000, 1000, 50)
    assert [found["name"] for found in first["documents"][:2]] == ["00000.pdf", "00001.pdf"]
    last = documents(get, limit=50, offset=990)
    assert [found["map_index"] for found in last["documents"]] == list(range(990, 1000))
    assert len(documents(get, limit=100_000)["documents"]) == 200
    assert documents(get, offset=5000)["documents"] == []
    assert documents(get, offset=-5, limit=-5)["documents"][0]["name"] == "00000.pdf"


def test_new_results_show_at_once(get):
    write_run(DAG, "run", [Value(result(1))])
    assert documents(get)["figures"]["documents"] == 1
    delete_runs(DAG)
    write_run(DAG, "run", [Value(result(1)), Value(result(2), "other")])
    assert documents(get)["figures"]["documents"] == 2


def test_a_task_shows_only_its_documents(get):
    write_run(DAG, "run", [Value(result(n), "one", n) for n in range(3)] + [Value(result(9), "two"), Value(7, "three")])
    assert len(documents(get, task_id="one")["documents"]) == 3
    assert [found["map_index"] for found in documents(get, task_id="one", map_index=2)["documents"]] == [2]
    assert documents(get, task_id="three")["figures"]["documents"] == 0


def test_a_thumbnail_is_named_where_the_worker_has_put_one(get):
    picture = "/9j/4AAQSkZJRg=="
    write_run(
        DAG,
        "run",
        [Value(result(0), map_index=0), Value(result(1), map_index=1), Value(picture, map_index=1, key="thumbnail")],
    )
    without, found = documents(get)["documents"]
    assert without["thumbnail"] is None
    reply = get(found["thumbnail"].removeprefix("classify/"))
    assert (reply.status_code, reply.headers["content-type"]) == (200, "image/jpeg")


def test_a_run_without_results_and_a_deleted_run_are_told_apart(get):
    write_run(DAG, "run", [Value(3)])
    assert documents(get)["run_exists"] is True
    assert documents(get, run_id="gone")["run_exists"] is False


def manifest(output):
    return {
        "documents": 3, "classified": 2, "failed": 1, "unreadable": 0, "skipped": 0, "reused": 0, "blank": 0,
        "escalated": 0, "categories": {"invoice": 2}, "failures": [], "output": str(output),
    }  # fmt: skip


@pytest.fixture
def output(tmp_path):
    path = tmp_path / "out.jsonl"
    rows = [result(number) | {"intent": "x"} for number in range(2)]
    rows.append({"document": "/in/c.pdf", "intent": "y", "success": False, "classification": None, "confidence": 0.0, "error": "It is damaged.", "error_kind": "DocumentCorrupt"})  # fmt: skip # noqa: E501
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def test_a_batch_shows_its_counts_and_says_why_not_more(get, output):
    write_run(DAG, "run", [Value(manifest(output))])
    reply = documents(get)
    assert reply["documents"] == []
    [batch] = reply["batches"]
    assert batch["categories"] == {"invoice": 2}
    assert "[classify] page_outputs" in batch["note"]
    assert (reply["figures"]["documents"], reply["figures"]["failed"]) == (3, 1)


def test_the_rows_of_an_output_are_listed_where_the_setting_allows_it(get, output, monkeypatch):
    monkeypatch.setenv("AIRFLOW__CLASSIFY__PAGE_OUTPUTS", str(output.parent))
    write_run(DAG, "run", [Value(manifest(output))])
    reply = documents(get)
    assert [found["state"] for found in reply["documents"]] == ["classified", "classified", "failed"]
    assert reply["batches"] == []


@pytest.mark.parametrize("name", ["../secret.jsonl", "gone.jsonl", "out.txt"])
def test_other_outputs_are_not_read(get, output, monkeypatch, name):
    (output.parent.parent / "secret.jsonl").write_text(output.read_text())
    monkeypatch.setenv("AIRFLOW__CLASSIFY__PAGE_OUTPUTS", str(output.parent))
    write_run(DAG, "run", [Value(manifest(output.parent / name))])
    reply = documents(get)
    assert reply["documents"] == []
    assert reply["batches"][0]["note"]


def test_the_overview_counts_the_days(get):
    now = datetime.now(UTC)
    write_run(DAG, "today", [Value(result(1)), Value(result(2, "letter", 0.4, first_answer={}), "other")], now)
    write_run(DAG, "yesterday", [Value(result(3))], now - timedelta(days=1))
    write_run(DAG, "long_ago", [Value(result(4))], now - timedelta(days=60))
    reply = get(f"api/dags/{DAG}/overview?days=7").json()
    assert (reply["figures"]["documents"], reply["runs"], reply["figures"]["escalated"]) == (3, 2, 1)
    assert len(reply["by_day"]["days"]) == 7
    assert reply["by_day"]["series"]["invoice"][-2:] == [1, 1]
    assert [run["run_id"] for run in reply["recent_runs"]] == ["today", "yesterday"]


def test_an_empty_overview_says_when_the_last_document_was_classified(get):
    now = datetime.now(UTC)
    write_run(DAG, "other", [Value({"classification": "unknown"}), Value("classified", "text")], now)
    assert get(f"api/dags/{DAG}/overview?days=7").json()["newest"] is None
    write_run(DAG, "long_ago", [Value(result(1))], now - timedelta(days=60))
    reply = get(f"api/dags/{DAG}/overview?days=7").json()
    assert reply["figures"]["documents"] == 0
    assert datetime.fromisoformat(reply["newest"]).date() == (now - timedelta(days=60)).date()
    assert get(f"api/dags/{DAG}/overview?days=90").json()["newest"] is None, "it is in the period"


def test_results_of_older_versions_are_shown(get):
    """They have no scores, no evidence and no names of documents, and their manifests have fewer counts."""
    oldest = {"job_id": "job-1", "success": True, "classification": "invoice", "confidence": 0.9, "page_results": []}
    counts = {"documents": 2, "classified": 2, "categories": {"letter": 2}, "output": "/out.jsonl"}
    write_run(DAG, "run", [Value(oldest), Value(counts, "batch"), Value({**oldest, "job_id": None}, "other")])
    reply = documents(get)
    assert [found["name"] for found in reply["documents"]] == ["Job job-1", "Unnamed document"]
    assert (reply["documents"][0]["runner_up"], reply["documents"][0]["evidence"]) == (None, [])
    assert reply["figures"]["documents"] == 4
    assert get(f"api/dags/{DAG}/overview?days=7").json()["figures"]["documents"] == 4


def test_a_document_whose_picture_is_gone_is_shown_without_one(get):
    write_run(DAG, "run", [Value(result(1)), Value("no picture", key="thumbnail")])
    [found] = documents(get)["documents"]
    assert get(found["thumbnail"].removeprefix("classify/")).status_code == 404


PATHS = ["api/dags/secret/runs/run/documents", "api/dags/secret/overview", "thumbnails/secret/run/classify/-1"]


@pytest.mark.parametrize("path", PATHS)
def test_a_user_who_may_not_read_the_dag_sees_nothing(get, path):
    write_run(SECRET_DAG, "run", [Value(result(1)), Value("/9j/4AAQSkZJRg==", key="thumbnail")])
    assert get(path).status_code == 200
    for user, role, status in ((None, None, 401), ("guest", "viewer", 403), ("no_xcom", "viewer", 403)):
        reply = get(path, user, role)
        assert reply.status_code == status
        assert "00001.pdf" not in reply.text
    assert get(path, "nobody", None).status_code == 403


def test_only_dags_that_the_user_may_read_are_listed(get):
    for dag_id in (DAG, SECRET_DAG):
        write_run(dag_id, "run", [Value("dags/…", key=PAGE_LINK_KEY)])
    assert {DAG, SECRET_DAG} <= set(get("api/dags").json()["dags"])
    assert SECRET_DAG not in get("api/dags", "guest").json()["dags"]
    assert get("api/dags", None).status_code == 401


def test_a_dag_whose_function_returns_a_result_is_listed(get):
    write_run(DAG, "run", [Value({"note": "classified"})])
    assert DAG not in get("api/dags").json()["dags"], "it only has a similar word"
    write_run(SECRET_DAG, "run", [Value(result(1))])
    assert SECRET_DAG in get("api/dags").json()["dags"]
    assert SECRET_DAG not in get("api/dags", "guest").json()["dags"]


def test_the_page_has_all_its_files_and_loads_no_others(get):
    page = get("page")
    assert page.status_code == 200
    assert "default-src 'none'" in page.headers["content-security-policy"]
    for name in re.findall(r'(?:href|src)="([^"]+)"', page.text):
        assert get(name).status_code == 200
    for script in STATIC.glob("*.js"):
        assert not re.search(r'(?:import|fetch)[^;\n]*["\']https?://', script.read_text())
    assert (STATIC / "chart.LICENSE.md").exists()
