"""
Score a page by a category's own words: its name as a heading, and the words of its description.

These words decide for a category with an unknown name. They count little for a category with a known name. Common words
are also found in other languages: "date of birth" in a description also finds "Geburtsdatum".
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from itertools import pairwise
from pathlib import Path

import yaml

from airflow_provider_classify.engine.categories.resemblance import distinctive, distinctive_words
from airflow_provider_classify.engine.knowledge.document_type import Geometry, Style
from airflow_provider_classify.engine.scoring.features import Features, PageText
from airflow_provider_classify.engine.scoring.layout_rules import geometry_rule, style_rule
from airflow_provider_classify.engine.text.words import label_words, singular, words_of
from airflow_provider_classify.model.categories import Category

#: Points for the name as a whole heading, within a heading, and anywhere in the text.
AS_HEADING, IN_HEADING, IN_TEXT = 3.0, 1.8, 0.8
#: The most points of all words of a description, and the points of the rarest word before the limit is applied.
DESCRIPTION_LIMIT = 11.0
RARE_WORD = 6.0
#: The factor for two words that follow each other both on the page and in the description. Words such as "of" do not
#: count.
PHRASE = 1.5
#: The most words of a heading, and the upper share of the page in which a heading begins.
HEADING_WORDS, HEADING_REGION = 8, 0.3


@cache
def _translations() -> Mapping[str, frozenset[str]]:
    """Return for each word of another language the English words that it may mean."""
    table: Mapping[str, str] = yaml.safe_load(Path(__file__).with_name("field_words.yaml").read_text(encoding="utf-8"))
    meanings: dict[str, set[str]] = defaultdict(set)
    for english, others in table.items():
        for word in words_of(others):
            meanings[singular(word)].add(english)
    return {word: frozenset(found) for word, found in meanings.items()}


def _with_translations(words: Iterable[str]) -> frozenset[str]:
    words = frozenset(words)
    return words.union(*(_translations().get(word, ()) for word in words))


class CategoryWords:
    """
    The words of one category.

    :param rarity: the result of :func:`~.compiled_knowledge.rarity_of_words`.
    :param layouts: the result of :func:`~.compiled_knowledge.layouts_of_words`.
    """

    def __init__(
        self, category: Category, rarity: Mapping[str, float], layouts: Mapping[str, frozenset[Geometry | Style]]
    ) -> None:
        words = [*distinctive_words(" ".join(label_words(category.name))), *distinctive_words(category.description)]
        self._layouts = frozenset[Geometry | Style]().union(*(layouts.get(word, ()) for word in words))
        self._name = label_words(category.name)
        self._name_words = set(distinctive_words(" ".join(self._name)))
        description = list(distinctive_words(category.description))
        self._weights = {word: rarity.get(word, 0.4) for word in description}
        self._senses = {word: _with_translations([word]) for word in description}
        self._phrases = {pair: sum(self._weights[word] for word in pair) / 2 for pair in pairwise(description)}

    def points(self, page: PageWords) -> float:
        """Return the points of these words on a page, on the scale of a type's score."""
        points = self._name_points(page) + self._description_points(page)
        for layout in self._layouts:
            points += (
                geometry_rule(layout)(page.features, points)
                if isinstance(layout, Geometry)
                else style_rule(layout)(page.features)
            )
        return points

    def _name_points(self, page: PageWords) -> float:
        if not self._name:  # the name has only punctuation
            return 0.0
        if any(heading == self._name for heading in page.headings):
            return AS_HEADING
        if any(_contains(heading, self._name) for heading in page.headings):
            return IN_HEADING
        if _contains(page.words, self._name):
            return IN_TEXT
        return IN_TEXT * len(self._name_words & page.vocabulary) / max(1, len(self._name_words))

    def _description_points(self, page: PageWords) -> float:
        found = sum(
            weight for word, weight in self._weights.items() if not self._senses[word].isdisjoint(page.vocabulary)
        )
        found += PHRASE * sum(weight for pair, weight in self._phrases.items() if pair in page.pairs)
        return DESCRIPTION_LIMIT * (1.0 - math.exp(-RARE_WORD * found * page.shrink / DESCRIPTION_LIMIT))


class PageWords:
    """
    The words of a page in the singular, prepared once for all categories.

    :param shrink: the factor for phrases in a long text (see :func:`~.type_scorer.share_of_long_text`).
    """

    def __init__(self, text: PageText, features: Features, shrink: float) -> None:
        self.features = features
        self.words = [singular(word) for word in text.words]
        self.vocabulary = _with_translations(self.words)
        self.pairs = frozenset(pairwise(distinctive(text.words)))
        self.shrink = shrink
        self.headings = [
            [singular(word) for word in words]
            for words, line in zip(text.lines, text.page.lines, strict=True)
            if line.y0 < HEADING_REGION and len(words) <= HEADING_WORDS
        ]


def _contains(words: Sequence[str], name: Sequence[str]) -> bool:
    length = len(name)
    return any(word == name[0] and words[start : start + length] == name for start, word in enumerate(words))
