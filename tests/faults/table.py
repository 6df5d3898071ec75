"""Format the table at the end of the fault tests."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Row:
    executor: str
    fault: str
    documents: int
    lost: int
    doubled: int
    seconds: float


#: The name of the run without a fault.
NONE = "none"


def table(rows: Sequence[Row]) -> list[str]:
    """Return the lines of the table. Extra seconds are those beyond the same executor's run without a fault."""
    base = {row.executor: row.seconds for row in rows if row.fault == NONE}
    width = max([len(row.fault) for row in rows], default=0)
    lines = [f"{'executor':15} {'fault':{width}} {'documents':>9} {'lost':>5} {'doubled':>7} {'extra seconds':>13}"]
    for row in rows:
        extra = f"{row.seconds - base[row.executor]:+.1f}" if row.executor in base else "unknown"
        if row.fault == NONE:
            extra = f"of {row.seconds:.1f}"
        lines.append(
            f"{row.executor:15} {row.fault:{width}} {row.documents:9} {row.lost:5} {row.doubled:7} {extra:>13}"
        )
    return lines
