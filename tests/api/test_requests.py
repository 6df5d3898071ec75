"""The requests of the client, without HTTP."""

from __future__ import annotations

import json
from typing import Any

import pytest

from airflow_provider_classify.api import requests
from airflow_provider_classify.api.settings import ApiSettings
from airflow_provider_classify.documents.document import Document
from airflow_provider_classify.exceptions import InvalidJobId
from airflow_provider_classify.model.categories import Category
from tests.support.api_replies import KEY, SETTINGS


def submit_request(reference: str = "/in/scan.pdf", *, key: str | None = None) -> requests.Request:
    categories = [Category("invoice"), Category("Straße", "a street")]
    return requests.submit_request(SETTINGS, Document(reference), categories, key)


def test_a_submit_carries_its_key() -> None:
    assert submit_request(key="k").headers == {"Idempotency-Key": "k"}
    assert submit_request().headers is None


def test_the_key_is_a_header_where_there_is_one() -> None:
    assert requests.headers(SETTINGS)["api-key"] == KEY
    assert "api-key" not in requests.headers(ApiSettings("docs", "http://localhost:8600"))


def test_the_form_of_a_submit() -> None:
    form = submit_request().form
    assert form is not None
    assert set(form) == {"categories"}
    assert json.loads(form["categories"]) == [{"name": "invoice"}, {"name": "Straße", "description": "a street"}]
    of_url = submit_request("https://x.org/a.pdf?sig=1")
    assert of_url.form == form | {"file_url": "https://x.org/a.pdf?sig=1"}
    assert (submit_request().document, of_url.document) == (Document("/in/scan.pdf"), None)


@pytest.mark.parametrize("job_id", ["8a1c-4f", "5eed0000-0000-4000-8000-000000000001", "job_7~a.b", "a" * 200])
def test_a_job_id_stands_in_the_path_as_it_is(job_id: str) -> None:
    assert requests.job_path(job_id) == f"/classify/{job_id}"


@pytest.mark.parametrize(
    "job_id",
    [".", "..", "...", "", " ", "a/b", "a\\b", "../admin?x=1#y", "a?b", "a#b", "%2e%2e", "a b", "é", "a\nb", "a\0b",
     "\ud800", "\x1b[31m", "a" * 201, None, 7, ["8a1c"]],
)  # fmt: skip
def test_what_is_not_a_job_id_reaches_no_route(job_id: Any) -> None:
    for ask in (
        lambda: requests.job_request(SETTINGS, job_id),
        lambda: requests.cancel_request(SETTINGS, job_id),
    ):
        with pytest.raises(InvalidJobId) as raised:
            ask()
        assert str(raised.value).isprintable()
        assert len(str(raised.value)) < 300


@pytest.mark.parametrize(
    ("reference", "name", "content_type"),
    [
        ("/in/scan 1.pdf", "scan 1.pdf", "application/pdf"),
        ("/in/Rechnung für Öl.PDF", "Rechnung für Öl.PDF", "application/pdf"),
        ('/in/a"b\\c\n.jpg', "a_b_c_.jpg", "image/jpeg"),
        ("/in/\udcff.png", "_.png", "image/png"),
        ("/in/scan", "scan", "application/octet-stream"),
    ],
)
def test_the_name_and_type_of_an_upload(reference: str, name: str, content_type: str) -> None:
    assert requests.file_name(Document(reference)) == name
    assert requests.content_type(Document(reference)) == content_type
