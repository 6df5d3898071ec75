"""Choose the words of the model: words that say what a document is, and nothing about anybody."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Sequence
from functools import cache

import numpy as np
from numpy.typing import NDArray

from airflow_provider_classify.engine.knowledge.load import load_knowledge
from airflow_provider_classify.engine.scoring.compiled_knowledge import compiled
from airflow_provider_classify.engine.text.language import COMMON_WORDS
from airflow_provider_classify.engine.text.words import words_of
from tests.support.written import written_documents
from training.samples import Sample

#: A word stands in documents of so many sources at least.
LEAST_SOURCES = 3
_WORD = re.compile(r"[^\W\d_]+")


@cache
def allowed_words() -> frozenset[str]:
    """
    Return the words that a model may have.

    They are the words of the knowledge's phrases, common words of languages, and words that the documents of the tests
    have in lower case. Each was written for this project; none comes from the documents that a model is fitted on.
    """
    scorer = compiled(load_knowledge()).type_scorer
    words = {word for phrase in scorer.phrases for part in phrase for word in [part.strip("*:")]} | COMMON_WORDS
    for document in written_documents():
        for word in _WORD.findall("\n".join(document.lines)):
            if word.islower():
                words.update(words_of(word))
    return frozenset(word for word in words if not any(map(str.isdigit, word)))


def _words_of(samples: Sequence[Sample]) -> frozenset[str]:
    """Return the words of letters that stand in the documents."""
    return frozenset(
        word for sample in samples for page in sample.pages for word in page.words if len(word) > 2 and word.isalpha()
    )


def choose_words(samples: Sequence[Sample], *, any_word: bool = False) -> tuple[list[str], NDArray[np.float32]]:
    """
    Return the words of enough sources, in order, and how rare each of them is.

    :param any_word: also take words that were not written for this project, for a model that stays with its owner.
    """
    allowed = _words_of(samples) if any_word else allowed_words()
    sources: dict[str, set[str]] = defaultdict(set)
    documents: dict[str, int] = defaultdict(int)
    for sample in samples:
        for word in {word for page in sample.pages for word in page.words} & allowed:
            sources[word].add(sample.source)
            documents[word] += 1
    words = sorted(word for word, of in sources.items() if len(of) >= LEAST_SOURCES)
    rarity = np.log(1 + len(samples) / np.array([1 + documents[word] for word in words], np.float64))
    return words, rarity.astype(np.float32)
