"""A trace goes on in what a request leads to."""

from __future__ import annotations

import asyncio
import re

import pytest

from airflow_provider_classify.model.trace import Trace, current_trace, enter_trace, outgoing_headers, traced

TRACE_ID, PARENT_ID = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
HEADER = f"00-{TRACE_ID}-{PARENT_ID}-01"


def test_a_header_is_read_and_written() -> None:
    trace = Trace.parse(HEADER)
    assert trace == Trace(TRACE_ID, PARENT_ID, "01")
    assert trace.header() == HEADER


@pytest.mark.parametrize("version", ["01", "cc"])
def test_a_later_version_is_read_as_far_as_it_is_known(version: str) -> None:
    for rest in ("", "-more"):
        assert Trace.parse(f"{version}-{TRACE_ID}-{PARENT_ID}-01{rest}") == Trace(TRACE_ID, PARENT_ID, "01")


@pytest.mark.parametrize(
    "header",
    [
        None,
        "",
        "nonsense",
        HEADER.upper(),
        f"{HEADER}-more",
        f"{HEADER}\n",
        f"ff-{TRACE_ID}-{PARENT_ID}-01",
        f"00-{'0' * 32}-{PARENT_ID}-01",
        f"00-{TRACE_ID}-{'0' * 16}-01",
        f"00-{TRACE_ID[1:]}-{PARENT_ID}-01",
    ],
)
def test_what_is_not_valid_is_no_trace(header: str | None) -> None:
    assert Trace.parse(header) is None
    with traced(header):
        assert current_trace() is None
        assert outgoing_headers() == {}


def test_an_outgoing_request_is_a_child_in_the_same_trace() -> None:
    with traced(HEADER):
        first, second = (outgoing_headers()["traceparent"] for _ in range(2))
    assert re.fullmatch(f"00-{TRACE_ID}-[0-9a-f]{{16}}-01", first)
    assert len({HEADER, first, second}) == 3
    assert outgoing_headers() == {}


async def test_a_trace_is_entered_for_one_task_and_its_threads() -> None:
    async def task() -> Trace | None:
        enter_trace(HEADER)
        return await asyncio.to_thread(current_trace)

    assert await asyncio.create_task(task()) == Trace.parse(HEADER)
    assert current_trace() is None


def test_a_trace_ends_with_its_block() -> None:
    with traced(HEADER):
        with traced(None):
            assert current_trace() is None
        assert current_trace() is not None
    assert current_trace() is None
