"""The measurements of the service. Each prints its lines."""

from __future__ import annotations

import asyncio
import os
import socket
import statistics
import tempfile
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from urllib.parse import urlencode

import pymupdf
from samples import draw_samples

from airflow_provider_classify.engine.sandbox.pool import EnginePool
from airflow_provider_classify.model.categories import Category
from benchmarks.service.processes import Server, bare_app, on_cores, service
from benchmarks.service.requests import Connection, Tally, get, load, submit

CATEGORIES = ["invoice", "letter", "resume", "contract", "receipt"]
#: Samples that are PDFs with text, one page each.
BORN_DIGITAL = ("invoice.pdf", "letter.pdf", "resume.pdf")
CLIENTS = 50
#: The number of jobs below which their statuses are requested often.
FEW = 20
_MB = 1024 * 1024


def born_digital(pages: int = 1) -> list[tuple[str, bytes]]:
    """Return the names and contents of the samples that are PDFs with text. Each repeats its page ``pages`` times."""
    with tempfile.TemporaryDirectory() as folder:
        draw_samples(Path(folder))
        return [(name, _repeated(Path(folder) / name, pages)) for name in BORN_DIGITAL]


def _repeated(path: Path, pages: int) -> bytes:
    with pymupdf.open(path) as sample, pymupdf.open() as document:
        for _ in range(pages):
            document.insert_pdf(sample)
        content: bytes = document.tobytes(garbage=3, deflate=True)
        return content


def status(seconds: float) -> None:
    """Measure the status requests that a service on one core answers in a second."""
    server_core, client_core = _two_cores()
    [(name, content), *_] = born_digital()
    # A document that must be fetched from a server which does not answer stays queued.
    silent = socket.create_server(("127.0.0.1", 0))
    with silent, service("--allow-private-urls", cores=server_core) as server:
        done = asyncio.run(_ended(server.port, submit(name, content, CATEGORIES)))
        waiting = asyncio.run(_submitted(server.port, _fetched_from(silent.getsockname()[1])))
        with on_cores(client_core):
            rates = {
                "of a queued job": _rate(server.port, get(f"/classify/{waiting}"), seconds),
                "of a completed job": _rate(server.port, get(f"/classify/{done}"), seconds),
            }
    with bare_app(cores=server_core) as bare, on_cores(client_core):
        peer = _rate(bare.port, get("/classify/0"), seconds)
    for what, rate in rates.items():
        print(f"status {what}: {rate:,.0f}/s on a core; a bare Starlette app: {peer:,.0f}/s")


def submits(seconds: float, *, pause: float) -> None:
    """
    Measure how long the reply to a submit takes with 50 clients, while the engine works on the documents.

    With a pause of 0.5 s, 50 clients send at most 100 documents a second, fewer than the engine classifies on two
    cores. Without a pause, the clients would send as many documents as the service accepts, and the latency would show
    only how long they wait for each other.

    :param pause: seconds between a reply and the client's next submit.
    """
    documents = [submit(name, content, CATEGORIES) for name, content in born_digital()]

    def request(number: int) -> bytes:
        return documents[number % len(documents)]

    with service() as server:
        asyncio.run(_ended(server.port, documents[0]))
        _print_latencies("service", asyncio.run(load(server.port, CLIENTS, seconds, request, pause=pause)))
    with bare_app() as bare:
        _print_latencies("bare Starlette app", asyncio.run(load(bare.port, CLIENTS, seconds, request, pause=pause)))


