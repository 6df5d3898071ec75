from __future__ import annotations

from typing import Any

import pytest
from airflow.providers.common.compat.sdk import Connection

from airflow_provider_classify.api.settings import ApiSettings
from airflow_provider_classify.exceptions import ConnectionNotUsable
from airflow_provider_classify.get_provider_info import get_provider_info
from airflow_provider_classify.hooks.connection import parse_connection, refuse_unknown_extras
from airflow_provider_classify.llm.settings import LlmSettings
from airflow_provider_classify.local.settings import LocalSettings

KEY = "sk-recognisable-4711"
#: The backend that reads each number.
BACKENDS = {"request_timeout": "api", "request_rate": "api", "document_timeout": "local"}


def settings(extra: Any = None, **fields: Any) -> Any:
    connection = Connection(conn_id="docs", **({"conn_type": "classify"} | fields))
    return parse_connection(connection, {} if extra is None else extra)


def refusal(extra: Any = None, **fields: Any) -> str:
    with pytest.raises(ConnectionNotUsable) as raised:
        settings(extra, **fields)
    assert "docs" in str(raised.value)
    assert raised.value.__cause__ is None
    return str(raised.value)


def test_an_api_with_all_that_can_be_set() -> None:
    read = settings(
        {"backend": "api", "request_timeout": 5, "request_rate": "7.5"}, host="https://api.example.com", password=KEY
    )
    assert read == ApiSettings("docs", "https://api.example.com", KEY, request_timeout=5.0, request_rate=7.5)
    assert KEY not in repr(read)


def test_a_host_alone_means_an_api_and_keeps_the_defaults() -> None:
    assert settings(host="https://api.example.com") == ApiSettings("docs", "https://api.example.com", "", 60, None)


@pytest.mark.parametrize(
    ("host", "port", "schema", "url"),
    [
        ("http://127.0.0.1", 8600, None, "http://127.0.0.1:8600"),
        ("http://127.0.0.1:8601", 8600, None, "http://127.0.0.1:8601"),
        ("https://api.example.com/v1/", 8600, None, "https://api.example.com:8600/v1"),
        ("https://[::1]", 8600, None, "https://[::1]:8600"),
        ("api.example.com", 8600, "http", "http://api.example.com:8600"),
        ("api.example.com/v1", 8600, None, "https://api.example.com:8600/v1"),
        ("api.example.com", None, None, "https://api.example.com"),
    ],
)
def test_schema_and_port_complete_the_host(host: str, port: int | None, schema: str | None, url: str) -> None:
    assert settings(host=host, port=port, schema=schema).base_url == url


def test_an_impossible_port_is_refused() -> None:
    assert "not an http(s) URL" in refusal(host="https://api.example.com", port=70000)


def test_the_local_engine_needs_nothing_else() -> None:
    assert settings({"backend": "local"}) == LocalSettings("docs", 120, 4)


def test_the_local_engine_with_all_that_can_be_set() -> None:
    assert settings({"backend": "local", "document_timeout": "7.5", "max_pages": 9}) == LocalSettings("docs", 7.5, 9)


@pytest.mark.parametrize(("name", "value"), [("ocr", "never"), ("ocr", "always"), ("attachments", "classify")])
def test_a_choice(name: str, value: str) -> None:
    assert getattr(settings({"backend": "local", name: value}), name) == value
    refuse_unknown_extras("docs", {"backend": "local", name: value})


@pytest.mark.parametrize("name", ["ocr", "attachments"])
def test_a_choice_that_there_is_not_is_named_with_those_that_there_are(name: str) -> None:
    assert f"{name!r} of the connection 'docs' is 'maybe'; give one of" in refusal({"backend": "local", name: "maybe"})
    assert settings({"backend": "local", name: ""}) == settings({"backend": "local"})


