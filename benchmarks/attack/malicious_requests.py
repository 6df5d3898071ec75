"""
Draw malicious requests to the service at random, from a seed.

Each request is an :class:`Exchange` on one connection.
"""

from __future__ import annotations

import gzip
import json
import random
from collections.abc import Callable
from urllib.parse import quote, urlencode

from benchmarks.attack.exchange import (
    CATEGORIES,
    DOCUMENT,
    HOST,
    MULTIPART,
    URLENCODED,
    Exchange,
    form,
    part,
    request,
    valid,
)


def draw(number: int, generator: random.Random, drip_url: str, *, slow: bool) -> tuple[str, Exchange]:
    """
    Return the name of a kind, and an exchange of that kind.

    :param number: the number of the exchange. The kinds take turns, so that a small sample has all of them.
    :param generator: draws the random numbers.
    :param drip_url: the URL of a server that never ends its replies.
    :param slow: whether to draw also requests that only a time limit of the service ends.
    """
    kinds = _KINDS | {"file_url": lambda generator: _file_url(generator, drip_url)}
    names = [name for name in kinds if slow or name != "slow"]
    name = names[number % len(names)]
    return name, kinds[name](generator)


def _bytes(generator: random.Random, most: int = 200) -> bytes:
    return generator.randbytes(generator.randint(1, most))


# The formatter would put each input on its own line.
# fmt: off

def _broken_http(generator: random.Random) -> Exchange:
    huge = b"X-Pad: %s\r\n" % (b"a" * generator.choice([100, 70_000, 300_000]))
    sent = generator.choice(
        [
            _bytes(generator, 2000) + b"\r\n\r\n",
            b"\x16\x03\x01" + _bytes(generator),
            b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
            b"GET /health HTTP/9.9\r\n\r\n",
            b"GET /health\r\n\r\n",
            b"GET http://attacker/health HTTP/1.1\r\n" + HOST + b"\r\n",
            b"GET /health HTTP/1.1\r\n" + huge + b"\r\n",
            b"GET /health HTTP/1.1\r\n" + b"X: y\r\n" * generator.choice([50, 5000, 20_000]) + b"\r\n",
            b"GET /health HTTP/1.1\r\nX\x00: y\r\n\r\n",
            b"GET /health HTTP/1.1\nHost: a\n\n",
            b"\r\n" * generator.choice([5, 5000]) + b"GET /health HTTP/1.1\r\n" + HOST + b"\r\n",
            b"GET /" + b"a" * generator.choice([5000, 100_000]) + b" HTTP/1.1\r\n" + HOST + b"\r\n",
            b"GET /health HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
            b"GET /health HTTP/1.1\r\n" + HOST + b"Connection: upgrade\r\nUpgrade: websocket\r\n\r\n",
            b"GET /health HTTP/1.1\r\n" + HOST + b" folded: \x1b[2J\r\n\r\n",
        ]
    )
    return Exchange((sent,), "half")


def _wrong_length(generator: random.Random) -> Exchange:
    body = form(part("pdf_file", DOCUMENT, "a.txt"), part("categories", CATEGORIES.encode()))
    length = generator.choice(
        [-1, "x", "1e3", 10**30, len(body) - 5, len(body) + 5, "+7", "0x10", 600 * 1024**2, " 1 2"]
    )
    return Exchange((request(body, headers=MULTIPART, length=length),), "half")


def _chunks(generator: random.Random) -> Exchange:
    body = form(part("pdf_file", DOCUMENT, "a.txt"), part("categories", CATEGORIES.encode()))
    right = b"%x\r\n%s\r\n0\r\n\r\n" % (len(body), body)
    sent = generator.choice(
        [right, right[:-7], b"zz\r\n" + body, b"-1\r\n\r\n", b"ffffffffffffffffff\r\na", b"5;" + b"x" * 100_000,
         b"1\r\nab\r\n0\r\n\r\n"]
    )
    also = generator.choice([b"", b"Content-Length: 5\r\n", b"Transfer-Encoding: gzip\r\n"])
    headers = MULTIPART + b"Transfer-Encoding: chunked\r\n" + also
    return Exchange((request(headers=headers, length="") + sent,), "half")


def _half_request(generator: random.Random) -> Exchange:
    whole = valid()
    return Exchange((whole[: generator.randrange(1, len(whole))],), generator.choice(["half", "reset"]))


def _slow(generator: random.Random) -> Exchange:
    """Return a request that stops halfway or arrives one byte at a time, until the service ends it."""
    whole = valid()
    cut = generator.randrange(len(whole) - 1)
    if generator.random() < 0.5:
        return Exchange((whole[:cut],))
    return Exchange(tuple(whole[i : i + 1] for i in range(cut)), pause=0.5)


