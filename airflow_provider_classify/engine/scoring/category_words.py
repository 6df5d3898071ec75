"""
What a page has of a category's own words: its name as a heading, and the words of its description.

They carry a category that no known type explains, and hardly count beside one that is known. Common words
are found in other languages too: of a description with "date of birth", a page's "Geburtsdatum".
"""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from itertools import pairwise
from pathlib import Path

import yaml

from airflow_provider_classify.engine.categories.meanings import telling_words
from airflow_provider_classify.engine.knowledge.load import Geometry, Knowledge, Style
from airflow_provider_classify.engine.scoring.features import Features, PageText
from airflow_provider_classify.engine.scoring.page_score import geometry_points, style_points
from airflow_provider_classify.engine.text.words import label_words, singular, words_of
from airflow_provider_classify.model.categories import Category

#: Points for the name as a heading, within one, and anywhere in the text.
AS_HEADING, IN_HEADING, IN_TEXT = 3.0, 1.8, 0.8
#: The most that the words of a description add up to, and what one that is rare adds.
DESCRIPTION_LIMIT = 11.0
RARE_WORD = 6.0
#: A phrase of two words of the description that stands so on the page counts this many times more.
PHRASE = 1.5
#: A word tells of a look that this share of the types has whose names or descriptions have the word.
COMMON_LOOK = 0.6
#: A heading is at most this long, and begins in the upper part of the page.
HEADING_WORDS, HEADING_REGION = 8, 0.3


@cache
def _translations() -> Mapping[str, frozenset[str]]:
    """The English words that a word of another language may mean."""
    table: Mapping[str, str] = yaml.safe_load(Path(__file__).with_name("field_words.yaml").read_text(encoding="utf-8"))
    meanings: dict[str, set[str]] = defaultdict(set)
    for english, others in table.items():
        for word in words_of(others):
            meanings[singular(word)].add(english)
    return {word: frozenset(found) for word, found in meanings.items()}


def _with_translations(words: Iterable[str]) -> frozenset[str]:
    words = frozenset(words)
    return words.union(*(_translations().get(word, ()) for word in words))


def rarity_of_words(knowledge: Knowledge) -> dict[str, float]:
    """How much a word tells about a document, 0 to 1: less if many types have it."""
    counts = Counter(
        word
        for t in knowledge.types.values()
        for word in {w for text in (t.description, *t.cues, *t.titles) for w in telling_words(text)}
    )
    most = math.log(1 + len(knowledge.types))
    return {word: math.log(1 + len(knowledge.types) / count) / most for word, count in counts.items()}


def looks_of_words(knowledge: Knowledge) -> dict[str, frozenset[Geometry | Style]]:
    """What documents look like whose name or description has a word: an "identity" is a card, an "agreement" prose."""
    types = Counter[str]()
    looks: dict[str, Counter[Geometry | Style]] = defaultdict(Counter)
    for t in knowledge.types.values():
        for word in {word for text in (t.name, *t.aliases, *t.labels, t.description) for word in telling_words(text)}:
            types[word] += 1
            looks[word].update((*t.geometry, *t.styles))
    return {
        word: frozenset(look for look, count in counts.items() if count >= COMMON_LOOK * types[word])
        for word, counts in looks.items()
        if types[word] > 2
    }


class OwnWords:
    """
    The words of one category.

    :param rarity: comes from :func:`rarity_of_words`.
    :param looks: comes from :func:`looks_of_words`.
    """

    def __init__(
        self, category: Category, rarity: Mapping[str, float], looks: Mapping[str, frozenset[Geometry | Style]]
    ) -> None:
        words = [*telling_words(" ".join(label_words(category.name))), *telling_words(category.description)]
        self._looks = frozenset[Geometry | Style]().union(*(looks.get(word, ()) for word in words))
        self._name = label_words(category.name)
        self._name_words = set(telling_words(" ".join(self._name)))
        description = list(telling_words(category.description))
        self._weights = {word: rarity.get(word, 0.4) for word in description}
        self._senses = {word: _with_translations([word]) for word in description}
        self._phrases = {pair: sum(self._weights[word] for word in pair) / 2 for pair in pairwise(description)}

    def points(self, page: OwnWordsPage) -> float:
        """What the page has of them, in the points of a type's score."""
        points = self._name_points(page) + self._description_points(page)
        for look in self._looks:
            points += (
                geometry_points(look, page.features, points)
                if isinstance(look, Geometry)
                else style_points(look, page.features)
            )
        return points

    def _name_points(self, page: OwnWordsPage) -> float:
        if not self._name:  # a name of signs only
            return 0.0
        if any(heading == self._name for heading in page.headings):
            return AS_HEADING
        if any(_contains(heading, self._name) for heading in page.headings):
            return IN_HEADING
        if _contains(page.words, self._name):
            return IN_TEXT
        return IN_TEXT * len(self._name_words & page.vocabulary) / max(1, len(self._name_words))

    def _description_points(self, page: OwnWordsPage) -> float:
        found = sum(
            weight for word, weight in self._weights.items() if not self._senses[word].isdisjoint(page.vocabulary)
        )
        found += PHRASE * sum(weight for pair, weight in self._phrases.items() if pair in page.pairs)
        return DESCRIPTION_LIMIT * (1.0 - math.exp(-RARE_WORD * found * page.shrink / DESCRIPTION_LIMIT))


class OwnWordsPage:
    """A page's words in the singular, prepared once for all categories."""

    def __init__(self, text: PageText, features: Features, shrink: float) -> None:
        self.features = features
        self.words = [singular(word) for word in text.words]
        self.vocabulary = _with_translations(self.words)
        self.pairs = frozenset(pairwise(self.words))
        self.shrink = shrink
        self.headings = [
            [singular(word) for word in words]
            for words, line in zip(text.lines, text.page.lines, strict=True)
            if line.y0 < HEADING_REGION and len(words) <= HEADING_WORDS
        ]


def _contains(words: Sequence[str], name: Sequence[str]) -> bool:
    length = len(name)
    return any(word == name[0] and words[start : start + length] == name for start, word in enumerate(words))
