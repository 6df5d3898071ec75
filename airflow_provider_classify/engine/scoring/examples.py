"""
Score a page by its likeness to the first page of a category's examples.

Two pages are alike if the known document types have similar scores on both, and if the pages share words, above all
words that the knowledge has. So a few examples define a category without a known document type. For a category with a
known name, an example counts only if a page is very similar to it.

A page that has nearly all words of an example is the same form, filled in again. Then the example decides, whatever the
scores of the types. A person has chosen the category of this form once, and must not have to choose it again.

``benchmarks/examples.py`` measures the effect of the constants.
"""

from __future__ import annotations

import logging
import math
from collections.abc import Container, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from airflow_provider_classify.engine.page import Page
from airflow_provider_classify.engine.reading import open_document
from airflow_provider_classify.engine.scoring.compiled_knowledge import CompiledKnowledge
from airflow_provider_classify.engine.scoring.features import SENTENCE_WORDS, PageText
from airflow_provider_classify.engine.scoring.type_scorer import TypeScores
from airflow_provider_classify.engine.text.words import singular
from airflow_provider_classify.exceptions import DocumentEmpty, DocumentError, InvalidCategories
from airflow_provider_classify.model.categories import Category

log = logging.getLogger(__name__)

#: The distance between two pages' scores at which the likeness of scores has fallen to 0.61.
SCORES_APART = 7.0
#: The weight of a word that the knowledge does not have, mostly a name of a person or place. Other words weigh 1.
UNKNOWN_WORD = 0.3
#: The share of common words that counts as full likeness. Documents of different sources rarely share more.
MOST_WORDS_SHARED = 0.3
#: Points for each unit of likeness above COMMON_LIKENESS, which two unrelated pages commonly have.
POINTS, POINTS_OF_KNOWN_NAME = 10.0, 5.0
COMMON_LIKENESS, COMMON_LIKENESS_OF_KNOWN_NAME = 0.3, 0.4
#: Two pages are the same form if they share this much of their words, and have this many words at least.
SAME_FORM, LEAST_WORDS_OF_FORM = 0.7, 8
#: The most pages of examples that a process keeps, so that several sets of categories read each of them once.
_PAGES_KEPT = 500


@dataclass(frozen=True, slots=True)
class ExampleProfile:
    """
    The properties of a page that are compared.

    :param scores: the scores of all types, each at least 0.
    :param words: the page's words, each with its weight.
    :param length: the length of the vector of these weights.
    """

    scores: Sequence[float]
    words: Mapping[str, float]
    length: float

    @classmethod
    def of(cls, page: TypeScores, known_words: Container[str]) -> ExampleProfile:
        """Return the profile of a scored page; ``known_words`` are the words of the types and their phrases."""
        words = {word: 1.0 if word in known_words else UNKNOWN_WORD for word in _words(page.text)}
        length = math.sqrt(sum(weight**2 for weight in words.values()))
        return cls([max(0.0, points) for points in page.scores], words, length or 1.0)

    def likeness(self, other: ExampleProfile) -> float:
        """Return how alike two pages are, 0 to 1. Shared words count twice as much as scores."""
        distance = sum((a - b) ** 2 for a, b in zip(self.scores, other.scores, strict=True))
        by_scores = math.exp(-distance / (2 * SCORES_APART**2))
        return (by_scores + 2 * min(1.0, self.shared_words(other) / MOST_WORDS_SHARED)) / 3

    def shared_words(self, other: ExampleProfile) -> float:
        """Return the share of common words, 0 to 1: the cosine of the words' weights."""
        few, many = sorted((self.words, other.words), key=len)
        return sum(weight**2 for word, weight in few.items() if word in many) / (self.length * other.length)


class Examples:
    """
    The examples of one category.

    :param profiles: the profiles of the examples' first pages, by path.
    :param is_known: whether the category's name is known.
    :param partial: profiles of the same pages when only a part of their lines was read.
    """

    def __init__(
        self, profiles: Mapping[str, ExampleProfile], *, is_known: bool, partial: Sequence[ExampleProfile] = ()
    ) -> None:
        self._profiles = profiles
        self._forms = [form for form in (*profiles.values(), *partial) if len(form.words) >= LEAST_WORDS_OF_FORM]
        self._points = POINTS_OF_KNOWN_NAME if is_known else POINTS
        self._common = COMMON_LIKENESS_OF_KNOWN_NAME if is_known else COMMON_LIKENESS

    def nearest(self, page: ExampleProfile) -> tuple[str, float]:
        """Return the path of the example that is most like the page, and the likeness, 0 to 1."""
        likeness = {path: profile.likeness(page) for path, profile in self._profiles.items()}
        best = max(likeness, key=lambda path: likeness[path])
        return best, likeness[best]

    def same_form(self, page: ExampleProfile) -> float:
        """
        Return the share of words that the page shares with an example of the same form; 0 if there is no such example.

        A page is often read only in part, until its confidence is high. So it is also compared with parts of the
        examples.
        """
        shared = max((form.shared_words(page) for form in self._forms), default=0.0)
        return shared if shared >= SAME_FORM else 0.0

    def points(self, page: ExampleProfile) -> float:
        """Return the points that the nearest example adds to the category's points on a page."""
        return self._points * max(0.0, self.nearest(page)[1] - self._common)


def read_examples(
    category: Category, compiled: CompiledKnowledge, *, is_known: bool, threads: int | None = None
) -> Examples | None:
    """
    Read the examples of a category; return ``None`` if no example can be used.

    An example from the category's folder that cannot be used is left out with a warning. Reviews store documents in
    such a folder, and one document must not stop the tasks that use the folder.

    :param is_known: whether the category's name is known.
    :param threads: the number of cores that OCR may use; all available cores if None.
    :raises InvalidCategories: an example that was given by name cannot be used; the message names it.
    """
    profiles, partial = {}, []
    for path in category.examples:
        try:
            passes = _first_page(path, _modified(path), threads)
        except DocumentError as error:
            if category.examples_folder:
                log.warning("An example of the category %r is left out: %s", category.name, error)
                continue
            raise InvalidCategories(f"An example of the category {category.name!r} cannot be used: {error}") from error
        *parts, whole = (ExampleProfile.of(compiled.type_scorer.score(page), compiled.rarity) for page in passes)
        profiles[path] = whole
        partial += parts
    return Examples(profiles, is_known=is_known, partial=partial) if profiles else None


@lru_cache(maxsize=_PAGES_KEPT)
def _first_page(path: str, modified: int, threads: int | None) -> tuple[Page, ...]:
    """
    Read a document's first page. Return it after each pass; the last has all lines.

    ``modified`` is part of the cache's key, for files that change.
    """
    with open_document(Path(path), name=path, max_pages=1, threads=threads) as document:
        passes = tuple(next(document.pages).passes())
    if not passes[-1].lines:
        raise DocumentEmpty(f"The first page of {path!r} has no text; give another document.")
    return passes


def _modified(path: str) -> int:
    """Return the time of a file's last change in ns; 0 for a missing file, for which the reader raises an error."""
    with suppress(OSError):
        return Path(path).stat().st_mtime_ns
    return 0


def _words(text: PageText) -> set[str]:
    """Return the words that can be evidence: at least three letters, only letters, and not a sentence word."""
    return {singular(word) for word in text.words if len(word) > 2 and word.isalpha() and word not in SENTENCE_WORDS}
