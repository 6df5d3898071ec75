"""
Check the arguments of an operator when the DAG is parsed.

The values of templates and the outputs of other tasks are not known then. They are checked when the task runs.
"""

from __future__ import annotations

import os
from typing import Any

from airflow_provider_classify.documents.reference import is_storage_path, parse_reference
from airflow_provider_classify.exceptions import InvalidCategories, InvalidDocument, InvalidResult
from airflow_provider_classify.model.categories import parse_categories
from airflow_provider_classify.review import parse_result

#: The types of arguments whose value is in the DAG file itself.
_LITERALS = (str, bytes, bytearray, int, float, list, tuple, set, frozenset, dict, type(None))


def check_categories(categories: object, task_id: str) -> None:
    """
    Check the categories if their value is known.

    :raises InvalidCategories: the categories are not valid. The error names the task.
    """
    if not isinstance(categories, _LITERALS) or has_template(categories):
        return
    try:
        parse_categories(categories)
    except InvalidCategories as error:
        raise InvalidCategories(f"Task {task_id!r}: {error}") from error


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
    if not isinstance(result, _LITERALS) or has_template(result):
        return
    try:
        parse_result(result)
    except InvalidResult as error:
        raise InvalidResult(f"Task {task_id!r}: {error}") from error


def has_template(value: object) -> bool:
    """Return whether a text, or a text in a list or dictionary, is a template."""
    if isinstance(value, str):
        return "{{" in value or "{%" in value
    if isinstance(value, dict):
        return any(map(has_template, value.keys())) or any(map(has_template, value.values()))
    return isinstance(value, (list, tuple)) and any(map(has_template, value))
