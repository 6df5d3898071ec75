"""Find the sources whose documents contain a cue of the knowledge, and find cues that may have a wrong language."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from airflow_provider_classify.engine.knowledge.document_type import Knowledge
from airflow_provider_classify.engine.page import Page
from airflow_provider_classify.engine.scoring.compiled_knowledge import compiled_knowledge
from airflow_provider_classify.engine.text.language import common_words_of, related_languages
from airflow_provider_classify.engine.text.phrases import phrase_of
from airflow_provider_classify.engine.text.words import words_of

#: A cue of a type: the name of the type, and the cue as the knowledge has it.
TypeCue = tuple[str, str]
#: A common word of a language counts as much as this many cues with the word.
_COMMON_WORD = 3
#: The least evidence that a cue is of another language: the sum over its words of the log odds of the other language.
_LEAST_EVIDENCE = 1.5


@dataclass
class Support:
    """
    The sources of the documents in which a cue is found.

    :param own: the sources of documents of the category that means the cue's type.
    :param others: the sources of other documents.
    :param of_type: the sources of documents of the category whose most likely type is the type of the cue.
    """

    own: set[str] = field(default_factory=set)
    others: set[str] = field(default_factory=set)
    of_type: set[str] = field(default_factory=set)


def support_of_cues(
    documents: Iterable[tuple[Sequence[Page], int, str]], knowledge: Knowledge, families: Sequence[int]
) -> dict[TypeCue, Support]:
    """
    Return the support of each cue whose type is meant by a category.

    :param documents: the pages, the number of the category, and the source of each document.
    :param families: the number of the category that means each type; -1 for none.
    """
    scorer = compiled_knowledge(knowledge).type_scorer
    cues = {
        (phrase_of(cue), number): (name, cue)
        for number, (name, document_type) in enumerate(knowledge.types.items())
        for cue in document_type.cues
        if families[number] >= 0
    }
    of_type: list[set[str]] = [set() for _ in families]
    support = {cue: Support(of_type=of_type[number]) for (_, number), cue in cues.items()}
    for pages, category, source in documents:
        scored = [scorer.score(page) for page in pages]
        totals = np.sum([scores.scores for scores in scored], axis=0) if scored else np.zeros(len(families))
        if own_types := [number for number, family in enumerate(families) if family == category]:
            of_type[max(own_types, key=lambda number: totals[number])].add(source)
        for scores in scored:
            for match in scores.matches:
                for number, _ in match.counts_for:
                    if (found := cues.get((tuple(match.phrase), number))) is not None:
                        sources = support[found].own if families[number] == category else support[found].others
                        sources.add(source)
    return support


def without_support(support: Mapping[TypeCue, Support], *, least_others: int, least_of_type: int) -> frozenset[TypeCue]:
    """
    Return the cues that are found only in documents of other categories.

    :param least_others: the least number of sources of these documents.
    :param least_of_type: the least number of sources of documents of the cue's type. Few documents do not show that a
        cue is of no use.
    """
    return frozenset(
        cue
        for cue, found in support.items()
        if not found.own and len(found.others) >= least_others and len(found.of_type) >= least_of_type
    )


@dataclass(frozen=True)
class Misfiled:
    """A cue that may be of another language than the one that it is filed under."""

    type_name: str
    cue: str
    language: str
    probable: str
    evidence: float


def misfiled_cues(knowledge: Knowledge) -> Iterator[Misfiled]:
    """
    Yield the cues whose words are more common in the cues of another language.

    A person has to decide: many words are the same in several languages.
    """
    uses: dict[str, Counter[str]] = defaultdict(Counter)
    for document_type in knowledge.types.values():
        for cue in document_type.cues:
            for word in set(words_of(cue)):
                uses[word].update(document_type.languages[cue])
    common = common_words_of()
    for name, document_type in knowledge.types.items():
        for cue in document_type.cues:
            if len(document_type.languages[cue]) != 1:
                continue
            (language,) = document_type.languages[cue]
            own = related_languages(document_type.languages[cue])
            by_word = [_log_odds(word, uses[word], own, common) for word in words_of(cue)]
            shared = set.intersection(*(set(odds) for odds in by_word)) if by_word else set()
            evidence = {other: sum(odds[other] for odds in by_word) for other in sorted(shared)}
            probable, most = max(evidence.items(), key=lambda item: item[1], default=("", 0.0))
            if most >= _LEAST_EVIDENCE:
                yield Misfiled(name, cue, language, probable, most)


def _log_odds(
    word: str, uses: Mapping[str, int], own: frozenset[str], common: Mapping[str, frozenset[str]]
) -> dict[str, float]:
    """
    Return for each other language that uses a word the log odds that the word is of this language.

    :param word: a word of a cue.
    :param uses: the number of cues with the word, by language.
    :param own: the language of the cue, and related ones.
    """
    counts = Counter(uses)
    counts.update({language: _COMMON_WORD for language, words in common.items() if word in words})
    here = sum(counts[language] for language in own) - 1  # without the cue itself
    return {
        language: math.log((count + 0.2) / (here + 0.2)) for language, count in counts.items() if language not in own
    }
