"""
Serve OpenAI's batch API on loopback, beside the chat completions of ``chat_server``.

Each line of an uploaded file is validated as a request of its own. A batch ends after ``looks`` requests for it.
"""

from __future__ import annotations

import email
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler
from typing import Any

from openai.types import Batch, FileObject

from tests.support.chat_server import ChatReply, ChatRequest, ChatServer, Fails, Says, completion, valid_request


class BatchServer(ChatServer):
    def __init__(self, answer: Callable[[ChatRequest], ChatReply], looks: int) -> None:
        super().__init__(answer)
        self.looks = looks
        self.status = "completed"  # of a batch that has ended
        self.lose_replies = False  # hang up after a batch was created
        self.batches: dict[str, Batch] = {}
        self.asked: dict[str, int] = {}
        self.batched: list[ChatRequest] = []
        self._files: dict[str, bytes] = {}

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        handler = super()._handler()
        handler.do_GET = handler.do_POST  # type: ignore[attr-defined]
        return handler

    def _serve(self, handler: BaseHTTPRequestHandler) -> None:
        path = handler.path.partition("?")[0].removeprefix("/v1/")
        if path.startswith(("files", "batches")):
            self._serve_batch(handler, path.split("/"))
        else:
            super()._serve(handler)

    def _serve_batch(self, handler: BaseHTTPRequestHandler, path: list[str]) -> None:
        data = handler.rfile.read(int(handler.headers.get("Content-Length", 0)))
        content: bytes
        match handler.command, path:
            case "POST", ["files"]:
                content = self._upload(handler.headers["Content-Type"], data).model_dump_json().encode()
            case "POST", ["batches"]:
                batch = self._create(json.loads(data))
                if self.lose_replies:
                    handler.close_connection = True
                    return
                content = batch.model_dump_json().encode()
            case "GET", ["batches"]:
                listed = [batch.model_dump(mode="json") for batch in self.batches.values()]
                content = json.dumps({"object": "list", "data": listed, "has_more": False}).encode()
            case "GET", ["batches", batch_id]:
                self.asked[batch_id] = self.asked.get(batch_id, 0) + 1
                content = self._state(batch_id).model_dump_json().encode()
            case "GET", ["files", file_id, "content"]:
                content = self._files[file_id]
            case _:
                raise AssertionError(f"unknown request {handler.command} {handler.path}")
        handler.send_response(200)
        handler.send_header("Content-Type", "application/json")
        handler.send_header("Content-Length", str(len(content)))
        handler.end_headers()
        handler.wfile.write(content)

    def _upload(self, content_type: str, data: bytes) -> FileObject:
        message = email.message_from_bytes(f"Content-Type: {content_type}\r\n\r\n".encode() + data)
        parts: Any = message.get_payload()
        fields = {part.get_param("name", header="content-disposition"): part.get_payload(decode=True) for part in parts}
        assert fields["purpose"] == b"batch"
        file_id = f"file-{len(self._files)}"
        self._files[file_id] = fields["file"]
        return FileObject(
            id=file_id,
            bytes=len(data),
            created_at=1,
            filename="b.jsonl",
            object="file",
            purpose="batch",
            status="processed",
        )

    def _create(self, body: dict[str, Any]) -> Batch:
        assert (body["endpoint"], body["completion_window"]) == ("/v1/chat/completions", "24h")
        lines = [json.loads(line) for line in self._files[body["input_file_id"]].splitlines()]
        assert len({line["custom_id"] for line in lines}) == len(lines)
        output, errors = [], []
        for line in lines:
            request = ChatRequest(valid_request(line["url"], json.dumps(line["body"]).encode()), {})
            self.batched.append(request)
            reply = self._answer(request)
            if isinstance(reply, Says):
                said = {"status_code": 200, "body": completion(reply).model_dump(mode="json")}
                output.append({"custom_id": line["custom_id"], "response": said, "error": None})
            else:
                assert isinstance(reply, Fails)
                said = {"status_code": reply.status, "body": {"error": dict(reply.error)}}
                errors.append({"custom_id": line["custom_id"], "response": said, "error": None})
        batch_id = f"batch_{len(self.batches)}"
        for name, listed in (("output", output), ("error", errors)):
            self._files[f"{batch_id}-{name}"] = b"".join(json.dumps(one).encode() + b"\n" for one in listed)
        self.batches[batch_id] = Batch(
            id=batch_id,
            completion_window="24h",
            created_at=4_000_000_000,
            endpoint="/v1/chat/completions",
            input_file_id=body["input_file_id"],
            object="batch",
            status="in_progress",
            metadata=body["metadata"],
        )
        return self.batches[batch_id]

    def _state(self, batch_id: str) -> Batch:
        batch = self.batches[batch_id]
        if self.asked[batch_id] <= self.looks:
            return batch
        files = {"output_file_id": f"{batch_id}-output", "error_file_id": f"{batch_id}-error"}
        return batch.model_copy(update={"status": self.status, **files})


@contextmanager
def batch_server(answer: Callable[[ChatRequest], ChatReply], *, looks: int = 1) -> Iterator[BatchServer]:
    """Run a server that calls ``answer`` for each request, also for those in a batch."""
    server = BatchServer(answer, looks)
    server.start()
    try:
        yield server
    finally:
        server.close()
