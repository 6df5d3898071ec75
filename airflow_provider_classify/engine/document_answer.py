"""From the answers of a document's pages to one answer: pure functions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from airflow_provider_classify.engine.confidence import combine, page_weight
from airflow_provider_classify.engine.scoring.category_set import CategorySet, PageAnswer, with_declared

#: A page speaks if its category is more probable than not; beside it, covers do not vote.
SPEAKS = 0.5
#: Pages disagree if one is so sure of another category, and has at least so many characters.
SURE_OF_ANOTHER, ENOUGH_TO_DISAGREE = 0.95, 120


@dataclass(frozen=True, slots=True)
class DocumentAnswer:
    """
    What a document is.

    :param best: the number of its category; None if all its pages are blank.
    :param shares: the probability of each category, 0 to 1.
    :param is_mixed: whether another page is surely of another category.
    """

    best: int | None
    shares: Sequence[float]
    is_mixed: bool = False

    @property
    def confidence(self) -> float:
        """The probability that the answer is right; 0 for a blank document."""
        return 0.0 if self.best is None else self.shares[self.best]


def voters(pages: Sequence[PageAnswer]) -> list[PageAnswer]:
    """
    Return the pages that decide, in the order of the document.

    Blank pages never do. Cover sheets do only if no other page speaks.
    """
    filled = [page for page in pages if not page.is_blank]
    inner = [page for page in filled if not page.is_cover]
    return inner if any(page.confidence >= SPEAKS for page in inner) else filled


def document_answer(
    pages: Sequence[PageAnswer], categories: CategorySet, *, declared: int | None = None
) -> DocumentAnswer:
    """
    Return the category of some page: the one for which all voting pages together speak most.

    :param pages: in the order of the document.
    :param declared: the number of the category that the document's format declares.
    """
    voting = voters(pages)
    if not voting:
        shares = [0.0] * len(categories.names)
        return DocumentAnswer(declared, shares if declared is None else with_declared(shares, declared))
    weights = [page_weight(page is voting[0], page.characters) for page in voting]
    shares = categories.shares(combine([(p.points, w) for p, w in zip(voting, weights, strict=True)]))
    if declared is not None:
        return DocumentAnswer(declared, with_declared(shares, declared))
    best = max(dict.fromkeys(page.best for page in voting), key=shares.__getitem__)
    is_mixed = any(
        page.best != best and page.confidence >= SURE_OF_ANOTHER and page.characters >= ENOUGH_TO_DISAGREE
        for page in voting
    )
    return DocumentAnswer(best, shares, is_mixed)
