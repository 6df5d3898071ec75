"""What importing the modules of a DAG file loads, each in a fresh process."""

from __future__ import annotations

import subprocess
import sys

import pytest

HEAVY = (
    "pymupdf", "PIL", "numpy", "onnxruntime", "cv2", "fastapi", "aiohttp", "rapidocr", "pyarrow", "pandas",
    "pydantic_ai",
)  # fmt: skip
LISTING = "import sys, {module}; print(*[name for name in {heavy!r} if name in sys.modules])"


def loaded(module):
    command = [sys.executable, "-c", LISTING.format(module=module, heavy=HEAVY)]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.splitlines()[-1].split()


@pytest.mark.parametrize(
    "module",
    [
        "airflow_provider_classify.operators.classify",
        "airflow_provider_classify.operators.branch",
        "airflow_provider_classify.operators.sort",
        "airflow_provider_classify.operators.sharded_batch",
        "airflow_provider_classify.results",
        "airflow_provider_classify.decorators.classify",
        "airflow_provider_classify.decorators.classify_branch",
        "airflow_provider_classify.operators.review",
        "airflow_provider_classify.plugins.thumbnails",
        "airflow_provider_classify.sensors.classify",
        "airflow_provider_classify.triggers.classify",
        "airflow_provider_classify.triggers.new_documents",
        "airflow_provider_classify.hooks.classify",
    ],
)
def test_a_dag_file_loads_nothing_heavy(module):
    assert loaded(module) == []


@pytest.mark.parametrize("module", ["cli", "service.server"])
def test_the_command_line_and_the_service_load_no_airflow(module):
    script = f"import sys, airflow_provider_classify.{module}; print('airflow' in sys.modules)"
    command = [sys.executable, "-c", script]
    assert subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip() == "False"


def test_the_check_sees_what_is_loaded():
    assert "numpy" in loaded("numpy")
