"""The body of a reply, within its limits."""

from __future__ import annotations

import gzip
import zlib

import pytest

from airflow_provider_classify.api.reply_body import LONGEST_REPLY, ReplyBody
from airflow_provider_classify.api.settings import ApiSettings
from airflow_provider_classify.exceptions import InvalidReply

TEXT = b'{"job_id": "8a1c"}' * 5000
SETTINGS = ApiSettings("docs", "https://api.example.com")


def body(status: int = 200, encoding: str | None = None) -> ReplyBody:
    headers = {} if encoding is None else {"Content-Encoding": encoding}
    return ReplyBody(status, headers, what="job 8a1c", settings=SETTINGS)


def read(content: bytes, status: int = 200, encoding: str | None = None, piece: int = 1000) -> bytes:
    reader = body(status, encoding)
    for start in range(0, len(content), piece):
        reader.feed(content[start : start + piece])
    return reader.finish()


@pytest.mark.parametrize("piece", [1, 1000, 10**6])
@pytest.mark.parametrize(
    ("encoding", "content"),
    [
        (None, TEXT),
        ("identity", TEXT),
        ("gzip", gzip.compress(TEXT, mtime=0)),
        (" GZIP ", gzip.compress(TEXT, mtime=0)),
        ("deflate", zlib.compress(TEXT)),
    ],
)
def test_a_body_is_decoded(encoding: str | None, content: bytes, piece: int) -> None:
    assert read(content, encoding=encoding, piece=piece) == TEXT


def test_an_empty_body_needs_no_encoding() -> None:
    assert read(b"", encoding="gzip") == b""


@pytest.mark.parametrize(
    ("encoding", "content"),
    [
        ("br", TEXT),
        ("gzip, gzip", gzip.compress(gzip.compress(TEXT, mtime=0), mtime=0)),
        ("gzip", TEXT),
        ("gzip", gzip.compress(TEXT, mtime=0)[:-20]),
        ("\x1b[31m", TEXT),
    ],
)
def test_a_body_that_is_not_encoded_as_it_says(encoding: str, content: bytes) -> None:
    with pytest.raises(InvalidReply, match=r"job 8a1c.*'docs'") as raised:
        read(content, encoding=encoding)
    assert str(raised.value).isprintable()
    assert read(content, status=502, encoding=encoding)[:1] in (b"", TEXT[:1]), "the status says enough"


def test_a_body_of_just_the_limit_is_read_and_one_byte_more_is_not() -> None:
    assert len(read(b" " * LONGEST_REPLY, piece=2**20)) == LONGEST_REPLY
    assert len(read(gzip.compress(b" " * LONGEST_REPLY, mtime=0), encoding="gzip")) == LONGEST_REPLY
    for content, encoding in ((b" " * (LONGEST_REPLY + 1), None), (gzip.compress(b" " * (LONGEST_REPLY + 1)), "gzip")):
        with pytest.raises(InvalidReply, match="more than 16 MB"):
            read(content, encoding=encoding, piece=2**20)


def test_a_bomb_is_not_inflated_beyond_the_limit() -> None:
    packer = zlib.compressobj(9, wbits=31)
    packed = b"".join(packer.compress(b" " * 2**20) for _ in range(1000)) + packer.flush()
    assert len(packed) < 2**20
    reader = body(encoding="gzip")
    with pytest.raises(InvalidReply, match="more than 16 MB"):
        reader.feed(packed)
    assert len(reader._body) == LONGEST_REPLY + 1


def test_of_the_page_of_an_error_the_beginning_is_read() -> None:
    reader = body(status=502)
    for _ in range(100):
        reader.feed(b"<html>" + b"x" * 10_000)
    assert reader.is_full
    assert len(reader.finish()) == 64 * 1024
