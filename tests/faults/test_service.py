"""Kill the processes of a service while 300 documents are classified. Each document must get one answer."""

from __future__ import annotations

import random
import threading
import time
import uuid
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing

import httpx
import pytest
from standalone import free_port

from airflow_provider_classify.job_record.job_store import JobStore
from airflow_provider_classify.model.api_contract import MAX_BYTES
from airflow_provider_classify.service.cleaner import Cleaner
from airflow_provider_classify.service.object_documents import ObjectDocuments
from airflow_provider_classify.service.upload_folder import UploadFolder
from tests.faults import postgres
from tests.faults.documents import DOCUMENTS, INVOICE, LETTER
from tests.support.s3 import BUCKET, running_s3
from tests.support.service_processes import ServiceProcesses
from tests.support.waiting import wait_until

pytestmark = [pytest.mark.faults, pytest.mark.timeout(900)]

#: Seconds between two kills.
KILL_SECONDS = 5
#: The documents that are submitted in a second, so that there are many kills.
RATE = 4
PROCESSES = 3
CATEGORIES = '["letter", "invoice"]'


class Fleet:
    """Three processes of a service, each of which comes back on its port after a kill."""

    def __init__(self, processes):
        self._processes = processes
        self._ports = [free_port() for _ in range(PROCESSES)]
        self._running = [processes.start(port=port) for port in self._ports]
        self.kills = 0

    def kill_one(self):
        index = self.kills % PROCESSES
        self._running[index].kill()
        self.kills += 1
        self._running[index] = self._processes.start(port=self._ports[index])

    def url(self):
        return f"http://127.0.0.1:{random.choice(self._ports)}"

    def logs(self):
        return "".join(process.log.read_text() for process in self._running)


def call(fleet, method, path, **form):
    """Send a request to one of the processes; repeat it with another one until there is an answer."""
    until = time.monotonic() + 120
    while True:
        try:
            reply = httpx.request(method, fleet.url() + path, timeout=30, **form)
            if reply.status_code != 503:
                return reply.raise_for_status().json()
        except httpx.TransportError:
            assert time.monotonic() < until, "No process of the service answers."
        time.sleep(0.2)


def document(number):
    category, text = ("letter", LETTER) if number % 2 else ("invoice", INVOICE)
    return category, text.format(number=number, fault="a killed process").encode()


def submit(fleet, number, began):
    time.sleep(max(0.0, began + number / RATE - time.monotonic()))
    category, content = document(number)
    form = {"files": {"pdf_file": (f"{number}.txt", content)}, "data": {"categories": CATEGORIES}}
    key = {"Idempotency-Key": f"document {number}"}
    return category, call(fleet, "POST", "/classify", headers=key, **form)["job_id"]


def test_processes_are_killed_every_five_seconds(tmp_path, database_server, capsys, monkeypatch):
    url = postgres.create_database(database_server, uuid.uuid4().hex).render_as_string(hide_password=False)
    with (
        running_s3() as s3,
        ServiceProcesses(tmp_path, url, f"s3://{BUCKET}/waiting", s3.env, lease=3) as processes,
    ):
        fleet, ended = Fleet(processes), threading.Event()

        def kill():
            while not ended.wait(KILL_SECONDS):
                fleet.kill_one()

        began = time.monotonic()
        killer = threading.Thread(target=kill)
        killer.start()
        try:
            with ThreadPoolExecutor(8) as pool:
                submitted = list(pool.map(lambda number: submit(fleet, number, began), range(DOCUMENTS)))
            jobs = {job_id: category for category, job_id in submitted}
            assert len(jobs) == DOCUMENTS
            wait_until(lambda: unfinished(url) == [], 300, pause=0.5)
        finally:
            ended.set()
            killer.join()
        seconds = time.monotonic() - began
        answers = {job_id: call(fleet, "GET", f"/classify/{job_id}") for job_id in jobs}
        recorded = Counter(job.job_id for job in recorded_jobs(url))
        lost = [job_id for job_id in jobs if answers[job_id]["status"] != "completed"]
        wrong = [job_id for job_id, category in jobs.items() if category_of(answers[job_id]) != category]
        doubled = len(recorded) - DOCUMENTS
        with capsys.disabled():
            print(
                f"\n{DOCUMENTS} documents, {PROCESSES} processes, {fleet.kills} kills in {seconds:.0f} s: "
                f"{len(lost)} lost, {doubled} doubled, {len(wrong)} wrong"
            )
        assert fleet.kills >= PROCESSES
        assert (lost, doubled, wrong) == ([], 0, [])
        assert set(recorded) == set(jobs)
        for name, value in s3.env.items():
            monkeypatch.setenv(name, value)
        documents = ObjectDocuments(f"s3://{BUCKET}/waiting", UploadFolder(tmp_path / "arriving", MAX_BYTES))
        with closing(JobStore(url)) as store:
            cleaner = Cleaner(store, documents)
            for _ in range(2):
                cleaner.clean()
        assert documents.job_ids() == set()


def category_of(answer):
    return (answer["result"] or {}).get("classification")


def unfinished(url):
    with closing(JobStore(url)) as store:
        return store.unfinished()


def recorded_jobs(url):
    with closing(JobStore(url)) as store:
        return store.jobs()
