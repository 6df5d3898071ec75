"""Check that the documentation names each package whose licence asks more of a user than a notice."""

from __future__ import annotations

import re

import pytest
from dependencies import Dependency, dependencies

from tests.support.markdown import ROOT

PAGE = (ROOT / "docs" / "licences.md").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def added() -> list[Dependency]:
    """Return the packages that the extras add to Airflow."""
    return [each for each in dependencies() if each.extras]


def test_the_page_names_the_packages_under_a_gpl(added: list[Dependency]) -> None:
    gpl = {each.name for each in added if re.search(r"GPL|General Public|Affero", each.licence, re.IGNORECASE)}
    assert {"pymupdf", "pi-heif", "psycopg"} <= gpl
    assert [name for name in sorted(gpl) if not re.search(rf"\b{name}\b", PAGE, re.IGNORECASE)] == []


def test_each_package_has_a_licence(added: list[Dependency]) -> None:
    assert [each.name for each in added if each.licence.upper() in ("", "UNKNOWN")] == []
