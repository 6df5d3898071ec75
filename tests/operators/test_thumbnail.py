"""The small picture of the first page that a task with the local engine puts into XCom."""

from __future__ import annotations

import base64
import logging

import pytest

from airflow_provider_classify.engine.sandbox import pool
from airflow_provider_classify.engine.sandbox.child_process import Child
from airflow_provider_classify.lifecycle import compat
from airflow_provider_classify.lifecycle.thumbnail_route import XCOM_KEY
from airflow_provider_classify.local.thumbnails import small_first_page
from airflow_provider_classify.operators.classify import ClassifyOperator
from tests.support.context import context
from tests.support.documents import write_corrupt_pdf, write_pdf

CATEGORIES = ["invoice", "letter"]


@pytest.fixture
def started(monkeypatch):
    """Count the child processes that are started."""
    children = []

    class Counted(Child):
        def __init__(self, arguments):
            children.append(arguments)
            super().__init__(arguments)

    monkeypatch.setattr(pool, "Child", Counted)
    return children


def pushed(document, **arguments):
    task = context()
    ClassifyOperator(task_id="t", document=str(document), categories=CATEGORIES, **arguments).execute(task)
    return task["ti"].xcom


@pytest.mark.skipif(not compat.has_pages(), reason="Airflow has pages of plugins from 3.1 on.")
def test_the_process_that_classified_draws_the_page(tmp_path, started):
    picture = pushed(write_pdf(tmp_path / "a.pdf"))[XCOM_KEY]
    assert base64.b64decode(picture).startswith(b"\xff\xd8\xff")
    assert len(started) == 1


def test_a_text_has_no_picture(document, started):
    assert XCOM_KEY not in pushed(document)
    assert len(started) == 1


@pytest.mark.parametrize("arguments", [{"evidence": False}, {"do_xcom_push": False}])
def test_a_task_may_have_no_picture(tmp_path, arguments):
    assert XCOM_KEY not in pushed(write_pdf(tmp_path / "a.pdf"), **arguments)


def test_a_setting_turns_pictures_off(tmp_path, monkeypatch):
    monkeypatch.setenv("AIRFLOW__CLASSIFY__THUMBNAILS", "False")
    assert XCOM_KEY not in pushed(write_pdf(tmp_path / "a.pdf"))


def test_a_task_with_an_api_has_none(service, tmp_path):
    assert XCOM_KEY not in pushed(write_pdf(tmp_path / "a.pdf"), classify_conn_id="service", poll_interval=1)


def test_a_failure_to_draw_is_no_failure_to_classify(tmp_path, monkeypatch):
    write_corrupt_pdf(tmp_path / "damaged.pdf")
    draw = pool.EngineProcess.thumbnail

    def draw_a_damaged_document(self, path, **arguments):
        return draw(self, tmp_path / "damaged.pdf", **arguments)

    monkeypatch.setattr(pool.EngineProcess, "thumbnail", draw_a_damaged_document)
    assert XCOM_KEY not in pushed(write_pdf(tmp_path / "a.pdf"))


def test_a_document_that_is_gone_has_no_picture_and_the_log_says_why(tmp_path, caplog):
    caplog.set_level(logging.INFO)
    assert small_first_page({"document": str(tmp_path / "gone.pdf")}) is None
    assert "There is no picture of the document: There is no document at" in caplog.text


def test_a_result_without_a_document_has_no_picture():
    assert small_first_page({"classification": "letter"}) is None
