"""
From a user's category names to the document types that are known.

A name that is an alias of a type means that type, however it is spelled. ``datasheet_manual``
means two. A name that is none is matched by its words, and those of its description, against
what is known of each type. A type that no category means counts for the one that means its
parent: a passport is an ``id_card`` until there is a category for passports. Of a path such as
``finance/invoice`` the last step is the name; types that only the steps above it mean count a little less.
"""

from __future__ import annotations

import math
import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from airflow_provider_classify.engine.categories.names import BY_VAGUE_HEAD, PARTICLES, types_of_name, types_of_parts
from airflow_provider_classify.engine.categories.paths import path_of, spoken
from airflow_provider_classify.engine.knowledge.aliases import Aliases
from airflow_provider_classify.engine.knowledge.load import DocumentType, Knowledge
from airflow_provider_classify.engine.text.words import label_words, singular, words_of
from airflow_provider_classify.model.categories import Category

if TYPE_CHECKING:
    from airflow_provider_classify.engine.categories.sentence_model import SentenceModel

#: How much a type counts for a category that means its parent, or a type that it is related to.
BY_PARENT = 0.9
BY_RELATION = 0.4
#: How much a type counts for a category that means a kind of it, or another kind of its parent.
BY_KIND = 0.15
#: How much the types count that a name resembles most.
BY_RESEMBLANCE = 0.8
#: Resemblance counts this many times as much beside types that a part of the name means.
BESIDE_NAME = 0.6
#: And of a type that a part of another category's name means.
BESIDE_OTHERS = 0.4
#: Resemblance below this is chance.
LEAST_RESEMBLANCE = 0.12

#: Words that tell nothing about a type.
_EMPTY_WORDS = frozenset(
    words_of(
        "a an the of and or for to in on with by from is are as at be that this these its it such any other type kind "
        "document paper file page misc item which about who whose has have containing contains usually often how what "
        "one two each like into their use used person people company paperwork material piece thing general"
    )
).union(PARTICLES)
_LETTER = re.compile("[a-z0-9]")


@dataclass(frozen=True, slots=True)
class Meaning:
    """
    What a category stands for: the types that count for it and how much, 0 to 1.

    ``is_exact`` where the name itself is known, so nothing has to be guessed; ``is_named`` where at least a
    part of it is, and no description has to explain it.
    """

    category: Category
    types: Mapping[str, float]
    is_exact: bool
    is_named: bool


def meanings_of(
    categories: Sequence[Category], knowledge: Knowledge, sentence_model: SentenceModel | None = None
) -> list[Meaning]:
    """
    What each category stands for; a type counts exactly for those categories that name it.

    A ``sentence_model`` is asked only for categories whose names are not known.

    :raises SentenceModelNotUsable: it cannot be loaded.
    """
    aliases = Aliases(knowledge)
    paths = [path_of(category.name) for category in categories]
    categories = [spoken(category, lambda name: bool(aliases.find(label_words(name)))) for category in categories]
    by_part = [types_of_parts(category.name, aliases) for category in categories]
    exact = _giving_way([types_of_name(category.name, aliases) for category in categories], by_part)
    claimed = {name for types in exact for name in types}
    free = [t for t in knowledge.types.values() if t.name not in claimed]
    inexact = [category for category, types in zip(categories, exact, strict=True) if not types]
    named = _shared_out(
        [
            {name: weight for name, weight in parts.items() if name not in claimed}
            for parts, types in zip(by_part, exact, strict=True)
            if not types
        ]
    )
    guesses = _guesses(inexact, named, knowledge, free)
    if sentence_model and inexact and free:
        guesses = with_nearness(guesses, sentence_model.nearness(inexact, free))
    guessed = iter(guesses)
    meant = [dict(types) if types else next(guessed) for types in exact]
    parts_of_name = iter(named)
    are_clear = [bool(types) or _is_clear(next(parts_of_name)) for types in exact]
    for types, path in zip(meant, paths, strict=True):
        for step in path[-2::-1]:
            for name in types_of_name(step, aliases).keys() - claimed:
                types.setdefault(name, BY_PARENT)
    _inherit(meant, knowledge)
    return [
        Meaning(category, types, is_exact=bool(whole), is_named=bool(whole) or (is_clear and not category.description))
        for category, types, whole, is_clear in zip(categories, meant, exact, are_clear, strict=True)
    ]


