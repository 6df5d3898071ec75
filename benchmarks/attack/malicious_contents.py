"""Send whole replies with false or malformed contents."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from typing import Any

from benchmarks.attack.replies import Asked, Reset, Step, good, planted, reply


def charset(rng: random.Random, asked: Asked) -> Iterator[Step]:
    text = json.dumps(good(asked) | {"progress": "fertig – ÄÖÜ"}, ensure_ascii=False)
    codec = rng.choice(["utf-16", "utf-16-be", "utf-32", "latin-1", "cp1252", "utf-7"])
    yield reply(text.encode(codec, "replace"))


def odd_number(rng: random.Random, asked: Asked) -> Iterator[Step]:
    number = rng.choice(["NaN", "Infinity", "-Infinity", "1e999", "-1e999", "9" * 30, "9" * 5000, "-" + "9" * 400])
    yield reply(json.dumps(planted(rng, good(asked), "PLANT")).replace('"PLANT"', number))


def surrogate(rng: random.Random, asked: Asked) -> Iterator[Step]:
    half = rng.choice(["\\ud800", "\\udfff", "\\udc00\\ud800", "\\uD83D x"])
    if rng.random() < 0.3:
        yield reply(json.dumps(planted(rng, good(asked), "PLANT")).replace("PLANT", "\udcff"))
    else:
        yield reply(json.dumps(planted(rng, good(asked), "PLANT")).replace("PLANT", half))


def deep(rng: random.Random, asked: Asked) -> Iterator[Step]:
    depth = rng.choice([65, 500, 900, 5000, 100_000, 1_000_000])
    opening, closing = rng.choice([("[", "]"), ('{"a":', "}")])
    value = opening * depth + "1" + closing * (depth if rng.random() < 0.7 else 0)
    yield reply(json.dumps(planted(rng, good(asked), "PLANT")).replace('"PLANT"', value))


def twice(rng: random.Random, asked: Asked) -> Iterator[Step]:
    text = json.dumps(good(asked))
    yield reply('{"status": "failed", "job_id": "other", ' + text[1:])


def another_job(rng: random.Random, asked: Asked) -> Iterator[Step]:
    other = rng.choice(["", ".", "..", "5eed-2", "a/b", "x" * 10_000, "\x1b[2J", "a\nb", None, 7, ["5eed-0"], {}])
    yield reply(good(asked) | {"job_id": other})


def impossible(rng: random.Random, asked: Asked) -> Iterator[Step]:
    payload = good(asked) | {"status": "completed"}
    page = {"page": 1, "success": True, "classification": "invoice", "confidence": 0.9}
    lies: list[dict[str, Any]] = [
        {"total_pages": -5},
        {"total_pages": 10**12},
        {"processed_pages": -1},
        {"confidence": 89},
        {"confidence": -0.1},
        {"page_results": [page, page], "total_pages": 2, "processed_pages": 2},
        {"page_results": [page | {"page": 0}]},
        {"page_results": [page | {"page": number} for number in range(1, 9)]},
        {"page_results": {"1": page}},
        {"classification": None},
        {"classification": ["invoice"]},
    ]
    if asked.method == "POST":
        yield reply(payload | rng.choice([{"status": "done"}, {"job_id": ".."}, {"quota_remaining": "many"}]))
    else:
        yield reply(payload | {"result": payload["result"] | rng.choice(lies)})


def mutated(rng: random.Random, asked: Asked) -> Iterator[Step]:
    """Send a good reply with some values replaced. It may still be a good reply."""
    payload = good(asked)
    for _ in range(rng.randint(1, 3)):
        payload = planted(rng, payload, rng.choice([None, True, -1, 0.5, "", "x\x1b[31m\n" * 50, [], {}, [{}], 2**63]))
    yield reply(payload, rng.choice([200, 200, 200, 400, 402, 404, 422, 429, 500, 503]))


def words(rng: random.Random, asked: Asked) -> Iterator[Step]:
    said = rng.choice(
        ["\x1b[2J\x1b[31mPWNED", "a\r\nINFO - forged line", "\u202egnp.exe", "x" * 5_000_000, "key: {key}"]
    )
    body = rng.choice(
        [{"detail": said}, {"detail": [{"msg": said}] * 3}, {"detail": {"message": said}}, {"error": said}]
    )
    if rng.random() < 0.4:
        body = good(asked) | {"status": "failed", "error": said, "progress": said}
        yield reply(body)
    else:
        yield reply(body, rng.choice([400, 401, 402, 404, 413, 422, 429, 500, 503]))


def retry_after(rng: random.Random, asked: Asked) -> Iterator[Step]:
    value = rng.choice(
        ["86400", "1e308", "-5", "NaN", "Infinity", "soon", "", "Fri, 31 Dec 9999 23:59:59 GMT", "9" * 5000]
    )
    yield reply(b"Too Many Requests", rng.choice([408, 429, 500, 503]), f"Retry-After: {value}")


def false_keys(rng: random.Random, asked: Asked) -> Iterator[Step]:
    """Reply that idempotency keys are honoured, but let each submit fail."""
    if asked.method == "POST":
        yield rng.choice([Reset(), reply(b"", 502)])
    else:
        yield reply({"detail": "Job not found"}, 404, "Idempotency-Key-Honoured: true")
