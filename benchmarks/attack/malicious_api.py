"""
Serve a malicious classify API. The path of each request names the case: false, slow, huge or broken replies.

    python -m benchmarks.attack.malicious_api

It prints its port, and serves ``/SEED/NUMBER/CASE/classify…`` until its standard input is closed. The same path
returns the same bytes.
"""

from __future__ import annotations

import asyncio
import gzip
import json
import os
import random
import re
import sys
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any

#: Seconds between the bytes of a slow reply: well below the client's timeout for a single read.
DRIP = 0.02
#: Pieces after which an endless reply ends, so that the test ends if a client reads all of it.
ENDLESS = 100_000

_CONTENT_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
_PATH = re.compile(r"^(\w+) /(\d+)/(\d+)/(\w+)/classify(?:/([^ ?]*)|\?([^ ]*))? ")


class Reset:
    """Reset the connection."""


Step = bytes | float | Reset


@dataclass(frozen=True)
class Asked:
    """A request: its method, and the id of its job (``None`` for a submit)."""

    method: str
    job_id: str | None


Case = Callable[[random.Random, Asked], Iterator[Step]]


# --- good replies -------------------------------------------------------------------------


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


# --- cases --------------------------------------------------------------------------------


def valid(rng: random.Random, asked: Asked) -> Iterator[Step]:
    """Send a good reply in one of several transfers. A client must accept each of them."""
    body = json.dumps(good(asked)).encode()
    match rng.randrange(4):
        case 0:
            yield reply(body, 202 if asked.method == "POST" else 200)
        case 1:
            yield head(200, "Content-Encoding: gzip") + gzip.compress(body)
        case 2:
            yield head(200, "Transfer-Encoding: chunked")
            for at in range(0, len(body), 40):
                yield b"%x\r\n%s\r\n" % (len(body[at : at + 40]), body[at : at + 40])
            yield b"0\r\n\r\n"
        case _:
            yield b"HTTP/1.1 100 Continue\r\n\r\n" + reply(good(asked) | {"new": {"deep": [[["x"]]]}})


def drip_head(rng: random.Random, asked: Asked) -> Iterator[Step]:
    start = rng.choice([b"", b"H", b"HTTP/1.1 200 OK\r\nX-Slow: "])
    yield start
    for _ in range(ENDLESS):
        yield rng.choice([b"a", b"H", b" "])
        yield DRIP


def drip_body(rng: random.Random, asked: Asked) -> Iterator[Step]:
    yield rng.choice([head(rng.choice([200, 500]), length=10**6), head(200)])
    for _ in range(ENDLESS):
        yield b" "
        yield DRIP


def drip_chunks(rng: random.Random, asked: Asked) -> Iterator[Step]:
    yield head(200, "Transfer-Encoding: chunked")
    for _ in range(ENDLESS):
        yield b"1\r\n \r\n"
        yield DRIP


def endless_interim(rng: random.Random, asked: Asked) -> Iterator[Step]:
    interim = f"HTTP/1.1 {rng.choice([100, 102, 103])} Wait\r\n\r\n".encode()
    for _ in range(ENDLESS):
        yield interim
        yield DRIP


def silence(rng: random.Random, asked: Asked) -> Iterator[Step]:
    yield rng.choice([b"", b"HTTP/1.1 200 OK\r\n", head(200, length=20) + b"{"])
    yield 30.0


def bomb(rng: random.Random, asked: Asked) -> Iterator[Step]:
    encoding = rng.choice(["gzip", "deflate"])
    yield head(rng.choice([200, 200, 502]), f"Content-Encoding: {encoding}")
    yield _packed(encoding, rng.choice([b" ", b"[", b"{}, "]))


@cache
def _packed(encoding: str, text: bytes) -> bytes:
    """Return at least 32 MB packed into a few kilobytes. It is cached, since packing delays the other requests."""
    packer = zlib.compressobj(9, wbits=31 if encoding == "gzip" else 15)
    return b"".join(packer.compress(text * 2**20) for _ in range(32)) + packer.flush()


def huge(rng: random.Random, asked: Asked) -> Iterator[Step]:
    piece = rng.choice([b" " * 65536, b"[" * 65536, b'"' + b"x" * 65535])
    yield head(rng.choice([200, 404, 500]), length=rng.choice([10**9, 10**18]))
    for _ in range(400):
        yield piece


