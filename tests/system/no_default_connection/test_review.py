"""
Review documents on a real Airflow: its scheduler parks and resumes the tasks, and its public API takes the answers.

The tests of the page run where Playwright and Chromium are installed (extra ``test-browser``, Debian's chromium).
"""

from __future__ import annotations

import time
from importlib.util import find_spec
from pathlib import Path

import httpx
import pytest
from browser import chromium, open_browser, open_review
from standalone import USER

from airflow_provider_classify.lifecycle.thumbnail_route import thumbnail_path
from tests.support.airflow_run import DagRun
from tests.support.console import is_error
from tests.support.documents import PAYMENT_REMINDER, write_pdf
from tests.support.waiting import wait_until

pytestmark = [pytest.mark.system, pytest.mark.timeout(900)]
needs_browser = pytest.mark.skipif(
    find_spec("playwright") is None or chromium() is None,
    reason="The page is not looked at: install airflow-provider-classify[test-browser] and Chromium.",
)

#: What a document could do to the page: a picture and links, Jinja, and text that looks like a table.
EVIL = "Invoice number ![x](http://evil.example/x.png) {{ 7 * 7 }} | www.evil.example"


@pytest.fixture(scope="module")
def reviewed(airflow, learned, tmp_path_factory):
    """Run the DAG on a doubtful document and a sure one, and wait until the doubtful one is asked about."""
    folder = tmp_path_factory.mktemp("doubtful")
    write_pdf(folder / "a_invoice.pdf")
    write_pdf(folder / "b {{ 7 * 7 }} <doubtful>.pdf", "Good morning! Where did you put the blue one?\n" + EVIL)
    run = DagRun(airflow, "review_cases", {"folder": str(folder), "learned": str(learned)})
    wait_until(lambda: asked(run), 400, pause=1)
    return run


def asked(run: DagRun) -> list[dict]:
    """Return the open questions of a run."""
    found = run.airflow.request("GET", f"{run.path}/hitlDetails?response_received=false")["hitl_details"]
    return [detail for detail in found if detail["task_instance"]["state"] in ("awaiting_input", "deferred")]


def answer(run: DagRun, detail: dict, category: str) -> None:
    """Answer a few seconds later, as people do: Airflow 3.3.2 may fail a task that resumes while it is being parked."""
    time.sleep(5)
    index = detail["task_instance"]["map_index"]
    path = f"{run.path}/taskInstances/review/{index}/hitlDetails"
    run.airflow.request("PATCH", path, {"chosen_options": [category], "params_input": {}})


def test_a_doubtful_document_is_asked_about_with_the_best_category_first(reviewed):
    [detail] = asked(reviewed)
    result = reviewed.xcom("classify", detail["task_instance"]["map_index"])
    assert detail["subject"] == "Which category fits b {{ 7 * 7 }} <doubtful>.pdf?"
    assert detail["options"][0] == result["classification"]
    assert set(detail["options"]) == {"invoice", "contract", "letter"}
    assert r"\{\{ 7 \* 7 \}\}" in detail["body"]
    assert "](http" not in detail["body"]


def test_only_a_user_who_may_read_the_dag_gets_the_picture(reviewed):
    [detail] = asked(reviewed)
    instance = detail["task_instance"]
    names = instance["dag_id"], instance["dag_run_id"], instance["task_id"]
    url = f"{reviewed.airflow.url}/{thumbnail_path(*names, instance['map_index'])}"
    assert httpx.get(url, timeout=60).status_code == 401
    login = {"username": USER, "password": reviewed.airflow.password}
    token = httpx.post(f"{reviewed.airflow.url}/auth/token", json=login, timeout=60).json()["access_token"]
    headers = {"Authorization": f"Bearer {token}"}
    picture = httpx.get(url, headers=headers, timeout=60)
    assert picture.headers["content-type"] == "image/jpeg"
    assert picture.content.startswith(b"\xff\xd8\xff")
    assert httpx.get(url + "7", headers=headers, timeout=60).status_code == 404
    assert f"]({thumbnail_path(*names, instance['map_index'])})" in detail["body"]