def _boundary(generator: random.Random) -> Exchange:
    boundary = generator.choice(
        [b"", b'""', b"b" * 257, b"b" * 20_000, b"\xff\xfe", b'"b; charset=x"', b"--b", b"b\x0b",
         b'"\\"', b"b;boundary=c", b" "]
    )
    body = form(part("pdf_file", DOCUMENT, "a.txt"), part("categories", CATEGORIES.encode()))
    headers = b"Content-Type: multipart/form-data; boundary=" + boundary + b"\r\n"
    return Exchange((request(body.replace(b"--b", b"--" + boundary), headers=headers),), "half")


def _broken_form(generator: random.Random) -> Exchange:
    document, categories = part("pdf_file", DOCUMENT, "a.txt"), part("categories", CATEGORIES.encode())
    whole = form(document, categories)
    position = generator.randrange(len(whole))
    name = generator.choice(
        ["../../etc/passwd", "a\x1b[2J.pdf", "x" * 5000, "\u202efdp.exe", "C:\\\\x", "http://[x", "a%00.pdf", ""]
    )
    body = generator.choice(
        [
            _bytes(generator, 3000),
            whole[:position],
            whole[:position] + _bytes(generator, 20) + whole[position:],
            whole[:position] + whole[position + generator.randint(1, 30) :],
            form(document, document, categories),
            form(document, categories, categories),
            form(part("pdf_file", b"text"), categories),
            form(document, part("file_url", b"http://a/b"), categories),
            form(*[part(str(i), b"") for i in range(generator.choice([99, 101, 3000]))], document, categories),
            form(b"--b\r\n" + b"X: y\r\n" * 10_000 + b"\r\n\r\n", document, categories),
            form(b"--b\r\nContent-Disposition: " + b"a" * 1_000_000 + b"\r\n\r\n\r\n", document, categories),
            form(b'--b\r\nContent-Disposition: form-data; name="\xff"\r\n\r\n\r\n', document, categories),
            form(part("pdf_file", DOCUMENT, name), categories),
            form(document, part("categories", b"\xff\xfe" + CATEGORIES.encode())),
            form(document, part("categories", b"a" * 5_000_000)),
            b"",
            b"--b--\r\n",
        ]
    )
    return Exchange((request(body, headers=MULTIPART),), "half")


def _other_form(generator: random.Random) -> Exchange:
    kind = generator.choice(
        [b"application/json", b"text/plain", b"multipart/mixed; boundary=b", b"\xff", b"a/b;" * 5000]
    )
    body = generator.choice(
        [b"", b"{}", b"=&=&==", b"a=b&" * 5000, b"%" * 1000, b"categories=%ff%fe&file_url=%00", b"&" * 5_000_000]
    )
    headers = generator.choice([URLENCODED, b"Content-Type: " + kind + b"\r\n", b""])
    return Exchange((request(body, headers=headers),), "half")


def _categories(generator: random.Random) -> Exchange:
    value: object = generator.choice(
        [
            [f"c{i}" for i in range(generator.choice([1001, 90_000]))],
            ["x" * generator.choice([201, 900_000])],
            [{"name": "a", "description": "x" * 3000}],
            [], {}, 7, None, True, "", [[]], [None], [1], [{}], ["a", "A"], ["a", "a"], [" "], ["\ud800"], ["a\x00"],
            [{"name": "a", "examples": ["/etc/passwd"]}], [{"name": "a", "other": 1}], [{"name": ["a"]}],
            [float("nan")], ["\x1b[2J\n"], ["a/" * 99], [{"name": "a", "description": 5}],
        ]
    )
    text = generator.choice(
        [json.dumps(value), json.dumps(value), "[" * 200_000, '{"a":' * 50_000, "[NaN", "9" * 100_000]
    )
    return Exchange((valid(categories=text),))


def _path(generator: random.Random) -> Exchange:
    job_id = generator.choice(
        ["..", ".", "%2e%2e", "../health", "%2e%2e%2f%2e%2e", "%00", "%ff%fe", "%ED%A0%80", "a" * 20_000,
         "' OR 1=1 --",
         "%1b[2J", "a%0d%0aX: y", "%", "%zz", "*", "?", "#", "a;b", "\u202e", "jobs.db", "..%5c..", "//", "a/b/c",
         "0" * 36]
    )
    target = b"/classify/" + (job_id if generator.random() < 0.5 else quote(job_id, safe="%/.")).encode()
    return Exchange((request(method=generator.choice([b"GET", b"DELETE", b"HEAD", b"POST"]), target=target),), "half")


def _method(generator: random.Random) -> Exchange:
    method = generator.choice(
        [b"PUT", b"PATCH", b"HEAD", b"OPTIONS", b"TRACE", b"CONNECT", b"get", b"BREW", b"A" * 5000, b"DELETE"]
    )
    target = generator.choice(
        [b"/classify", b"/classify/x", b"/health", b"*", b"/", b"attacker:443", b"/openapi.json", b""]
    )
    return Exchange((request(b"x" * generator.choice([0, 10]), method=method, target=target),), "half")


