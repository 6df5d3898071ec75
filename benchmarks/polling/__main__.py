"""
Measure the cost of waiting for thousands of jobs in a triggerer, for this package and other providers.

    python benchmarks/polling [--jobs N] [--only TEXT]

For each case, a job server runs in this process, and the triggers run in a new process. Jobs end uniformly over a
minute. ``delay`` is the time from the end of a job to the event of its trigger. ``lag`` is the delay with which the
event loop wakes a sleeping task. CPU seconds and memory are those of the process with the triggers, without its
imports.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import random
import resource
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from job_server import ROUTES, JobServer

#: Seconds over which the jobs end.
SPAN = 60.0
#: Seconds from the start of the triggers to the first end of a job.
HEAD_START = 2.0
#: Seconds after the end of the last job after which the triggers are stopped.
PATIENCE = 120.0
HEADER = (
    f"{'trigger':46} {'requests':>8} {'peak/s':>6} {'conns':>6} {'CPU s':>6} {'MB/1000':>7} "
    f"{'delay p50':>9} {'p95':>6} {'lag p99':>8} {'load':>5}"
)


@dataclass(frozen=True)
class Case:
    """
    One row of the table.

    :param title: the name of the case in the table.
    :param contestant: the name of the triggers in ``contestants.py``.
    :param route: the name of the API's route in ``job_server.py``.
    :param interval: seconds between two requests for a job.
    :param batch_route: whether the server also has the route for the statuses of several jobs.
    :param share: the factor by which the number of jobs is multiplied.
    :param rate: the connection's ``request_rate``, in requests a second.
    """

    title: str
    contestant: str
    route: str = "classify"
    interval: float = 5.0
    batch_route: bool = False
    share: int = 1
    rate: float | None = None


CASES = [
    Case("a trigger each, every 5 s", "classify"),
    Case("one batch trigger, every 5 s", "classify-batch"),
    Case("a trigger each, batch route, every 1 s", "classify", interval=1.0, batch_route=True),
    Case("one batch trigger, batch route, every 1 s", "classify-batch", interval=1.0, batch_route=True),
    Case("4 x jobs, a trigger each, 2,000 requests/s", "classify", share=4, rate=2000.0),
    Case("bare loops over one aiohttp session, every 5 s", "bare"),
]
PEERS = ["databricks", "http", "dbt-cloud", "airbyte", "openai"]


async def run_case(case: Case, jobs: int) -> str:
    """Run one case in a new process and return its row."""
    server = JobServer(ROUTES[case.route], batch_route=case.batch_route)
    async with await server.start():
        server.begin({jobs + 1: 0.0})
        with tempfile.TemporaryDirectory() as airflow_home:
            process = await asyncio.create_subprocess_exec(
                sys.executable,
                str(Path(__file__).with_name("triggerer.py")),
                *map(str, (case.contestant, server.url, jobs, case.interval, HEAD_START + SPAN + PATIENCE)),
                *([str(case.rate)] if case.rate else []),
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                limit=2**26,
                env=os.environ | {"AIRFLOW_HOME": airflow_home, "AIRFLOW__CORE__LOAD_EXAMPLES": "False"},
            )
            assert process.stdin
            assert process.stdout
            while await process.stdout.readline() not in (b"ready\n", b""):
                pass  # Airflow prints other lines first
            chances = random.Random(42)
            start = time.monotonic() + HEAD_START
            server.begin({number: start + chances.uniform(0, SPAN) for number in range(1, jobs + 1)})
            process.stdin.write(b"go\n")
            output = await process.stdout.read()
            await process.wait()
    try:
        measured = json.loads(output.splitlines()[-1])
    except (IndexError, ValueError):
        return f"{case.title:46} failed; see its output above"
    return row(case, jobs, server, measured)


def row(case: Case, jobs: int, server: JobServer, measured: dict[str, Any]) -> str:
    """
    Return one line of the table.

    A batch trigger has one event for all jobs. So the delay of a job ends there with the first reply of the server that
    reports its end.
    """
    fired = {int(number): at for number, at in measured["fired"].items()}
    seen = server.seen if case.contestant == "classify-batch" else fired
    never = time.monotonic()
    delays = sorted(seen.get(number, never) - end for number, end in server.ends.items())
    late = jobs - len(seen)
    return (
        f"{case.title:46} {server.requests.total():8,} {max(server.requests.values()):6,} {server.connections:6,} "
        f"{measured['cpu']:6.1f} {measured['memory'] / 1e6 / jobs * 1000:7.1f} "
        f"{quantile(delays, 0.5):9.2f} {quantile(delays, 0.95):6.2f} {quantile(sorted(measured['lags']), 0.99):8.3f} "
        f"{os.getloadavg()[0]:5.1f}" + (f"  {late:,} jobs never seen" if late else "")
    )


def quantile(values: Sequence[float], share: float) -> float:
    """Return the value below which a share, from 0 to 1, of the sorted values lies."""
    return values[min(len(values) - 1, int(len(values) * share))]


def installed(peer: str) -> str | None:
    """Return the version of a peer's provider package; None if it is not installed."""
    try:
        return version(f"apache-airflow-providers-{peer}")
    except PackageNotFoundError:
        return None


async def main() -> None:
    """Run the cases one after the other, and print each row as soon as it is measured."""
    parser = argparse.ArgumentParser(description="What waiting for thousands of jobs costs a triggerer.")
    parser.add_argument("--jobs", type=int, default=5000, help="jobs (default 5000)")
    parser.add_argument("--only", default="", help="only the cases whose title contains this")
    arguments = parser.parse_args()
    _raise_limit_of_open_files()
    print(f"{arguments.jobs:,} jobs that end over {SPAN:.0f} s; delays and lag in seconds, load of the last minute.\n")
    print(HEADER, flush=True)
    for peer in PEERS:
        if installed(peer) is None and arguments.only in peer:
            print(f"{peer:46} not installed")
    peers = [Case(f"{peer} {found}", peer, peer) for peer in PEERS if (found := installed(peer))]
    for case in CASES + peers:
        if arguments.only in case.title:
            print(await run_case(case, arguments.jobs * case.share), flush=True)


def _raise_limit_of_open_files() -> None:
    """Raise the limit to the hard limit: each trigger of a peer opens a connection, and the soft one is often 1,024."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


if __name__ == "__main__":
    asyncio.run(main())