def many_values(rng: random.Random, asked: Asked) -> Iterator[Step]:
    value = rng.choice(["[]", "{}", "1.5", '"ab"', '{"page": 1}', "[" * 30 + "]" * 30])
    body = '{"page_results": [' + ", ".join([value] * (6_000_000 // (len(value) + 2))) + "]}"
    job = json.dumps(good(asked) | {"result": "BODY"}).replace('"BODY"', body)
    yield reply(job)


def wrong_length(rng: random.Random, asked: Asked) -> Iterator[Step]:
    body = json.dumps(good(asked)).encode()
    yield head(200, length=rng.choice([0, 1, len(body) - 1, len(body) + 1, 10**30, -1, "abc", "1, 2", "0x10"])) + body


def broken_chunks(rng: random.Random, asked: Asked) -> Iterator[Step]:
    yield head(200, "Transfer-Encoding: chunked")
    size = rng.choice([b"-1", b"zz", b"", b"F" * 40, b"5;" + b"x" * 100_000, b"5\n", b"0x5", b"5 5"])
    yield size + b'\r\n{"a":\r\n' + rng.choice([b"", b"0\r\n\r\n", b"0\r\n" + b"X: y\r\n" * 50_000])


def cut_off(rng: random.Random, asked: Asked) -> Iterator[Step]:
    whole = reply(good(asked))
    yield whole[: rng.randrange(len(whole) - 1)]
    if rng.random() < 0.5:
        yield Reset()


def reset(rng: random.Random, asked: Asked) -> Iterator[Step]:
    yield Reset()


def redirect(rng: random.Random, asked: Asked) -> Iterator[Step]:
    target = rng.choice(
        ["/", "//127.0.0.1:9/x", "http://127.0.0.1:9/", "file:///etc/passwd", "\\\\x", "", "javascript:1"]
    )
    yield reply(b"", rng.choice([300, 301, 302, 303, 307, 308]), f"Location: {target}")


def header_flood(rng: random.Random, asked: Asked) -> Iterator[Step]:
    flood = rng.choice(
        [
            [f"X-{n}: {'y' * 20}" for n in range(20_000)],
            ["X: " + "y" * 2_000_000],
            ["Set-Cookie: a=" + "b" * 3000] * 300,
            ["X" * 100_000 + ": y"],
        ]
    )
    yield reply(good(asked), 200, *flood)


def odd_headers(rng: random.Random, asked: Asked) -> Iterator[Step]:
    odd = rng.choice(
        [
            "Content-Length: 5",
            "Transfer-Encoding: identity, chunked",
            "Transfer-Encoding: gzip",
            "X: a\0b",
            "X: \x1b[31m",
            "no colon",
            ": no name",
            " folded",
            "X: é\udcff",
            "Content-Type: text/html; charset=utf-7",
            "Content-Type: application/json; charset=no-such",
        ]
    )
    yield reply(good(asked), 200, odd)


def odd_encoding(rng: random.Random, asked: Asked) -> Iterator[Step]:
    encoding = rng.choice(["br", "zstd", "gzip", "deflate", "gzip, gzip", "x" * 5000, "compress", "\x1b[31m"])
    body = json.dumps(good(asked)).encode()
    packed = gzip.compress(body)
    yield reply(rng.choice([body, packed[:-9], packed[:20], b"\x1f\x8b", b""]), 200, f"Content-Encoding: {encoding}")


def odd_status(rng: random.Random, asked: Asked) -> Iterator[Step]:
    status = rng.choice([101, 199, 204, 205, 206, 304, 418, 451, 599, 600, 999, "000", "20", "1000", "abc", "-1", ""])
    yield reply(rng.choice([b"", b"x", b"{}", b"null"]), status)


def no_http(rng: random.Random, asked: Asked) -> Iterator[Step]:
    yield rng.choice(
        [
            b"SSH-2.0-OpenSSH_9.6\r\n",
            b"\x15\x03\x01\x00\x02\x02\x28",
            rng.randbytes(5000),
            b"HTTP/9.9 200 OK\r\n\r\n{}",
            b"HTTP/1.0 200\r\n\r\n",
            b"ICY 200 OK\r\n\r\n",
            b"\r\n" * 10_000,
            b"HTTP/1.1 200 OK\r\n\r\n" * 100,
        ]
    )


def charset(rng: random.Random, asked: Asked) -> Iterator[Step]:
    text = json.dumps(good(asked) | {"progress": "fertig – ÄÖÜ"}, ensure_ascii=False)
    codec = rng.choice(["utf-16", "utf-16-be", "utf-32", "latin-1", "cp1252", "utf-7"])
    yield reply(text.encode(codec, "replace"))


def odd_number(rng: random.Random, asked: Asked) -> Iterator[Step]:
    number = rng.choice(["NaN", "Infinity", "-Infinity", "1e999", "-1e999", "9" * 30, "9" * 5000, "-" + "9" * 400])
    yield reply(json.dumps(_planted(rng, good(asked), "PLANT")).replace('"PLANT"', number))


def surrogate(rng: random.Random, asked: Asked) -> Iterator[Step]:
    half = rng.choice(["\\ud800", "\\udfff", "\\udc00\\ud800", "\\uD83D x"])
    if rng.random() < 0.3:
        yield reply(json.dumps(_planted(rng, good(asked), "PLANT")).replace("PLANT", "\udcff"))
    else:
        yield reply(json.dumps(_planted(rng, good(asked), "PLANT")).replace("PLANT", half))


def deep(rng: random.Random, asked: Asked) -> Iterator[Step]:
    depth = rng.choice([65, 500, 900, 5000, 100_000, 1_000_000])
    opening, closing = rng.choice([("[", "]"), ('{"a":', "}")])
    value = opening * depth + "1" + closing * (depth if rng.random() < 0.7 else 0)
    yield reply(json.dumps(_planted(rng, good(asked), "PLANT")).replace('"PLANT"', value))


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
        payload = _planted(rng, payload, rng.choice([None, True, -1, 0.5, "", "x\x1b[31m\n" * 50, [], {}, [{}], 2**63]))
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
    """Announce that keys are honoured, and fail each submit."""
    if asked.method == "POST":
        yield rng.choice([Reset(), reply(b"", 502)])
    else:
        yield reply({"detail": "Job not found"}, 404, "Idempotency-Key-Honoured: true")


#: The cases, and whether a client may take the reply for a result of the job that it asked for.
CASES: dict[str, tuple[Case, bool]] = {
    case.__name__: (case, may_succeed)
    for case, may_succeed in [
        (valid, True), (drip_head, False), (drip_body, False), (drip_chunks, False), (endless_interim, False),
        (silence, False), (bomb, False), (huge, False), (many_values, False), (wrong_length, True),
        (broken_chunks, False), (cut_off, False), (reset, False), (redirect, False), (header_flood, True),
        (odd_headers, True), (odd_encoding, False), (odd_status, False), (no_http, False), (charset, True),
        (odd_number, False), (surrogate, False), (deep, False), (twice, False), (another_job, False),
        (impossible, False), (mutated, True), (words, True), (retry_after, False), (false_keys, False),
    ]
}  # fmt: skip


def _planted(rng: random.Random, payload: dict[str, Any], value: object) -> dict[str, Any]:
    """Return the payload with one value replaced or a new key added, at any level."""
    key = rng.choice([*payload, "new"])
    inner = payload.get(key)
    if isinstance(inner, dict) and inner and rng.random() < 0.8:
        return payload | {key: _planted(rng, inner, value)}
    if isinstance(inner, list) and inner and isinstance(inner[0], dict) and rng.random() < 0.8:
        return payload | {key: [_planted(rng, inner[0], value), *inner[1:]]}
    return payload | {key: value}


# --- the server ---------------------------------------------------------------------------


async def _serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        request = await reader.readuntil(b"\r\n\r\n")
        if length := _CONTENT_LENGTH.search(request):
            await reader.readexactly(int(length[1]))
        match = _PATH.match(request.decode("latin-1"))
        assert match, request
        method, seed, number, case, job_id, _ = match.groups()
        for step in CASES[case][0](random.Random(f"{seed}/{number}"), Asked(method, job_id)):
            if isinstance(step, Reset):
                writer.transport.abort()
                return
            if isinstance(step, float):
                await asyncio.sleep(step)
            else:
                writer.write(step)
            await writer.drain()
    except (ConnectionError, asyncio.IncompleteReadError):
        pass  # the client closed the connection
    finally:
        writer.close()


async def main() -> None:
    for encoding in ("gzip", "deflate"):
        for text in (b" ", b"[", b"{}, "):
            _packed(encoding, text)
    server = await asyncio.start_server(_serve, "127.0.0.1", 0, limit=2**20, backlog=500)
    print(server.sockets[0].getsockname()[1], flush=True)
    await asyncio.to_thread(sys.stdin.read)
    os._exit(0)  # without waiting for endless replies


if __name__ == "__main__":
    asyncio.run(main())
