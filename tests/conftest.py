"""
An Airflow of its own for the tests.

Airflow reads its environment when it is first imported, and pytest imports this file before any test.
"""

from __future__ import annotations

import atexit
import json
import os
import shutil
import tempfile
from pathlib import Path

_HOME = tempfile.mkdtemp(prefix="airflow-classify-tests-")
atexit.register(shutil.rmtree, _HOME, ignore_errors=True)

for _name in [name for name in os.environ if name.startswith(("AIRFLOW_", "CLASSIFY_"))]:
    del os.environ[_name]
os.environ["AIRFLOW_HOME"] = _HOME
os.environ["AIRFLOW__CORE__LOAD_EXAMPLES"] = "False"
# `dag.test()` runs only what Airflow finds in a bundle: the example DAGs, and those of the tests.
_TESTS = Path(__file__).parent
os.environ["AIRFLOW__DAG_PROCESSOR__DAG_BUNDLE_CONFIG_LIST"] = json.dumps(
    [
        {
            "name": name,
            "classpath": "airflow.dag_processing.bundles.local.LocalDagBundle",
            "kwargs": {"path": str(folder)},
        }
        for name, folder in (("examples", _TESTS.parent / "dags"), ("tests", _TESTS / "dags"))
    ]
)
