"""Choose the words of the model. Those of this package's model contain no personal data."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Sequence
from functools import cache

import numpy as np
from numpy.typing import NDArray

from airflow_provider_classify.engine.knowledge.load import load_knowledge
from airflow_provider_classify.engine.scoring.compiled_knowledge import compiled_knowledge
from airflow_provider_classify.engine.text.language import COMMON_WORDS
from airflow_provider_classify.engine.text.words import words_of
from tests.support.written import written_documents
from training.samples import Sample

#: A word of the model is in the documents of at least this many sources.
LEAST_SOURCES = 3
_WORD = re.compile(r"[^\W\d_]+")


@cache
def allowed_words() -> frozenset[str]:
    """
    Return the words that the model of this package may have.

    They are the words of the knowledge's phrases, common words of languages, and the lower-case words of the documents
    for the tests. All were written for this project. None is taken from the documents on which a model is fitted.
    """
    words = set(compiled_knowledge(load_knowledge()).type_scorer.words | COMMON_WORDS)
    for document in written_documents():
        for word in _WORD.findall("\n".join(document.lines)):
            if word.islower():
                words.update(words_of(word))
    return frozenset(word for word in words if not any(map(str.isdigit, word)))


def _words_of(samples: Sequence[Sample]) -> frozenset[str]:
    """Return the words of the documents, without those that are shorter than three letters or have other characters."""
    return frozenset(
        word for sample in samples for page in sample.pages for word in page.words if len(word) > 2 and word.isalpha()
    )


def choose_words(samples: Sequence[Sample], *, any_word: bool = False) -> tuple[list[str], NDArray[np.float32]]:
    """
    Return the words that occur in enough sources, sorted, and the rarity of each.

    :param any_word: allow all words of the samples, for a model that only its owner uses.
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