def telling_words(text: str) -> Iterator[str]:
    """The words that say something about a type, in the singular."""
    return (singular(word) for word in words_of(text) if word not in _EMPTY_WORDS and not _LETTER.fullmatch(word))


def _giving_way(exact: Sequence[dict[str, float]], by_part: Sequence[Mapping[str, float]]) -> list[dict[str, float]]:
    """
    What whole names mean; a name of several types leaves those to the others that mean nothing else.

    "Insurance correspondence" is no letter where there is a category "ordinary letters".
    """
    only = Counter(
        next(iter(types))
        for types in (whole or parts for whole, parts in zip(exact, by_part, strict=True))
        if len(types) == 1
    )
    return [{name: w for name, w in types.items() if len(types) == 1 or not only[name]} or types for types in exact]


def _shared_out(named: Sequence[Mapping[str, float]]) -> list[dict[str, float]]:
    """What parts of names mean; a type that several do counts half for the one that means another type besides."""
    counts = Counter(name for types in named for name in types)
    return [
        {
            name: weight / 2 if counts[name] > 1 and any(counts[other] == 1 for other in types) else weight
            for name, weight in types.items()
        }
        for types in named
    ]


def _guesses(
    categories: Sequence[Category],
    named: Sequence[Mapping[str, float]],
    knowledge: Knowledge,
    free: Sequence[DocumentType],
) -> list[dict[str, float]]:
    """
    The types that each of the categories with unknown names may mean.

    The best type counts BY_RESEMBLANCE, however weak: the category means something; less beside types that
    a part of the name means. Of two categories that resemble a type, it counts far less for the one that
    does so less.

    :param named: the types that parts of each category's name mean.
    """
    if not categories:
        return []
    resemblance = _Resemblance(knowledge, free)
    by_word = [resemblance.to(category) for category in categories]
    taken = {name for by_part in named if _is_clear(by_part) for name in by_part}
    by_word = [
        {
            name: value
            * (BESIDE_NAME if _is_clear(by_part) else 1.0)
            * (BESIDE_OTHERS if name in taken - by_part.keys() else 1.0)
            for name, value in likeness.items()
        }
        for by_part, likeness in zip(named, by_word, strict=True)
    ]
    nearest = {t.name: max((likeness.get(t.name, 0.0) for likeness in by_word), default=0.0) for t in free}
    guesses = []
    for by_part, likeness in zip(named, by_word, strict=True):
        best = max(likeness.values(), default=1.0)
        most = BY_RESEMBLANCE * (BESIDE_NAME if _is_clear(by_part) else 1.0)
        types = {
            name: most * value / best * (value / nearest[name]) ** 3
            for name, value in likeness.items()
            if value >= max(LEAST_RESEMBLANCE * most / BY_RESEMBLANCE, best / 4)
        }
        guesses.append(types | {name: max(weight, types.get(name, 0.0)) for name, weight in by_part.items()})
    return guesses


def with_nearness(guesses: Sequence[dict[str, float]], nearness: Sequence[dict[str, float]]) -> list[dict[str, float]]:
    """
    The guesses from the words, and how near the sentence model finds the types, together.

    As with words, the best type of a category counts BY_RESEMBLANCE, and of two categories that are near to a
    type, it counts far less for the one that is less near.
    """
    nearest: dict[str, float] = {}
    for near in nearness:
        nearest |= {name: max(value, nearest.get(name, 0.0)) for name, value in near.items()}
    together = []
    for types, near in zip(guesses, nearness, strict=True):
        points = Counter(types)
        points.update({name: value * (value / nearest[name]) ** 3 for name, value in near.items()})
        best = max(points.values(), default=1.0)
        together.append({name: BY_RESEMBLANCE * value / best for name, value in points.items()} if near else types)
    return together


