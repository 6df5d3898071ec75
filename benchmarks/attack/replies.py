"""Build replies of the malicious API."""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any


class Reset:
    """Reset the connection."""


Step = bytes | float | Reset


@dataclass(frozen=True)
class Asked:
    """A request: its method, and the id of its job (``None`` for a submit)."""

    method: str
    job_id: str | None


Case = Callable[[random.Random, Asked], Iterator[Step]]


def good(asked: Asked) -> dict[str, Any]:
    """Return the reply that the contract requires."""
    if asked.method == "POST":
        return {"job_id": "5eed-1", "status": "queued", "message": "Classification started", "quota_remaining": 7}
    page = {"page": 1, "success": True, "classification": "invoice", "confidence": 0.9, "raw_result": "invoice"}
    result = {"success": True, "classification": "invoice", "confidence": 0.9, "total_pages": 1, "processed_pages": 1}
    return {
        "job_id": asked.job_id,
        "status": "completed",
        "progress": "Classification completed",
        "error": None,
        "result": result | {"page_results": [page], "scores": {"invoice": 0.9, "letter": 0.1}},
    }


def head(status: object = 200, *headers: str, length: object = None, reason: str = "OK") -> bytes:
    """Return the head of a response; ``length`` is its Content-Length."""
    lines = [f"HTTP/1.1 {status} {reason}", "Content-Type: application/json", "Connection: close", *headers]
    if length is not None:
        lines.append(f"Content-Length: {length}")
    return "\r\n".join([*lines, "", ""]).encode("utf-8", "surrogatepass")


def reply(body: bytes | str | object, status: object = 200, *headers: str) -> bytes:
    """Return a whole response."""
    if not isinstance(body, bytes):
        body = (body if isinstance(body, str) else json.dumps(body)).encode("utf-8", "surrogatepass")
    return head(status, *headers, length=len(body)) + body


def planted(rng: random.Random, payload: dict[str, Any], value: object) -> dict[str, Any]:
    """Return the payload with one value replaced or a new key added, at any level."""
    key = rng.choice([*payload, "new"])
    inner = payload.get(key)
    if isinstance(inner, dict) and inner and rng.random() < 0.8:
        return payload | {key: planted(rng, inner, value)}
    if isinstance(inner, list) and inner and isinstance(inner[0], dict) and rng.random() < 0.8:
        return payload | {key: [planted(rng, inner[0], value), *inner[1:]]}
    return payload | {key: value}
