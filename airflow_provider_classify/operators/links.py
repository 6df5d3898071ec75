"""The links of a task in Airflow's UI: to its job at the API, and to the page with its documents."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow.providers.common.compat.sdk import BaseOperatorLink

from airflow_provider_classify.lifecycle import compat
from airflow_provider_classify.lifecycle.links import JOB_LINK_KEY, PAGE_LINK_KEY, page_path

if TYPE_CHECKING:
    from airflow.providers.common.compat.sdk import BaseOperator, Context, TaskInstanceKey


class ClassifyJobLink(BaseOperatorLink):
    """
    Opens the job at the API: ``GET /classify/{job_id}``. The API may require its key.

    A task with the local engine has no such link, because its jobs have no URL.
    """

    name = "Job"
    xcom_key = JOB_LINK_KEY

    def get_link(self, operator: BaseOperator, *, ti_key: TaskInstanceKey) -> str:
        """Return the URL of the job; an empty string without a job at an API. Airflow calls this when the task ends."""
        url = getattr(operator, "job_url", None)
        return url if isinstance(url, str) else ""


class ClassifyPageLink(BaseOperatorLink):
    """Opens the page with the documents of the task."""

    name = "Documents"
    xcom_key = PAGE_LINK_KEY

    def get_link(self, operator: BaseOperator, *, ti_key: TaskInstanceKey) -> str:
        """Return the URL of the page, relative to Airflow's UI. Airflow calls this when the task ends."""
        return page_path(ti_key.dag_id, ti_key.run_id, ti_key.task_id, ti_key.map_index)


#: The links of a task that can have no job or several jobs, such as a batch; empty before Airflow 3.1.
PAGE_LINKS: tuple[BaseOperatorLink, ...] = (ClassifyPageLink(),) if compat.has_pages() else ()
#: The links of a task with one job; empty before Airflow 3.1.
JOB_LINKS: tuple[BaseOperatorLink, ...] = (ClassifyJobLink(), *PAGE_LINKS) if compat.has_pages() else ()


def push_links(operator: BaseOperator, context: Context, url: str) -> None:
    """
    Put the links of a task into XCom before the task waits.

    Airflow itself puts links into XCom only when a task ends on a worker. A task that its trigger ends does not.

    :param url: the URL of the job; an empty string without a job at an API.
    """
    if not compat.has_pages():
        return
    task_instance: Any = context["ti"]
    task_instance.xcom_push(
        key=PAGE_LINK_KEY,
        value=page_path(task_instance.dag_id, task_instance.run_id, task_instance.task_id, task_instance.map_index),
    )
    if url:
        task_instance.xcom_push(key=JOB_LINK_KEY, value=url)
    omit_pushed_links(operator)


def omit_pushed_links(operator: BaseOperator) -> None:
    """
    Keep Airflow from pushing the links a second time when the task ends. Each would be a request to the API server.

    Call it when the task resumes. Its links are in XCom since before its deferral.
    """
    operator.operator_extra_links = tuple(
        link for link in operator.operator_extra_links if not isinstance(link, ClassifyJobLink | ClassifyPageLink)
    )