def test_a_host_is_ignored_by_the_local_engine() -> None:
    assert settings({"backend": "local"}, host="https://api.example.com") == LocalSettings("docs")


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"host": "api.example.com"}, ["no scheme, so https was assumed: https://api.example.com."]),
        ({"host": "api.example.com", "schema": "https"}, []),
        ({"host": "https://api.example.com", "password": KEY}, []),
        ({"host": "http://api.example.com", "password": KEY}, ["sends its api key over http"]),
        ({"host": "api.example.com", "schema": "http", "password": KEY}, ["sends its api key over http"]),
        ({"host": "http://10.0.0.7", "password": KEY}, ["sends its api key over http"]),
        ({"host": "http://localhost.example.com", "password": KEY}, ["sends its api key over http"]),
        ({"host": "http://api.example.com"}, []),
        ({"host": "http://localhost:8600", "password": KEY}, []),
        ({"host": "http://127.9.9.9:8600", "password": KEY}, []),
        ({"host": "http://[::1]:8600", "password": KEY}, []),
    ],
)
def test_what_a_person_should_know_of_a_host(fields: dict[str, Any], words: list[str]) -> None:
    warnings = settings(**fields).warnings
    assert len(warnings) == len(words)
    for warning, word in zip(warnings, words, strict=True):
        assert word in warning
        assert "'docs'" in warning
        assert KEY not in warning


def test_an_extra_that_is_not_read_is_named_with_those_that_are() -> None:
    refuse_unknown_extras("docs", {"backend": "api", "request_timeout": None, "max_pages": 4})
    with pytest.raises(ConnectionNotUsable, match=r"'docs' has the unknown name 'requst_timeout'.*request_timeout"):
        refuse_unknown_extras("docs", {"backend": "api", "requst_timeout": 5})


@pytest.mark.parametrize(
    ("fields", "url"),
    [
        ({"host": "https://api.example.com/"}, "https://api.example.com"),
        ({"host": " https://api.example.com/v2/ "}, "https://api.example.com/v2"),
        ({"host": "http://127.0.0.1:8600"}, "http://127.0.0.1:8600"),
        ({"host": "http://[::1]:8600"}, "http://[::1]:8600"),
        ({"host": "api.example.com"}, "https://api.example.com"),
        ({"host": "api.example.com", "port": 8600}, "https://api.example.com:8600"),
        ({"host": "localhost", "port": 8600, "schema": "http"}, "http://localhost:8600"),
        ({"host": "localhost:8600", "schema": "http"}, "http://localhost:8600"),
    ],
)
def test_a_host_is_a_url_or_a_name(fields: dict[str, Any], url: str) -> None:
    assert settings(**fields).base_url == url


@pytest.mark.parametrize(
    "host",
    [
        "ftp://api.example.com",
        "file:///etc/passwd",
        "https://",
        "https://:8600",
        "https://api.example.com?x=1",
        "https://api.example.com#x",
        "https://api example.com",
        "https://[::1",
        "https://a..b",
        "https://" + "a" * 300,
        "https://api.example.com:99999",
        "https://api.example.com:port",
        f"https://user:{KEY}@api.example.com",
        f"https://:{KEY}@api.example.com",
        f"https://{KEY}@api.example.com",
    ],
)
def test_a_host_that_is_no_url_of_an_api(host: str) -> None:
    words = refusal(host=host)
    assert "https://api.example.com." in words
    assert KEY not in words


def test_an_api_without_a_host() -> None:
    assert "no host" in refusal({"backend": "api"})


@pytest.mark.parametrize("extra", [{}, {"backend": None}, {"backend": ""}])
def test_neither_backend_nor_host(extra: dict[str, Any]) -> None:
    assert '"local"' in refusal(extra)


@pytest.mark.parametrize("backend", ["remote", "API", 1, ["api"]])
def test_an_unknown_backend_is_named(backend: object) -> None:
    assert repr(backend) in refusal({"backend": backend}, host="https://api.example.com")


def test_another_connection_type_is_named() -> None:
    assert "'http'" in refusal(conn_type="http", host="https://api.example.com")


@pytest.mark.parametrize("value", [9, "9", " 9 ", 9.0])
def test_the_number_of_pages(value: object) -> None:
    assert settings({"backend": "local", "max_pages": value}).max_pages == 9
    assert settings({"backend": "local", "max_pages": None}).max_pages == 4
    assert settings({"backend": "local", "max_pages": "all"}).max_pages == "all"


