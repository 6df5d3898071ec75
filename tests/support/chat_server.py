"""
Serve OpenAI's chat completions on loopback, strictly: each request is validated against the types of ``openai``.

    with chat_server(lambda request: says("invoice")) as server:
        server.connect(monkeypatch)

A request that is not valid gets HTTP 400 and is kept in ``server.invalid``. Replies are built from the same types.
"""

from __future__ import annotations

import base64
import json
import math
import re
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Self

import pytest
from openai.types import CompletionUsage
from openai.types.chat import ChatCompletion, ChatCompletionMessage, ChatCompletionTokenLogprob
from openai.types.chat.chat_completion import Choice, ChoiceLogprobs
from openai.types.chat.completion_create_params import CompletionCreateParamsNonStreaming
from pydantic import TypeAdapter, ValidationError

KEY = "sk-loopback-1234567890"
MODEL = "stand-in-1"
_REQUEST = TypeAdapter(CompletionCreateParamsNonStreaming)
_FIELDS = frozenset(CompletionCreateParamsNonStreaming.__annotations__)
_PIECE = re.compile(r"\w+|\W")


@dataclass(frozen=True)
class ChatRequest:
    body: Mapping[str, Any]
    headers: Mapping[str, str]

    @property
    def instructions(self) -> str:
        return "\n".join(m["content"] for m in self.body["messages"] if m["role"] in ("system", "developer"))

    @property
    def _parts(self) -> list[Mapping[str, Any]]:
        parts: list[Mapping[str, Any]] = []
        for message in self.body["messages"]:
            if message["role"] == "user":
                content = message["content"]
                parts += [{"type": "text", "text": content}] if isinstance(content, str) else content
        return parts

    @property
    def text(self) -> str:
        """All texts of the user's messages."""
        return "\n".join(part["text"] for part in self._parts if part["type"] == "text")

    @property
    def pictures(self) -> list[bytes]:
        urls = [part["image_url"]["url"] for part in self._parts if part["type"] == "image_url"]
        return [base64.b64decode(url.partition("base64,")[2]) for url in urls]

    @property
    def schema(self) -> Mapping[str, Any]:
        schema: Mapping[str, Any] = self.body["response_format"]["json_schema"]["schema"]
        return schema

    @property
    def options(self) -> list[str]:
        """The categories that the request allows as an answer."""
        return list(self.schema["properties"]["category"]["enum"])

    @property
    def pages(self) -> list[int]:
        if "pages" not in self.schema["properties"]:
            return []
        number = self.schema["$defs"]["PageCategory"]["properties"]["page"]
        return list(number["enum"])


@dataclass(frozen=True)
class Says:
    """A completion. ``probability`` is that of each category in it; ``None`` for no log-probabilities."""

    content: str | None
    finish_reason: str = "stop"
    refusal: str | None = None
    probability: float | None = None
    usage: tuple[int, int] = (120, 30)


@dataclass(frozen=True)
class Fails:
    status: int
    error: Mapping[str, Any] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Bytes:
    """A reply of status 200 with these bytes."""

    data: bytes


class Silence:
    """No reply, until the server ends."""


ChatReply = Says | Fails | Bytes | Silence


def answer_text(category: str, *, confidence: float = 0.9, nearest: str | None = None, **more: Any) -> str:
    """Return an answer as a model writes it."""
    reasoning = more.pop("reasoning", "It has the form of one.")
    fields = {"category": category, "nearest": nearest or category, "confidence": confidence, "reasoning": reasoning}
    return json.dumps(fields | more)


def says(category: str, *, probability: float | None = None, usage: tuple[int, int] = (120, 30), **more: Any) -> Says:
    """Return a completion with an answer."""
    return Says(answer_text(category, **more), probability=probability, usage=usage)


