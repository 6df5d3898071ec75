"""The decorator ``@task.classify``."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar

from airflow.providers.common.compat.sdk import DecoratedOperator, task_decorator_factory

from airflow_provider_classify.decorators.document_function import DocumentFunction
from airflow_provider_classify.documents.reference import parse_reference
from airflow_provider_classify.exceptions import InvalidDocument
from airflow_provider_classify.lifecycle.map_label import MAP_INDEX_TEMPLATE
from airflow_provider_classify.operators.base import ClassifyBaseOperator
from airflow_provider_classify.operators.batch import ClassifyBatchOperator
from airflow_provider_classify.operators.classify import ClassifyOperator
from airflow_provider_classify.operators.links import omit_pushed_links

if TYPE_CHECKING:
    from airflow.providers.common.compat.sdk import Context, TaskDecorator


class ClassifyDecoratedOperator(DocumentFunction, ClassifyOperator):
    """
    Classify the document, or each document of the list, that a function returns.

    A list is classified in the same way as by a :class:`ClassifyBatchOperator` without an output.
    """

    template_fields: Sequence[str] = (*DecoratedOperator.template_fields, *ClassifyOperator.template_fields)
    template_fields_renderers: ClassVar[dict[str, str]] = DecoratedOperator.template_fields_renderers
    custom_operator_name: str = "@task.classify"

    def references(self, returned: Any) -> str | list[str]:
        """
        Return the reference of the document, or the list of references.

        :raises InvalidDocument: the function returned something else, or a list although ``wait_for_completion`` is
            false.
        """
        if isinstance(returned, (str, bytes)) or not isinstance(returned, Sequence):
            return parse_reference(returned)
        if not self.wait_for_completion:
            raise InvalidDocument(
                f"The function of task {self.task_id!r} returned a list, but wait_for_completion=False works only with "
                "one document; return one, or map the task over the list."
            )
        return [parse_reference(document) for document in returned]

    def classify(self, context: Context) -> Any:
        """Classify what the function returned. :returns: the result, or the list of results."""
        if not isinstance(self.document, list):
            return super().classify(context)
        if not self.document:
            return []
        omit_pushed_links(self)  # the batch pushes its own
        return self._batch.classify(context)

    def execute_complete(self, context: Context, event: dict[str, Any] | None = None, **kwargs: Any) -> Any:
        """Resume after the trigger's event, for one document or for the list."""
        if not isinstance(self.document, list):
            return super().execute_complete(context, event, **kwargs)
        omit_pushed_links(self)
        return self._batch.execute_complete(context, event, **kwargs)

    def on_kill(self) -> None:
        """Cancel the job, or the jobs of the list, if the task has ended."""
        if isinstance(self.document, list):
            self._batch.on_kill()
        else:
            super().on_kill()

    @cached_property
    def _batch(self) -> ClassifyBatchOperator:
        """The operator that classifies the list, with the arguments of this one."""
        names = inspect.signature(ClassifyBaseOperator.__init__).parameters.keys() - {"self", "kwargs"}
        arguments = {name: getattr(self, name) for name in names}
        return ClassifyBatchOperator(task_id=self.task_id, documents=self.document, **arguments)


def classify_task(python_callable: Callable[..., Any] | None = None, **kwargs: Any) -> TaskDecorator:
    """
    Classify what a function returns: ``@task.classify(categories=[...])``.

    The function returns a document of any form that :class:`ClassifyOperator` accepts, and XCom gets its result. Or it
    returns a list of at most 1,000 documents, and XCom gets the list of their results without pages, as from a
    :class:`ClassifyBatchOperator` without an output. The results of an empty list are an empty list. To classify each
    document in a task of its own, map the function with ``expand``.

    :param python_callable: the function.
    :param kwargs: the arguments of :class:`ClassifyOperator`, except ``document``.
    """
    kwargs.setdefault("map_index_template", MAP_INDEX_TEMPLATE)
    return task_decorator_factory(
        python_callable=python_callable, decorated_operator_class=ClassifyDecoratedOperator, **kwargs
    )
