"""The user's categories together: what a page says about each of them, and about none of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from airflow_provider_classify.engine.categories.meanings import meanings_of
from airflow_provider_classify.engine.confidence import least_of_none, points_of_none, softmax, trust
from airflow_provider_classify.engine.knowledge.load import Knowledge
from airflow_provider_classify.engine.page import Page
from airflow_provider_classify.engine.scoring.category_scorer import CategoryScorer, ScoredPage
from airflow_provider_classify.engine.scoring.compiled import compiled
from airflow_provider_classify.model.categories import Category

if TYPE_CHECKING:
    from airflow_provider_classify.engine.categories.sentence_model import SentenceModel


@dataclass(frozen=True, slots=True)
class PageAnswer:
    """
    What a page says about the categories.

    :param points: of each category, and last of none of them.
    :param shares: the probability of each category, 0 to 1; what is missing to 1 is that of none of them.
    """

    scored: ScoredPage
    points: Sequence[float]
    shares: Sequence[float]

    @property
    def page(self) -> Page:
        """The page as far as it was read."""
        return self.scored.types.text.page

    @property
    def characters(self) -> int:
        """The amount of text."""
        return self.scored.types.text.characters

    @property
    def best(self) -> int:
        """The number of the most probable category."""
        return max(range(len(self.shares)), key=self.shares.__getitem__)

    @property
    def confidence(self) -> float:
        """The probability of the most probable category, 0 to 1."""
        return self.shares[self.best]


class CategorySet:
    """
    Scores pages against all categories of a user.

    :param threads: cores that OCR may use to read examples; all available if None.
    :raises InvalidCategories: an example of a category cannot be used.
    :raises SentenceModelNotUsable: the sentence model cannot be loaded.
    """

    def __init__(
        self,
        categories: Sequence[Category],
        knowledge: Knowledge,
        sentence_model: SentenceModel | None = None,
        *,
        threads: int | None = None,
    ) -> None:
        self._compiled = compiled(knowledge)
        self._type_scorer = self._compiled.type_scorer
        meanings = meanings_of(categories, knowledge, sentence_model)
        self.scorers = [
            CategoryScorer(category.name, meaning, self._compiled, threads=threads)
            for category, meaning in zip(categories, meanings, strict=True)
        ]
        self.are_all_known = all(scorer.is_known for scorer in self.scorers)
        self._least_of_none = least_of_none(all_known=self.are_all_known)
        self._claims = [
            max(scorer.claims.get(number, 0.0) for scorer in self.scorers)
            for number in range(len(self._type_scorer.names))
        ]

    @property
    def names(self) -> list[str]:
        """The names of the categories, as the user wrote them."""
        return [scorer.name for scorer in self.scorers]

    @property
    def type_names(self) -> Sequence[str]:
        """The names of the document types, by number."""
        return self._type_scorer.names

    def answer(self, page: Page) -> PageAnswer:
        """Score a page, as far as it was read."""
        scored = ScoredPage(self._type_scorer.score(page), self._compiled)
        points = [scorer.points(scored) for scorer in self.scorers]
        points.append(points_of_none(scored.types.scores, self._claims, self._least_of_none))
        trusted = trust(points, scored.types.text.characters, page.legibility)
        return PageAnswer(scored, trusted, self.shares(trusted))

    def shares(self, points: Sequence[float]) -> list[float]:
        """Return the probability of each category."""
        return softmax(points)[:-1]
