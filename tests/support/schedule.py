"""Divide the tests among the processes of pytest-xdist."""

from __future__ import annotations

from pathlib import PurePosixPath

import pytest
from xdist.scheduler import LoadFileScheduling

#: The longest units of work, which start first, so that all processes end at about the same time. A folder is one
#: unit: its modules share an Airflow.
LONGEST = (
    "tests/system/default_connection",
    "tests/system/no_default_connection",
    "tests/system/test_events.py",
    "tests/system/test_lineage.py",
)


def unit(nodeid: str) -> str:
    """Return the unit of work of a test, whose tests run in one process: a file, or a folder of ``LONGEST``."""
    file = PurePosixPath(nodeid.partition("::")[0])
    return str(file.parent if str(file.parent) in LONGEST else file)


def sort_longest_first(items: list[pytest.Item]) -> None:
    """Move the tests of ``LONGEST`` to the front, in its order."""
    rank = {name: number for number, name in enumerate(LONGEST)}
    items.sort(key=lambda item: rank.get(unit(item.nodeid), len(rank)))


class Schedule(LoadFileScheduling):
    """Run the tests of a unit in one process, and start the units in the order of the tests."""

    def __init__(self, config: pytest.Config, log: object = None) -> None:
        super().__init__(config, log)
        config.option.loadscopereorder = False

    def _split_scope(self, nodeid: str) -> str:
        return unit(nodeid)
