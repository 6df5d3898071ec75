from __future__ import annotations

from pathlib import Path

import pytest

from airflow_provider_classify.exceptions import DocumentCorrupt, DocumentEncrypted
from airflow_provider_classify.model.api_contract import CANNOT_OPEN
from airflow_provider_classify.model.categories import Category
from airflow_provider_classify.service.errors import HttpError
from airflow_provider_classify.service.fetch_url import is_fetchable
from airflow_provider_classify.service.job_errors import error_for_api
from airflow_provider_classify.service.submit_form import SubmitForm
from airflow_provider_classify.service.submit_request import SubmitRequest, display_name, read_request

NAMES = '["invoice", "receipt"]'


def test_an_upload_with_categories_is_a_request() -> None:
    form = SubmitForm({"categories": '[{"name": "invoice", "description": "asks for money"}]'}, upload="a.pdf")
    assert read_request(form) == SubmitRequest("a.pdf", (Category("invoice", "asks for money"),), None)


def test_a_url_with_the_older_conditions_is_a_request() -> None:
    form = SubmitForm({"conditions": NAMES, "file_url": " https://example.org/in/scan.tif?sig=1 "})
    expected = SubmitRequest(
        "scan.tif", (Category("invoice"), Category("receipt")), "https://example.org/in/scan.tif?sig=1"
    )
    assert read_request(form) == expected


def test_an_empty_url_beside_an_upload_is_none() -> None:
    assert read_request(SubmitForm({"categories": NAMES, "file_url": ""}, upload="a.pdf")).file_url is None


@pytest.mark.parametrize(
    ("form", "status", "word"),
    [
        (SubmitForm({"categories": NAMES}), 400, "Either pdf_file or file_url must be provided"),
        (SubmitForm({"categories": NAMES, "file_url": "http://a/b"}, "a.pdf"), 400, "not both"),
        (SubmitForm({"categories": NAMES, "file_url": "ftp://a/b"}), 400, "http"),
        (SubmitForm({"categories": NAMES, "file_url": "/etc/passwd"}), 400, "http"),
        (SubmitForm({"categories": "invoice, receipt"}, "a.pdf"), 400, "not JSON"),
        (SubmitForm({"categories": "[]"}, "a.pdf"), 400, "empty"),
        (SubmitForm({"categories": '["a", "A"]'}, "a.pdf"), 400, "twice"),
        (
            SubmitForm({"categories": '[{"name": "a", "examples": ["/etc/passwd"]}]'}, "a.pdf"),
            400,
            "must not have examples",
        ),
        (
            SubmitForm({"categories": '[{"name": "a"}, {"name": "b", "examples": "/etc"}]'}, "a.pdf"),
            400,
            "must not have examples",
        ),
        (SubmitForm({"categories": '{"name": "a"}'}, "a.pdf"), 400, "list"),
        (SubmitForm({}, "a.pdf"), 422, "Field required"),
    ],
)
def test_what_makes_no_sense_is_refused(form: SubmitForm, status: int, word: str) -> None:
    with pytest.raises(HttpError, match=word) as raised:
        read_request(form)
    assert raised.value.status == status


@pytest.mark.parametrize(
    ("given", "name"),
    [
        ("scan.pdf", "scan.pdf"),
        ("../../etc/passwd", "passwd"),
        ("C:\\Users\\me\\scan.pdf", "scan.pdf"),
        ("a\nb\x00.pdf", "ab.pdf"),
        ("https://example.org/in/scan.pdf?key=secret#x", "scan.pdf"),
        ("https://user:secret@example.org/", "document"),
        ("https://[user:secret@example.org/a.pdf", "document"),
        ("x" * 300 + ".pdf", "x" * 251 + ".pdf"),
    ],
)
def test_the_name_is_for_people_only(given: str, name: str) -> None:
    assert display_name(given) == name


@pytest.mark.parametrize("url", ["http://a/b", "https://a.example:8443/b?c=d", "HTTP://a", "http://[::1]/x"])
def test_http_urls_can_be_fetched(url: str) -> None:
    assert is_fetchable(url)


@pytest.mark.parametrize(
    "url",
    [
        "",
        "a/b",
        "//a/b",
        "file:///etc/passwd",
        "gopher://a",
        "http://",
        "http://a:b:c/",
        "http://]:[☃[[@",
        "http://a b",
        "http://a\x1b",
    ],
)
def test_other_urls_cannot(url: str) -> None:
    assert not is_fetchable(url)


def test_a_damaged_pdf_fails_with_the_words_of_the_api(tmp_path: Path) -> None:
    path = tmp_path / "job"
    path.write_bytes(b"\n%PDF-1.7\nnothing")
    error = error_for_api(DocumentCorrupt("a.pdf is damaged."), str(path))
    assert (str(error), error.kind) == (CANNOT_OPEN, "DocumentCorrupt")


def test_other_failures_keep_their_own_words(tmp_path: Path) -> None:
    path = tmp_path / "job"
    path.write_bytes(b"\x89PNG nothing")
    damaged = DocumentCorrupt("a.png is damaged.")
    assert error_for_api(damaged, str(path)) is damaged
    path.write_bytes(b"%PDF-1.7")
    locked = DocumentEncrypted("a.pdf asks for a password.")
    assert error_for_api(locked, str(path)) is locked
