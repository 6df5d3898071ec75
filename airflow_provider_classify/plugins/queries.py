"""
Read results from Airflow's metadata database, for the page.

The values are read from the XCom table, without the XCom backend, as Airflow's own API does. So results that a custom
backend stores elsewhere are not shown. All values are untrusted JSON, so no objects are deserialized from them.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Hashable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from threading import Lock
from typing import TYPE_CHECKING, Any

from airflow_provider_classify.lifecycle.thumbnail_route import XCOM_KEY
from airflow_provider_classify.plugins.documents import BatchSummary, Document, merge
from airflow_provider_classify.plugins.outputs import Rows, read_rows
from airflow_provider_classify.plugins.values import Stored, decode, documents_of, manifest_of

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

#: The most results of the overview of a DAG. Older results are not counted, and the page shows a note.
MAX_RESULTS = 20_000
#: The number of newest runs, of all DAGs, that are searched for results of functions.
_SEARCHED_RUNS = 500
#: The number of XComs that are read from the database at a time.
_CHUNK = 500


@dataclass(frozen=True, slots=True)
class Results:
    """
    The documents of one or more runs, and the batches whose documents are not read.

    :param is_truncated: whether there are more results than the page reads.
    """

    documents: Sequence[Document]
    batches: Sequence[BatchSummary]
    is_truncated: bool = False


class _Cache:
    """The results of the runs that were read last. Thread-safe."""

    def __init__(self, size: int) -> None:
        self._size = size
        self._lock = Lock()
        self._results: OrderedDict[Hashable, Results] = OrderedDict()

    def get(self, key: Hashable) -> Results | None:
        with self._lock:
            if key in self._results:
                self._results.move_to_end(key)
            return self._results.get(key)

    def put(self, key: Hashable, results: Results) -> None:
        with self._lock:
            self._results[key] = results
            while len(self._results) > self._size:
                self._results.popitem(last=False)


_cache = _Cache(4)


def run_results(session: Session, dag_id: str, run_id: str) -> Results:
    """Return the results of a run. They are cached until the run has new results."""
    from airflow.models.xcom import XComModel
    from sqlalchemy import func

    counted = _query(dag_id, run_id).with_only_columns(func.count(), func.max(XComModel.timestamp)).order_by(None)
    key = (dag_id, run_id, *session.execute(counted).one())
    found = _cache.get(key)
    if found is None:
        found = _read_run(session, dag_id, run_id)
        _cache.put(key, found)
    return found


def dag_results(session: Session, dag_id: str, since: datetime) -> Results:
    """Return the newest results of a DAG. The outputs of batches are not read."""
    from airflow.models.xcom import XComModel

    query = _query(dag_id).where(XComModel.timestamp >= since).order_by(None)
    query = query.order_by(XComModel.timestamp.desc()).limit(MAX_RESULTS + 1)
    found = list(_stored(session, query))
    documents: list[Document] = []
    by_run: dict[str, list[Stored]] = {}
    for stored in reversed(found[:MAX_RESULTS]):
        by_run.setdefault(stored.run_id, []).append(stored)
    for values in by_run.values():
        documents += merge(document for stored in values for document in documents_of(stored))
    batches = [batch for stored in found[:MAX_RESULTS] if (batch := manifest_of(stored)) is not None]
    batches = [batch for batch in batches if not batch.is_shard]
    return Results(documents, batches, is_truncated=len(found) > MAX_RESULTS)


def newest_result(session: Session, dag_id: str) -> datetime | None:
    """Return the time of the newest result of a DAG; ``None`` if it has none."""
    from airflow.models.xcom import XComModel

    query = _query(dag_id).order_by(None).order_by(XComModel.timestamp.desc())
    for stored in _stored(session, query):
        if manifest_of(stored) is not None or any(True for _ in documents_of(stored)):
            return stored.at
    return None


def dags_with_results(session: Session, dag_ids: Iterable[str]) -> list[str]:
    """
    Return the DAGs that have results.

    An operator puts a link to the page into XCom. A function that returns the result of a hook does not, so the XComs
    of the newest runs are searched for such results.
    """
    from airflow.models.dagrun import DagRun
    from airflow.models.xcom import XComModel
    from sqlalchemy import select

    from airflow_provider_classify.lifecycle.links import PAGE_LINK_KEY

    readable = set(dag_ids)
    linked = readable & set(session.scalars(select(XComModel.dag_id).where(XComModel.key == PAGE_LINK_KEY).distinct()))
    newest = session.scalars(select(DagRun.id).order_by(DagRun.id.desc()).limit(_SEARCHED_RUNS)).all()
    values = select(XComModel.dag_id).where(XComModel.dag_run_id.in_(newest), *_may_be_results()).distinct()
    others = (readable - linked) & set(session.scalars(values))
    return sorted(linked | {dag_id for dag_id in others if newest_result(session, dag_id)})


def tasks_with_thumbnail(session: Session, dag_id: str, documents: Sequence[Document]) -> set[tuple[str, str, int]]:
    """Return the run id, task id and map index of the tasks that have a thumbnail in XCom, in the documents' runs."""
    from airflow.models.xcom import XComModel
    from sqlalchemy import select

    query = select(XComModel.run_id, XComModel.task_id, XComModel.map_index).where(
        XComModel.dag_id == dag_id,
        XComModel.run_id.in_({document.run_id for document in documents}),
        XComModel.key == XCOM_KEY,
    )
    return {(row.run_id, row.task_id, row.map_index) for row in session.execute(query)}


def run_exists(session: Session, dag_id: str, run_id: str) -> bool:
    """Return whether a run exists in Airflow's metadata database."""
    from airflow.models.dagrun import DagRun
    from sqlalchemy import select

    return session.scalar(select(DagRun.id).where(DagRun.dag_id == dag_id, DagRun.run_id == run_id)) is not None


def _read_run(session: Session, dag_id: str, run_id: str) -> Results:
    documents: list[Document] = []
    batches: list[BatchSummary] = []
    is_truncated = False
    for stored in _stored(session, _query(dag_id, run_id)):
        batch = manifest_of(stored)
        if batch is None:
            documents += documents_of(stored)
            continue
        rows = Rows(note="The task that merges the shards lists them.") if batch.is_shard else read_rows(stored)
        if rows.note:
            batches.append(replace(batch, note=rows.note))
        documents += rows.documents
        is_truncated = is_truncated or rows.is_truncated
    return Results(merge(documents), batches, is_truncated)


def _query(dag_id: str, run_id: str | None = None) -> Any:
    """Return the query for the XComs that may be results, sorted by task and map index."""
    from airflow.models.xcom import XComModel
    from sqlalchemy import select

    query = (
        select(XComModel.run_id, XComModel.task_id, XComModel.map_index, XComModel.timestamp, XComModel.value)
        .where(XComModel.dag_id == dag_id, *_may_be_results())
        .order_by(XComModel.task_id, XComModel.map_index)
    )
    return query if run_id is None else query.where(XComModel.run_id == run_id)


def _may_be_results() -> tuple[Any, Any]:
    """Return the conditions for XComs that may be results. Results and manifests have a field with ``classifi``."""
    from airflow.models.xcom import XComModel
    from sqlalchemy import Text, cast

    return XComModel.key == "return_value", cast(XComModel.value, Text).like("%classifi%")


def _stored(session: Session, query: Any) -> Iterator[Stored]:
    for row in session.execute(query.execution_options(yield_per=_CHUNK)):
        yield Stored(row.run_id, row.task_id, row.map_index, row.timestamp, decode(row.value))
