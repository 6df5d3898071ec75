"""The button that tests a connection, and the warnings about one."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from airflow_provider_classify.api.sync import ApiBackend
from airflow_provider_classify.hooks.classify import ClassifyHook
from tests.support.scripted_server import Answer, scripted_server
from tests.support.service import KEY, RunningService

pytestmark = pytest.mark.usefixtures("_own_record")


def test_the_test_button(connection: Callable[..., None], service: RunningService) -> None:
    connection("right", host=service.url, password=KEY)
    connection("wrong", host=service.url, password="another")
    connection("nobody", host="http://127.0.0.1:9", password=KEY)
    good, words = ClassifyHook("right").test_connection()
    assert good is True
    assert service.url in words
    for conn_id in ("wrong", "nobody"):
        good, words = ClassifyHook(conn_id).test_connection()
        assert good is False
        assert f"'{conn_id}'" in words
        assert "a test request" in words  # not the id of a job that does not exist
        assert KEY not in words


def test_the_test_button_on_a_web_site_that_is_no_api(connection: Callable[..., None]) -> None:
    with scripted_server(Answer(200, b"<html>Welcome</html>"), Answer(404, b"<html>404</html>")) as server:
        connection(host=server.url)
        for _ in range(2):
            good, words = ClassifyHook("docs").test_connection()
            assert good is False
            assert "'docs'" in words


def test_the_test_button_refuses_an_extra_that_is_not_read(
    connection: Callable[..., None], service: RunningService
) -> None:
    connection(host=service.url, password=KEY, extra={"requst_timeout": 5})
    good, words = ClassifyHook("docs").test_connection()
    assert good is False
    assert "'requst_timeout'" in words
    connection(host=service.url, password=KEY, extra={"request_timeout": 5, "document_timeout": None})
    assert ClassifyHook("docs").test_connection()[0] is True


def test_a_host_without_a_scheme_is_told_in_the_log(connection: Callable[..., None], log: Callable[[], str]) -> None:
    connection(host="api.example.com", password=KEY)
    assert isinstance(ClassifyHook("docs").backend, ApiBackend)
    assert "https was assumed: https://api.example.com" in log()


def test_the_test_button_on_the_local_engine() -> None:
    good, words = ClassifyHook().test_connection()
    assert good is True
    assert "local engine" in words


def test_the_key_over_http_is_warned_of(connection: Callable[..., None], log: Callable[[], str]) -> None:
    connection(host="http://api.example.com", password=KEY)
    assert isinstance(ClassifyHook("docs").backend, ApiBackend)
    logged = log()
    assert "sends its api key over http" in logged
    assert KEY not in logged