@pytest.mark.parametrize("value", [0, -1, "some", 2.5, "nan", "inf"])
def test_a_number_of_pages_that_is_none(value: object) -> None:
    assert "max_pages" in refusal({"backend": "local", "max_pages": value})


@pytest.mark.parametrize("name", BACKENDS)
@pytest.mark.parametrize("value", [0, -1, "soon", "nan", "inf", True, [5], {}])
def test_a_timeout_that_is_no_number_of_seconds(name: str, value: object) -> None:
    words = refusal({"backend": BACKENDS[name], name: value}, host="https://api.example.com")
    assert name in words
    assert repr(value) in words


@pytest.mark.parametrize("value", [None, ""])
def test_a_timeout_left_empty_in_the_form_is_the_default(value: object) -> None:
    assert settings({"request_timeout": value}, host="https://api.example.com").request_timeout == 60
    assert settings({"backend": "local", "document_timeout": value}).document_timeout == 120


@pytest.mark.parametrize("extra", [[], ["backend"], "local", 5])
def test_an_extra_that_is_no_object(extra: object) -> None:
    assert "extra" in refusal(extra)


@pytest.mark.parametrize("key", [f"{KEY}\nX-Other: 1", f"{KEY}\x00", f"{KEY}é", f"“{KEY}”", f"{KEY}\x7f"])
def test_a_key_that_no_header_can_carry_is_not_quoted(key: str) -> None:
    words = refusal(host="https://api.example.com", password=key)
    assert "key" in words
    assert KEY not in words


def test_blanks_around_a_pasted_key_are_dropped() -> None:
    assert settings(host="https://api.example.com", password=f" {KEY}\n").api_key == KEY


def test_a_connection_to_a_model_names_the_models_connection() -> None:
    model = settings({"backend": "model", "model_conn_id": "my_ai"})
    assert model == LlmSettings("docs", "my_ai")
    extra = {
        "backend": "model",
        "model_conn_id": " my_ai ",
        "model": "openai:gpt-5",
        "send": "both",
        "max_pages": "all",
        "image_px": "800",
        "votes": 3,
        "logprobs": "false",
        "calibration": "/etc/c.json",
        "max_tokens": 300,
        "usage_limits": '{"total_tokens_limit": 5000}',
        "budget_tokens": "100000",
        "budget_cost": 1.5,
        "request_timeout": 30,
        "document_timeout": 60,
        "evidence": False,
    }
    assert settings(extra) == LlmSettings(
        "docs",
        "my_ai",
        model="openai:gpt-5",
        send="both",
        max_pages="all",
        image_px=800,
        votes=3,
        logprobs=False,
        calibration="/etc/c.json",
        max_tokens=300,
        usage_limits={"total_tokens_limit": 5000},
        budget_tokens=100_000,
        budget_cost=1.5,
        request_timeout=30,
        document_timeout=60,
        evidence=False,
    )
    refuse_unknown_extras("docs", extra)


@pytest.mark.parametrize(
    "wrong",
    [
        {"model_conn_id": ""},
        {"model_conn_id": 5},
        {"send": "pdf"},
        {"image_px": 0},
        {"votes": 1.5},
        {"votes": -1},
        {"logprobs": "maybe"},
        {"max_tokens": "many"},
        {"usage_limits": "5000"},
        {"usage_limits": "{"},
        {"budget_cost": 0},
        {"budget_tokens": "NaN"},
    ],
)
def test_a_wrong_field_of_a_connection_to_a_model_is_named(wrong: dict[str, object]) -> None:
    with pytest.raises(ConnectionNotUsable, match=f"'docs'.*{next(iter(wrong))}|{next(iter(wrong))}.*'docs'"):
        settings({"backend": "model", "model_conn_id": "my_ai", **wrong})


def test_the_form_has_each_field_that_a_connection_may_have() -> None:
    [form] = get_provider_info()["connection-types"]
    refuse_unknown_extras("docs", dict.fromkeys(form["conn-fields"]))
