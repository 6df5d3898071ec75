"""Score a page against one of the user's categories."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property

from airflow_provider_classify.engine.categories.meanings import Meaning
from airflow_provider_classify.engine.confidence import POINTS_OF_UNKNOWN
from airflow_provider_classify.engine.learned.model import Correction, LearnedModel
from airflow_provider_classify.engine.scoring.category_words import CategoryWords, PageWords
from airflow_provider_classify.engine.scoring.compiled_knowledge import CompiledKnowledge
from airflow_provider_classify.engine.scoring.examples import ExampleProfile, read_examples
from airflow_provider_classify.engine.scoring.type_scorer import TypeScores, share_of_long_text
from airflow_provider_classify.model.categories import Category

#: The least points of a category whose name is known, and of a category whose name is known in part.
LEAST_POINTS, LEAST_POINTS_OF_PART = -1.0, 1.0
#: The weight of the words of a category's name and description, 0 to 1, if the name is known, known in part or unknown.
WORDS_OF_KNOWN, WORDS_OF_PART, WORDS_OF_UNKNOWN = 0.2, 0.5, 1.0


class ScoredPage:
    """
    A page with its scores for all types. It computes other data for scoring categories on demand.

    :param correction: the points that the learned model adds to families of types.
    """

    def __init__(self, types: TypeScores, compiled: CompiledKnowledge, correction: Correction) -> None:
        self.types = types
        self.correction = correction
        self._compiled = compiled

    @cached_property
    def words(self) -> PageWords:
        """The page's words, prepared for the search for the categories' words."""
        text = self.types.text
        return PageWords(text, self.types.features, share_of_long_text(len(text.words)))

    @cached_property
    def profile(self) -> ExampleProfile:
        """The page's profile, which is compared with the profiles of examples."""
        return ExampleProfile.of(self.types, self._compiled.rarity)


@dataclass(frozen=True, slots=True)
class NearestExample:
    """The example that is most similar to a page: its path, and the likeness, 0 to 1."""

    path: str
    likeness: float


class CategoryScorer:
    """
    Scores pages against one category by the types that it means, by its words and by its examples.

    :param category: the category as the user wrote it.
    :param model: the learned model, which corrects the points of families of types.
    :param threads: the number of cores that OCR may use to read examples; all available cores if None.
    :raises InvalidCategories: an example cannot be used.
    """

    def __init__(
        self,
        category: Category,
        meaning: Meaning,
        compiled: CompiledKnowledge,
        model: LearnedModel,
        *,
        threads: int | None = None,
    ) -> None:
        self.category = category
        renamed, numbers = meaning.category, compiled.type_scorer.numbers
        #: The weight of each type for the category, from 0 to 1, by the number of the type.
        self.claims = {numbers[type_name]: share for type_name, share in meaning.types.items() if type_name in numbers}
        own = model.family_of_category(category.name)
        families = {
            number: model.family_of_type(compiled.type_scorer.names[number]) if own is None else own
            for number in self.claims
        }
        main = max(self.claims, key=self.claims.__getitem__, default=None)
        #: The family by which the learned model corrects the category.
        self.family = own if own is not None else model.none if main is None else families[main]
        self._weights = [(n, math.log(self.claims[n]), families[n]) for n in sorted(self.claims)]
        self._least_points, self._word_weight = _least_points_and_word_weight(meaning)
        self._words = (
            CategoryWords(renamed, compiled.rarity, compiled.layouts)
            if renamed.description or not meaning.is_exact
            else None
        )
        self._examples = (
            read_examples(category, compiled, is_known=meaning.is_exact, threads=threads) if category.examples else None
        )

    @property
    def name(self) -> str:
        """The category's name, as the user wrote it."""
        return self.category.name

    def points(self, page: ScoredPage, share: float) -> float:
        """
        Return the category's points on a page, on the scale of a type's score.

        :param share: how much the knowledge and the words of the page count, 0 to 1. The learned model counts in full.
        """
        points = self._points_of_types(page, share)
        if self._words:
            points += share * self._word_weight * self._words.points(page.words)
        if self._examples:
            points += share * self._examples.points(page.profile)
        return points

    def _points_of_types(self, page: ScoredPage, share: float) -> float:
        """Return the points of the category's best type, or its least points, with the learned model's correction."""
        scores, corrections = page.types.scores, page.correction.points
        least = share * self._least_points + corrections[self.family]
        return max([least, *(share * (scores[n] + weight) + corrections[of] for n, weight, of in self._weights)])

    def same_form(self, page: ScoredPage) -> float:
        """Return the result of :meth:`Examples.same_form`; 0 if the category has no examples."""
        return self._examples.same_form(page.profile) if self._examples else 0.0

    def best_type(self, page: ScoredPage) -> int | None:
        """Return the number of the category's type with the highest score on a page; None if it means no type."""
        return max(self.claims, key=page.types.scores.__getitem__, default=None)

    def nearest_example(self, page: ScoredPage) -> NearestExample | None:
        """Return the example that is most similar to the page; None if the category has no examples."""
        return NearestExample(*self._examples.nearest(page.profile)) if self._examples else None


def _least_points_and_word_weight(meaning: Meaning) -> tuple[float, float]:
    """Return the least points of a category, and the weight of its words, 0 to 1."""
    if meaning.is_exact:
        return LEAST_POINTS, WORDS_OF_KNOWN
    if meaning.is_named:
        return LEAST_POINTS_OF_PART, WORDS_OF_PART
    return POINTS_OF_UNKNOWN, WORDS_OF_UNKNOWN
