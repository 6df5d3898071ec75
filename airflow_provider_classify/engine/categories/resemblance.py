"""Compare the words of a category's name and description with the words of document types."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence

from airflow_provider_classify.engine.categories.names import PARTICLES
from airflow_provider_classify.engine.knowledge.document_type import DocumentType, Knowledge
from airflow_provider_classify.engine.text.words import label_words, singular, words_of
from airflow_provider_classify.model.categories import Category

#: Words that do not distinguish types.
_EMPTY_WORDS = frozenset(
    words_of(
        "a an the of and or for to in on with by from is are as at be that this these its it such any other type kind "
        "document paper file page misc item which about who whose has have containing contains usually often how what "
        "one two each like into their use used person people company paperwork material piece thing general"
    )
).union(PARTICLES)
_LETTER = re.compile("[a-z0-9]")

#: The weight of a type's word, from 0 to 1, by its field. A name distinguishes a type better than a cue.
CUE_WORD, TITLE_WORD, DESCRIPTION_WORD = 0.3, 0.6, 0.7
#: The weights of the words of a category's name and description, 0 to 1.
NAME_WORD, USER_DESCRIPTION_WORD = 1.0, 0.5


def distinctive_words(text: str) -> Iterator[str]:
    """Yield the words that can distinguish a type, in the singular."""
    return distinctive(words_of(text))


def distinctive(words: Iterable[str]) -> Iterator[str]:
    """Yield those of a text's words that can distinguish a type, in the singular."""
    return (singular(word) for word in words if word not in _EMPTY_WORDS and not _LETTER.fullmatch(word))


class Resemblance:
    """
    The resemblance of the words of a category to those of document types.

    A rare word weighs more than a common one.

    :param candidates: the types to compare with.
    """

    def __init__(self, knowledge: Knowledge, candidates: Sequence[DocumentType]) -> None:
        self._profiles = {t.name: _profile(t) for t in candidates}
        counts = Counter(word for t in knowledge.types.values() for word in _profile(t))
        self._rarity = {word: math.log(1 + len(knowledge.types) / count) for word, count in counts.items()}

    def to(self, category: Category) -> dict[str, float]:
        """Return how much each type resembles the category, 0 to 1. Words that no type has are ignored."""
        wanted = dict.fromkeys(distinctive_words(category.description), USER_DESCRIPTION_WORD)
        wanted |= dict.fromkeys(distinctive_words(" ".join(label_words(category.name))), NAME_WORD)
        rated = {word: weight * self._rarity[word] for word, weight in wanted.items() if word in self._rarity}
        total = sum(rated.values())
        if not total:
            return {}
        return {
            name: sum(weight * profile.get(word, 0.0) for word, weight in rated.items()) / total
            for name, profile in self._profiles.items()
        }


def _profile(document_type: DocumentType) -> dict[str, float]:
    """Return the words of a type, each with the greatest weight of the fields that have it."""
    words: dict[str, float] = {}
    for weight, texts in (
        (CUE_WORD, document_type.cues),
        (TITLE_WORD, document_type.titles),
        (DESCRIPTION_WORD, [document_type.description]),
    ):
        for text in texts:
            words |= dict.fromkeys(distinctive_words(text), weight)
    for name in (document_type.name, *document_type.aliases, *document_type.labels):
        telling = list(distinctive_words(name))
        # A word that is a whole name distinguishes the type better than one word of a longer name.
        weight = max(DESCRIPTION_WORD, 1.1 - 0.1 * len(telling))
        words |= {word: max(weight, words.get(word, 0.0)) for word in telling}
    return words
