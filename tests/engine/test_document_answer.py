"""From the answers of pages to that of a document."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from airflow_provider_classify.engine.declared_type import DECLARED, Declaration
from airflow_provider_classify.engine.document_answer import document_answer, voters
from airflow_provider_classify.engine.knowledge.load import load_knowledge
from airflow_provider_classify.engine.page import Page
from airflow_provider_classify.engine.scoring.category_set import CategorySet, PageAnswer
from airflow_provider_classify.model.categories import Category
from tests.support.pages import page_of

CATEGORIES = CategorySet([Category(name) for name in ("invoice", "letter", "contract")], load_knowledge())
LINES = ["some words that fill a line of this page"] * 6


def page(*points: float, number: int = 1, is_cover: bool = False, lines: Sequence[str] = LINES) -> PageAnswer:
    """A page with points of three categories and of none."""
    scored = CATEGORIES.answer(page_of(*lines, number=number)).scored
    return PageAnswer(scored, points, CATEGORIES.shares(points), is_cover)


def blank(number: int = 1) -> PageAnswer:
    return CATEGORIES.answer(Page(number, 595, 842, (), "text_layer", is_blank=True))


INVOICE, LETTER, NOTHING = (8.0, 0.0, 0.0, 1.0), (0.0, 8.0, 0.0, 1.0), (0.0, 0.0, 0.0, 1.0)


@pytest.mark.parametrize(
    ("pages", "voting"),
    [
        ([page(*INVOICE), page(*LETTER)], [0, 1]),
        ([blank(), page(*INVOICE)], [1]),
        ([blank(), blank()], []),
        ([page(*LETTER, is_cover=True), page(*INVOICE)], [1]),
        ([page(*INVOICE), page(*LETTER, is_cover=True)], [0]),
        ([page(*LETTER, is_cover=True), page(*NOTHING)], [0, 1]),
        ([page(*LETTER, is_cover=True), blank()], [0]),
    ],
)
def test_who_votes(pages: list[PageAnswer], voting: list[int]) -> None:
    assert [pages.index(found) for found in voters(pages)] == voting


def test_the_answer_is_that_of_some_page() -> None:
    first, second = page(5.0, 0.0, 4.6, 0.0), page(0.0, 5.0, 4.6, 0.0)
    found = document_answer([first, second], CATEGORIES)
    assert found.shares.index(max(found.shares)) == 2
    assert found.best == 0


def test_the_first_page_that_votes_weighs_most() -> None:
    found = document_answer([blank(), page(*INVOICE), page(*LETTER)], CATEGORIES)
    assert found.best == 0


@pytest.mark.parametrize(
    ("pages", "is_mixed"),
    [
        ([page(*INVOICE), page(*LETTER)], True),
        ([page(*INVOICE), page(*INVOICE)], False),
        ([page(*INVOICE), page(0.0, 1.5, 0.0, 1.0)], False),
        ([page(*INVOICE), page(*LETTER, lines=["a word"])], False),
        ([page(*INVOICE), page(*LETTER, is_cover=True)], False),
        ([page(*INVOICE), blank()], False),
    ],
    ids=["two", "one", "an unsure page", "hardly a word", "a cover", "a blank page"],
)
def test_what_is_mixed(pages: list[PageAnswer], is_mixed: bool) -> None:
    assert document_answer(pages, CATEGORIES).is_mixed == is_mixed


def test_a_blank_document_has_no_answer() -> None:
    found = document_answer([blank(), blank(2)], CATEGORIES)
    assert (found.best, found.confidence, sum(found.shares)) == (None, 0.0, 0.0)


@pytest.mark.parametrize("pages", [[page(*LETTER)], [blank()], [page(*NOTHING), page(*LETTER)]])
def test_what_the_format_declares_is_the_answer(pages: list[PageAnswer]) -> None:
    found = document_answer(pages, CATEGORIES, declaration=Declaration(0, "invoice", "Invoice"))
    assert (found.best, found.confidence) == (0, pytest.approx(DECLARED))
    assert sum(found.shares) <= 1.0 + 1e-9


def test_between_a_declared_category_and_its_rival_the_text_decides() -> None:
    declaration = Declaration(0, "email", "the format", rivals=(2,))
    for points, best in (((2.0, 8.0, 3.0, 1.0), 2), ((2.0, 8.0, -1.0, 1.0), 0)):
        found = document_answer([page(*points)], CATEGORIES, declaration=declaration)
        assert found.best == best
        assert found.shares[0] + found.shares[2] == pytest.approx(DECLARED)
