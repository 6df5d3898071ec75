"""Check that the Python of the how-to pages can be pasted: it imports what it uses, and its DAGs can be parsed."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.dags import migrate_database

PAGES = Path(__file__).parents[2] / "docs" / "how-to"


def snippets(page: str) -> list[str]:
    """Return the Python of a page, without the blocks that include a file of the repository."""
    blocks = re.findall(r"^```python\n(.*?)^```$", (PAGES / page).read_text(), re.MULTILINE | re.DOTALL)
    return [block for block in blocks if "--8<--" not in block]


def run(snippet: str) -> dict[str, Any]:
    names: dict[str, Any] = {"__name__": "snippet"}
    exec(compile(snippet, "snippet", "exec"), names)
    return names


def all_snippets() -> Iterator[Any]:
    for page in sorted(PAGES.glob("*.md")):
        for number, snippet in enumerate(snippets(page.name), start=1):
            yield pytest.param(snippet, id=f"{page.stem}-{number}")


@pytest.mark.parametrize("snippet", all_snippets())
def test_a_snippet_can_be_pasted(snippet: str) -> None:
    assert "…" not in snippet
    dag = run(snippet).get("dag")
    for task in dag.tasks if dag else []:
        task.prepare_template()  # as Airflow does when it parses the file; a branch checks its targets


@pytest.mark.parametrize("snippet", snippets("testing.md"))
def test_the_tests_of_the_page_about_tests_pass(snippet: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    migrate_database()
    monkeypatch.chdir(PAGES.parents[1])
    [test] = [value for name, value in run(snippet).items() if name.startswith("test_")]
    test(*[tmp_path] * test.__code__.co_argcount)
