"""Send replies whose transfer is slow, huge or broken."""

from __future__ import annotations

import gzip
import json
import random
import zlib
from collections.abc import Iterator
from functools import cache

from benchmarks.attack.replies import Asked, Reset, Step, good, head, reply

#: Seconds between the bytes of a slow reply: well below the client's timeout for a single read.
DRIP = 0.02
#: The number of pieces of an "endless" reply. It is limited, so that the attack ends even if a client reads all of it.
ENDLESS = 100_000


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
    yield packed(encoding, rng.choice([b" ", b"[", b"{}, "]))


@cache
def packed(encoding: str, text: bytes) -> bytes:
    """Return at least 32 MB of text, compressed. It is cached, because compression would delay the other requests."""
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
