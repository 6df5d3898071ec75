"""What the imports of a DAG file load, in a fresh process."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

HEAVY = (
    "pymupdf", "PIL", "numpy", "onnxruntime", "cv2", "fastapi", "aiohttp", "rapidocr", "pyarrow", "pandas",
    "pydantic_ai",
)  # fmt: skip
MODULES = (
    "operators.classify",
    "operators.branch",
    "operators.sort",
    "operators.sharded_batch",
    "results",
    "decorators.classify",
    "decorators.classify_branch",
    "operators.review",
    "plugins.thumbnails",
    "sensors.classify",
    "triggers.classify",
    "triggers.new_documents",
    "hooks.classify",
)
# Importing Airflow takes seconds, so one process imports all modules.
LISTING = """
import importlib, json, sys
before, loaded = set(), {}
for name in sys.argv[2:]:
    importlib.import_module(name)
    found = {heavy for heavy in json.loads(sys.argv[1]) if heavy in sys.modules}
    loaded[name] = sorted(found - before)
    before |= found
print(json.dumps(loaded))
"""


def loaded(*modules):
    """Return the heavy modules that the import of each module adds."""
    command = [sys.executable, "-c", LISTING, json.dumps(HEAVY), *modules]
    return json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout.splitlines()[-1])


def test_a_dag_file_loads_nothing_heavy():
    modules = [f"airflow_provider_classify.{name}" for name in MODULES]
    assert loaded(*modules) == {name: [] for name in modules}


@pytest.mark.parametrize("module", ["cli", "service.server"])
def test_the_command_line_and_the_service_load_no_airflow(module):
    script = f"import sys, airflow_provider_classify.{module}; print('airflow' in sys.modules)"
    command = [sys.executable, "-c", script]
    assert subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip() == "False"


def test_the_check_sees_what_is_loaded():
    assert loaded("json", "numpy", "numpy.linalg") == {"json": [], "numpy": ["numpy"], "numpy.linalg": []}
