"""
The page in the UI of a real Airflow: what a scheduler and workers have written, in headless Chromium.

It runs where Playwright and Chromium are installed (extra ``test-browser``, Debian's chromium).
"""

from __future__ import annotations

from importlib.util import find_spec

import httpx
import pytest
from browser import chromium, open_browser, page_frame
from standalone import USER

from airflow_provider_classify.lifecycle.links import page_path
from tests.support.airflow_run import DagRun
from tests.support.console import is_error
from tests.support.documents import write_pdf

pytestmark = [
    pytest.mark.system,
    pytest.mark.timeout(900),
    pytest.mark.skipif(
        find_spec("playwright") is None or chromium() is None,
        reason="The page is not looked at: install airflow-provider-classify[test-browser] and Chromium.",
    ),
]
DAG_ID = "page_cases"


@pytest.fixture(scope="module")
def run(airflow, tmp_path_factory):
    folder = tmp_path_factory.mktemp("incoming")
    write_pdf(folder / "a invoice.pdf")
    write_pdf(
        folder / "b <img src=x onerror=alert(1)>.pdf", "Dear Mrs. Brown,\nthank you for your letter.\nYours sincerely"
    )
    run = DagRun(airflow, DAG_ID, {"folder": str(folder)})
    assert run.wait(400) == "success"
    return run


def test_a_mapped_task_is_called_by_its_document_and_links_to_the_page(run):
    first, second = sorted(run.tasks("classify"), key=lambda task: task["map_index"])
    assert (first["rendered_map_index"], first["map_index"]) == ("a invoice.pdf", 0)
    assert second["rendered_map_index"] == "b <img src=x onerror=alert(1)>.pdf"
    links = run.airflow.request("GET", f"{run.path}/taskInstances/classify/links?map_index=1")["extra_links"]
    assert links["Documents of this task"] == page_path(DAG_ID, run.path.rpartition("/")[2], "classify", 1)
    assert not links["Classification job"]  # the local engine's jobs have no address


@pytest.mark.parametrize("dark", [False, True])
def test_task_run_and_dag_show_their_documents_without_an_error(run, dark):
    airflow, run_id = run.airflow, run.path.rpartition("/")[2]
    with open_browser(airflow, dark=dark) as page:
        errors: list[str] = []
        foreign: list[str] = []
        page.on("console", lambda message: errors.append(message.text) if is_error(message) else None)
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.on(
            "request",
            lambda asked: None if asked.url.startswith((airflow.url, "data:", "blob:")) else foreign.append(asked.url),
        )

        frame = page_frame(page, f"{airflow.url}/{page_path(DAG_ID, run_id, 'classify', 0)}")
        assert frame.locator("h1").inner_text() == "a invoice.pdf"
        assert frame.locator("details.document").count() == 1
        assert frame.locator(".badge").inner_text() == "invoice"
        assert frame.locator(".evidence li").count() >= 1
        assert frame.locator(".page img").evaluate("image => image.decode().then(() => image.naturalWidth)") > 200
        mark = frame.locator(".mark").first.bounding_box()
        picture = frame.locator(".page img").bounding_box()
        assert picture["x"] <= mark["x"] <= picture["x"] + picture["width"]
        assert picture["y"] <= mark["y"] <= picture["y"] + picture["height"]

        frame = page_frame(page, f"{airflow.url}/dags/{DAG_ID}/runs/{run_id}/plugin/classified-in-run")
        assert frame.locator("details.document").count() == 2
        assert "b <img src=x onerror=alert(1)>.pdf" in frame.locator(".list").inner_text()
        assert frame.locator("html").get_attribute("data-theme") == ("dark" if dark else "light")

        frame = page_frame(page, f"{airflow.url}/dags/{DAG_ID}/plugin/classified-by-dag")
        assert frame.locator("canvas").count() == 2

        frame = page_frame(page, f"{airflow.url}/plugin/classified-documents")
        frame.get_by_label("Dag", exact=True).select_option(DAG_ID)  # the first DAG with documents is shown at first
        frame.locator("h1", has_text=DAG_ID).wait_for()
        assert not errors
        assert not foreign


def test_who_is_not_logged_in_sees_nothing(run):
    run_id = run.path.rpartition("/")[2]
    url = f"{run.airflow.url}/classify/api/dags/{DAG_ID}/runs/{run_id}/documents"
    assert httpx.get(url, timeout=60).status_code == 401
    login = {"username": USER, "password": run.airflow.password}
    token = httpx.post(f"{run.airflow.url}/auth/token", json=login, timeout=60).json()["access_token"]
    reply = httpx.get(url, headers={"Authorization": f"Bearer {token}"}, timeout=60)
    assert reply.json()["figures"]["documents"] == 2
    with open_browser(run.airflow) as page:
        page.context.clear_cookies()
        page.goto(f"{run.airflow.url}/classify/page?dag_id={DAG_ID}&run_id={run_id}")
        assert "You are not logged in" in page.locator("main").locator("p").inner_text()
