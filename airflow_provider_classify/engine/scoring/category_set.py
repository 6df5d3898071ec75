"""Score a page against all of the user's categories, and estimate the probability that none of them fits."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from airflow_provider_classify.engine.categories.catch_all import is_catch_all
from airflow_provider_classify.engine.categories.meanings import Meaning, meanings_of
from airflow_provider_classify.engine.categories.names import types_of_name
from airflow_provider_classify.engine.confidence import (
    POINTS_OF_UNKNOWN,
    TEMPERATURE,
    least_of_none,
    points_of_none,
    softmax,
    trust,
)
from airflow_provider_classify.engine.knowledge.aliases import aliases_of
from airflow_provider_classify.engine.knowledge.document_type import Knowledge
from airflow_provider_classify.engine.learned.model import LearnedModel, amount_of_evidence, load_model
from airflow_provider_classify.engine.learned.origin import Origin
from airflow_provider_classify.engine.page import Page
from airflow_provider_classify.engine.scoring.category_scorer import CategoryScorer, ScoredPage
from airflow_provider_classify.engine.scoring.compiled_knowledge import compiled_knowledge
from airflow_provider_classify.engine.scoring.layout_rules import prose_points
from airflow_provider_classify.engine.scoring.type_scorer import Evidence
from airflow_provider_classify.engine.text.words import label_words
from airflow_provider_classify.model.categories import Category

if TYPE_CHECKING:
    from airflow_provider_classify.engine.categories.sentence_model import SentenceModel

#: A category means a type if the type has at least this weight for it. Then the category's name, or the last words of
#: the name, are a name of the type or of a parent of the type. Or the name is unknown, and resembles the type most.
MEANS = 0.8
#: A page is a cover if a cover type scores at least COVER_POINTS, and no type scores more than COVER_LEAD above it.
COVER_POINTS, COVER_LEAD = 3.0, 0.5
#: The least points of a suggested type. A heading with the type's name, or two strong cues, give about this many.
MIN_POINTS_OF_SUGGESTED = 2.5
#: If a category has an example of the same form as a page, it gets this many points more than the answer that is best
#: without the example.
FORM_LEAD = 4.0
#: The most consecutive words of a description that are looked up as the name of a type.
_LONGEST_NAME = 3


@dataclass(frozen=True, slots=True)
class PageAnswer:
    """
    The answer of one page.

    :param points: the points of the categories and of "none of them"; see :meth:`CategorySet.shares`.
    :param shares: the probability of each category, 0 to 1. If their sum is below 1, the rest is the probability that
        no category fits.
    :param is_cover: whether the page is a cover sheet before other documents.
    :param form: the number of the category that has the most similar example of the same form; None if no category has
        one, or if several have one that is equally similar.
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

    :param model: the learned model; the model of this package if None.
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
        model: LearnedModel | None = None,
        threads: int | None = None,
    ) -> None:
        self._model = model or load_model()
        self._compiled = compiled_knowledge(knowledge)
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
            CategoryScorer(category, meaning, self._compiled, self._model, threads=threads)
            for category, meaning in zip(categories, meanings, strict=True)
        ]
        self._least_of_none = least_of_none(all_known=self.are_all_known)
        self._claims = [
            max(scorer.claims.get(number, 0.0) for scorer in self.scorers)
            for number in range(len(self._type_scorer.names))
        ]
        self._families = [self._model.family_of_type(name) for name in self._type_scorer.names]
        self._none_families = self._families_for_none()
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

    def answer(self, page: Page, *, origin: Origin | None = None, fallback: int | None = None) -> PageAnswer:
        """
        Score a page by the lines that were read.

        :param origin: the format and metadata of the page's document.
        :param fallback: the number of a category whose points are limited to those that any category gets by chance;
            None for no such category.
        """
        types = self._type_scorer.score(page)
        correction = self._model.correction(types, self._type_scorer.names, origin or Origin())
        scored = ScoredPage(types, self._compiled, correction)
        scores, share = types.scores, self._knowledge_share(scored)
        by_category = [scorer.points(scored, share) for scorer in self.scorers]
        if fallback is not None:
            by_category[fallback] = min(by_category[fallback], share * POINTS_OF_UNKNOWN)
        none = self._points_of_none(scored, share)
        form = self._category_of_form(scored)
        if form is not None:
            by_category[form] = max(*by_category, none) + FORM_LEAD
        if self._catch_all is not None:
            # Running text alone gives points to categories of that style. These points are no evidence against the
            # catch-all, so the catch-all gets them too.
            least = share * (self._least_of_none + prose_points(types.features)) + correction.points[self._model.none]
            none = max(none, by_category.pop(self._catch_all), least)
        points = [*by_category, none]
        cover = max((scores[number] for number in self._covers), default=0.0)
        is_cover = cover >= COVER_POINTS and cover >= max(scores) - COVER_LEAD
        return PageAnswer(scored, points, self.shares(points), is_cover, form)

    def _knowledge_share(self, page: ScoredPage) -> float:
        """
        Return the factor of the points of the knowledge on a page.

        It is lower on a page with little text, or with text that OCR can hardly read. It also converts the temperature:
        :meth:`shares` divides points by that of the learned model. On a page with little text, the model corrects
        little, so the points need the temperature of the knowledge.
        """
        text, missing = page.types.text, 1.0 - amount_of_evidence(page.types)
        own = 1.0 + missing * (self._model.temperature / TEMPERATURE - 1.0)
        return own * trust(text.characters, text.page.legibility)

    def _category_of_form(self, page: ScoredPage) -> int | None:
        """Return the category with the most similar example of the same form; None without one or in a tie."""
        sameness = [scorer.same_form(page) for scorer in self.scorers]
        best = max(sameness)
        return sameness.index(best) if best > 0.0 and sameness.count(best) == 1 else None

    def evidence(self, answer: PageAnswer, type_number: int, limit: int) -> list[Evidence]:
        """Return the strongest evidence for a type on a page, at most ``limit`` pieces."""
        types = answer.scored.types
        family = self._families[type_number]
        found = [*types.evidence(type_number, limit), *answer.scored.correction.evidence(family, types.text)]
        return sorted(found, key=lambda evidence: (-evidence.weight, evidence.phrase))[:limit]

    def suggested_type(self, pages: Sequence[PageAnswer]) -> str | None:
        """
        Return the most probable type of pages that no category fits; None if no known type fits either.

        :param pages: the pages that decide, in the order of the document.
        """
        totals = [0.0] * len(self.type_names)
        for page in pages:
            share = self._knowledge_share(page.scored) / len(pages)
            for number, score in enumerate(page.scored.types.scores):
                totals[number] += share * score + page.scored.correction.points[self._families[number]] / len(pages)
        free = [number for number, claim in enumerate(self._claims) if claim < MEANS]
        best = max(free, key=totals.__getitem__, default=None)
        return None if best is None or totals[best] < MIN_POINTS_OF_SUGGESTED else self.type_names[best]

    def _families_for_none(self) -> list[int]:
        """
        Return for each type the family whose correction applies to its points for "none of the categories".

        This is the type's own family. If a category has this family, it is the family of documents that no category
        fits.
        """
        meant = {scorer.family for scorer in self.scorers}
        return [self._model.none if family in meant else family for family in self._families]

    def _points_of_none(self, page: ScoredPage, share: float) -> float:
        """Return the points of "none of the categories", with the correction of the learned model."""
        corrections = page.correction.points
        least = share * self._least_of_none + corrections[self._model.none]
        rest = [corrections[family] for family in self._none_families]
        return points_of_none(page.types.scores, self._claims, least, share=share, corrections=rest)

    def is_none(self, shares: Sequence[float]) -> bool:
        """Return whether "no category fits" is the most probable answer, by the result of :meth:`shares`."""
        if self._catch_all is not None:
            return max(shares) == shares[self._catch_all]
        return 1.0 - sum(shares) > max(shares)

    def shares(self, points: Sequence[float]) -> list[float]:
        """
        Return the probability of each category. The probability of a catch-all is that of "none of them".

        :param points: the points of each category except the catch-all, and as the last item those of "none of them".
        """
        *shares, none = softmax(points, self._model.temperature)
        if self._catch_all is not None:
            shares.insert(self._catch_all, none)
        return shares

    def certainty(self, answer: PageAnswer) -> float:
        """
        Return the probability of a page's best category other than the catch-all.

        The catch-all does not count, because a line that is not read yet may still fit another category.
        """
        return max((share for number, share in enumerate(answer.shares) if number != self._catch_all), default=0.0)

    def category_that_means(self, type_name: str) -> int | None:
        """Return the number of the category that means a type or a parent of it; None if there is no such category."""
        number = self._type_scorer.numbers.get(type_name)
        claims = [scorer.claims.get(number, 0.0) if number is not None else 0.0 for scorer in self.scorers]
        best = max(range(len(claims)), key=claims.__getitem__)
        return best if claims[best] >= MEANS else None

    def categories_that_mention(self, type_name: str) -> list[int]:
        """Return the numbers of the categories whose description names a type, without the catch-all."""
        return [
            number
            for number, scorer in enumerate(self.scorers)
            if number != self._catch_all and self._mentions_type(label_words(scorer.category.description), type_name)
        ]

    def _mentions_type(self, words: Sequence[str], type_name: str) -> bool:
        return any(
            self._aliases.find(words[start : start + length]) == type_name
            for start in range(len(words))
            for length in range(1, _LONGEST_NAME + 1)
        )

    def _is_catch_all(self, category: Category) -> bool:
        """Return whether the category is a catch-all by its name, and no document type has this name."""
        return is_catch_all(category.name) and not types_of_name(category.name, self._aliases)
