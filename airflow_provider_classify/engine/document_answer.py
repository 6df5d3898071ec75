"""Combine the answers of a document's pages into one answer, by pure functions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from airflow_provider_classify.engine.confidence import combine, page_weight
from airflow_provider_classify.engine.declared_type import Declaration
from airflow_provider_classify.engine.scoring.category_set import CategorySet, PageAnswer

#: If a page other than a cover sheet has at least this confidence, cover sheets do not decide.
LEAST_VOTING_CONFIDENCE = 0.5
#: A document is mixed if a page has at least this confidence in another category, and at least this many characters.
MIXED_CONFIDENCE, MIXED_CHARACTERS = 0.95, 120


@dataclass(frozen=True, slots=True)
class DocumentAnswer:
    """
    The answer of a document.

    :param best: the number of its category; None if no page decides and the format declares no type.
    :param shares: the probability of each category, 0 to 1.
    :param voters: the pages that decided.
    :param is_mixed: whether a page belongs to another category with a high confidence. It is always false if the
        format declares a type.
    """

    best: int | None
    shares: Sequence[float]
    voters: Sequence[PageAnswer] = ()
    is_mixed: bool = False

    @property
    def confidence(self) -> float:
        """The probability that the category is right, 0 to 1; 0 if the document has no category."""
        return 0.0 if self.best is None else self.shares[self.best]


def voters(pages: Sequence[PageAnswer]) -> list[PageAnswer]:
    """
    Return the pages that decide, in the order of the document.

    Blank pages do not decide. Cover sheets decide only if every other page has a confidence below
    LEAST_VOTING_CONFIDENCE.
    """
    filled = [page for page in pages if not page.is_blank]
    inner = [page for page in filled if not page.is_cover]
    return inner if any(page.confidence >= LEAST_VOTING_CONFIDENCE for page in inner) else filled


def document_answer(
    pages: Sequence[PageAnswer], categories: CategorySet, *, declaration: Declaration | None = None
) -> DocumentAnswer:
    """
    Return the answer of a document.

    Its shares come from the weighted mean of the points of the deciding pages. Its category is the most probable one of
    those that are best on a deciding page. If the format declares a type, it is the most probable one of all.

    :param pages: the answers of the pages, in the order of the document.
    :param declaration: the type that the document's format declares.
    """
    voting = voters(pages)
    if not voting:
        shares = [0.0] * len(categories.names)
        return (
            DocumentAnswer(declaration.category, declaration.apply(shares))
            if declaration
            else DocumentAnswer(None, shares)
        )
    # If the first page has the same form as an example, a person has already chosen the category of such a document. So
    # this page alone decides.
    deciding = voting[:1] if voting[0].form is not None else voting
    weights = [page_weight(page is voting[0], page.characters) for page in deciding]
    shares = categories.shares(combine([(p.points, w) for p, w in zip(deciding, weights, strict=True)]))
    if declaration:
        shares = declaration.apply(shares)
        return DocumentAnswer(shares.index(max(shares)), shares, voting)
    best = max(dict.fromkeys(page.best for page in deciding), key=shares.__getitem__)
    is_mixed = any(
        page.best != best and page.confidence >= MIXED_CONFIDENCE and page.characters >= MIXED_CHARACTERS
        for page in voting
    )
    return DocumentAnswer(best, shares, voting, is_mixed)
