"""
What can be checked of an operator's arguments when the DAG is parsed.

Templates and the outputs of other tasks are not known then. They are checked when the task runs.
"""

from __future__ import annotations

import os
from typing import Any

from airflow_provider_classify.documents.reference import is_storage_path, parse_reference
from airflow_provider_classify.exceptions import InvalidCategories, InvalidDocument
from airflow_provider_classify.model.categories import parse_categories

#: Types of what is written in the DAG file itself.
_LITERALS = (str, bytes, bytearray, int, float, list, tuple, set, frozenset, dict, type(None))


def check_categories(categories: object, task_id: str) -> None:
    """
    Raise an error for categories that cannot be used, as far as they are known.

    :raises InvalidCategories: names the task.
    """
    if not isinstance(categories, _LITERALS) or has_template(categories):
        return
    try:
        parse_categories(categories)
    except InvalidCategories as error:
        raise InvalidCategories(f"Task {task_id!r}: {error}") from error


def check_document(document: Any, task_id: str) -> Any:
    """
    Return the document as text if it is a path of any kind; else what was given.

    :raises InvalidDocument: it is ``None``, empty or of a type that no document has; names the task.
    """
    if not (isinstance(document, (*_LITERALS, os.PathLike)) or is_storage_path(document)):
        return document
    try:
        return parse_reference(document)
    except InvalidDocument as error:
        raise InvalidDocument(f"Task {task_id!r}: {error}") from error


def has_template(value: object) -> bool:
    """Return whether a text, or any text within lists and dictionaries, is a template."""
    if isinstance(value, str):
        return "{{" in value or "{%" in value
    if isinstance(value, dict):
        return any(map(has_template, value.keys())) or any(map(has_template, value.values()))
    return isinstance(value, (list, tuple)) and any(map(has_template, value))