def _query(generator: random.Random) -> Exchange:
    query = generator.choice(["", "job_id", "job_id=", "&".join(["job_id=" + "a" * 36] * 500),
        "&".join(["job_id=a"] * 501),
                              "job_id=%00&job_id=%ff", "job_id[]=1", "job_id=" + "a" * 50_000, "=&=&&&", "%%%"])
    return Exchange((request(method=b"GET", target=b"/classify?" + query.encode()),), "half")


def _pipelined(generator: random.Random) -> Exchange:
    many = request(method=b"GET", target=b"/classify/x") * generator.choice([2, 50, 300])
    return Exchange((generator.choice([many, valid() * 3, valid() + many, many[:-10], many + b"\x00\x00"]),), "half")


def _compressed(generator: random.Random) -> Exchange:
    packed = gzip.compress(generator.choice([form(part("pdf_file", DOCUMENT, "a")), b" " * 10_000_000]))
    coding = generator.choice([b"gzip", b"deflate", b"br", b"gzip, gzip", b"identity"])
    return Exchange((request(packed, headers=MULTIPART + b"Content-Encoding: " + coding + b"\r\n"),), "half")


def _headers(generator: random.Random) -> Exchange:
    header = generator.choice(
        [b"Idempotency-Key: " + b"k" * 300, b"Idempotency-Key: \xff\xfe", b"Idempotency-Key:", b"api-key: \xff",
         b"Expect: 100-continue", b"Expect: something", b"X-Forwarded-For: 127.0.0.1", b"Transfer-Encoding: identity",
         b"Content-Length: 7", b"Range: bytes=0-", b"Cookie: " + b"a=b;" * 5000, b"Idempotency-Key: ' OR 1=1 --"]
    )
    return Exchange((valid(headers=header + b"\r\n"),), "half", cancel=True)


def _cancelled(generator: random.Random) -> Exchange:
    return Exchange((valid(DOCUMENT + _bytes(generator, 20_000)),), cancel=True)


def _same_key(generator: random.Random) -> Exchange:
    key = b"Idempotency-Key: key-%d\r\n" % generator.randrange(20)
    return Exchange((valid(DOCUMENT + b"%d" % generator.randrange(3), headers=key),))


def _document(generator: random.Random) -> Exchange:
    document = generator.choice(
        [b"", b"%PDF-1.7", b"%PDF-1.7\n" + _bytes(generator), b"\x89PNG\r\n\x1a\n" + _bytes(generator),
         b"PK\x03\x04" + _bytes(generator),
         b"\xff\xd8\xff" + _bytes(generator), b"GIF89a" + _bytes(generator), b"<!--" * 2000, b"<a " * 2000,
         _bytes(generator), b"\n" * 5000]
    )
    return Exchange((valid(document),))


def _file_url(generator: random.Random, drip_url: str) -> Exchange:
    url = generator.choice(
        ["http://169.254.169.254/latest/meta-data", "http://[fd00:ec2::254]/", "http://0xA9FEA9FE/",
         "http://2852039166/",
         "http://[::ffff:169.254.169.254]/", "http://[64:ff9b::a9fe:a9fe]/", "http://127.0.0.1:1/",
         "http://localhost:99999/",
         "file:///etc/passwd", "gopher://a", "http://", "http://a b", "http://a\nb", "//a",
         "http://user:pass@127.0.0.1:1/",
         "http://" + "a" * 300 + "/", "http://a" + "/" * 9000, "http://\u202e/", "http://%00/", "http://[::1",
         "javascript:1",
         drip_url, drip_url + "/header", drip_url + "/informational", drip_url + "/redirect"]
    )
    body = urlencode({"file_url": url, "categories": CATEGORIES}).encode()
    return Exchange((request(body, headers=URLENCODED),), cancel=generator.random() < 0.3)


# fmt: on

_KINDS: dict[str, Callable[[random.Random], Exchange]] = {
    "broken HTTP": _broken_http,
    "wrong length": _wrong_length,
    "chunks": _chunks,
    "half request": _half_request,
    "slow": _slow,
    "boundary": _boundary,
    "broken form": _broken_form,
    "other form": _other_form,
    "categories": _categories,
    "path": _path,
    "method": _method,
    "query": _query,
    "pipelined": _pipelined,
    "compressed": _compressed,
    "headers": _headers,
    "cancelled": _cancelled,
    "same key": _same_key,
    "document": _document,
}


#: The number of kinds, including the kind that :func:`_file_url` draws.
KINDS = len(_KINDS) + 1
