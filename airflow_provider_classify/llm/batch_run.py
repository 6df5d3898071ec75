"""Run a batch on a language model: read documents on the worker's cores, and ask about several at the same time."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from pathlib import Path
from typing import TYPE_CHECKING

from airflow_provider_classify.batch.plan import Item
from airflow_provider_classify.batch.work import BatchWork
from airflow_provider_classify.documents.document import Document
from airflow_provider_classify.engine.sandbox.pool import EnginePool
from airflow_provider_classify.exceptions import DocumentError, InvalidReply, JobFailed
from airflow_provider_classify.llm.adapter import open_adapter
from airflow_provider_classify.llm.batch_api import VendorRun
from airflow_provider_classify.model import polling
from airflow_provider_classify.model.categories import Category
from airflow_provider_classify.model.result import ClassificationResult
from airflow_provider_classify.model.usage import Usage

if TYPE_CHECKING:
    from airflow_provider_classify.llm.ask import OpenModel
    from airflow_provider_classify.llm.backend import LlmBackend
    from airflow_provider_classify.llm.cost import Budget

#: The most documents that are classified at the same time.
CONCURRENCY = 16


def run_batch(backend: LlmBackend, work: BatchWork) -> None:
    """
    Classify the documents of a batch.

    Each document is a job in the backend's record, which gets the answer before the batch's record does. So a task that
    is killed at any moment does not pay again for a document that has an answer.

    :raises ClassifyError: the model or a record failed as a whole, or the budget of the task is used up. The records
        keep the earlier outcomes.
    """
    if not work.todo:
        return
    record, names = work.record, [category.name for category in work.categories]
    budget = backend.budget()
    budget.add(used_by(work))
    with (
        record,
        work.progress_log() as progress,
        ThreadPoolExecutor(CONCURRENCY) as threads,
        EnginePool(options=backend.engine_options()) as pool,
        backend.open_model() as model,
    ):
        classifier = OpenClassifier(backend, pool, model, budget)

        def classify(item: Item) -> None:
            job_id = None
            try:
                job_id = backend.run_job(
                    classifier, Document(item.reference), work.categories, work.key_of(item)
                ).job_id
                result = polling.answer(backend.get(job_id), item.document, names)
            except (DocumentError, InvalidReply, JobFailed) as error:
                progress.one_done(failed=not record.failed(item, error, job_id))
            else:
                progress.one_done(failed=not record.classified(item, result.to_json(), job_id))

        todo = work.todo
        if backend.settings.batch_api:
            adapter, name = open_adapter(backend.settings)
            try:
                todo = VendorRun(backend, work, progress, budget, adapter, name).run(pool)
            finally:
                adapter.close()
        running = [threads.submit(classify, item) for item in todo]
        ended, _ = wait(running, return_when=FIRST_EXCEPTION)
        threads.shutdown(wait=False, cancel_futures=True)
        if len(ended) < len(running):  # requests that were sent are charged, so their answers are kept
            backend.retrier.give_up()
            wait(future for future in running if not future.cancelled())
        for future in ended:
            future.result()


def used_by(work: BatchWork) -> Usage:
    """Return the usage of earlier tries of the task, from the results in the batch's record."""
    total = Usage()
    for item in work.items:
        entry = work.record.state.result(item)
        if entry is not None and not entry.reused:
            total += Usage.from_json((entry.result or {}).get("usage")) or Usage()
    return total


class OpenClassifier:
    """Classifies documents with processes and connections that stay open. Thread-safe."""

    def __init__(self, backend: LlmBackend, pool: EnginePool, model: OpenModel, budget: Budget) -> None:
        self._backend = backend
        self._pool = pool
        self._model = model
        self._budget = budget

    def __call__(self, path: Path, categories: Sequence[Category], name: str) -> ClassificationResult:
        """Classify a file; see :meth:`LlmBackend.classify_with`."""
        return self._backend.classify_with(self._pool, self._model, self._budget, path, categories, name)
