"""Create the samples on which the model is fitted: the measures of documents, and their points by the knowledge."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from airflow_provider_classify.engine.confidence import page_weight
from airflow_provider_classify.engine.document_answer import voters
from airflow_provider_classify.engine.learned.model import amount_of_evidence, limited_scores, measures_of
from airflow_provider_classify.engine.learned.origin import Origin
from airflow_provider_classify.engine.page import Page
from airflow_provider_classify.engine.scoring.category_set import CategorySet, PageAnswer


@dataclass(frozen=True)
class MeasuredPage:
    """
    A page of a sample.

    :param weight: its weight in the document's answer. The weights of all pages of a sample sum to 1.
    :param amount: how much the measures of its text count, 0 to 1.
    :param measures: the measures by part.
    :param words: how often each word occurs on the page.
    """

    weight: float
    amount: float
    measures: Mapping[str, NDArray[np.float32]]
    words: Counter[str]


@dataclass(frozen=True)
class Sample:
    """
    A document with all of its text, a document with the text of the first pass, a single page, or a simulated scan.

    :param label: the index of its category. "None of them" has the index after the last category.
    :param source: its source. All samples of a source are in the same fold of a cross-validation.
    :param points: the points of each category and of "none of them" by the knowledge: the weighted mean of its pages.
    :param pages: the pages that count for its answer.
    :param weight: how much the sample counts.
    :param is_real: whether it is a real document. Other documents were written for the tests.
    """

    label: int
    source: str
    points: NDArray[np.float64]
    pages: Sequence[MeasuredPage]
    weight: float = 1.0
    is_real: bool = True


def sample_of(
    pages: Iterable[Page],
    origin: Origin,
    categories: CategorySet,
    label: int,
    source: str,
    *,
    weight: float = 1.0,
    is_real: bool = True,
) -> Sample | None:
    """
    Return the sample of a document; None if all its pages are blank.

    :param categories: the categories, with an empty learned model or with the base model.
    """
    answers = [categories.answer(page, origin=origin) for page in pages]
    voting = voters(answers)
    if not voting:
        return None
    weights = np.array([page_weight(page is voting[0], page.characters) for page in voting])
    weights /= weights.sum()
    return Sample(
        label,
        source,
        sum(np.array(page.points) * w for page, w in zip(voting, weights, strict=True)),
        [_measured(page, origin, float(w)) for page, w in zip(voting, weights, strict=True)],
        weight,
        is_real,
    )


def _measured(page: PageAnswer, origin: Origin, weight: float) -> MeasuredPage:
    types = page.scored.types
    measures = {"scores": limited_scores(types.scores)}
    measures |= {part: np.array(values, np.float32) for part, values in measures_of(types, origin).items()}
    return MeasuredPage(weight, amount_of_evidence(types), measures, Counter(types.text.words))
