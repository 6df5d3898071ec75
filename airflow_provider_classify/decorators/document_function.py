"""The base of the decorated operators: a function that returns the document to classify."""

from __future__ import annotations

from collections import ChainMap
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, cast

from airflow.providers.common.compat.sdk import (
    SET_DURING_EXECUTION,
    DecoratedOperator,
    TaskDeferred,
    determine_kwargs,
)

from airflow_provider_classify.documents.reference import parse_reference
from airflow_provider_classify.lifecycle import fail_fast

if TYPE_CHECKING:
    from airflow.providers.common.compat.sdk import Context

#: The argument of a deferral that keeps the value that the function returned.
_RETURNED = "returned"


class DocumentFunction(DecoratedOperator):
    """
    Call a function when the task runs, and classify what it returns.

    A subclass names an operator with the parameter ``document`` as its second base. The function runs once in each
    try. A deferred task keeps the returned reference until it resumes.
    """

    document: Any

    def __init__(
        self,
        *,
        python_callable: Callable[..., Any],
        op_args: Sequence[Any] | None = None,
        op_kwargs: Mapping[str, Any] | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(
            python_callable=python_callable,
            op_args=op_args,
            op_kwargs=op_kwargs,
            document=SET_DURING_EXECUTION,
            **kwargs,
        )

    def references(self, returned: Any) -> Any:
        """
        Return the reference of the document that the function returned. Subclasses can accept several documents.

        :raises InvalidDocument: the value is not a document.
        """
        return parse_reference(returned)

    def execute(self, context: Context) -> Any:
        """Call the function and classify its document."""
        self._call(context)
        with self._keep_the_document():
            return self.classify(context)

    def classify(self, context: Context) -> Any:
        """Classify what the function returned."""
        return super().execute(context)

    def xcom_push(self, context: Context, key: str, value: Any) -> None:
        """
        Put a value into XCom.

        ``DecoratedOperator`` of Airflow 3.0 reads this method of every decorated operator, and its base class has none.
        """
        context["ti"].xcom_push(key=key, value=value)

    def resume_execution(self, next_method: str, next_kwargs: dict[str, Any] | None, context: Context) -> Any:
        """Resume with the document that the function returned before the deferral."""
        kwargs = dict(next_kwargs or {})
        if _RETURNED in kwargs:
            self.document = kwargs.pop(_RETURNED)
        elif hasattr(self, next_method):  # dag.test() drops the arguments of a deferral
            self._call(context)
        with self._keep_the_document():
            return super().resume_execution(next_method, kwargs, context)

    @contextmanager
    def _keep_the_document(self) -> Iterator[None]:
        """Add the document to the arguments with which a deferred task resumes."""
        try:
            yield
        except TaskDeferred as deferred:
            deferred.kwargs = {**(deferred.kwargs or {}), _RETURNED: self.document}
            raise

    def _call(self, context: Context) -> None:
        # A function can have parameters that are keys of the context, such as `params`.
        values = ChainMap(dict(self.op_kwargs), cast("dict[str, Any]", context))
        kwargs = determine_kwargs(self.python_callable, self.op_args, values)
        returned = self.python_callable(*self.op_args, **kwargs)
        with fail_fast.fail_without_retry():
            self.document = self.references(returned)