def pages(count: int, rounds: int = 3) -> None:
    """Compare the pages per second of the service with those of the bare engine, in turns."""
    for length in (4, 1):
        documents = born_digital(length)
        shares = []
        for _ in range(rounds):
            bare = length * _engine_rate(documents, count // length)
            served = length * asyncio.run(_service_rate(documents, count // length))
            shares.append(served / bare)
            print(f"documents of {length} born-digital pages: service {served:.0f} pages/s, bare engine {bare:.0f}")
        print(f"documents of {length} born-digital pages: median {statistics.median(shares):.0%} of the bare engine")


def uploads(megabytes: int, clients: int = 10) -> None:
    """Measure the memory of the service while it receives large uploads."""
    with service() as server:
        asyncio.run(_upload_all(server, clients, 1))  # warm up: the memory that first uploads take and keep
        before = server.memory()
        peak = asyncio.run(_upload_all(server, clients, megabytes))
        print(
            f"{clients} uploads of {megabytes} MB: memory {before / _MB:.0f} MB before, {peak / _MB:.0f} MB at most "
            f"({(peak - before) / _MB:+.1f} MB), {server.memory() / _MB:.0f} MB after"
        )


def _two_cores() -> tuple[set[int], set[int]]:
    cores = sorted(os.sched_getaffinity(0))
    if len(cores) < 2:
        raise SystemExit("The measurement needs two cores: one for the service, one for its clients.")
    return {cores[0]}, {cores[1]}


def _rate(port: int, request: bytes, seconds: float) -> float:
    tally = asyncio.run(load(port, CLIENTS, seconds, lambda _: request))
    if set(tally.statuses) != {200}:
        raise SystemExit(f"Not every status was returned: {tally.statuses}")
    return tally.rate


def _print_latencies(who: str, tally: Tally) -> None:
    shown = ", ".join(f"{status}: {count}" for status, count in sorted(tally.statuses.items()))
    print(
        f"submits by {CLIENTS} clients, {who}: {tally.rate:.0f}/s, half within {tally.percentile(0.5) * 1000:.1f} ms, "
        f"99 % within {tally.percentile(0.99) * 1000:.1f} ms ({shown})"
    )


def _fetched_from(port: int) -> bytes:
    fields = {"categories": '["invoice"]', "file_url": f"http://127.0.0.1:{port}/a.pdf"}
    body = urlencode(fields).encode()
    return (
        b"POST /classify HTTP/1.1\r\nHost: bench\r\nContent-Type: application/x-www-form-urlencoded\r\n"
        b"Content-Length: %d\r\n\r\n%s" % (len(body), body)
    )


async def _submitted(port: int, request: bytes) -> str:
    connection = await Connection.open(port)
    reply = await connection.send(request)
    connection.close()
    if reply.status != 202:
        raise SystemExit(f"The submit was refused: {reply}")
    return str(reply.json()["job_id"])


async def _ended(port: int, request: bytes) -> str:
    job_id = await _submitted(port, request)
    await _wait(port, [job_id])
    return job_id


async def _wait(port: int, job_ids: Sequence[str]) -> None:
    """Wait until all jobs have ended. One request asks for the statuses of up to 200 jobs."""
    connection = await Connection.open(port)
    left = list(job_ids)
    while left:
        asked = left[:200]
        reply = await connection.send(get(f"/classify?job_id={'&job_id='.join(asked)}"))
        found = reply.json()["jobs"]
        left = [job_id for job_id in asked if found[job_id] in ("queued", "processing")] + left[200:]
        await asyncio.sleep(0.5 if len(left) > FEW else 0.05)  # an exact end, at little cost before it
    connection.close()


def _engine_rate(documents: Sequence[tuple[str, bytes]], count: int) -> float:
    categories = [Category(name) for name in CATEGORIES]
    with tempfile.TemporaryDirectory() as folder, EnginePool() as pool, ThreadPoolExecutor(pool.size) as threads:
        for name, content in documents:
            (Path(folder) / name).write_bytes(content)

        def classify(number: int) -> None:
            name = documents[number % len(documents)][0]
            pool.classify(Path(folder) / name, categories, name=name)

        list(threads.map(classify, range(4 * pool.size)))  # the children start
        began = time.perf_counter()
        list(threads.map(classify, range(count)))
        return count / (time.perf_counter() - began)


async def _service_rate(documents: Sequence[tuple[str, bytes]], count: int) -> float:
    requests = [submit(name, content, CATEGORIES) for name, content in documents]
    with service() as server:
        warm = [await _submitted(server.port, requests[number % len(requests)]) for number in range(16)]
        await _wait(server.port, warm)
        began = time.perf_counter()
        numbers = iter(range(count))

        async def client() -> list[str]:
            connection = await Connection.open(server.port)
            job_ids = []
            for number in numbers:
                while (reply := await connection.send(requests[number % len(requests)])).status == 503:
                    await asyncio.sleep(0.05)
                job_ids.append(str(reply.json()["job_id"]))
            connection.close()
            return job_ids

        lists = await asyncio.gather(*(client() for _ in range(8)))
        await _wait(server.port, [job_id for job_ids in lists for job_id in job_ids])
        return count / (time.perf_counter() - began)


async def _upload_all(server: Server, clients: int, megabytes: int) -> int:
    """Send uploads at the same time. Return the most memory that the service used, in bytes."""
    peak = server.memory()
    uploading = asyncio.gather(*(_upload(server.port, megabytes) for _ in range(clients)))
    while not uploading.done():
        peak = max(peak, server.memory())
        await asyncio.sleep(0.1)
    await uploading
    return peak


async def _upload(port: int, megabytes: int) -> None:
    piece = os.urandom(_MB)
    request = submit("large.bin", b"", CATEGORIES)
    head, gap, body = request.partition(b"\r\n\r\n")
    before, after = body.rsplit(b"\r\n--", 1)
    length = len(body) + megabytes * _MB
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(head.replace(b"Content-Length: %d" % len(body), b"Content-Length: %d" % length) + gap + before)
    for _ in range(megabytes):
        writer.write(piece)
        await writer.drain()
    writer.write(b"\r\n--" + after)
    reply = await reader.readuntil(b"\r\n\r\n")
    writer.close()
    if not reply.startswith(b"HTTP/1.1 202"):
        raise SystemExit(f"An upload was refused: {reply.decode()}")
