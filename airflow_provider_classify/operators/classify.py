"""The operator that classifies one document."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from airflow.providers.common.compat.sdk import conf

from airflow_provider_classify.exceptions import InvalidCascade
from airflow_provider_classify.hooks.defaults import WAIT_TIMEOUT
from airflow_provider_classify.lifecycle import compat, fail_fast
from airflow_provider_classify.lifecycle.map_label import map_label
from airflow_provider_classify.operators.base import ClassifyBaseOperator
from airflow_provider_classify.operators.checks import check_document, check_split_to
from airflow_provider_classify.operators.links import JOB_LINKS

if TYPE_CHECKING:
    from airflow.providers.common.compat.sdk import Context

    from airflow_provider_classify.documents.document import DocumentLike
    from airflow_provider_classify.lifecycle.lineage import Lineage
    from airflow_provider_classify.operators.document_task import DocumentTask, XComValue


class ClassifyOperator(ClassifyBaseOperator):
    """
    Classify a document into one of the categories.

    XCom gets the result as a JSON object: ``job_id``, ``document`` and the fields of the API's result (``success``,
    ``classification``, ``confidence``, ``total_pages``, ``page_results`` …). ``document`` is the document's label,
    without the password and signature of a URL. After the submit, XCom also gets the job id under the key ``job_id``.

    With the local engine, the job has ended when the submit returns. With an API, the operator waits on its worker
    slot, or it asks once and then defers to the triggerer.

    With Airflow 3.3 or later, the task's state keeps the job. After a retry or a clear, the task reattaches to it: it
    waits for a running job, and gets the result of a completed one at once. It submits the document again only if the
    job failed, or if document, categories or connection have changed. With an older Airflow, a retry submits again,
    and an API that does not honour the ``Idempotency-Key`` may charge again.

    With ``on_unreadable="result"``, the task succeeds for a document that cannot be read. XCom then gets ``success``
    false, ``error``, ``error_kind``, and ``null`` as the ``classification``.

    With ``escalate_to`` the task has up to two jobs, and a retry reattaches to both. XCom also gets ``answered_by``,
    the connection that gave the answer. If the document was escalated, XCom gets a short ``first_answer``, and the
    second job under the key ``job_id``. If the second connection cannot classify the document, the first answer
    stands, with an ``escalation_error``. After any other error of the second connection, such as a used-up quota, the
    task fails or is retried.

    An error that is not retryable, such as a wrong api key or a damaged document, fails the task without a retry.

    The other parameters are those of :class:`ClassifyBaseOperator`.

    :param document: a local path, object-storage URI (``s3://conn_id@bucket/key``) or http(s) URL, which an API
        fetches itself. It can also be an ``os.PathLike`` or an ``ObjectStoragePath``. Templated.
    :param wait_for_completion: ``False`` ends the task after the submit, with the job id in XCom. It cannot be combined
        with ``on_unreadable``, because the task does not see how the job ends.
    :param timeout: seconds after which the wait ends with ``JobTimedOut``. The job continues, and a retry waits for
        the job again, for the same time.
    :param end_from_trigger: let the triggerer write the result to XCom and end the task. This saves the second start
        of the task on a worker, which takes seconds. ``post_execute`` does not run then, and the answer is not
        logged. The task still resumes on a worker before Airflow 3.1, if it has ``outlets``, and after a failure.
    :param split_to: a folder or object-storage URI for the documents of a packet, each as a PDF of its own. XCom then
        gets their list, to be mapped over: ``document`` (the path of the PDF), ``category``, ``pages``,
        ``confidence`` and ``packet``. The result has the key ``result`` in XCom. Set ``max_pages`` of the connection
        to ``all``. The task resumes on a worker after a deferral. Templated.
    """

    template_fields: Sequence[str] = ("document", "categories", "classify_conn_id", "escalate_to", "split_to")
    ui_color = "#dbeafe"
    operator_extra_links = JOB_LINKS

    def __init__(
        self,
        *,
        document: DocumentLike,
        wait_for_completion: bool = True,
        timeout: float = WAIT_TIMEOUT,
        end_from_trigger: bool = False,
        split_to: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(timeout=timeout, **kwargs)
        self.document = check_document(document, self.task_id)
        if self.asset_outlets.alias is not None and not wait_for_completion:
            raise ValueError(
                f"The task {self.task_id!r} has outlet_by_category and does not wait for the result; "
                "remove wait_for_completion=False, or remove outlet_by_category."
            )
        if not wait_for_completion and self.on_unreadable != "fail":
            raise ValueError(
                f"The task {self.task_id!r} has on_unreadable={self.on_unreadable!r} and does not wait for its job; "
                "leave out wait_for_completion=False or on_unreadable."
            )
        self.wait_for_completion = wait_for_completion
        if self.escalate_to is not None and not wait_for_completion:
            raise InvalidCascade(
                f"Task {self.task_id!r} has escalate_to without wait_for_completion; it must wait for the first answer."
            )
        self.end_from_trigger = end_from_trigger
        check_split_to(split_to, self.task_id, waits=wait_for_completion)
        self.split_to = split_to
        self._task: DocumentTask | None = None  # since the operator runs

    def execute(self, context: Context) -> XComValue | str:
        """
        Reattach to the job of an earlier try or submit the document. Then wait, if ``wait_for_completion`` is set.

        :returns: the result, or the job id without ``wait_for_completion``.
        """
        with fail_fast.fail_without_retry():
            return self._run(context).execute()

    def execute_complete(self, context: Context, event: dict[str, Any] | None = None) -> XComValue:
        """Resume after the trigger's event, and fetch the result, which the event does not contain."""
        with fail_fast.fail_without_retry():
            return self._run(context).resume(event)

    def on_kill(self) -> None:
        """Cancel the job if the task has ended and the API has a cancel. Otherwise keep it for the next try."""
        if self._task is not None:
            self._task.cancel()

    @property
    def map_label(self) -> str:
        """The name of the document."""
        return map_label(self.document)

    def lineage(self) -> Lineage:
        """Return the document, the answer, and the documents of a packet."""
        from airflow_provider_classify.operators.document_task import lineage_of

        return lineage_of(self.document, self._task)

    @property
    def job_url(self) -> str:
        """The URL of the task's last job, for the link in Airflow's UI; an empty text without a job at an API."""
        return "" if self._task is None else self._task.job_url

    @property
    def draws_thumbnails(self) -> bool:
        """Whether XCom gets a small picture of the first page."""
        is_wanted: bool = conf.getboolean("classify", "thumbnails", fallback=True)
        return compat.has_pages() and bool(self.do_xcom_push) and is_wanted

    def _run(self, context: Context) -> DocumentTask:
        # A DAG file imports this module. These imports would make it slow to parse.
        from airflow_provider_classify.operators.document_task import DocumentTask

        self._task = DocumentTask(self, context)
        return self._task
