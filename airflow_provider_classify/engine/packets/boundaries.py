"""Estimate whether a page begins a document. A logistic regression compares the page with the page before it."""

from __future__ import annotations

import json
import math
from functools import cache
from pathlib import Path

from airflow_provider_classify.engine.packets.features import features_of
from airflow_provider_classify.engine.packets.page_numbers import PageNumber
from airflow_provider_classify.engine.packets.traits import PageTraits

#: The file with the weights. It also says which data they were fitted on.
WEIGHTS_FILE = Path(__file__).with_name("boundaries.json")
#: The log-odds that a blank page adds to a boundary after it. It may separate two documents, or be the back of a sheet.
BLANK_BETWEEN = 0.5


@cache
def _weights() -> dict[str, float]:
    weights: dict[str, float] = json.loads(WEIGHTS_FILE.read_text(encoding="utf-8"))["weights"]
    return weights


def probability_of_boundary(before: PageTraits, page: PageTraits, *, is_blank_between: bool = False) -> float:
    """
    Return the probability that a page begins a document, 0 to 1.

    :param before: the last page before it that is not blank.
    :param is_blank_between: whether blank pages are between the two pages.
    """
    if (certain := _by_page_numbers(before.printed_number, page.printed_number)) is not None:
        return float(certain)
    weights = _weights()
    log_odds = sum(weights[name] * value for name, value in features_of(before, page).items())
    log_odds += BLANK_BETWEEN if is_blank_between else 0.0
    return 1 / (1 + math.exp(-max(-50.0, min(50.0, log_odds))))


def _by_page_numbers(before: PageNumber | None, page: PageNumber | None) -> bool | None:
    """
    Return whether a page begins a document by the page numbers with totals; None if they do not decide.

    For example, "1 of 3" after "2 of 2" begins a document.
    """
    if not (before and page and before.total and page.total):
        return None
    if page.follows(before):
        return False
    return True if before.is_last and page.number == 1 else None
