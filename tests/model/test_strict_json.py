"""JSON of a peer that is not trusted."""

from __future__ import annotations

import json

import pytest

from airflow_provider_classify.model import strict_json


@pytest.mark.parametrize(
    "value",
    [
        {"a": [1, 2.5, True, None, "ä\n", "\U0001f600"]},
        "text",
        0,
        [],
        {"n": 2**63 - 1, "m": -(2**63)},
        ["[" * 1000, "{" * 1000, '"', "\\", '\\"' * 50],
    ],
)
@pytest.mark.parametrize("ascii_only", [True, False])
def test_json_is_read_as_it_is(value: object, ascii_only: bool) -> None:
    assert strict_json.loads(json.dumps(value, ensure_ascii=ascii_only).encode()) == value


def test_a_byte_order_mark_is_no_part_of_the_text() -> None:
    assert strict_json.loads(b"\xef\xbb\xbf{}") == {}


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"{",
        b"{'a': 1}",
        b"NaN",
        b'{"a": [NaN]}',
        b"Infinity",
        b"[-Infinity]",
        b"[1e999]",
        b"[-1e999]",
        b"9" * 30,
        b"9" * 10_000,
        b"[9223372036854775808]",
        rb'"\ud800"',
        rb'{"a": "x\udfffx"}',
        rb'{"\uDC00": 1}',
        rb'["\udc00\ud800"]',
        b'"\xed\xa0\x80"',
        b'"\xff"',
        '{"a": "ä"}'.encode("latin-1"),
        '{"a": 1}'.encode("utf-16"),
        b'{"a": 1, "a": 2}',
        b'[{"b": {"a": 1, "a": 1}}]',
        b"[" * 65 + b"]" * 65,
        b'{"a":' * 100 + b"1" + b"}" * 100,
        b"[" * 1_000_000,
        b'{"a":' * 1_000_000,
        b"[" + b"1," * 300_000 + b"1]",
        b"[" + b"[]," * 150_000 + b"1]",
    ],
    ids=lambda text: repr(text[:24]),
)
def test_what_could_not_be_stored_or_means_two_things_is_refused(text: bytes) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - json's own words are enough
        strict_json.loads(text)


def test_the_deepest_that_is_read() -> None:
    depth = strict_json.MAX_DEPTH
    value = strict_json.loads(b"[" * depth + b"]" * depth)
    assert json.dumps(value) == "[" * depth + "]" * depth
