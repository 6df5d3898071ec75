"""Find the titles of document types in the headings of a page."""

from __future__ import annotations

from dataclasses import dataclass

from airflow_provider_classify.engine.page import Line
from airflow_provider_classify.engine.scoring.features import PageText
from airflow_provider_classify.engine.text.phrases import Phrase, PhraseIndex

#: A heading has at most HEADING_WORDS words. It is in the upper HEADING_REGION of the page, or its size is at least
#: HEADING_SIZE times the median.
HEADING_WORDS = 9
HEADING_REGION = 0.30
HEADING_SIZE = 1.25
#: Points of a title that is a whole heading, and more points if it is in capitals.
WHOLE_HEADING, IN_CAPITALS = 3.0, 0.3
#: Points of a title within a longer heading, and more points times the share of the heading that it fills.
PART_OF_HEADING, BY_SHARE = 1.0, 1.2
#: The factor for a title of a single word within a longer heading.
SINGLE_WORD = 0.75


@dataclass(frozen=True, slots=True)
class Heading:
    """
    A title on a line that is a heading.

    :param points: the points of the title, 0 to about 5.
    :param share: the share of the heading that the title fills, 0 to 1.
    :param line: the number of the line, from 0.
    """

    points: float
    share: float
    line: int


def find_headings(text: PageText, titles: PhraseIndex) -> dict[Phrase, Heading]:
    """Return the titles in headings, each at the place where it has most points."""
    is_ocr = text.page.source == "ocr"
    sizes = sorted(line.size for line in text.page.lines)
    median = max(1e-6, sizes[len(sizes) // 2]) if sizes else 1.0
    found: dict[Phrase, Heading] = {}
    for number, (words, line) in enumerate(zip(text.lines, text.page.lines, strict=True)):
        prominence = _prominence(line, line.size / median)
        if not prominence or not 0 < len(words) <= HEADING_WORDS:
            continue
        unspaced = "".join(words) if text.unspaced else ""
        for phrase in titles.find(words, unspaced=unspaced, is_ocr=is_ocr):
            share = min(1.0, len("".join(phrase)) / len("".join(words)))
            points = _points(phrase, share, prominence, is_upper=line.text.isupper())
            if phrase not in found or points > found[phrase].points:
                found[phrase] = Heading(points, share, number)
    return found


def _points(phrase: Phrase, share: float, prominence: float, *, is_upper: bool) -> float:
    if share == 1:
        return WHOLE_HEADING * prominence + (IN_CAPITALS if is_upper else 0.0)
    return (PART_OF_HEADING + BY_SHARE * share) * prominence * (SINGLE_WORD if len(phrase) == 1 else 1.0)


def _prominence(line: Line, size: float) -> float:
    """Return how prominent a line is, 0 to about 1.7; ``size`` is its size divided by the page's median."""
    prominence = 1.0 if line.y0 < HEADING_REGION else 0.0
    if size >= HEADING_SIZE:
        prominence = max(prominence, 0.8 + min(0.7, size - HEADING_SIZE))
    return prominence + 0.2 if line.y0 < HEADING_REGION / 2 else prominence
