"""
Set up an Airflow for the tests, and define the fixtures that several modules share.

Airflow reads its environment when it is first imported, so this file sets the environment before anything imports
Airflow. pytest imports it before any test.
"""

from __future__ import annotations

import atexit
import json
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.support.service import RunningService

_HOME = tempfile.mkdtemp(prefix="airflow-classify-tests-")
atexit.register(shutil.rmtree, _HOME, ignore_errors=True)

for _name in [name for name in os.environ if name.startswith(("AIRFLOW_", "CLASSIFY_"))]:
    del os.environ[_name]
os.environ["AIRFLOW_HOME"] = _HOME
os.environ["AIRFLOW__CORE__LOAD_EXAMPLES"] = "False"
# `dag.test()` runs only DAGs that Airflow finds in a bundle: the example DAGs, those of the tests, and those that the
# tests of the documentation write.
_TESTS = Path(__file__).parent
_SNIPPETS = Path(_HOME) / "snippets"
_SNIPPETS.mkdir()
os.environ["AIRFLOW__DAG_PROCESSOR__DAG_BUNDLE_CONFIG_LIST"] = json.dumps(
    [
        {
            "name": name,
            "classpath": "airflow.dag_processing.bundles.local.LocalDagBundle",
            "kwargs": {"path": str(folder)},
        }
        for name, folder in (("examples", _TESTS.parent / "dags"), ("tests", _TESTS / "dags"), ("snippets", _SNIPPETS))
    ]
)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Start the longest tests first."""
    from tests.support.schedule import sort_longest_first

    sort_longest_first(items)


def pytest_xdist_auto_num_workers() -> int:
    """Run one process more than there are cores, because many tests wait for servers that they have started."""
    from airflow_provider_classify.engine.cores import available_cores

    return available_cores() + 1


def pytest_xdist_make_scheduler(config: pytest.Config, log: object) -> object:
    """Divide the tests by :class:`Schedule` for ``--dist loadfile``."""
    from tests.support.schedule import Schedule

    return Schedule(config, log) if config.option.dist == "loadfile" else None


@pytest.fixture(scope="session")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningService]:
    """
    Run the service with a key, and define the Airflow connections ``service`` and ``wrong_key`` to it.

    All modules share this service, so its record has jobs of other tests.
    """
    from tests.support.service import KEY, connected_service

    with connected_service(tmp_path_factory.mktemp("service"), KEY) as service:
        yield service


@pytest.fixture(scope="module")
def local_engine() -> Iterator[None]:
    """Define the Airflow connection ``local_engine``."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AIRFLOW_CONN_LOCAL_ENGINE", json.dumps({"conn_type": "classify", "extra": {"backend": "local"}}))
        yield


@pytest.fixture(scope="session")
def samples(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with the sample documents of the demo. A test must not change them."""
    from samples import draw_samples

    folder = tmp_path_factory.mktemp("samples")
    draw_samples(folder)
    return folder


@pytest.fixture
def document(tmp_path: Path) -> str:
    """Return the path of a short letter as a text file."""
    path = tmp_path / "letter.txt"
    path.write_text("Dear Mrs. Brown,\n\nthank you for your letter of 3 May.\n\nYours sincerely\nJohn Smith\n")
    return str(path)
