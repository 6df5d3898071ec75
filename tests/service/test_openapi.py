"""The OpenAPI document describes what is served: generated requests get documented replies, and no 5xx."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from jsonschema import Draft202012Validator
from schemathesis import Case, GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from airflow_provider_classify.model.api_contract import CANNOT_OPEN
from airflow_provider_classify.service.api_keys import Key, Keys, KeysFile, key_line, new_key
from airflow_provider_classify.service.webhook_signature import new_webhook_secret
from tests.support.app_server import AppServer, app_server
from tests.support.service import RunningService, running_service
from tests.support.waiting import wait_until

CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]
#: Requests that are generated for each operation and mode.
EXAMPLES = 30
OPERATIONS = [
    ("/classify", "POST"),
    ("/classify", "GET"),
    ("/classify/{job_id}", "GET"),
    ("/classify/{job_id}", "DELETE"),
    ("/health", "GET"),
    ("/health/live", "GET"),
    ("/health/ready", "GET"),
    ("/metrics", "GET"),
]
#: The operations with requests that fit the document, and those with parameters also with requests that do not.
MODES = [(*operation, GenerationMode.POSITIVE) for operation in OPERATIONS] + [
    (path, method, GenerationMode.NEGATIVE) for path, method in OPERATIONS if path.startswith("/classify")
]
KEY, LIMITED, SLOW = (new_key() for _ in range(3))
CATEGORIES = '["invoice", "receipt"]'


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[AppServer]:
    folder = tmp_path_factory.mktemp("service")
    lines = (key_line(LIMITED, Key("limited", quota=1)), key_line(SLOW, Key("slow", rate=1)))
    (folder / "keys").write_text("\n".join(lines))
    keys = Keys(KEY, KeysFile(folder / "keys"), webhook_secret=new_webhook_secret())
    with app_server(folder, keys=keys, capacity=10_000, allow_private_urls=False) as server:
        yield server


@pytest.fixture(scope="module")
def described(server: AppServer) -> dict[str, Any]:
    document: dict[str, Any] = httpx.get(f"{server.url}/openapi.json").json()
    return document


def test_every_operation_is_tested(described: dict[str, Any]) -> None:
    assert described["openapi"].startswith("3.1.")
    served = {(path, method.upper()) for path, methods in described["paths"].items() for method in methods}
    assert served == set(OPERATIONS)


@pytest.mark.parametrize("key", [KEY, "wrong"], ids=["right key", "wrong key"])
@pytest.mark.parametrize(("path", "method", "mode"), MODES)
def test_generated_requests_get_documented_replies(
    server: AppServer, path: str, method: str, mode: GenerationMode, key: str
) -> None:
    schema = schemathesis.openapi.from_url(f"{server.url}/openapi.json")

    @given(case=schema[path][method].as_strategy(generation_mode=mode))
    @settings(
        max_examples=EXAMPLES if key == KEY else 3,
        deadline=None,
        database=None,
        derandomize=True,
        suppress_health_check=list(HealthCheck),
    )
    def check(case: Case) -> None:
        case.call_and_validate(headers={"api-key": key}, checks=CHECKS)

    check()


# --- replies that no generated request gets -----------------------------------------------


def check_documented(described: dict[str, Any], path: str, reply: httpx.Response) -> None:
    """Check a reply by the document, with a validator of JSON Schema that schemathesis does not use."""
    operation = described["paths"][path][reply.request.method.lower()]
    documented = operation["responses"][str(reply.status_code)]
    schema = documented["content"]["application/json"]["schema"]
    Draft202012Validator({**schema, "components": described["components"]}).validate(reply.json())
    for name in documented.get("headers", {}):
        assert name in reply.headers


def submit(url: str, key: str, content: bytes = b"%PDF-1.7", **headers: str) -> httpx.Response:
    files = {"pdf_file": ("a.pdf", content)}
    return httpx.post(
        f"{url}/classify", files=files, data={"categories": CATEGORIES}, headers={"api-key": key, **headers}
    )


def test_a_document_is_accepted_and_its_job_is_as_described(server: AppServer, described: dict[str, Any]) -> None:
    for content in (b"%PDF-1.7", b"damaged", b""):
        accepted = submit(server.url, KEY, content)
        assert accepted.status_code == 202
        check_documented(described, "/classify", accepted)
        job_id = accepted.json()["job_id"]
        server.ended(job_id)
        for method in ("GET", "DELETE"):
            reply = httpx.request(method, f"{server.url}/classify/{job_id}", headers={"api-key": KEY})
            assert reply.status_code == 200
            check_documented(described, "/classify/{job_id}", reply)


def test_refusals_are_as_described(server: AppServer, described: dict[str, Any]) -> None:
    assert submit(server.url, LIMITED).json()["quota_remaining"] == 0
    submit(server.url, SLOW)
    replies = {
        402: submit(server.url, LIMITED),
        413: submit(server.url, KEY, b"x" * 1_000_001),
        415: submit(server.url, KEY, **{"Content-Encoding": "gzip"}),
        429: submit(server.url, SLOW),
    }
    for status, reply in replies.items():
        assert reply.status_code == status
        check_documented(described, "/classify", reply)


def test_a_busy_service_is_as_described(tmp_path: Path) -> None:
    with app_server(tmp_path, held=True, threads=1, capacity=1) as server:
        described = httpx.get(f"{server.url}/openapi.json").json()
        submit(server.url, "")
        wait_until(lambda: server.classifier.seen)
        submit(server.url, "")
        reply = submit(server.url, "")
        assert reply.status_code == 503
        check_documented(described, "/classify", reply)
    with app_server(tmp_path, min_free_bytes=2**62) as server:
        reply = submit(server.url, "")
        assert reply.status_code == 507
        check_documented(described, "/classify", reply)
        for path in ("/health", "/health/ready"):
            reply = httpx.get(server.url + path)
            assert reply.status_code == 503
            check_documented(described, path, reply)


def test_a_service_without_keys_describes_none(tmp_path: Path) -> None:
    with app_server(tmp_path) as server:
        described = httpx.get(f"{server.url}/openapi.json").json()
    assert "securitySchemes" not in described["components"]
    operations = [operation for methods in described["paths"].values() for operation in methods.values()]
    assert not [operation for operation in operations if "security" in operation]
    assert not [operation for operation in operations if {"401", "402", "429"} & set(operation["responses"])]


def test_a_service_with_keys_says_where_they_are_needed(described: dict[str, Any]) -> None:
    keyed = {path for path, methods in described["paths"].items() for found in methods.values() if "security" in found}
    assert keyed == {"/classify", "/classify/{job_id}", "/metrics"}


def test_the_form_has_every_field(described: dict[str, Any]) -> None:
    content = described["paths"]["/classify"]["post"]["requestBody"]["content"]
    fields = {kind: set(form["schema"]["properties"]) for kind, form in content.items()}
    texts = {"file_url", "categories", "conditions", "webhook_url"}
    assert fields == {"multipart/form-data": texts | {"pdf_file"}, "application/x-www-form-urlencoded": texts}


# --- the real engine ----------------------------------------------------------------------


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningService]:
    with running_service(tmp_path_factory.mktemp("real")) as service:
        yield service


@pytest.mark.parametrize("name", ["invoice.pdf", "contract.pdf", "receipt.jpg", "letter.pdf"])
def test_results_of_the_real_engine_are_as_described(service: RunningService, samples: Path, name: str) -> None:
    described = httpx.get(f"{service.url}/openapi.json").json()
    job_id = submit(service.url, "", (samples / name).read_bytes()).json()["job_id"]
    job = f"{service.url}/classify/{job_id}"
    wait_until(lambda: httpx.get(job).json()["status"] in ("completed", "failed"))
    reply = httpx.get(job)
    assert reply.json()["status"] == "completed"
    check_documented(described, "/classify/{job_id}", reply)


def test_a_failed_job_of_the_real_engine_is_as_described(service: RunningService) -> None:
    described = httpx.get(f"{service.url}/openapi.json").json()
    job_id = submit(service.url, "", b"%PDF-1.7\nnothing more").json()["job_id"]
    job = f"{service.url}/classify/{job_id}"
    wait_until(lambda: httpx.get(job).json()["error"] == CANNOT_OPEN)
    check_documented(described, "/classify/{job_id}", httpx.get(job))
