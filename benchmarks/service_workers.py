"""
Measure the gain in throughput from a second worker of the service.

``python benchmarks/service_workers.py [--documents N]`` starts PostgreSQL, an S3 server, a process that serves the API,
and workers that use only one core each. One worker classifies copies of the sample documents, and then two workers
classify the same documents again. The benchmark prints documents a second, from the start of the first document to the
end of the last, and the ratio of the two rates. The servers share the cores with the workers.
"""

from __future__ import annotations

import argparse
import os
import signal
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import httpx

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "scripts")]

from samples import SAMPLES, draw_samples  # noqa: E402
from sqlalchemy import create_engine, extract, func, select  # noqa: E402
from sqlalchemy.engine import Engine  # noqa: E402

from airflow_provider_classify.job_record.job_table import JOBS, UNFINISHED  # noqa: E402
from tests.faults import postgres  # noqa: E402
from tests.support.s3 import BUCKET, running_s3  # noqa: E402
from tests.support.service_processes import ServiceProcesses  # noqa: E402
from tests.support.waiting import wait_until  # noqa: E402

_CATEGORIES = '["invoice", "receipt", "contract", "letter", "resume", "bank_statement"]'


def main() -> None:
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # a `kill` stops the servers too
    parser = argparse.ArgumentParser(description="Measure one and two workers of the service.")
    parser.add_argument("--documents", type=int, default=120, help="default: 120")
    documents = parser.parse_args().documents
    cores = sorted(os.sched_getaffinity(0))
    if len(cores) < 2:
        sys.exit("This machine allows one core only; two workers need two.")
    if not postgres.program("postgres"):
        sys.exit("PostgreSQL is needed; install the package postgresql.")
    with tempfile.TemporaryDirectory(prefix="bench-service-") as name:
        folder = Path(name)
        samples = draw_samples(folder / "samples")
        with postgres.running_postgres(folder / "postgres.log") as server, running_s3() as s3:
            url = postgres.create_database(server, "service").render_as_string(hide_password=False)
            options = {"capacity": 2 * documents}
            with ServiceProcesses(folder / "processes", url, f"s3://{BUCKET}/waiting", s3.env, **options) as processes:
                compare(processes, create_engine(url), cores, samples, documents)


def compare(
    processes: ServiceProcesses, engine: Engine, cores: Sequence[int], samples: Sequence[Path], documents: int
) -> None:
    api = processes.start("api")
    print(f"{documents} documents (copies of {len(SAMPLES)} samples) on workers with one core each")
    print(f"{'workers':>7} {'seconds':>8} {'documents/s':>11}")
    rates = []
    for workers, core in enumerate(cores[:2], start=1):
        with held_to(core):
            processes.start("worker")
        measure(api.url, engine, samples, 4 * len(SAMPLES))  # warms everything up
        seconds = measure(api.url, engine, samples, documents)
        rates.append(documents / seconds)
        print(f"{workers:7} {seconds:8.1f} {rates[-1]:11.2f}", flush=True)
    print(f"two workers / one worker: {rates[1] / rates[0]:.2f}")


def measure(url: str, engine: Engine, samples: Sequence[Path], documents: int) -> float:
    """Submit documents. Return the seconds from the start of the first to the end of the last."""
    job_ids = []
    with httpx.Client(base_url=url, timeout=60) as client:
        for number in range(documents):
            sample = samples[number % len(samples)]
            files, data = {"pdf_file": (sample.name, sample.read_bytes())}, {"categories": _CATEGORIES}
            job_ids.append(client.post("/classify", files=files, data=data).raise_for_status().json()["job_id"])
    these = JOBS.c.job_id.in_(job_ids)
    unfinished = select(func.count()).where(these, JOBS.c.status.in_(UNFINISHED))
    wait_until(lambda: _value(engine, unfinished) == 0, 3600, pause=0.5)
    failed = _value(engine, select(func.count()).where(these, JOBS.c.status != "completed"))
    if failed:
        sys.exit(f"{failed} documents failed.")
    elapsed = extract("epoch", func.max(JOBS.c.finished_at) - func.min(JOBS.c.started_at))
    return float(_value(engine, select(elapsed).where(these)))


def _value(engine: Engine, query: object) -> float:
    with engine.connect() as connection:
        return connection.execute(query).scalar_one()


@contextmanager
def held_to(core: int) -> Iterator[None]:
    """Hold the processes that this thread starts during the block to one core."""
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {core})
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


if __name__ == "__main__":
    main()
