"""The backend over HTTP: a server on loopback that speaks OpenAI's chat completions strictly."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from airflow_provider_classify.exceptions import (
    AnswerCutOff,
    ApiConnectionLost,
    ApiNotReached,
    ApiUnavailable,
    AuthenticationRejected,
    ClassifyError,
    ConnectionNotUsable,
    DocumentError,
    DocumentRefused,
    DocumentTooLarge,
    ExtraNotInstalled,
    InvalidReply,
    QuotaExceeded,
    RateLimited,
    RequestRejected,
)
from airflow_provider_classify.hooks.classify import ClassifyHook
from airflow_provider_classify.llm import request_retrier
from airflow_provider_classify.llm.backend import LlmBackend
from airflow_provider_classify.llm.request_retrier import RequestRetrier
from tests.support.chat_server import (
    KEY,
    MODEL,
    Bytes,
    ChatReply,
    ChatRequest,
    ChatServer,
    Fails,
    Says,
    Silence,
    answer_text,
    chat_server,
    says,
)
from tests.support.documents import write_pdf, write_picture

CATEGORIES = ["invoice", "letter"]


class Script:
    """Replies in turn. The last one is repeated."""

    def __init__(self) -> None:
        self.replies: list[ChatReply] = [says("invoice")]

    def __call__(self, request: ChatRequest) -> ChatReply:
        return self.replies.pop(0) if len(self.replies) > 1 else self.replies[0]


@pytest.fixture
def script() -> Script:
    return Script()


@pytest.fixture
def server(script: Script, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[ChatServer]:
    with chat_server(script) as server, server.connected(monkeypatch, tmp_path):
        yield server


@pytest.fixture
def pauses() -> list[float]:
    """The pauses between two requests, which do not take time."""
    return []


def hook_with(pauses: list[float]) -> ClassifyHook:
    """Return a hook whose clock is moved by its pauses."""
    now = [0.0]

    def sleep(seconds: float) -> None:
        pauses.append(seconds)
        now[0] += seconds

    hook = ClassifyHook("model")
    backend: Any = hook.backend
    assert isinstance(backend, LlmBackend)
    backend.retrier = RequestRetrier(clock=lambda: now[0], sleep=sleep, chance=lambda: 1.0)
    return hook


@pytest.fixture
def hook(server: ChatServer, pauses: list[float]) -> ClassifyHook:
    return hook_with(pauses)


@pytest.fixture
def document(tmp_path: Path) -> str:
    return str(write_pdf(tmp_path / "a.pdf"))


def test_a_document_is_classified(hook: ClassifyHook, server: ChatServer, document: str) -> None:
    result = hook.classify(document, CATEGORIES)
    assert (result["classification"], result["confidence"]) == ("invoice", 0.9)
    assert result["document"] == document
    assert result["engine"] == {"name": f"openai:{MODEL}", "version": f"{MODEL}-2026-01-01", "prompt": "1"}
    assert result["usage"] == {"requests": 1, "input_tokens": 120, "output_tokens": 30}
    [request] = server.requests
    assert request.options == ["invoice", "letter", "none of these"]
    assert "2026-0417" in request.text
    assert "2026-0417" not in request.instructions
    assert request.body["temperature"] == 0
    assert request.body["max_completion_tokens"] == 1000
    assert request.body["logprobs"] is True
    assert request.body["response_format"]["json_schema"]["strict"] is True
    assert request.body.keys().isdisjoint({"tools", "tool_choice", "functions", "web_search_options"})


async def test_a_document_is_classified_on_an_event_loop(server: ChatServer, document: str) -> None:
    result = await ClassifyHook("model").aclassify(document, CATEGORIES)
    assert result["classification"] == "invoice"


def test_a_picture_is_sent_as_a_jpeg(hook: ClassifyHook, server: ChatServer, tmp_path: Path) -> None:
    hook.classify(str(write_picture(tmp_path / "a.png")), CATEGORIES)
    [picture] = server.requests[0].pictures
    assert picture.startswith(b"\xff\xd8")


def test_log_probabilities_are_the_confidence(hook: ClassifyHook, script: Script, document: str) -> None:
    script.replies = [says("invoice", probability=0.625, confidence=1.0)]
    result = hook.classify(document, CATEGORIES)
    assert (result["confidence"], result["confidence_source"]) == (0.625, "logprobs")


def test_a_server_that_knows_no_log_probabilities_is_not_asked_for_them(
    server: ChatServer, monkeypatch: pytest.MonkeyPatch, document: str
) -> None:
    server.connect(monkeypatch, logprobs=False)
    ClassifyHook("model").classify(document, CATEGORIES)
    assert "logprobs" not in server.requests[0].body


def test_the_models_connection_can_be_overruled(
    server: ChatServer, monkeypatch: pytest.MonkeyPatch, document: str
) -> None:
    for name, value in server.environment(model="openai-chat:other", extra="").items():
        monkeypatch.setenv(name, value)
    server.connect(monkeypatch, model="openai-chat:other")
    monkeypatch.setenv(
        "AIRFLOW_CONN_MODEL",
        json.dumps(
            {
                "conn_type": "classify",
                "extra": {"backend": "model", "model_conn_id": "model_api", "model": f"openai-chat:{MODEL}"},
            }
        ),
    )
    assert ClassifyHook("model").classify(document, CATEGORIES)["classification"] == "invoice"


# --- answers that are not valid ---------------------------------------------------------------


@pytest.mark.parametrize(
    "first",
    [
        says("contract"),
        Says('{"category": "invoice"'),
        Says("It is an invoice."),
        Says('```json\n{"category": "invoice"}\n```'),
        Says(json.dumps(["invoice"])),
        Says(answer_text("invoice", confidence=95)),
        Says(""),
    ],
)
def test_an_answer_of_another_form_is_asked_once_more(
    first: Says, hook: ClassifyHook, script: Script, server: ChatServer, document: str
) -> None:
    script.replies = [first, says("letter")]
    assert hook.classify(document, CATEGORIES)["classification"] == "letter"
    script.replies = [first]
    with pytest.raises(InvalidReply, match=r"a\.pdf"):
        hook.classify(document, CATEGORIES)
    assert len(server.requests) == 4


@pytest.mark.parametrize(
    ("reply", "kind"),
    [
        (Says(None, refusal="I cannot help with that."), DocumentRefused),
        (Says(None, finish_reason="content_filter"), DocumentRefused),
        (Says('{"category": "invoice", "nearest": "inv', finish_reason="length"), AnswerCutOff),
        (Says("", finish_reason="length"), AnswerCutOff),
    ],
)
def test_a_refusal_and_a_cut_answer_have_their_own_errors(
    reply: Says, kind: type[ClassifyError], hook: ClassifyHook, script: Script, server: ChatServer, document: str
) -> None:
    script.replies = [reply]
    with pytest.raises(kind, match=r"a\.pdf") as caught:
        hook.classify(document, CATEGORIES)
    assert not caught.value.retryable
    assert len(server.requests) == 1, "asking again would only cost money"


@pytest.mark.parametrize("data", [b"", b"{", b"<html>Bad gateway</html>", b"[]", b'{"choices": []}', b"\xff\xfe"])
def test_a_reply_that_is_no_completion_is_an_invalid_reply(
    data: bytes, hook: ClassifyHook, script: Script, document: str
) -> None:
    script.replies = [Bytes(data)]
    with pytest.raises(ClassifyError) as caught:
        hook.classify(document, CATEGORIES)
    assert caught.value.retryable
    assert "model" in str(caught.value)


# --- errors of the provider -------------------------------------------------------------------

FAILURES: list[tuple[Fails, type[ClassifyError], int]] = [
    (Fails(401, {"message": f"Incorrect API key: {KEY}", "code": "invalid_api_key"}), AuthenticationRejected, 1),
    (Fails(403, {"message": "no"}), AuthenticationRejected, 1),
    (Fails(429, {"message": "quota", "code": "insufficient_quota", "type": "insufficient_quota"}), QuotaExceeded, 1),
    (Fails(404, {"message": "no such model", "code": "model_not_found"}), ConnectionNotUsable, 1),
    (Fails(400, {"message": "too long", "code": "context_length_exceeded"}), DocumentTooLarge, 1),
    (Fails(400, {"message": "logprobs are not supported", "code": "unsupported_parameter"}), RequestRejected, 1),
    (Fails(429, {"message": "slow down", "code": "rate_limit_exceeded"}), RateLimited, request_retrier.ATTEMPTS),
    (Fails(500, {"message": "oops"}), ApiUnavailable, request_retrier.ATTEMPTS),
    (Fails(503, {"message": "down"}), ApiUnavailable, request_retrier.ATTEMPTS),
]


@pytest.mark.parametrize(("reply", "kind", "requests"), FAILURES, ids=lambda value: getattr(value, "__name__", ""))
def test_an_error_of_the_provider_is_named(
    reply: Fails,
    kind: type[ClassifyError],
    requests: int,
    hook: ClassifyHook,
    script: Script,
    server: ChatServer,
    document: str,
    caplog: pytest.LogCaptureFixture,
) -> None:
    script.replies = [reply]
    with pytest.raises(kind) as caught:
        hook.classify(document, CATEGORIES)
    assert len(server.requests) == requests
    assert "'model'" in str(caught.value)
    assert KEY not in str(caught.value)
    assert KEY not in caplog.text
    # The error of a document comes from the record of jobs, which keeps no cause.
    assert isinstance(caught.value, DocumentError) or caught.value.__cause__ is not None


def test_a_429_is_obeyed_and_the_request_sent_again(
    hook: ClassifyHook, script: Script, server: ChatServer, document: str, pauses: list[float]
) -> None:
    script.replies = [Fails(429, {"message": "slow down"}, {"Retry-After": "17"}), says("invoice")]
    assert hook.classify(document, CATEGORIES)["classification"] == "invoice"
    assert sum(pauses) == pytest.approx(17)
    assert len(server.requests) == 2


def test_a_429_for_hours_fails_at_once_and_says_how_long(
    hook: ClassifyHook, script: Script, server: ChatServer, document: str, pauses: list[float]
) -> None:
    script.replies = [Fails(429, {"message": "tomorrow"}, {"Retry-After": "7200"})]
    with pytest.raises(RateLimited) as caught:
        hook.classify(document, CATEGORIES)
    assert caught.value.retry_after == 7200
    assert (len(server.requests), pauses) == (1, [])


def test_a_server_that_recovers_is_asked_again(
    hook: ClassifyHook, script: Script, server: ChatServer, document: str
) -> None:
    script.replies = [Fails(500, {}), Fails(503, {}), says("invoice")]
    assert hook.classify(document, CATEGORIES)["classification"] == "invoice"
    assert len(server.requests) == 3


def test_a_model_that_does_not_answer_in_time_is_a_lost_connection(
    script: Script, server: ChatServer, monkeypatch: pytest.MonkeyPatch, document: str, pauses: list[float]
) -> None:
    server.connect(monkeypatch, request_timeout=0.5)
    script.replies = [Silence()]
    with pytest.raises(ApiConnectionLost, match=r"a\.pdf in time"):
        hook_with(pauses).classify(document, CATEGORIES)
    assert len(server.requests) == request_retrier.LOST_ATTEMPTS


def test_a_server_that_is_not_there_is_named(
    server: ChatServer, monkeypatch: pytest.MonkeyPatch, document: str, pauses: list[float]
) -> None:
    api = json.loads(server.environment()["AIRFLOW_CONN_MODEL_API"])
    monkeypatch.setenv("AIRFLOW_CONN_MODEL_API", json.dumps(api | {"host": "http://127.0.0.1:9/v1"}))
    with pytest.raises(ApiNotReached, match="cannot be reached"):
        hook_with(pauses).classify(document, CATEGORIES)


def test_a_wrong_key_is_not_in_the_error(
    server: ChatServer, monkeypatch: pytest.MonkeyPatch, document: str, caplog: pytest.LogCaptureFixture
) -> None:
    api = json.loads(server.environment()["AIRFLOW_CONN_MODEL_API"])
    monkeypatch.setenv("AIRFLOW_CONN_MODEL_API", json.dumps(api | {"password": "sk-wrong-4711"}))
    with pytest.raises(AuthenticationRejected) as caught:
        ClassifyHook("model").classify(document, CATEGORIES)
    assert "4711" not in str(caught.value)
    assert "4711" not in caplog.text


# --- the connections --------------------------------------------------------------------------


def test_the_connection_test_sends_no_request(hook: ClassifyHook, server: ChatServer) -> None:
    assert hook.test_connection() == (True, f"The model 'openai:{MODEL}' is configured. No request was sent to it.")
    assert server.requests == []


@pytest.mark.parametrize(
    ("api", "said"),
    [
        (None, "model_api"),
        ({"conn_type": "http", "host": "https://example.com"}, "model_api"),
        ({"conn_type": "pydanticai", "password": KEY}, "model_api"),
        ({"conn_type": "pydanticai", "password": KEY, "extra": {"model": "nobody:m"}}, "model_api"),
    ],
)
def test_a_models_connection_that_cannot_be_used_is_named(
    api: dict[str, Any] | None, said: str, server: ChatServer, monkeypatch: pytest.MonkeyPatch, document: str
) -> None:
    if api is None:
        monkeypatch.delenv("AIRFLOW_CONN_MODEL_API")
    else:
        monkeypatch.setenv("AIRFLOW_CONN_MODEL_API", json.dumps(api))
    with pytest.raises(ConnectionNotUsable, match=said) as caught:
        ClassifyHook("model").classify(document, CATEGORIES)
    assert KEY not in str(caught.value)
    is_ok, message = ClassifyHook("model").test_connection()
    assert (is_ok, said in message) == (False, True)


def test_a_missing_library_of_a_provider_is_named(
    server: ChatServer, monkeypatch: pytest.MonkeyPatch, document: str
) -> None:
    api = {"conn_type": "pydanticai", "password": KEY, "extra": {"model": "anthropic:claude-opus-4-5"}}
    monkeypatch.setenv("AIRFLOW_CONN_MODEL_API", json.dumps(api))
    with pytest.raises(ExtraNotInstalled, match="anthropic"):
        ClassifyHook("model").classify(document, CATEGORIES)
