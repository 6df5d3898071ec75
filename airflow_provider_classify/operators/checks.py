"""
Check the arguments of an operator when the DAG is parsed.

The values of templates and the outputs of other tasks are not known then. They are checked when the task runs.
"""

from __future__ import annotations

import os
from typing import Any, get_args

from airflow_provider_classify.documents.reference import is_http_url, is_storage_path, parse_reference
from airflow_provider_classify.exceptions import (
    InvalidCascade,
    InvalidCategories,
    InvalidDocument,
    InvalidOutput,
    InvalidResult,
)
from airflow_provider_classify.lifecycle.unreadable import OnUnreadable
from airflow_provider_classify.model.categories import parse_categories

#: The types of arguments whose value is in the DAG file itself.
_LITERALS = (str, bytes, bytearray, int, float, list, tuple, set, frozenset, dict, type(None))


def check_categories(categories: object, task_id: str) -> None:
    """
    Check the categories if their value is known.

    :raises InvalidCategories: the categories are not valid. The error names the task.
    """
    if not is_known(categories):
        return
    try:
        parse_categories(categories)
    except InvalidCategories as error:
        raise InvalidCategories(f"Task {task_id!r}: {error}") from error


def check_cascade(first: Any, second: Any, below: Any, task_id: str) -> None:
    """
    Check the connections and the threshold of a cascade, as far as their values are known.

    :param first: the connection that is asked first.
    :param second: the ``escalate_to`` of the task.
    :param below: the ``escalate_below`` of the task.
    :raises InvalidCascade: only one of ``escalate_to`` and ``escalate_below`` is given, the connections are the same,
        or a value is of a wrong type or out of range. The error names the task.
    """
    if second is None and below is None:
        return
    if second is None or below is None:
        given, missing = ("escalate_below", "escalate_to") if second is None else ("escalate_to", "escalate_below")
        raise InvalidCascade(f"Task {task_id!r} has {given} without {missing}; give both of them or none.")
    if isinstance(below, bool) or not isinstance(below, (int, float)) or not 0 < below <= 1:
        raise InvalidCascade(
            f"The escalate_below of the task {task_id!r} is {below!r}; give a confidence above 0, at most 1."
        )
    if isinstance(second, _LITERALS) and not (isinstance(second, str) and second.strip()):
        raise InvalidCascade(f"The escalate_to of the task {task_id!r} is {second!r}; give the id of a connection.")
    if isinstance(second, str) and second == first and not has_template(second):
        raise InvalidCascade(
            f"The task {task_id!r} would ask the connection {second!r} twice; give another connection as escalate_to."
        )


def check_document(document: Any, task_id: str) -> Any:
    """
    Return the document as text if its value is known. Otherwise return it unchanged.

    :raises InvalidDocument: the document is ``None``, empty or of a wrong type. The error names the task.
    """
    if not (isinstance(document, (*_LITERALS, os.PathLike)) or is_storage_path(document)):
        return document
    try:
        return parse_reference(document)
    except InvalidDocument as error:
        raise InvalidDocument(f"Task {task_id!r}: {error}") from error


def check_result(result: object, task_id: str) -> None:
    """
    Check the result of an earlier task if its value is known.

    :raises InvalidResult: the value is not a result. The error names the task.
    """
    if hasattr(result, "task_id") and hasattr(result, "output"):
        raise InvalidResult(f"Task {task_id!r}: the result is the task {result.task_id!r} itself; give its output.")
    if not is_known(result):
        return
    from airflow_provider_classify.review import parse_result

    try:
        parse_result(result)
    except InvalidResult as error:
        raise InvalidResult(f"Task {task_id!r}: {error}") from error


def check_on_unreadable(value: object, task_id: str) -> None:
    """Check ``on_unreadable``. :raises ValueError: it is not one of :data:`OnUnreadable`. The error names the task."""
    choices = get_args(OnUnreadable)
    if value not in choices:
        raise ValueError(f"The on_unreadable of {task_id!r} is {value!r}; give one of {', '.join(choices)}.")


def check_split_to(split_to: object, task_id: str, *, waits: bool) -> None:
    """
    Check ``split_to``, the folder for the documents of a packet, if its value is known.

    :param waits: whether the task waits for the result.
    :raises InvalidOutput: it is empty, of a wrong type or an http URL. The error names the task.
    :raises ValueError: the task does not wait for the result.
    """
    if split_to is None:
        return
    if not waits:
        raise ValueError(
            f"The task {task_id!r} has split_to and does not wait for the result; "
            "remove wait_for_completion=False, or remove split_to."
        )
    if not is_known(split_to):
        return
    if not isinstance(split_to, str) or not split_to.strip() or is_http_url(split_to):
        raise InvalidOutput(
            f"The split_to of the task {task_id!r} is {split_to!r}; give a folder or an object-storage URI."
        )


def check_number(value: object, name: str, task_id: str, *, least: float = 0.0, most: float | None = None) -> None:
    """
    Check a number. Without ``most``, it is a number of seconds.

    :param name: the name of the argument.
    :param least: the least allowed number. A number of seconds must also be above 0.
    :param most: the largest allowed number; ``None`` for a number of seconds.
    :raises ValueError: the value is not a number in this range. The error names the task.
    """
    is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
    if most is not None:
        if not is_number or not least <= value <= most:  # type: ignore[operator]
            raise ValueError(f"The {name} of {task_id!r} is {value!r}; give a number from {least:g} to {most:g}.")
    elif not is_number or value <= 0 or value < least:  # type: ignore[operator]
        wanted = f"at least {least:g} seconds" if least else "a number of seconds above 0"
        raise ValueError(f"The {name} of {task_id!r} is {value!r}; give {wanted}.")


def check_evidence(value: object, task_id: str) -> None:
    """Check ``evidence``. :raises ValueError: it is not a boolean or ``None``. The error names the task."""
    if not isinstance(value, (bool, type(None))):
        raise ValueError(f"The evidence of {task_id!r} is {value!r}; give True or False.")


def is_known(value: object) -> bool:
    """Return whether the value is in the DAG file itself: it is neither a template nor the output of a task."""
    return isinstance(value, _LITERALS) and not has_template(value)


def has_template(value: object) -> bool:
    """Return whether a text, or a text in a list or dictionary, is a template."""
    if isinstance(value, str):
        return "{{" in value or "{%" in value
    if isinstance(value, dict):
        return any(map(has_template, value.keys())) or any(map(has_template, value.values()))
    return isinstance(value, (list, tuple)) and any(map(has_template, value))
