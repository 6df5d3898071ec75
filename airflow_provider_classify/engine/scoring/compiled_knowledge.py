"""Derive the data for scoring from the knowledge of document types, once per process for all classifiers."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Mapping
from functools import cached_property, lru_cache

from airflow_provider_classify.engine.categories.resemblance import distinctive_words
from airflow_provider_classify.engine.knowledge.document_type import Geometry, Knowledge, Style
from airflow_provider_classify.engine.scoring.type_scorer import TypeScorer

#: A word indicates a layout if at least this share of the types with the word have the layout.
COMMON_LAYOUT = 0.6
#: A word of this many types or fewer indicates no layout.
_FEWEST_TYPES = 2


class CompiledKnowledge:
    """
    The index of phrases, and statistics of the words of all types.

    The statistics are computed at their first use: only categories with descriptions, examples or unknown names need
    them.
    """

    def __init__(self, knowledge: Knowledge) -> None:
        self._knowledge = knowledge
        self.type_scorer = TypeScorer(knowledge)

    @cached_property
    def rarity(self) -> Mapping[str, float]:
        """The weight of each word of the types, from 0 to 1; see :func:`rarity_of_words`."""
        return rarity_of_words(self._knowledge)

    @cached_property
    def layouts(self) -> Mapping[str, frozenset[Geometry | Style]]:
        """The layouts that words indicate; see :func:`layouts_of_words`."""
        return layouts_of_words(self._knowledge)


#: Returns the data for a :class:`Knowledge`. Two are kept, so that those of a user's own document types do not displace
#: those of this package.
compiled_knowledge = lru_cache(maxsize=2)(CompiledKnowledge)


def rarity_of_words(knowledge: Knowledge) -> dict[str, float]:
    """Return the weight of each word of the types, from 0 to 1. A word of many types has a lower weight."""
    counts = Counter(
        word
        for t in knowledge.types.values()
        for word in {w for text in (t.description, *t.cues, *t.titles) for w in distinctive_words(text)}
    )
    most = math.log(1 + len(knowledge.types))
    return {word: math.log(1 + len(knowledge.types) / count) / most for word, count in counts.items()}


def layouts_of_words(knowledge: Knowledge) -> dict[str, frozenset[Geometry | Style]]:
    """
    Return for each word the layouts that it indicates in a category's name or description.

    For example, "identity" indicates a card, and "agreement" indicates prose.
    """
    types = Counter[str]()
    layouts: dict[str, Counter[Geometry | Style]] = defaultdict(Counter)
    for t in knowledge.types.values():
        for word in {
            word for text in (t.name, *t.aliases, *t.labels, t.description) for word in distinctive_words(text)
        }:
            types[word] += 1
            layouts[word].update((*t.geometry, *t.styles))
    return {
        word: frozenset(layout for layout, count in counts.items() if count >= COMMON_LAYOUT * types[word])
        for word, counts in layouts.items()
        if types[word] > _FEWEST_TYPES
    }
