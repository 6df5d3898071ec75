"""What the table of ``make test-matrix`` says."""

from __future__ import annotations

import sys
from pathlib import Path

from matrix import RELEASES, Counts, Row, counts_of, find_python, table
from rich.console import Console

REPORT = """<testsuites><testsuite>
<testcase classname="tests.operators.test_classify" name="a"/>
<testcase classname="tests.operators.test_classify" name="b"><failure message="x"/></testcase>
<testcase classname="tests.hooks.test_classify" name="c"><error message="x"/></testcase>
<testcase classname="tests.hooks.test_classify" name="d"><skipped message="x"/></testcase>
<testcase classname="tests.test_dags" name="e"/>
</testsuite></testsuites>"""


def test_tests_and_example_dags_are_counted_apart(tmp_path: Path) -> None:
    report = tmp_path / "report.xml"
    report.write_text(REPORT)
    assert counts_of(report, examples=False) == Counts(passed=1, failed=2, skipped=1)
    assert counts_of(report, examples=True) == Counts(passed=1, failed=0, skipped=0)


def test_a_row_is_good_if_tests_ran_and_none_failed() -> None:
    good, bad, nothing = Counts(3, 0, 1), Counts(3, 1, 0), Counts(0, 0, 4)
    assert Row(RELEASES[0], "3.11", good, good).is_good
    assert not Row(RELEASES[0], "3.11", good, bad).is_good
    assert not Row(RELEASES[0], "3.11", nothing, good).is_good


def test_a_python_that_is_not_installed_has_a_row() -> None:
    console = Console(width=120)
    with console.capture() as capture:
        console.print(table([Row(RELEASES[0], "3.12", problem="Python 3.12 is not installed")]))
    assert "Python 3.12 is not installed" in capture.get()


def test_the_running_python_can_be_found() -> None:
    assert find_python(f"{sys.version_info.major}.{sys.version_info.minor}")


def test_every_supported_airflow_is_in_the_matrix() -> None:
    assert [release.minor for release in RELEASES] == ["2.11", "3.0", "3.1", "3.2", "3.3"]