class ChatServer:
    def __init__(self, answer: Callable[[ChatRequest], ChatReply]) -> None:
        self.requests: list[ChatRequest] = []
        self.invalid: list[str] = []
        self._answer = answer
        self._ending = threading.Event()
        self._http = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._http.daemon_threads = True
        self._thread = threading.Thread(target=lambda: self._http.serve_forever(poll_interval=0.02), daemon=True)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._http.server_address[1]}/v1"

    def environment(self, model: str = f"openai-chat:{MODEL}", **extra: Any) -> dict[str, str]:
        """Return the environment variables of the connections ``model`` and ``model_api``."""
        api = {"conn_type": "pydanticai", "host": self.url, "password": KEY, "extra": {"model": model}}
        backend = {"backend": "model", "model_conn_id": "model_api", **extra}
        return {
            "AIRFLOW_CONN_MODEL_API": json.dumps(api),
            "AIRFLOW_CONN_MODEL": json.dumps({"conn_type": "classify", "extra": backend}),
        }

    @contextmanager
    def connected(self, patch: pytest.MonkeyPatch, folder: Path, **extra: Any) -> Iterator[Self]:
        """Define the connections, with a record of jobs in ``folder``. Each request must have been valid."""
        patch.setenv("AIRFLOW__CLASSIFY__JOBS_URL", f"sqlite:///{folder}/jobs.db")
        self.connect(patch, **extra)
        yield self
        assert self.invalid == []

    def connect(self, patch: pytest.MonkeyPatch, **extra: Any) -> None:
        """Define the Airflow connections ``model`` and ``model_api``."""
        for name, value in self.environment(**extra).items():
            patch.setenv(name, value)

    def start(self) -> None:
        self._thread.start()

    def close(self) -> None:
        self._ending.set()
        self._http.shutdown()
        self._thread.join()
        self._http.server_close()

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        server = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                server._serve(self)

            def log_message(self, *args: object) -> None:
                pass

        return Handler

    def _serve(self, handler: BaseHTTPRequestHandler) -> None:
        data = handler.rfile.read(int(handler.headers.get("Content-Length", 0)))
        reply: ChatReply
        try:
            request = ChatRequest(valid_request(handler.path, data), dict(handler.headers))
        except (ValidationError, ValueError) as error:
            self.invalid.append(str(error))
            reply = Fails(400, {"message": "invalid request", "type": "invalid_request_error"})
        else:
            self.requests.append(request)
            if handler.headers.get("Authorization") == f"Bearer {KEY}":
                reply = self._answer(request)
            else:
                reply = Fails(401, {"message": f"Incorrect API key provided: {KEY}", "code": "invalid_api_key"})
        if isinstance(reply, Silence):
            self._ending.wait()
            handler.close_connection = True
            return
        status, content, headers = 200, b"", {}
        if isinstance(reply, Fails):
            status, headers = reply.status, dict(reply.headers)
            content = json.dumps({"error": reply.error}).encode()
        else:
            content = reply.data if isinstance(reply, Bytes) else completion(reply).model_dump_json().encode()
        handler.send_response(status)
        for name, value in {"Content-Type": "application/json", **headers}.items():
            handler.send_header(name, value)
        handler.send_header("Content-Length", str(len(content)))
        handler.end_headers()
        handler.wfile.write(content)


def valid_request(path: str, data: bytes) -> dict[str, Any]:
    """Return the body of a valid request. :raises ValueError: it is not one of chat completions."""
    if path != "/v1/chat/completions":
        raise ValueError(f"unknown path {path}")
    body: dict[str, Any] = json.loads(data)
    if unknown := body.keys() - _FIELDS:
        raise ValueError(f"unknown fields {sorted(unknown)}")
    _consume(_REQUEST.validate_python(body))
    if body["model"] != MODEL:
        raise ValueError(f"unknown model {body['model']!r}")
    return body


def _consume(value: object) -> None:
    """Iterate over everything in a value, because pydantic validates an Iterable only then."""
    if isinstance(value, Mapping):
        for item in value.values():
            _consume(item)
    elif hasattr(value, "__iter__") and not isinstance(value, (str, bytes)):
        for item in value:
            _consume(item)


def completion(said: Says) -> ChatCompletion:
    """Return the completion, which the types of ``openai`` have validated."""
    logprobs = None
    if said.probability is not None and said.content:
        logprobs = ChoiceLogprobs(content=tokens(said.content, said.probability), refusal=None)
    message = ChatCompletionMessage(role="assistant", content=said.content, refusal=said.refusal)
    choice = Choice.model_validate(
        {"index": 0, "finish_reason": said.finish_reason, "message": message, "logprobs": logprobs}
    )
    prompt, output = said.usage
    return ChatCompletion(
        id="chatcmpl-1",
        choices=[choice],
        created=1_700_000_000,
        model=f"{MODEL}-2026-01-01",
        object="chat.completion",
        usage=CompletionUsage(prompt_tokens=prompt, completion_tokens=output, total_tokens=prompt + output),
    )


def tokens(content: str, probability: float) -> Sequence[ChatCompletionTokenLogprob]:
    """
    Return the tokens of a text.

    :param probability: the product of the probabilities of a category's tokens. Each other token has 1.
    """
    values = [match.span(1) for match in re.finditer(r'"category": "((?:[^"\\]|\\.)*)"', content)]
    pieces = [match.span() for match in _PIECE.finditer(content)]
    listed = []
    for begin, end in pieces:
        span = next(((b, e) for b, e in values if b <= begin and end <= e), None)
        within = [piece for piece in pieces if span and span[0] <= piece[0] and piece[1] <= span[1]]
        logprob = math.log(probability) / len(within) if within else 0.0
        piece = content[begin:end]
        listed.append(
            ChatCompletionTokenLogprob(token=piece, bytes=list(piece.encode()), logprob=logprob, top_logprobs=[])
        )
    return listed


@contextmanager
def chat_server(answer: Callable[[ChatRequest], ChatReply]) -> Iterator[ChatServer]:
    """Run a server that calls ``answer`` for the reply to each valid request."""
    server = ChatServer(answer)
    server.start()
    try:
        yield server
    finally:
        server.close()
