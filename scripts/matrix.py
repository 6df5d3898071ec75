"""
Run the tests and the example DAGs on several versions of Airflow and Python, and print a table.

``python scripts/matrix.py [--airflow 2.11,3.0] [--python 3.11,3.12]``. uv installs each version of Airflow into an
environment of its own in ``.matrix``, with the dependencies of the time of its release. The next run uses the same
environments; ``make clean`` removes them. If a version of Python cannot be found, its row says so.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree

from rich.console import Console
from rich.table import Table

ROOT = Path(__file__).resolve().parent.parent
FOLDER = ROOT / ".matrix"
#: The folders of tests that import Airflow. Other tests do not depend on its version, or need a whole server.
TESTS = ("decorators", "hooks", "lifecycle", "operators", "plugins", "sensors", "triggers")
EXAMPLES = "tests/test_dags.py"


@dataclass(frozen=True)
class Release:
    """
    A release of Airflow.

    :param time: a day, ``YYYY-MM-DD``. Dependencies that were released later are not installed. Airflow does not limit
        the versions of most dependencies, and later versions can break it: Airflow 3.0 does not start with the FastAPI
        and the cadwyn of a year later.
    :param pythons: the versions of Python that this release and this package support.
    """

    version: str
    time: str
    pythons: tuple[str, ...]

    @property
    def minor(self) -> str:
        """The version without its last part, such as ``3.1``."""
        return self.version.rpartition(".")[0]


RELEASES = (
    Release("2.11.2", "2026-03-28", ("3.11", "3.12")),
    Release("3.0.6", "2025-09-12", ("3.11", "3.12")),
    Release("3.1.8", "2026-03-25", ("3.11", "3.12", "3.13")),
    Release("3.2.2", "2026-06-12", ("3.11", "3.12", "3.13")),
    Release("3.3.2", "2026-10-01", ("3.11", "3.12", "3.13")),
)
#: Packages that this package needs in a later version than the ``time`` of some releases allows, each with a later day.
NEWER = {
    "apache-airflow-providers-common-compat": "2026-11-01",
    "apache-airflow-providers-standard": "2026-11-01",
    "rapidocr": "2026-11-01",
    "python-multipart": "2026-11-01",
}
#: Packages that the tests need in addition. The tests of pages need Chromium and are not run here.
TOOLS = (
    "pytest", "pytest-asyncio", "pytest-timeout", "pytest-xdist", "pandas", "statsd",
    "apache-airflow-providers-standard",
)  # fmt: skip


@dataclass(frozen=True)
class Row:
    """
    The outcome of one environment.

    :param tests: the numbers of passed, failed and skipped tests; ``None`` if they were not run.
    :param examples: the same for the example DAGs.
    :param problem: why nothing was run.
    """

    release: Release
    python: str
    tests: Counts | None = None
    examples: Counts | None = None
    problem: str = ""
    seconds: float = 0.0

    @property
    def is_good(self) -> bool:
        """Whether all tests passed, or the Python is not installed."""
        return all(counts is None or (counts.passed and not counts.failed) for counts in (self.tests, self.examples))


@dataclass(frozen=True)
class Counts:
    """How many tests passed, failed and were skipped."""

    passed: int
    failed: int
    skipped: int

    def __str__(self) -> str:
        return f"{self.passed} passed, {self.failed} failed, {self.skipped} skipped"


def counts_of(report: Path, *, examples: bool) -> Counts:
    """Count the example DAGs or the other tests in a JUnit report."""
    cases = [
        case
        for case in ElementTree.parse(report).iter("testcase")
        if case.get("classname", "").endswith("test_dags") is examples
    ]
    failed = sum(case.find("failure") is not None or case.find("error") is not None for case in cases)
    skipped = sum(case.find("skipped") is not None for case in cases)
    return Counts(len(cases) - failed - skipped, failed, skipped)


def find_python(version: str) -> str | None:
    """Return the path of a Python of this minor version: on the PATH, of pyenv, or one that uv has or can download."""
    pyenv = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv")) / "versions"
    candidates = [
        shutil.which(f"python{version}"),
        *sorted(map(str, pyenv.glob(f"{version}.*/bin/python")), reverse=True),
    ]
    for candidate in filter(None, candidates):  # a shim of pyenv can be on the PATH and still fail
        if subprocess.run([candidate, "-c", ""], capture_output=True, check=False).returncode == 0:
            return candidate
    for command in (["find"], ["install", "--quiet"], ["find"]):
        found = subprocess.run([uv(), "python", *command, version], capture_output=True, text=True, check=False)
        if found.returncode == 0 and found.stdout.strip():
            return found.stdout.strip()
    return None


def uv() -> str:
    """Return the path of uv in this environment."""
    return str(Path(sys.executable).with_name("uv"))


def install(release: Release, python: str, folder: Path) -> Path:
    """Create or update an environment with this package and a release of Airflow. :returns: its Python."""
    executable = folder / "bin" / "python"
    if not executable.exists():
        subprocess.run([uv(), "venv", "--quiet", "--clear", "--python", python, str(folder)], check=True)
    newer = [f"--exclude-newer-package={name}={time}" for name, time in NEWER.items()]
    subprocess.run(
        [
            uv(), "pip", "install", "--quiet", "--python", str(executable),
            f"--exclude-newer={release.time}", *newer,
            "--editable", f"{ROOT}[local,parquet,service]", f"apache-airflow=={release.version}", *TOOLS,
        ],
        check=True,
    )  # fmt: skip
    return executable


def run_tests(executable: Path, report: Path, tests: Sequence[str]) -> None:
    """Run tests with the Python of an environment, and write a JUnit report. A failed test does not raise an error."""
    status = subprocess.run(
        [
            str(executable), "-m", "pytest", "-p", "no:cacheprovider", "--quiet", "--tb=short",
            "-W", "ignore", "--numprocesses", "auto", "--dist", "loadfile", f"--junitxml={report}", *tests,
        ],
        cwd=ROOT, check=False, env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1"},
    ).returncode  # fmt: skip
    if status not in (0, 1):
        raise RuntimeError(f"pytest ended with the exit status {status}; its output is above.")


def run(release: Release, version: str, tests: Sequence[str]) -> Row:
    """Install an environment and run its tests."""
    python = find_python(version)
    if python is None:
        return Row(release, version, problem=f"Python {version} is not installed")
    started = time.monotonic()
    folder = FOLDER / f"airflow-{release.minor}-python-{version}"
    report = FOLDER / f"{folder.name}.xml"
    run_tests(install(release, python, folder), report, tests)
    tests_, examples = counts_of(report, examples=False), counts_of(report, examples=True)
    return Row(release, version, tests_, examples, seconds=time.monotonic() - started)


def rows(options: argparse.Namespace) -> Iterator[Row]:
    """Yield a row for each version of Airflow and Python that the options select."""
    tests = options.tests or [*(f"tests/{name}" for name in TESTS), EXAMPLES]
    for release in RELEASES:
        for python in release.pythons:
            if release.minor in options.airflow and python in options.python:
                print(f"Airflow {release.version}, Python {python}", flush=True)
                yield run(release, python, tests)


def table(found: Sequence[Row]) -> Table:
    """Return the table of all environments."""
    result = Table("Airflow", "Python", "Tests", "Example DAGs", "Seconds")
    for row in found:
        values = (row.problem, "–", "–") if row.problem else (str(row.tests), str(row.examples), f"{row.seconds:.0f}")
        result.add_row(row.release.version, row.python, *values)
    return result


def main() -> int:
    """Run the environments. :returns: the exit status, 1 if a test failed."""
    every = sorted({python for release in RELEASES for python in release.pythons})
    parser = argparse.ArgumentParser(description=(__doc__ or "").strip().splitlines()[0])
    split = lambda text: text.split(",")  # noqa: E731
    parser.add_argument("--airflow", type=split, default=[release.minor for release in RELEASES], metavar="2.11,3.0,…")
    parser.add_argument("--python", type=split, default=every, metavar="3.11,3.12,…")
    parser.add_argument("tests", nargs="*", help="folders or files with tests (default: those that use Airflow)")
    found = list(rows(parser.parse_args()))
    Console(width=120).print(table(found))
    return 0 if found and all(row.is_good for row in found) else 1


if __name__ == "__main__":
    sys.exit(main())
