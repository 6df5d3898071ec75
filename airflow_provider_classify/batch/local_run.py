"""A batch by the local engine: all cores of the worker, in processes that stay warm."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait

from airflow_provider_classify.batch.plan import Item
from airflow_provider_classify.batch.progress_log import ProgressLog
from airflow_provider_classify.batch.record import Ledger
from airflow_provider_classify.documents.allowed_roots import require_allowed_examples
from airflow_provider_classify.documents.document import Document
from airflow_provider_classify.exceptions import DocumentError
from airflow_provider_classify.local.backend import LocalBackend
from airflow_provider_classify.model.categories import Category


def run_locally(
    backend: LocalBackend, items: Iterable[Item], categories: Sequence[Category], ledger: Ledger, progress: ProgressLog
) -> None:
    """
    Classify documents and put their results on record.

    :raises ClassifyError: the engine cannot work at all, or an example of a category is not allowed; what was done
        until then is on record.
    """
    require_allowed_examples(categories)
    with backend.pool() as pool, ThreadPoolExecutor(pool.size) as threads:

        def classify(item: Item) -> None:
            document = Document(item.document)
            try:
                with document.local_copy() as path:
                    result = pool.classify(path, categories, name=document.label)
            except DocumentError as error:
                ledger.failed(item, error)
                progress.one_done(failed=True)
            else:
                ledger.ended(item, result.to_json())
                progress.one_done(failed=False)

        running = [threads.submit(classify, item) for item in items]
        ended, _ = wait(running, return_when=FIRST_EXCEPTION)
        threads.shutdown(wait=False, cancel_futures=True)
        for future in ended:
            future.result()
