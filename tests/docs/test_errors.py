"""Check that the documentation names every error, and says truly which of them are retried."""

from __future__ import annotations

import re
from pathlib import Path

from airflow_provider_classify.exceptions import ClassifyError, DocumentError

PAGE = Path(__file__).parents[2] / "docs" / "errors.md"
#: The classes that no error has itself, because they group others.
GROUPS = {DocumentError}


def subclasses(cls: type[ClassifyError]) -> set[type[ClassifyError]]:
    return {found for child in cls.__subclasses__() for found in {child} | subclasses(child)}


def test_each_error_has_a_section_that_says_whether_it_is_retried() -> None:
    sections = re.findall(r"^### (\w+)\n(.*?)(?=^##|\Z)", PAGE.read_text(), re.MULTILINE | re.DOTALL)
    described = {name: "Airflow retries the task." in text.replace("\n", " ") for name, text in sections}
    package = {cls for cls in subclasses(ClassifyError) if cls.__module__.startswith("airflow_provider_classify")}
    assert described == {cls.__name__: cls.retryable for cls in package - GROUPS}
    assert len(sections) == len(described)
