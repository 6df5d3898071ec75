"""Classify a document into a user's categories: the engine's one entry point."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from airflow_provider_classify import __version__
from airflow_provider_classify.engine.categories.meanings import Meaning, meanings_of
from airflow_provider_classify.engine.categories.paths import inner_nodes, sums_of_nodes
from airflow_provider_classify.engine.confidence import (
    POINTS_OF_THE_UNKNOWN,
    combine,
    is_sure,
    least_of_none,
    page_weight,
    points_of_other,
    softmax,
    trust,
)
from airflow_provider_classify.engine.knowledge.load import Knowledge, load_knowledge
from airflow_provider_classify.engine.page import Page
from airflow_provider_classify.engine.page_groups import group_pages
from airflow_provider_classify.engine.reading import OpenedDocument, PageReading, open_document
from airflow_provider_classify.engine.scoring.category_words import (
    OwnWords,
    OwnWordsPage,
    looks_of_words,
    rarity_of_words,
)
from airflow_provider_classify.engine.scoring.examples import Painter, Portrait
from airflow_provider_classify.engine.scoring.page_score import PageScore, Scorer, share_of_long_text
from airflow_provider_classify.engine.text.language import guess_language
from airflow_provider_classify.exceptions import DocumentEmpty, DocumentError
from airflow_provider_classify.model.categories import Category
from airflow_provider_classify.model.contract import MAX_PAGES, ClassificationResult, PageResult

if TYPE_CHECKING:
    from airflow_provider_classify.engine.categories.sentence_model import SentenceModel

#: Points that a category has at least, and how much its own words count beside what is known of it: of a category
#: whose name is known, and of one of whose name a part is.
LEAST_POINTS, LEAST_POINTS_OF_PART = -1.0, 1.0
OWN_WORDS_OF_KNOWN_NAME, OWN_WORDS_OF_PART = 0.2, 0.5
#: How many phrases a page names as evidence.
EVIDENCE = 3


@dataclass(frozen=True, slots=True)
class _JudgedPage:
    """A page's points: of each category, and last of none of them."""

    number: int
    points: list[float]
    score: PageScore
    portrait: Portrait | None