@needs_browser
def test_the_page_shows_the_document_and_runs_nothing_of_it(reviewed):
    [detail] = asked(reviewed)
    instance = detail["task_instance"]
    with open_browser(reviewed.airflow) as page:
        errors: list[str] = []
        foreign: list[str] = []
        page.on("console", lambda message: errors.append(message.text) if is_error(message) else None)
        page.on("request", lambda request: foreign.append(request.url) if "evil" in request.url else None)
        open_review(page, reviewed.airflow, "review_cases", instance["dag_run_id"], "review", instance["map_index"])
        pictures = page.evaluate("[...document.images].map(image => image.naturalWidth)")
        assert pictures
        assert all(width > 300 for width in pictures)
        text = page.inner_text("body")
        assert "Prediction: " in text
        assert page.get_by_test_id("hitl-option-letter").is_visible()
        assert not page.locator("a[href*=evil]").count()
        assert not foreign
        assert not errors


def test_the_answer_is_routed_and_learned_and_the_mistake_is_not_made_twice(airflow, learned, tmp_path):
    first, second = tmp_path / "first", tmp_path / "second"
    for folder, name, town, number, day, amount in (
        (first, "Mrs. Brown", "Leeds", "4711", "1 March", "1,250.00"),
        (second, "Mr. Chandra", "Cardiff", "5190", "2 April", "88.10"),
    ):
        folder.mkdir()
        fields = {"name": name, "town": town, "number": number, "day": day, "amount": amount}
        write_pdf(folder / "scan.pdf", PAYMENT_REMINDER.format(**fields))
    run = DagRun(airflow, "review_cases", {"folder": str(first), "learned": str(learned)})
    wait_until(lambda: asked(run), 400, pause=1)
    predicted = run.xcom("classify", 0)["classification"]
    assert predicted != "contract"
    answer(run, asked(run)[0], "contract")
    assert run.wait(400) == "success"
    corrected = run.xcom("review", 0)
    assert (corrected["classification"], corrected["confidence"]) == ("contract", 1.0)
    assert corrected["reviewed_by"] == USER
    assert corrected["predicted"]["classification"] == predicted
    assert Path(corrected["learned"]).parent == learned / "contract"
    assert run.xcom("where", 0) == "file"

    again = DagRun(airflow, "review_cases", {"folder": str(second), "learned": str(learned)})
    assert again.wait(400) == "success"  # nobody was asked
    result = again.xcom("review", 0)
    assert result["classification"] == "contract"
    assert "reviewed_by" not in result


@pytest.mark.parametrize("on_timeout", ["prediction", "fail"])
def test_after_the_timeout_the_prediction_is_taken_or_the_task_fails_once(airflow, tmp_path, on_timeout):
    document = write_pdf(tmp_path / "scan.pdf")
    run = DagRun(airflow, f"review_timeout_{on_timeout}", {"document": str(document)})
    assert run.wait(400) == ("success" if on_timeout == "prediction" else "failed")
    [task] = run.tasks("review")
    if on_timeout == "prediction":
        taken = run.xcom("review")
        assert taken["classification"] == taken["predicted"]["classification"] == "invoice"
        assert taken["reviewed_by"] is None
    else:
        assert (task["state"], task["try_number"]) == ("failed", 1)


def test_the_example_asks_about_what_cannot_be_read(airflow, tmp_path):
    write_pdf(tmp_path / "a_invoice.pdf")
    (tmp_path / "damaged.pdf").write_bytes(b"%PDF-1.7\n" + b"no objects here\n" * 20)
    run = DagRun(airflow, "review_doubtful_documents", {"folder": str(tmp_path)})
    wait_until(lambda: asked(run), 400, pause=1)
    [detail] = asked(run)
    assert detail["options"] == ["invoice", "contract", "letter", "none of these"]
    assert "could not be classified" in detail["body"]
    answer(run, detail, "none of these")
    assert run.wait(400) == "success"
    sure, damaged = run.xcom("review", 0), run.xcom("review", 1)
    assert "reviewed_by" not in sure
    assert (damaged["classification"], damaged["success"], damaged["reviewed_by"]) == ("none of these", True, USER)
    assert damaged["predicted"]["error_kind"].startswith("Document")
