"""
Serve a malicious classify API, with false, slow, huge and broken replies. The path of each request names the case.

    python -m benchmarks.attack.malicious_api

It prints its port, and serves ``/SEED/NUMBER/CASE/classify…`` until its standard input is closed. It replies to the
same path with the same bytes.
"""

from __future__ import annotations

import asyncio
import os
import random
import re
import sys

from benchmarks.attack.malicious_contents import (
    another_job,
    charset,
    deep,
    false_keys,
    impossible,
    mutated,
    odd_number,
    retry_after,
    surrogate,
    twice,
    words,
)
from benchmarks.attack.malicious_transfers import (
    bomb,
    broken_chunks,
    cut_off,
    drip_body,
    drip_chunks,
    drip_head,
    endless_interim,
    header_flood,
    huge,
    many_values,
    no_http,
    odd_encoding,
    odd_headers,
    odd_status,
    packed,
    redirect,
    reset,
    silence,
    valid,
    wrong_length,
)
from benchmarks.attack.replies import Asked, Case, Reset

_CONTENT_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
_PATH = re.compile(r"^(\w+) /(\d+)/(\d+)/(\w+)/classify(?:/([^ ?]*))?(?:\?([^ ]*))? ")


#: The cases, and whether a client may accept the reply as one about the job that it has asked for.
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
            packed(encoding, text)
    server = await asyncio.start_server(_serve, "127.0.0.1", 0, limit=2**20, backlog=500)
    print(server.sockets[0].getsockname()[1], flush=True)
    await asyncio.to_thread(sys.stdin.read)
    os._exit(0)  # without waiting for endless replies


if __name__ == "__main__":
    asyncio.run(main())
