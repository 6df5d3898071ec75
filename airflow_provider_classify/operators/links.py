"""The links of a task in Airflow's UI: to its job at the API, and to the page with its documents."""

from __future__ import annotations

from contextlib import suppress
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

    name = "Classification job"
    xcom_key = JOB_LINK_KEY

    def get_link(self, operator: BaseOperator, *, ti_key: TaskInstanceKey) -> str:
        """Return the URL of the job; an empty string without a job at an API."""
        url = getattr(operator, "job_url", None)
        return url if isinstance(url, str) else ""


class ClassifyPageLink(BaseOperatorLink):
    """Opens the page with the documents of the task."""

    name = "Documents of this task"
    xcom_key = PAGE_LINK_KEY

    def get_link(self, operator: BaseOperator, *, ti_key: TaskInstanceKey) -> str:
        """Return the URL of the page, relative to Airflow's UI."""
        return page_path(ti_key.dag_id, ti_key.run_id, ti_key.task_id, ti_key.map_index)


#: The links of a task that can have no job or several jobs, such as a batch; empty before Airflow 3.1.
PAGE_LINKS: tuple[BaseOperatorLink, ...] = (ClassifyPageLink(),) if compat.has_pages() else ()
#: The links of a task with one job; empty before Airflow 3.1.
JOB_LINKS: tuple[BaseOperatorLink, ...] = (ClassifyJobLink(), *PAGE_LINKS) if compat.has_pages() else ()


def push_links(operator: BaseOperator, context: Context, url: str, *, again: bool = False) -> None:
    """
    Put the links of a task into XCom before the task waits. Airflow does so only after ``execute`` has ended.

    :param url: the URL of the job; an empty string without a job at an API.
    :param again: whether the task has pushed links before, for another job.
    """
    if not compat.has_pages():
        return
    task_instance: Any = context["ti"]
    if not again:
        page = page_path(task_instance.dag_id, task_instance.run_id, task_instance.task_id, task_instance.map_index)
        task_instance.xcom_push(key=PAGE_LINK_KEY, value=page)
    if url or again:
        task_instance.xcom_push(key=JOB_LINK_KEY, value=url)
    omit_pushed_links(operator)


def omit_pushed_links(operator: BaseOperator) -> None:
    """
    Keep Airflow from pushing the links once more after ``execute``. Each would be a request to the API server.

    Call it when a task resumes. It has pushed its links before its deferral.
    """
    others = [link for link in operator.operator_extra_links if type(link) not in (ClassifyJobLink, ClassifyPageLink)]
    # A property in a subclass cannot be set. Then Airflow pushes the links once more.
    with suppress(AttributeError):
        operator.operator_extra_links = others
