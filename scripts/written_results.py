"""Write results into the database of an Airflow, for screenshots. Only the dates differ from run to run."""

from __future__ import annotations

import random
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

from tests.support.metadata import Value, write_run

#: The categories, and how many of 100 documents belong to each.
SHARES = {"invoice": 46, "contract": 18, "letter": 16, "bank statement": 11, "purchase order": 9}
MANY = 10_000


def write(many: str, old: str, empty: str) -> None:
    """
    Write the runs with their results.

    :param many: the DAG that gets a run with 10,000 documents, and runs on each of the 20 days before.
    :param old: the DAG whose only run is older than a month.
    :param empty: the DAG that gets a run without documents.
    """
    now = datetime.now(UTC)
    chance = random.Random(1)
    write_run(many, "many", list(_values(chance, MANY)), now)
    for day in range(1, 21):
        at = now - timedelta(days=day)
        values = list(_values(chance, chance.randint(150, 450)))
        write_run(many, f"scheduled__{at:%Y-%m-%d}", values, at)
    write_run(old, "long_ago", list(_values(chance, 20)), now - timedelta(days=60))
    write_run(empty, "empty", [Value(3, "show")], now)


def _values(chance: random.Random, count: int) -> Iterator[Value]:
    for number in range(count):
        yield Value(_result(chance, number), "classify", number)


def _result(chance: random.Random, number: int) -> dict[str, Any]:
    result: dict[str, Any] = {"job_id": f"job-{chance.random()}", "document": f"s3://incoming/scan-{number:05}.pdf"}
    if chance.random() < 0.01:
        error = f"The document scan-{number:05}.pdf is encrypted; save it without a password."
        return result | {"success": False, "classification": None, "error": error, "error_kind": "DocumentEncrypted"}
    category, other = _two_categories(chance)
    confidence = round(1 - chance.betavariate(1, 9), 3)
    evidence = {"text": category.title(), "line": f"{category.title()} no. {number}", "page": 1, "type": category}
    result |= {"success": True, "classification": category, "confidence": confidence, "evidence": [evidence]}
    result["scores"] = {category: confidence, other: round(1 - confidence, 3)}
    if confidence < 0.7:
        result |= {"escalated": True, "answered_by": "classify_api"}
    return result


def _two_categories(chance: random.Random) -> tuple[str, str]:
    category = chance.choices(list(SHARES), list(SHARES.values()))[0]
    return category, chance.choice([name for name in SHARES if name != category])
