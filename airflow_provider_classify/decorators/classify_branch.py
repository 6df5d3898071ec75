"""The decorator ``@task.classify_branch``."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from airflow.providers.common.compat.sdk import DecoratedOperator, task_decorator_factory

from airflow_provider_classify.decorators.document_function import DocumentFunction
from airflow_provider_classify.operators.branch import ClassifyBranchOperator

if TYPE_CHECKING:
    from airflow.providers.common.compat.sdk import Context, TaskDecorator


class ClassifyBranchDecoratedOperator(DocumentFunction, ClassifyBranchOperator):
    """Classify the document that a function returns, and follow the tasks of its category."""

    template_fields: Sequence[str] = (*DecoratedOperator.template_fields, *ClassifyBranchOperator.template_fields)
    template_fields_renderers: ClassVar[dict[str, str]] = DecoratedOperator.template_fields_renderers
    custom_operator_name: str = "@task.classify_branch"

    def execute(self, context: Context) -> Any:
        """Check the branch before the function runs; then classify and branch. :returns: the result."""
        self.check(context)
        return super().execute(context)


def classify_branch_task(python_callable: Callable[..., Any] | None = None, **kwargs: Any) -> TaskDecorator:
    """
    Classify the document that a function returns, and branch: ``@task.classify_branch(routes={...}, ...)``.

    :param python_callable: the function.
    :param kwargs: the arguments of :class:`ClassifyBranchOperator`, except ``document`` and ``result``.
    """
    return task_decorator_factory(
        python_callable=python_callable, decorated_operator_class=ClassifyBranchDecoratedOperator, **kwargs
    )
