"""
Check the arguments of a batch when the DAG is parsed.

The values of templates and the outputs of other tasks are not known then. They are checked when the task runs.
"""

from __future__ import annotations

import os
import re
import warnings
from collections.abc import Callable
from types import NoneType
from typing import Any, Literal, get_args

from airflow_provider_classify.batch.output import check_output, check_previous
from airflow_provider_classify.batch.summary import FailureLimit
from airflow_provider_classify.documents.reference import is_storage_path, parse_reference
from airflow_provider_classify.exceptions import ExtraNotInstalled, InvalidDocument, InvalidOutput
from airflow_provider_classify.operators.checks import check_categories, check_document, has_template

#: How the task of a batch without documents ends: it fails, is skipped, or succeeds with an output without rows.
OnEmpty = Literal["fail", "skip", "succeed"]

#: The types of values in a DAG file that are not text.
_NOT_TEXT = (bytes, bytearray, int, float, list, tuple, set, frozenset, dict)


def check_batch(task_id: str, **arguments: Any) -> None:
    """
    Check the arguments that all instances of a mapped batch share. An argument that is not given is not checked.

    :raises ValueError: an argument is out of range, or two arguments do not fit together.
    :raises ClassifyError: categories, documents or the name of an output are not valid.
    """
    given = arguments.get
    if "categories" in arguments:
        check_categories(arguments["categories"], task_id)
    if isinstance(pattern := given("pattern", "*"), (*_NOT_TEXT, NoneType)):
        raise ValueError(f"The pattern of {task_id!r} is {pattern!r}; give a string, such as '**/*.pdf'.")
    if "documents" in arguments:
        check_documents(arguments["documents"], pattern, task_id)
    check_outputs(given("output"), given("previous"), task_id, compares="output" in arguments and not given("shard"))
    check_on_empty(given("on_empty", "fail"), task_id)
    failure_limit(given("max_failed"), given("max_failed_share"), task_id)


def check_documents(documents: Any, pattern: Any, task_id: str) -> None:
    """
    Check the documents if their value is known. Check that only a folder has a pattern.

    :raises InvalidDocument: the documents are ``None``, empty or of a wrong type. The error names the task.
    :raises ValueError: a list of documents has a pattern.
    """
    if not isinstance(documents, (list, tuple)):
        try:
            require_folder_or_list(documents)
        except InvalidDocument as error:
            raise InvalidDocument(f"Task {task_id!r}: {error}") from error
        check_document(documents, task_id)
        return
    for document in documents:
        check_document(document, task_id)
    if isinstance(pattern, str) and pattern != "*":
        raise ValueError(
            f"The task {task_id!r} has a list of documents and the pattern {pattern!r}; "
            "give a folder with the pattern, or the list alone."
        )


def require_folder_or_list(documents: object) -> None:
    """Check the documents. :raises InvalidDocument: they are neither a folder nor a list of documents."""
    if documents is None:
        raise InvalidDocument(
            "The documents are None; check that the task or template they come from returned a folder or a list of "
            "documents."
        )
    if isinstance(documents, str) and not documents.strip():
        raise InvalidDocument("The documents are an empty text; give a folder, or a list of documents.")
    if isinstance(documents, _NOT_TEXT) and not isinstance(documents, (list, tuple)):
        raise InvalidDocument(
            f"The documents are of the type {type(documents).__name__}; give a folder, or a list of documents."
        )


def output_of(value: Any, name: str, task_id: str) -> Any:
    """
    Return an ``output`` or ``previous`` as text if its value is known. Otherwise return it unchanged.

    :raises InvalidOutput: it is empty or of a wrong type. The error names the task.
    """
    if value is None or not (isinstance(value, (str, os.PathLike, *_NOT_TEXT)) or is_storage_path(value)):
        return value
    try:
        return parse_reference(value)
    except InvalidDocument as error:
        raise InvalidOutput(
            f"Task {task_id!r}: the {name} is {value!r}; give a path or an object-storage URI, or leave it out."
        ) from error


def check_outputs(output: Any, previous: Any, task_id: str, *, compares: bool = True) -> None:
    """
    Check the names of the output and of the previous output, as far as they are known.

    :param compares: whether to check that the previous output has all fields that the output needs.
    :raises InvalidOutput: a name does not have the ending of an output, or the previous output lacks fields.
    :raises ExtraNotInstalled: a name is ``.parquet``, and pyarrow is not installed. Both errors name the task.
    """
    output, previous = output_of(output, "output", task_id), output_of(previous, "previous", task_id)
    if _has_known_ending(output):
        _with_task_name(task_id, check_output, output)
    if _has_known_ending(previous):
        is_known = compares and (output is None or _has_known_ending(output))
        _with_task_name(task_id, check_previous, previous, output if is_known else previous)


def check_on_empty(on_empty: object, task_id: str) -> None:
    """Check the argument ``on_empty``. :raises ValueError: it is not one of :data:`OnEmpty`."""
    if on_empty not in get_args(OnEmpty):
        raise ValueError(f"The on_empty of {task_id!r} is {on_empty!r}; give 'fail', 'skip' or 'succeed'.")


def failure_limit(max_failed: float | None, max_failed_share: float | None, task_id: str) -> FailureLimit:
    """
    Return the limit of failed documents. A ``max_failed`` that is a float is taken as a share, with a warning.

    :raises ValueError: an argument is not valid, or both are given.
    """
    for name, value in (("max_failed", max_failed), ("max_failed_share", max_failed_share)):
        if value is not None and not isinstance(value, (int, float)):
            raise ValueError(f"The {name} of {task_id!r} is {value!r}; give a number.")
    if isinstance(max_failed, float):
        warnings.warn(
            f"The max_failed of {task_id!r} is a share; give max_failed_share={max_failed} instead.",
            DeprecationWarning,
            stacklevel=4,
        )
        max_failed, max_failed_share = None, max_failed if max_failed_share is None else max_failed_share
    if max_failed is not None and max_failed_share is not None:
        raise ValueError(f"The task {task_id!r} has max_failed and max_failed_share; give one of them.")
    if max_failed is not None and max_failed < 0:
        raise ValueError(f"The max_failed of {task_id!r} is {max_failed}; give 0 or more documents.")
    if max_failed_share is not None and not 0 <= max_failed_share <= 1:
        raise ValueError(f"The max_failed_share of {task_id!r} is {max_failed_share}; give a share from 0.0 to 1.0.")
    return FailureLimit(int(max_failed or 0), max_failed_share)


def _has_known_ending(value: Any) -> bool:
    """Return whether the ending of a name is known. A template can end with literal text, such as ``.csv``."""
    if not isinstance(value, str):
        return False
    return not has_template(value) or bool(re.search(r"[/.]", re.split(r"}}|%}", value)[-1]))


def _with_task_name(task_id: str, check: Callable[..., None], *arguments: Any) -> None:
    try:
        check(*arguments)
    except (InvalidOutput, ExtraNotInstalled) as error:
        raise type(error)(f"Task {task_id!r}: {error}") from error
