"""
Categories shown by documents: how much a page is like the first page of an example.

Two pages are alike if the known document types score alike on both, whatever the types are, and if
they share words, above all words of which something is known. So a few examples carry a category
of which the knowledge has no type. Beside a name that is known they count only where a page is
much like one of them, since the knowledge was made from more than a few documents.

The constants were chosen on 185 documents, the examples always of other sources than the document
(see ``benchmarks/examples.py``).
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from airflow_provider_classify.engine.page import Page
from airflow_provider_classify.engine.reading import open_document
from airflow_provider_classify.engine.scoring.features import SENTENCE_WORDS, PageText
from airflow_provider_classify.engine.scoring.page_score import PageScore, Scorer
from airflow_provider_classify.engine.text.words import singular
from airflow_provider_classify.exceptions import DocumentEmpty, DocumentError, InvalidCategories
from airflow_provider_classify.model.categories import Category

#: The distance between two pages' scores at which they count as little alike.
SCORES_APART = 7.0
#: What a word weighs of which nothing is known; such are names and places, mostly.
UNKNOWN_WORD = 0.3
#: The likeness of words that hardly any two documents of different sources exceed.
MOST_WORDS_SHARED = 0.3
#: Points for each unit of likeness beyond what pages have in common that are nothing alike.
POINTS, POINTS_OF_KNOWN_NAME = 10.0, 5.0
COMMON_LIKENESS, COMMON_LIKENESS_OF_KNOWN_NAME = 0.3, 0.4
#: Pages of examples that a process keeps, so that other categories find them read.
_PAGES_KEPT = 500


@dataclass(frozen=True, slots=True)
class Portrait:
    """What is compared of a page: the scores of all types, none below 0, and its words with their weights."""

    scores: Sequence[float]
    words: Mapping[str, float]
    length: float

    def likeness(self, other: Portrait) -> float:
        """How alike two pages are, 0 to 1; the words count twice."""
        distance = sum((a - b) ** 2 for a, b in zip(self.scores, other.scores, strict=True))
        by_scores = math.exp(-distance / (2 * SCORES_APART**2))
        few, many = sorted((self.words, other.words), key=len)
        shared = sum(weight**2 for word, weight in few.items() if word in many) / (self.length * other.length)
        return (by_scores + 2 * min(1.0, shared / MOST_WORDS_SHARED)) / 3


class Painter:
    """Makes portraits; ``known_words`` are the words of which the knowledge says something."""

    def __init__(self, scorer: Scorer, known_words: Mapping[str, float]) -> None:
        self._scorer = scorer
        self._known_words = known_words

    def portrait(self, score: PageScore) -> Portrait:
        """The portrait of a page that has been scored."""
        words = {word: 1.0 if word in self._known_words else UNKNOWN_WORD for word in _words(score.text)}
        length = math.sqrt(sum(weight**2 for weight in words.values()))
        return Portrait([max(0.0, points) for points in score.scores], words, length or 1.0)

    def examples(self, category: Category, *, is_known: bool, threads: int | None = None) -> Examples:
        """
        Read the examples of a category.

        :raises InvalidCategories: names the example that cannot be used.
        """
        portraits = {}
        for path in category.examples:
            try:
                page = _first_page(path, _modified(path), threads)
            except DocumentError as error:
                raise InvalidCategories(
                    f"An example of the category {category.name!r} cannot be used: {error}"
                ) from error
            portraits[path] = self.portrait(self._scorer.score(page))
        return Examples(portraits, is_known=is_known)


class Examples:
    """The examples of one category, by path."""

    def __init__(self, portraits: Mapping[str, Portrait], *, is_known: bool) -> None:
        self._portraits = portraits
        self._points = POINTS_OF_KNOWN_NAME if is_known else POINTS
        self._common = COMMON_LIKENESS_OF_KNOWN_NAME if is_known else COMMON_LIKENESS

    def nearest(self, page: Portrait) -> tuple[str, float]:
        """The path of the example that the page is most like, and how much."""
        likeness = {path: portrait.likeness(page) for path, portrait in self._portraits.items()}
        best = max(likeness, key=lambda path: likeness[path])
        return best, likeness[best]

    def points(self, page: Portrait) -> float:
        """What the nearest example adds to the category's points on a page."""
        return self._points * max(0.0, self.nearest(page)[1] - self._common)


@lru_cache(maxsize=_PAGES_KEPT)
def _first_page(path: str, modified: int, threads: int | None) -> Page:
    """Read a document's first page as far as possible; ``modified`` tells a file from its earlier self."""
    with open_document(Path(path), name=path, max_pages=1, threads=threads) as document:
        *_, page = next(document.pages).passes()
    if not page.lines:
        raise DocumentEmpty(f"The first page of {path!r} has no text; give another document.")
    return page


def _modified(path: str) -> int:
    """The time of the file's last change, in nanoseconds; 0 for a file that is not there, as reading it will say."""
    with suppress(OSError):
        return Path(path).stat().st_mtime_ns
    return 0


def _words(text: PageText) -> set[str]:
    """The words that may tell what a document is: no figures, nothing as short as an article."""
    return {singular(word) for word in text.words if len(word) > 2 and word.isalpha() and word not in SENTENCE_WORDS}
