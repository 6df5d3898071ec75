"""The numbers that pages print on themselves."""

from __future__ import annotations

from dataclasses import replace

import pytest

from airflow_provider_classify.engine.packets.page_numbers import PageNumber, page_number
from tests.support.pages import page_of


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("Page 2 of 3", (2, 3)),
        ("page 2/3", (2, 3)),
        ("Seite 1 von 12", (1, 12)),
        ("Page 2 sur 4", (2, 4)),
        ("Página 3 de 5", (3, 5)),
        ("Pagina 1 di 2", (1, 2)),
        ("Strona 2 z 3", (2, 3)),
        ("Страница 1 из 2", (1, 2)),
        ("第 2 页 共 5 页", (2, 5)),
        ("Invoice 4711 · Page 1 of 2", (1, 2)),
        ("- 7 -", (7, None)),
        ("1/3", (1, 3)),
        ("Page 4", (4, None)),
    ],
)
def test_a_number_at_the_edge(line: str, expected: tuple[int, int | None]) -> None:
    found = page_number(page_of(line, "The text of the page"))
    assert found is not None
    assert (found.number, found.total) == expected


@pytest.mark.parametrize(
    "line", ["Total 240.00", "Page 3 of 2", "Page 0 of 2", "2026", "12.03.2026", "pages of history"]
)
def test_what_is_no_page_number(line: str) -> None:
    assert page_number(page_of(line, "The text of the page")) is None


def test_a_number_alone_counts_only_at_the_edge() -> None:
    page = page_of(*["some text"] * 20, "3", *["some text"] * 20)
    assert page_number(page) is None


def test_a_number_with_a_total_is_preferred() -> None:
    found = page_number(page_of("17", "Page 2 of 3"))
    assert found == PageNumber(2, 3)
    assert not found.is_last


@pytest.mark.parametrize(
    ("before", "page", "expected"),
    [
        (PageNumber(1, 3), PageNumber(2, 3), True),
        (PageNumber(1), PageNumber(2, 3), True),
        (PageNumber(1, 2), PageNumber(2, 3), False),
        (PageNumber(2, 2), PageNumber(1, 3), False),
    ],
)
def test_a_page_follows_another(before: PageNumber, page: PageNumber, expected: bool) -> None:
    assert page.follows(before) is expected
    assert not replace(page, number=9).follows(before)