def _is_clear(by_part: Mapping[str, float]) -> bool:
    return max(by_part.values(), default=0.0) > BY_VAGUE_HEAD


def _inherit(meant: Sequence[dict[str, float]], knowledge: Knowledge) -> None:
    """Let types that no category means count for the categories that mean what they are a kind of, or near to."""
    direct = {name for types in meant for name in types}
    owned = [dict(types) for types in meant]
    kinds: dict[str, list[str]] = defaultdict(list)
    for document_type in knowledge.types.values():
        for parent in document_type.parents:
            kinds[parent].append(document_type.name)
    for document_type in knowledge.types.values():
        if document_type.name in direct:
            continue
        for relatives in _relatives(document_type, kinds, knowledge):
            shares = [
                (number, max(types.get(name, 0.0) * weight for name, weight in relatives.items()))
                for number, types in enumerate(owned)
            ]
            if any(share for _, share in shares):
                for number, share in shares:
                    if share:
                        meant[number][document_type.name] = share
                break


def _relatives(
    document_type: DocumentType, kinds: Mapping[str, Sequence[str]], knowledge: Knowledge
) -> Iterator[dict[str, float]]:
    """
    The types that this one may count for instead, and how much, the nearest first.

    The parents, the related types, then the parents' parents and so on; at last its kinds and its parents' kinds.
    """
    weight, generation = 1.0, [document_type]
    for _ in range(3):
        parents = dict.fromkeys((name for t in generation for name in t.parents), weight * BY_PARENT)
        related = dict.fromkeys((name for t in generation for name in t.related), weight * BY_RELATION)
        if parents:
            yield parents
        if related:
            yield related
        generation = [knowledge.types[name] for name in parents if name in knowledge.types]
        weight *= BY_PARENT
    if near := [kind for name in (document_type.name, *document_type.parents) for kind in kinds.get(name, ())]:
        yield dict.fromkeys(near, BY_KIND)


class _Resemblance:
    """How much a category's words resemble those of the types; a rare word says more than a common one."""

    def __init__(self, knowledge: Knowledge, candidates: Sequence[DocumentType]) -> None:
        self._profiles = {t.name: _profile(t) for t in candidates}
        counts = Counter(word for t in knowledge.types.values() for word in _profile(t))
        self._rarity = {word: math.log(1 + len(knowledge.types) / count) for word, count in counts.items()}

    def to(self, category: Category) -> dict[str, float]:
        """Each type's likeness to the category, 0 to 1; words that no type has are left out of account."""
        wanted = dict.fromkeys(telling_words(category.description), 0.5)
        wanted |= dict.fromkeys(telling_words(" ".join(label_words(category.name))), 1.0)
        rated = {word: weight * self._rarity[word] for word, weight in wanted.items() if word in self._rarity}
        total = sum(rated.values())
        if not total:
            return {}
        return {
            name: sum(weight * profile.get(word, 0.0) for word, weight in rated.items()) / total
            for name, profile in self._profiles.items()
        }


def _profile(document_type: DocumentType) -> dict[str, float]:
    """The words of a type, each by the most telling place that has it; a name by itself tells more than within one."""
    words: dict[str, float] = {}
    for weight, texts in (
        (0.3, document_type.cues),
        (0.6, document_type.titles),
        (0.7, [document_type.description]),
    ):
        for text in texts:
            words |= dict.fromkeys(telling_words(text), weight)
    for name in (document_type.name, *document_type.aliases, *document_type.labels):
        telling = list(telling_words(name))
        weight = max(0.7, 1.1 - 0.1 * len(telling))
        words |= {word: max(weight, words.get(word, 0.0)) for word in telling}
    return words
