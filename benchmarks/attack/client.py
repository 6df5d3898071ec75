"""
Attack the client with a malicious API, through its blocking and its asyncio driver.

Every input must end in a result or a :class:`ClassifyError`, within a limit of time and memory. A result must belong
to the requested job, and it must be possible to store it. The message of an error must be safe for a log.
"""

from __future__ import annotations

import asyncio
import json
import random
import subprocess
import sys
import tempfile
import time
import traceback
from collections.abc import AsyncIterator, Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil

from airflow_provider_classify.api.aio import ApiSession, open_session
from airflow_provider_classify.api.reply_body import LONGEST_REPLY
from airflow_provider_classify.api.settings import ApiSettings
from airflow_provider_classify.api.sync import ApiBackend
from airflow_provider_classify.documents.document import Document
from airflow_provider_classify.exceptions import ClassifyError
from airflow_provider_classify.model import polling
from airflow_provider_classify.model.categories import Category
from airflow_provider_classify.model.job import Job, Submission, require_job_id
from benchmarks.attack.counts import Counts
from benchmarks.attack.malicious_api import CASES

KEY = "sk-recognisable-4711"
CATEGORIES = [Category("invoice"), Category("letter")]
JOB_ID = "5eed-0"
#: The timeout of a request in seconds. It is longer for a good reply, so that a busy machine causes no fault.
REQUEST_TIMEOUT = 0.4
PATIENT_TIMEOUT = 30.0
#: Seconds within which an input must end. An input sends up to 11 requests.
LIMIT = 45.0
#: The number of inputs at the same time.
AT_ONCE = 32
#: The most bytes by which the process may grow: for each of the inputs at the same time, the body of the largest reply,
#: its text and its values; and in addition 64 MB for threads and modules.
MEMORY = 3 * LONGEST_REPLY * AT_ONCE + 64 * 1024**2
CALLS = ("get", "cancel", "submit", "submit_url", "watch")

Outcome = Job | Submission | polling.Ended | polling.GaveUp | ClassifyError | None


@dataclass(frozen=True)
class Input:
    """One input: a case of the malicious API, a call of the client, and the driver that makes the call."""

    number: int
    case: str
    call: str
    is_async: bool


async def run(count: int, seed: int) -> Counts:
    """Try ``count`` inputs, all cases in turn. The same seed gives the same inputs. Faults are printed to stderr."""
    rng = random.Random(seed)
    names = list(CASES)
    inputs = [
        Input(number, names[number % len(names)], rng.choice(CALLS), rng.random() < 0.5) for number in range(count)
    ]
    counts = Counts(inputs=count)
    asyncio.get_running_loop().set_default_executor(ThreadPoolExecutor(AT_ONCE))  # a thread for each blocking call
    process = psutil.Process()
    with tempfile.TemporaryDirectory() as folder:
        document = _write_document(Path(folder))
        async with _malicious_api() as url:
            before, peak = process.memory_info().rss, 0
            remaining = iter(inputs)

            async def work() -> None:
                nonlocal peak
                for one in remaining:
                    fault = await _attempt(one, f"{url}/{seed}/{one.number}/{one.case}", document)
                    peak = max(peak, process.memory_info().rss)
                    if fault is not None:
                        setattr(counts, fault[0], getattr(counts, fault[0]) + 1)
                        print(f"FAULT {fault[0]} {one}: {fault[1]}", file=sys.stderr, flush=True)

            await asyncio.gather(*(work() for _ in range(AT_ONCE)))
    grown = f"the client grew by {(peak - before) / 1024**2:.0f} of at most {MEMORY / 1024**2:.0f} MB"
    if peak - before > MEMORY:
        counts.lost += 1
        print(f"FAULT memory: {grown}", file=sys.stderr)
    print(f"Client: {grown}.")
    return counts


def _write_document(folder: Path) -> str:
    document = folder / "scan.pdf"
    document.write_bytes(b"%PDF-1.7 " + bytes(range(256)) * 40)
    return str(document)


