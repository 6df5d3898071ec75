"""
From a user's category names to the document types that are known.

A name that is an alias of a type means that type, however it is spelled. ``datasheet_manual``
means two. A type that no category names counts for its parent: a passport is an ``id_card``
until there is a category for passports. A name that none of this explains is matched by its
words, and those of its description, against what is known of each type.
"""

from __future__ import annotations

import math
import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from airflow_provider_classify.contract import Category
from airflow_provider_classify.engine.features import PageText
from airflow_provider_classify.engine.knowledge import DocumentType, Knowledge
from airflow_provider_classify.engine.words import label_words, singular, words_of

#: How much a type counts for a category that names its parent, half of its alias, or resembles it.
BY_PARENT = 0.7
BY_LAST_WORDS = 0.6
BY_FIRST_WORDS = 0.5
#: Resemblance below this is chance.
LEAST_RESEMBLANCE = 0.1

_EITHER = re.compile(r"\b(?:or|and|und|et|y|e|of)\b|[/&,+()]", re.IGNORECASE)
#: Words that tell nothing about a type.
_EMPTY_WORDS = frozenset(
    words_of(
        "a an the of and or for to in on with by from is are as at be that this these its it such any other type kind "
        "document paper file page misc item which about who whose has have containing contains usually often"
    )
)


@dataclass(frozen=True, slots=True)
class Meaning:
    """
    What a category stands for: the types that count for it and how much, 0 to 1.

    ``is_exact`` where the name itself is known, so nothing has to be guessed.
    """

    types: Mapping[str, float]
    is_exact: bool
    name_words: tuple[str, ...]
    description_words: frozenset[str]


def meanings_of(categories: Sequence[Category], knowledge: Knowledge) -> list[Meaning]:
    """What each category stands for; a type counts exactly for those categories that name it."""
    aliases = _aliases(knowledge)
    exact = [_by_name(category.name, aliases) for category in categories]
    claimed = {name for types in exact for name in types}
    free = [t for t in knowledge.types.values() if t.name not in claimed]
    for document_type in free:
        for parent in document_type.parents:
            owners = [types for types in exact if types.get(parent) == 1.0]
            for types in owners:
                types[document_type.name] = BY_PARENT
            if owners:
                break
    inherited = {name for types in exact for name in types}
    guesses = _Resemblance(knowledge, [t for t in free if t.name not in inherited])
    return [
        Meaning(
            types=types or _by_part(category.name, aliases) | guesses.types_like(category),
            is_exact=bool(types),
            name_words=tuple(label_words(category.name)),
            description_words=frozenset(_telling_words(category.description)),
        )
        for category, types in zip(categories, exact, strict=True)
    ]


def own_words_points(
    meaning: Meaning, text: PageText, headings: Sequence[Sequence[str]], vocabulary: frozenset[str]
) -> float:
    """
    Points of the page for a category's own words: its name as a heading or in the text, its description.

    They carry a category that no known type explains.
    """
    name = meaning.name_words
    points = 0.0
    if any(tuple(heading) == name for heading in headings):
        points += 3.0
    elif any(_contains(heading, name) for heading in headings):
        points += 1.8
    elif _contains(text.words, name):
        points += 0.8
    else:
        telling = [word for word in name if word not in _EMPTY_WORDS]
        if telling:
            points += 0.7 * sum(word in vocabulary for word in telling) / len(telling)
    if meaning.description_words:
        points += 1.5 * len(meaning.description_words & vocabulary) / len(meaning.description_words)
    return points


def _contains(words: Sequence[str], name: Sequence[str]) -> bool:
    length = len(name)
    return any(
        word == name[0] and tuple(words[start : start + length]) == tuple(name) for start, word in enumerate(words)
    )


def _aliases(knowledge: Knowledge) -> dict[tuple[str, ...], str]:
    """Every name of every type; a type's own name goes before another's alias."""
    aliases: dict[tuple[str, ...], str] = {}
    for names in (lambda t: (t.name,), lambda t: t.aliases, lambda t: t.labels):
        for document_type in knowledge.types.values():
            for name in names(document_type):
                aliases.setdefault(tuple(label_words(name)), document_type.name)
    return aliases


def _by_name(name: str, aliases: Mapping[tuple[str, ...], str]) -> dict[str, float]:
    """The types that the whole name means: one alias, two in a row, or some with "or" between."""
    words = tuple(label_words(name))
    if words in aliases:
        return {aliases[words]: 1.0}
    for cut in range(1, len(words)):
        if words[:cut] in aliases and words[cut:] in aliases:
            return {aliases[words[:cut]]: 1.0, aliases[words[cut:]]: 1.0}
    parts = [tuple(label_words(part)) for part in _EITHER.split(name.replace("_", " "))]
    return {aliases[part]: 1.0 for part in parts if part in aliases}


def _by_part(name: str, aliases: Mapping[tuple[str, ...], str]) -> dict[str, float]:
    """The types named by the last words ("our tax form") or the first ones ("invoice scan")."""
    words = tuple(label_words(name))
    types: dict[str, float] = {}
    for cut in range(1, len(words)):
        if words[cut:] in aliases:
            types[aliases[words[cut:]]] = BY_LAST_WORDS
            break
    for cut in range(len(words) - 1, 0, -1):
        if words[:cut] in aliases:
            types.setdefault(aliases[words[:cut]], BY_FIRST_WORDS)
            break
    return types


class _Resemblance:
    """How much a category's words resemble those of the types; a rare word says more than a common one."""

    def __init__(self, knowledge: Knowledge, candidates: Sequence[DocumentType]) -> None:
        self._words = {t.name: _profile(t) for t in candidates}
        counts = Counter(word for t in knowledge.types.values() for word in _profile(t))
        self._rarity = defaultdict(
            lambda: math.log(1 + len(knowledge.types)),
            {word: math.log(1 + len(knowledge.types) / count) for word, count in counts.items()},
        )

    def types_like(self, category: Category) -> dict[str, float]:
        """The types whose words are those of the category, with a weight up to BY_LAST_WORDS."""
        wanted = dict.fromkeys(_telling_words(category.description), 0.5)
        wanted |= dict.fromkeys(_telling_words(category.name), 1.0)
        total = sum(weight * self._rarity[word] for word, weight in wanted.items())
        resemblances = {
            name: sum(w * self._rarity[word] * words.get(word, 0.0) for word, w in wanted.items()) / max(total, 1e-9)
            for name, words in self._words.items()
        }
        return {
            name: BY_LAST_WORDS * resemblance
            for name, resemblance in resemblances.items()
            if resemblance >= LEAST_RESEMBLANCE
        }


def _profile(document_type: DocumentType) -> dict[str, float]:
    """The words of a type, each by the most telling place that has it."""
    words: dict[str, float] = {}
    for weight, texts in (
        (0.3, document_type.cues),
        (0.5, [document_type.description]),
        (0.6, document_type.titles),
        (1.0, [document_type.name, *document_type.aliases, *document_type.labels]),
    ):
        for text in texts:
            words |= dict.fromkeys(_telling_words(text), weight)
    return words


def _telling_words(text: str) -> Iterator[str]:
    return (singular(word) for word in words_of(text) if word not in _EMPTY_WORDS)
