"""Run a batch on the local engine, with a process for each core of the worker."""

from __future__ import annotations

from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from typing import TYPE_CHECKING

from airflow_provider_classify.batch.plan import Item
from airflow_provider_classify.batch.work import BatchWork
from airflow_provider_classify.documents.allowed_roots import require_allowed_examples
from airflow_provider_classify.documents.document import Document
from airflow_provider_classify.documents.example_folder import with_listed_examples
from airflow_provider_classify.exceptions import DocumentError

if TYPE_CHECKING:
    from airflow_provider_classify.engine.sandbox.pool import EnginePool


def run_locally(pool: EnginePool, work: BatchWork) -> None:
    """
    Classify documents and record their results.

    :raises ClassifyError: the engine or the record failed as a whole, or an example of a category is not allowed. The
        record keeps what was done before.
    """
    categories = with_listed_examples(work.categories)
    require_allowed_examples(categories)
    record = work.record
    with record, work.progress_log() as progress, ThreadPoolExecutor(pool.size) as threads:

        def classify(item: Item) -> None:
            document = Document(item.reference)
            try:
                with document.local_copy() as path:
                    result = pool.classify(path, categories, name=item.document)
            except DocumentError as error:
                progress.one_done(failed=not record.failed(item, error))
            else:
                progress.one_done(failed=not record.classified(item, result.to_json()))

        running = [threads.submit(classify, item) for item in work.todo]
        ended, _ = wait(running, return_when=FIRST_EXCEPTION)
        threads.shutdown(wait=False, cancel_futures=True)
        for future in ended:
            future.result()