async def _attempt(one: Input, url: str, document: str) -> tuple[str, str] | None:
    """Return the kind and the description of a fault; None if there is no fault."""
    timeout = PATIENT_TIMEOUT if one.case == "valid" else REQUEST_TIMEOUT
    settings = ApiSettings("docs", url, KEY, request_timeout=timeout)
    reference = "https://files.example.com/scan.pdf" if one.call == "submit_url" else document
    outcome: Outcome
    try:
        async with asyncio.timeout(LIMIT):
            if one.is_async or one.call == "watch":
                outcome = await _call_async(one.call, settings, Document(reference))
            else:
                outcome = await asyncio.to_thread(_call, one.call, settings, Document(reference))
    except ClassifyError as error:
        outcome = error
    except TimeoutError:
        return "hangs", f"no end after {LIMIT:g} s"
    except Exception:  # any other error is a fault of the client, which the report shows
        return "crashes", traceback.format_exc()
    problem = _unsound(one, outcome)
    return None if problem is None else ("lost", problem)


def _call(call: str, settings: ApiSettings, document: Document) -> Outcome:
    with ApiBackend(settings, sleep=lambda seconds: time.sleep(0)) as backend:
        if call == "get":
            return backend.get(JOB_ID)
        if call == "cancel":
            return backend.cancel(JOB_ID)
        return backend.submit(document, CATEGORIES, "key")


async def _call_async(call: str, settings: ApiSettings, document: Document) -> Outcome:
    calls: dict[str, Callable[[ApiSession], Awaitable[Outcome]]] = {
        "get": lambda session: session.get(JOB_ID),
        "cancel": lambda session: session.cancel(JOB_ID),
        "watch": lambda session: session.watch(_wait(settings.request_timeout)),
    }
    call_session = calls.get(call) or (lambda session: session.submit(document, CATEGORIES, "key"))
    async with open_session(settings, sleep=lambda seconds: asyncio.sleep(0)) as session:
        return await call_session(session)


def _wait(seconds: float) -> polling.Wait:
    """Return a wait that began a minute ago, so that its first request is due."""
    now = time.time()
    return polling.Wait(JOB_ID, since=now - 60, deadline=now + seconds)


def _unsound(one: Input, outcome: Outcome) -> str | None:
    """Return the fault of an outcome; None if it has no fault."""
    if isinstance(outcome, polling.GaveUp):
        outcome = outcome.error
    if isinstance(outcome, ClassifyError):
        if one.case == "valid":
            return f"a good reply is refused: {outcome!r}"
        words = str(outcome)
        if KEY in words or not words.isprintable() or len(words) > 4000:
            return f"the message of the error is not safe for a log: {words[:300]!r}"
        return None
    if isinstance(outcome, Job):
        if outcome.job_id != JOB_ID:
            return f"another job was accepted: {outcome.job_id!r}"
        if not f"{outcome.error}{outcome.progress}".isprintable() or len(f"{outcome.error}") > 4000:
            return f"the message of the job is not safe for a log: {outcome.error!r:.300}"
        return _unstorable(outcome) or (None if CASES[one.case][1] else f"a false reply was accepted: {outcome!r:.300}")
    if isinstance(outcome, Submission):
        require_job_id(outcome.job_id)
        # A submit does not name a job, so the reply may name any.
        is_honest = CASES[one.case][1] or one.case == "another_job"
        return None if is_honest else f"a false reply was accepted: {outcome!r:.300}"
    return None  # the API cannot cancel, or the status is checked when the job is fetched


def _unstorable(job: Job) -> str | None:
    try:
        json.dumps(job.to_json(), allow_nan=False, ensure_ascii=False).encode()
    except (ValueError, RecursionError) as error:
        return f"the job cannot be stored: {error}"
    if job.result is not None and (not 0 <= job.result.confidence <= 1 or job.result.total_pages < 0):
        return f"impossible numbers were accepted: {job.result!r:.300}"
    return None


@asynccontextmanager
async def _malicious_api() -> AsyncIterator[str]:
    """Run the malicious API in its own process, and yield its URL."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-m", "benchmarks.attack.malicious_api"),
        cwd=Path(__file__).parents[2],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    assert process.stdin
    assert process.stdout
    try:
        yield f"http://127.0.0.1:{int(await process.stdout.readline())}"
    finally:
        process.stdin.close()
        try:
            async with asyncio.timeout(10):
                await process.wait()
        except TimeoutError:
            process.kill()
            await process.wait()
