"""The batch operator: many documents in one task."""

from __future__ import annotations

import asyncio
import hashlib
import os
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from airflow.providers.common.compat.sdk import BaseOperator, ObjectStoragePath, TaskDeferred, conf

from airflow_provider_classify.batch.api_run import ApiRun
from airflow_provider_classify.batch.local_run import run_locally
from airflow_provider_classify.batch.output import check_output, read_output, write_output
from airflow_provider_classify.batch.plan import Item, items_of, list_documents, manifest, small, too_many_failed
from airflow_provider_classify.batch.progress_log import ProgressLog
from airflow_provider_classify.batch.record import Ledger, outstanding
from airflow_provider_classify.documents.document import Document
from airflow_provider_classify.exceptions import BatchFailed, DocumentError, InvalidOutput, JobTimedOut
from airflow_provider_classify.hooks.classify import DEFAULT_CONN_ID, ClassifyHook
from airflow_provider_classify.lifecycle import cancel, fail_fast, reattach
from airflow_provider_classify.local.backend import LocalBackend
from airflow_provider_classify.model import events, waiting
from airflow_provider_classify.model.categories import Category, parse_categories
from airflow_provider_classify.operators.checks import check_categories
from airflow_provider_classify.triggers.batch import ClassifyBatchTrigger
from airflow_provider_classify.triggers.classify import BACKSTOP

if TYPE_CHECKING:
    from airflow.providers.common.compat.sdk import Context

    from airflow_provider_classify.model.backend import Backend

#: Results that go to XCom where there is no output.
_MOST_IN_XCOM = 1000
#: Seconds to fetch the results when all jobs have ended.
_FETCH_PATIENCE = 600.0
#: Documents whose bytes are read for their fingerprints at the same time.
_READERS = 16


