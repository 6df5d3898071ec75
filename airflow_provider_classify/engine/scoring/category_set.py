"""Score a page against all of the user's categories, and estimate the probability that none of them fits."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from airflow_provider_classify.engine.categories.catch_all import is_catch_all
from airflow_provider_classify.engine.categories.meanings import Meaning, meanings_of
from airflow_provider_classify.engine.categories.names import types_of_name
from airflow_provider_classify.engine.confidence import POINTS_OF_UNKNOWN, least_of_none, points_of_none, softmax, trust
from airflow_provider_classify.engine.knowledge.aliases import aliases_of
from airflow_provider_classify.engine.knowledge.load import Knowledge
from airflow_provider_classify.engine.page import Page
from airflow_provider_classify.engine.scoring.category_scorer import CategoryScorer, ScoredPage
from airflow_provider_classify.engine.scoring.compiled_knowledge import compiled
from airflow_provider_classify.engine.scoring.layout_rules import prose_points
from airflow_provider_classify.engine.text.words import label_words
from airflow_provider_classify.model.categories import Category

if TYPE_CHECKING:
    from airflow_provider_classify.engine.categories.sentence_model import SentenceModel

#: A category means a type if the type has at least this weight for it: its name names the type, or a parent of it.
MEANS = 0.8
#: A page is a cover if a cover type scores at least COVER_POINTS, and no type scores over COVER_LEAD points more.
COVER_POINTS, COVER_LEAD = 3.0, 0.5
#: The points by which a category leads if it has an example of the same form as a page.
FORM_LEAD = 4.0
#: The most words in a row of a description that are looked up as a type's name.
_LONGEST_NAME = 3


@dataclass(frozen=True, slots=True)
class PageAnswer:
    """
    The answer of one page.

    :param points: the points that :meth:`CategorySet.shares` takes.
    :param shares: the probability of each category, 0 to 1. The difference of their sum from 1 is the probability that
        none of them fits.
    :param is_cover: whether the page is a cover sheet before other documents.
    :param form: the number of the category that has an example of the same form; None if no category has one.
    """

    scored: ScoredPage
    points: Sequence[float]
    shares: Sequence[float]
    is_cover: bool = False
    form: int | None = None

    @property
    def page(self) -> Page:
        """The page, with the lines that were read."""
        return self.scored.types.text.page

    @property
    def is_blank(self) -> bool:
        """Whether the page has neither text nor ink."""
        return self.page.is_blank

    @property
    def characters(self) -> int:
        """The number of characters on the page."""
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

    :param threads: the number of cores that OCR may use to read examples; all available cores if None.
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
        self._aliases = aliases_of(knowledge)
        self._catch_all = next((n for n, c in enumerate(categories) if self._is_catch_all(c)), None)
        ordinary = [category for number, category in enumerate(categories) if number != self._catch_all]
        meanings = meanings_of(ordinary, knowledge, sentence_model, only_parents=self._catch_all is not None)
        self.are_all_known = all(meaning.is_exact for meaning in meanings)
        if self._catch_all is not None:
            category = categories[self._catch_all]
            meanings.insert(self._catch_all, Meaning(category, {}, is_exact=not category.description, is_named=True))
        self.scorers = [
            CategoryScorer(category, meaning, self._compiled, threads=threads)
            for category, meaning in zip(categories, meanings, strict=True)
        ]
        self._least_of_none = least_of_none(all_known=self.are_all_known)
        self._claims = [
            max(scorer.claims.get(number, 0.0) for scorer in self.scorers)
            for number in range(len(self._type_scorer.names))
        ]
        self._covers = [
            number
            for number, document_type in enumerate(knowledge.types.values())
            if document_type.cover and self._claims[number] < 1.0
        ]

    @property
    def names(self) -> list[str]:
        """The names of the categories, as the user wrote them."""
        return [scorer.name for scorer in self.scorers]

    @property
    def type_names(self) -> Sequence[str]:
        """The names of the document types, by number."""
        return self._type_scorer.names

    def answer(self, page: Page, *, fallback: int | None = None) -> PageAnswer:
        """
        Score a page by the lines that were read.

        :param fallback: the number of a category whose points are limited to those that any category gets by chance.
        """
        scored = ScoredPage(self._type_scorer.score(page), self._compiled)
        scores = scored.types.scores
        by_category = [scorer.points(scored) for scorer in self.scorers]
        if fallback is not None:
            by_category[fallback] = min(by_category[fallback], POINTS_OF_UNKNOWN)
        none = points_of_none(scores, self._claims, self._least_of_none)
        form = self._form(scored)
        if form is not None:
            by_category[form] = max(*by_category, none) + FORM_LEAD
        if self._catch_all is not None:
            # Any running text has points of its style alone, which say no more for a category than for the catch-all.
            none = max(
                none, by_category.pop(self._catch_all), self._least_of_none + prose_points(scored.types.features)
            )
        points = trust([*by_category, none], scored.types.text.characters, page.legibility)
        cover = max((scores[number] for number in self._covers), default=0.0)
        is_cover = cover >= COVER_POINTS and cover >= max(scores) - COVER_LEAD
        return PageAnswer(scored, points, self.shares(points), is_cover, form)

    def _form(self, page: ScoredPage) -> int | None:
        """Return the category whose example is the same form as a page; None if there is none or if several fit."""
        sameness = [scorer.same_form(page) for scorer in self.scorers]
        best = max(sameness)
        return sameness.index(best) if best > 0.0 and sameness.count(best) == 1 else None

    def shares(self, points: Sequence[float]) -> list[float]:
        """
        Return the probability of each category.

        :param points: the points of each category except the catch-all, and at the end those of "none of them".
            If there is a catch-all, its probability is that of "none of them".
        """
        *shares, none = softmax(points)
        if self._catch_all is not None:
            shares.insert(self._catch_all, none)
        return shares

    def sureness(self, answer: PageAnswer) -> float:
        """
        Return the probability of a page's best category other than the catch-all.

        The catch-all is left out, because an unread line may still fit another category.
        """
        return max((share for number, share in enumerate(answer.shares) if number != self._catch_all), default=0.0)

    def that_means(self, type_name: str) -> int | None:
        """Return the number of the category that means a type or a parent of it; None if there is no such category."""
        number = self._type_scorer.numbers.get(type_name)
        claims = [scorer.claims.get(number, 0.0) if number is not None else 0.0 for scorer in self.scorers]
        best = max(range(len(claims)), key=claims.__getitem__)
        return best if claims[best] >= MEANS else None

    def that_mention(self, type_name: str) -> list[int]:
        """Return the numbers of the categories whose description names a type."""
        return [
            number
            for number, scorer in enumerate(self.scorers)
            if number != self._catch_all and self._names_type(label_words(scorer.category.description), type_name)
        ]

    def _names_type(self, words: Sequence[str], type_name: str) -> bool:
        return any(
            self._aliases.find(words[start : start + length]) == type_name
            for start in range(len(words))
            for length in range(1, _LONGEST_NAME + 1)
        )

    def _is_catch_all(self, category: Category) -> bool:
        """Return whether the category is a catch-all by its name, and no document type has this name."""
        return is_catch_all(category.name) and not types_of_name(category.name, self._aliases)