class Classifier:
    """
    Classifies documents into one set of categories.

    Keep it for many documents: what the categories mean is worked out once. Not tied to a
    thread, but meant for one at a time, since reading a page takes all the cores it is given.

    :param categories: at least one, with distinct names.
    :param max_pages: a longer document is classified from its first pages.
    :param threads: cores that OCR may use; all available if None.
    :param knowledge: of document types, instead of what comes with this package.
    :param sentence_model: tells what names mean that the knowledge does not know; read now, if there are any.
    :raises InvalidCategories: an example of a category cannot be used.
    :raises SentenceModelNotUsable: the sentence model cannot be loaded.
    """

    def __init__(
        self,
        categories: Sequence[Category],
        *,
        max_pages: int = MAX_PAGES,
        threads: int | None = None,
        knowledge: Knowledge | None = None,
        sentence_model: SentenceModel | None = None,
    ) -> None:
        self._names = [category.name for category in categories]
        self._nodes = inner_nodes(self._names)
        self._max_pages = max_pages
        self._threads = threads
        self._knowledge = knowledge or load_knowledge()
        self._scorer = _scorer(self._knowledge)
        self._meanings = meanings_of(categories, self._knowledge, sentence_model)
        self._engine = {
            "name": "airflow-provider-classify",
            "version": __version__,
            "knowledge": self._knowledge.version,
        }
        if sentence_model and not all(meaning.is_exact for meaning in self._meanings):
            self._engine["sentence_model"] = sentence_model.version
        self._own_words = [
            OwnWords(meaning.category, _rarity(self._knowledge), _looks(self._knowledge))
            if meaning.category.description or not meaning.is_exact
            else None
            for meaning in self._meanings
        ]
        is_shown = any(category.examples for category in categories)
        self._painter = Painter(self._scorer, _rarity(self._knowledge)) if is_shown else None
        self._examples = [
            self._painter.examples(meaning.category, is_known=meaning.is_exact, threads=threads)
            if self._painter and meaning.category.examples
            else None
            for meaning in self._meanings
        ]
        self._weights = [
            [
                (number, math.log(meaning.types[name]))
                for number, name in enumerate(self._scorer.names)
                if name in meaning.types
            ]
            for meaning in self._meanings
        ]
        self._least = [
            _by_certainty(meaning, LEAST_POINTS, LEAST_POINTS_OF_PART, POINTS_OF_THE_UNKNOWN)
            for meaning in self._meanings
        ]
        self._least_of_none = least_of_none(all_known=all(meaning.is_exact for meaning in self._meanings))
        self._claims = [max(meaning.types.get(name, 0.0) for meaning in self._meanings) for name in self._scorer.names]

    def classify(self, path: Path, *, name: str) -> ClassificationResult:
        """
        Read and classify a document; ``name`` is what errors call it.

        ``confidence`` is the probability that the answer is right; ``extra["scores"]`` are the categories'
        shares, which sum to 1 and so are as if the document were one of them. A document that is like
        none has a low confidence whatever its shares. A page that cannot be read fails alone, with its
        error in the result.

        :raises DocumentError: the document cannot be opened, or none of its pages can be read.
        """
        with open_document(path, name=name, max_pages=self._max_pages, threads=self._threads) as document:
            return self.classify_document(document)

    def classify_document(self, document: OpenedDocument) -> ClassificationResult:
        """
        Classify a document that is already open; reads its pages as far as needed.

        :raises DocumentError: none of its pages can be read.
        """
        judged: list[_JudgedPage] = []
        failed: dict[int, DocumentError] = {}
        for reading in document.pages:
            try:
                judged.append(self._judge(reading))
            except DocumentError as error:
                failed[reading.number] = error
        if not judged:
            raise next(iter(failed.values()), DocumentEmpty("The document has no pages; check the file."))
        return self._result(judged, failed, is_image=document.is_image)

    def _judge(self, reading: PageReading) -> _JudgedPage:
        """Read a page only as far as needed to be sure of it."""
        judged = None
        for page in reading.passes():
            judged = self._judge_page(page)
            if is_sure(max(softmax(judged.points)[:-1]), lines=len(page.lines), unread=len(page.unread)):
                break
        if judged is None:
            raise DocumentEmpty(f"Page {reading.number} holds nothing to read.")
        return judged

    def _judge_page(self, page: Page) -> _JudgedPage:
        score = self._scorer.score(page)
        points = [
            max([least, *(score.scores[number] + weight for number, weight in weights)])
            for weights, least in zip(self._weights, self._least, strict=True)
        ]
        if any(self._own_words):
            own_page = OwnWordsPage(score.text, score.features, share_of_long_text(len(score.text.words)))
            for number, (own, meaning) in enumerate(zip(self._own_words, self._meanings, strict=True)):
                if own is not None:
                    share = _by_certainty(meaning, OWN_WORDS_OF_KNOWN_NAME, OWN_WORDS_OF_PART, 1.0)
                    points[number] += share * own.points(own_page)
        portrait = self._painter.portrait(score) if self._painter else None
        if portrait is not None:
            for number, examples in enumerate(self._examples):
                points[number] += examples.points(portrait) if examples else 0.0
        points.append(points_of_other(score.scores, self._claims, self._least_of_none))
        return _JudgedPage(page.number, trust(points, score.text.characters, page.legibility), score, portrait)

    def _result(
        self, judged: Sequence[_JudgedPage], failed: dict[int, DocumentError], *, is_image: bool
    ) -> ClassificationResult:
        first = min(page.number for page in judged)
        points = combine([(p.points, page_weight(p.number == first, p.score.text.characters)) for p in judged])
        shares = softmax(points)[:-1]
        best = shares.index(max(shares))
        pages = [self._page_result(page) for page in judged]
        extra: dict[str, Any] = {
            "scores": {name: round(share / sum(shares), 4) for name, share in zip(self._names, shares, strict=True)},
            "categories": group_pages(
                result for result, page in zip(pages, judged, strict=True) if page.score.text.characters
            ),
            "language": guess_language(word for page in judged for word in page.score.text.words),
            "engine": self._engine,
        }
        if self._nodes:
            extra["confidence_by_path"] = {
                node: round(share, 4) for node, share in sums_of_nodes(self._nodes, shares).items()
            }
        if is_image:
            extra |= pages[0].extra
        pages += [
            PageResult(page=number, success=False, classification=None, confidence=0.0, error=str(error))
            for number, error in failed.items()
        ]
        return ClassificationResult(
            success=True,
            classification=self._names[best],
            confidence=round(shares[best], 4),
            total_pages=len(pages),
            processed_pages=len(pages),
            page_results=() if is_image else tuple(sorted(pages, key=lambda page: page.page)),
            raw_result=pages[0].raw_result if is_image else None,
            extra=extra,
        )

    def _page_result(self, page: _JudgedPage) -> PageResult:
        shares = softmax(page.points)[:-1]
        best = shares.index(max(shares))
        scores = page.score.scores
        raw = self._scorer.names[scores.index(max(scores))]
        claimed = self._meanings[best].types
        told_by = max(claimed, key=lambda name: scores[self._scorer.names.index(name)]) if claimed else raw
        extra: dict[str, Any] = {
            "text_source": page.score.text.page.source,
            "evidence": [
                {
                    "text": found.phrase,
                    "type": told_by,
                    "page": page.number,
                    "line": found.line.text,
                    "box": [round(v, 4) for v in (found.line.x0, found.line.y0, found.line.x1, found.line.y1)],
                }
                for found in page.score.evidence(told_by, EVIDENCE)
            ],
        }
        if page.score.text.page.is_of_unknown_script:
            extra["unknown_script"] = True
        examples = self._examples[best]
        if examples and page.portrait:
            path, likeness = examples.nearest(page.portrait)
            extra["nearest_example"] = {"document": path, "likeness": round(likeness, 4)}
        return PageResult(
            page=page.number,
            success=True,
            classification=self._names[best],
            confidence=round(shares[best], 4),
            raw_result=raw,
            extra=extra,
        )


def _by_certainty(meaning: Meaning, known: float, part: float, unknown: float) -> float:
    return known if meaning.is_exact else part if meaning.is_named else unknown


# What all classifiers with the same knowledge share. Making it takes most of a first answer's time, and the last two,
# a fifth of that, are of use only to categories that explain themselves.
_scorer = lru_cache(maxsize=2)(Scorer)
_rarity = lru_cache(maxsize=2)(rarity_of_words)
_looks = lru_cache(maxsize=2)(looks_of_words)