class ClassifyBatchOperator(BaseOperator):
    """
    Classify many documents in one task.

    With an API, submits are bounded, one trigger (or the worker) watches all jobs, and results are
    fetched as they end. With the local engine all cores of the worker are used.

    What is done is on record beside the ``output`` (in a folder of the same name with ``.parts``) until the
    task succeeds. Killed anywhere, the next try goes on from there: what is submitted is waited
    for, what is classified is kept, what failed is asked again.

    XCom gets a manifest (counts by category, failed documents, path of the output); without an
    ``output``, the list of up to 1,000 results without their pages.

    :param documents: references, or a folder or object-storage prefix. Templated.
    :param categories: as of :class:`ClassifyOperator`. Templated.
    :param pattern: which documents of a folder: ``*.pdf``, or ``**/*.pdf`` for subfolders too. Templated.
    :param output: ``.jsonl`` or ``.parquet``, a path or a URI, on a storage that all workers and triggerers
        reach. One line a document: the result, or ``error``. Templated.
    :param previous: an earlier output; documents whose bytes, categories and classifier are unchanged
        are taken over from it. A file that does not exist yet is no error. Templated.
    :param classify_conn_id: a connection of type ``classify``. Templated.
    :param max_failed: how many documents may fail: a number, or a share as a float up to 1.0.
    :param deferrable: wait in the triggerer; by default as ``[operators] default_deferrable`` says.
    :param timeout: seconds after which waiting for the jobs ends; a retry goes on with the rest.
    :param poll_interval: seconds that the pauses between two looks grow to.
    """

    template_fields: Sequence[str] = (
        "documents",
        "categories",
        "pattern",
        "output_path",
        "previous",
        "classify_conn_id",
    )
    ui_color = "#bfdbfe"

    def __init__(
        self,
        *,
        documents: Sequence[str] | str,
        categories: Sequence[str | dict[str, Any]] | str,
        pattern: str = "*",
        output: str | None = None,
        previous: str | None = None,
        classify_conn_id: str = DEFAULT_CONN_ID,
        max_failed: float = 0,
        deferrable: bool = conf.getboolean("operators", "default_deferrable", fallback=False),
        timeout: float = 24 * 3600.0,
        poll_interval: float = waiting.LONGEST_PAUSE,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        check_categories(categories, self.task_id)
        if max_failed < 0 or (isinstance(max_failed, float) and max_failed > 1):
            raise ValueError(
                f"The max_failed of {self.task_id!r} is {max_failed}; give a number, or a share up to 1.0."
            )
        self.documents = documents
        self.categories = categories
        self.pattern = pattern
        self.output_path = output  # `output` is taken: an operator's XCom
        self.previous = previous
        self.classify_conn_id = classify_conn_id
        self.max_failed = max_failed
        self.deferrable = deferrable
        self.timeout = timeout
        self.poll_interval = poll_interval
        self._running: tuple[Any, Ledger] | None = None  # the task instance and its record, while there is one to kill

    @cached_property
    def hook(self) -> ClassifyHook:
        """The hook of the operator's connection."""
        return ClassifyHook(self.classify_conn_id)

    def execute(self, context: Context) -> Any:
        """Do what is not done yet. :returns: the manifest, or the results."""
        with fail_fast.fail_without_retry():
            wait = self._wait()
            categories = parse_categories(self.categories)
            if self.output_path:
                check_output(self.output_path)
            ledger = Ledger(self._record_folder(context))
            items = self._plan(ledger, categories)
            backend = self.hook.backend
            if isinstance(backend, LocalBackend):
                todo = outstanding(items, ledger.progress())
                with ledger, self._progress_log(items, todo) as progress:
                    run_locally(backend, todo, categories, ledger, progress)
            else:
                self._running = (context["ti"], ledger)
                asyncio.run(
                    self._submit_and_wait(backend, ledger, items, categories, wait, reattach.address(context["ti"]))
                )
            if not self.deferrable or not ledger.progress().under_way(items):
                return self._finish(ledger, items, wait)
        raise self._deferral(ledger, items, wait)

    def execute_complete(
        self, context: Context, event: dict[str, Any] | None = None, record: dict[str, Any] | None = None
    ) -> Any:
        """
        Resume after the trigger's event: fetch the results, which do not travel in the event.

        :param record: of a batch without an ``output``, which may resume on another machine.
        """
        with fail_fast.fail_without_retry():
            events.raise_given_up(event)
            ledger = Ledger(self._record_folder(context))
            if record:
                ledger.unpack(record)
            items = ledger.planned()
            self._running = (context["ti"], ledger)
            now = time.time()
            # The trigger has looked just now, so the first look is not put off as after a submit.
            began = now - waiting.SHORTEST_PAUSE
            wait = waiting.Wait("", since=began, deadline=now + _FETCH_PATIENCE, longest_pause=self.poll_interval)
            asyncio.run(self._collect(self.hook.backend, ledger, items, wait))
            return self._finish(ledger, items, wait)

    def on_kill(self) -> None:
        """Cancel the jobs where nobody wants them any more and the API can; else leave them to the next try."""
        if self._running:
            task_instance, ledger = self._running
            cancel.from_worker(task_instance, self.log, self.hook.backend.connect, ledger.job_ids)

    def _wait(self) -> waiting.Wait:
        """The wait that all jobs share, but for their ids."""
        now = time.time()
        return waiting.Wait("", since=now, deadline=now + self.timeout, longest_pause=self.poll_interval)

    def _plan(self, ledger: Ledger, categories: Sequence[Category]) -> list[Item]:
        """Note which documents this try is about, and what of them is known without asking anybody."""
        classifier = self.hook.backend.identity()
        if isinstance(self.documents, str):
            documents = list_documents(self.documents, self.pattern)
        else:
            documents = list(dict.fromkeys(self.documents))
        if not self.output_path and len(documents) > _MOST_IN_XCOM:
            raise InvalidOutput(
                f"{len(documents)} documents are too many for XCom; give the task {self.task_id!r} an output."
            )
        with ThreadPoolExecutor(_READERS) as readers:
            fingerprints = dict(zip(documents, readers.map(_fingerprint, documents), strict=True))
        items = items_of(fingerprints, categories, classifier)
        ledger.plan(items)
        self._take_over(ledger, items)
        return items

    def _take_over(self, ledger: Ledger, items: Sequence[Item]) -> None:
        """Copy the lines of unchanged documents from the previous output."""
        if not (self.previous and ObjectStoragePath(self.previous).exists()):
            return
        known = ledger.progress().classified
        wanted = {item.intent: item for item in items if item.intent not in known}
        with ledger:
            for line in read_output(self.previous):
                item = wanted.pop(line["intent"], None)
                if item and "error" not in line:
                    ledger.ended(item, {**line, "reused": True})

    async def _submit_and_wait(
        self,
        backend: Backend,
        ledger: Ledger,
        items: Sequence[Item],
        categories: Sequence[Category],
        wait: waiting.Wait,
        address: str,
    ) -> None:
        progress = ledger.progress()
        todo = [item for item in outstanding(items, progress) if item.intent not in progress.submitted]

        def key_of(item: Item) -> str:
            return reattach.key_of(address, item.intent, progress.failed[item.intent])

        with ledger, self._progress_log(items, todo) as log:
            async with backend.connect() as jobs:
                run = ApiRun(jobs, ledger, log)
                await run.submit(todo, categories, key_of)
        if not self.deferrable:
            await self._collect(backend, ledger, items, wait)

    async def _collect(self, backend: Backend, ledger: Ledger, items: Sequence[Item], wait: waiting.Wait) -> None:
        under_way = ledger.progress().under_way(items)
        with ledger, self._progress_log(items, list(under_way)) as log:
            async with backend.connect() as jobs:
                await ApiRun(jobs, ledger, log).collect(under_way, wait)

    def _finish(self, ledger: Ledger, items: Sequence[Item], wait: waiting.Wait) -> Any:
        unfinished = len(ledger.progress().under_way(items))
        if unfinished:
            raise JobTimedOut(
                f"{unfinished} of {len(items)} documents were not done {time.time() - wait.since:.0f} s after the wait "
                f"began; retry the task {self.task_id!r} to go on with them, or raise its timeout."
            )
        if self.output_path:
            write_output(self.output_path, ledger.lines(items))
            summary: Any = manifest(read_output(self.output_path), output=self.output_path)
            failed = summary["failed"]
        else:
            summary = [small(line) for line in ledger.lines(items)]
            failed = sum("error" in line for line in summary)
        if failed:  # the record is not read once more for nothing
            for line in ledger.lines(items):
                if "error" in line:
                    self.log.warning("Not classified: %s", line["error"])
        if too_many_failed(failed, len(items), self.max_failed):
            raise BatchFailed(
                f"{failed} of {len(items)} documents were not classified, more than max_failed={self.max_failed} "
                f"allows; see their errors in {self.output_path or 'the log'}, "
                f"and clear the task {self.task_id!r} to ask for them again."
            )
        ledger.remove()
        return summary

    def _deferral(self, ledger: Ledger, items: Sequence[Item], wait: waiting.Wait) -> TaskDeferred:
        is_within_reach = bool(self.output_path)
        job_ids = None if is_within_reach else list(ledger.progress().under_way(items).values())
        trigger = ClassifyBatchTrigger(
            classify_conn_id=self.classify_conn_id,
            ledger=ledger.folder,
            job_ids=job_ids,
            since=wait.since,
            deadline=wait.deadline,
            poll_interval=wait.longest_pause,
        )
        left = timedelta(seconds=wait.deadline - time.time())
        return TaskDeferred(
            trigger=trigger,
            method_name="execute_complete",
            kwargs=None if is_within_reach else {"record": ledger.packed(items)},
            timeout=left + BACKSTOP,
        )

    def _record_folder(self, context: Context) -> str:
        """Beside the output; without one, under Airflow's home, where only this machine finds it: it is packed, too."""
        if self.output_path:
            return f"{self.output_path}.parts"
        home = Path(os.environ.get("AIRFLOW_HOME", "~/airflow")).expanduser()
        return str(home / "classify" / "batches" / hashlib.sha256(reattach.address(context["ti"]).encode()).hexdigest())

    def _progress_log(self, items: Sequence[Item], todo: Sequence[Item]) -> ProgressLog:
        return ProgressLog(self.log, total=len(items), done=len(items) - len(todo))


def _fingerprint(document: str) -> str:
    """Of a document that cannot be read, the reason: it fails when its turn comes."""
    try:
        return Document(document).fingerprint()
    except DocumentError as error:
        return str(error)
