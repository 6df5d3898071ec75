"""Check that the generated reference is complete: each class for DAGs, and a description of each argument."""

from __future__ import annotations

import importlib
import inspect

import pytest
from reference import ENTRIES, Entry, arguments, command_line_page

from airflow_provider_classify.get_provider_info import get_provider_info
from airflow_provider_classify.operators.batch import ClassifyBatchOperator
from airflow_provider_classify.operators.branch import ClassifyBranchOperator

#: Triggers that operators and the sensor create. A DAG does not name them.
INTERNAL = {"ClassifyTrigger", "ClassifyBatchTrigger"}


def test_each_class_for_dags_has_a_table() -> None:
    listed = set()
    for kind in ("operators", "sensors", "triggers"):
        for group in get_provider_info()[kind]:
            for name in group["python-modules"]:
                members = vars(importlib.import_module(name)).values()
                listed |= {cls.__name__ for cls in members if inspect.isclass(cls) and cls.__module__ == name}
    public = {name for name in listed if name.endswith(("Operator", "Sensor", "Trigger"))} - INTERNAL
    assert public <= {entry.target.__name__ for entry in ENTRIES}


@pytest.mark.parametrize("entry", ENTRIES, ids=lambda entry: entry.target.__name__)
def test_each_argument_has_a_meaning(entry: Entry) -> None:
    found = arguments(entry)
    assert found
    assert [argument.name for argument in found if not argument.meaning or argument.meaning.startswith("see ")] == []
    assert [argument.name for argument in found if "object at 0x" in (argument.default or "")] == []


def test_the_defaults_are_those_of_the_most_derived_class() -> None:
    defaults = {argument.name: argument.default for argument in arguments(Entry(ClassifyBatchOperator))}
    assert defaults["documents"] is None
    assert defaults["timeout"] == "86400.0"
    assert defaults["classify_conn_id"] == "'classify_default'"
    assert "wait_for_completion" not in {
        argument.name for entry in ENTRIES if entry.target is ClassifyBranchOperator for argument in arguments(entry)
    }


def test_each_command_shows_its_options() -> None:
    page = command_line_page()
    for text in (
        "## airflow-classify classify",
        "## airflow-classify split",
        "## airflow-classify serve",
        "--max-pages N",
    ):
        assert text in page
