"""
Score a page against every known document type.

A type's score is the sum of four parts, each worth a few points:

* its cues and patterns found in the text, less in long texts, saturating;
* the best of its titles that stands as a heading: near the top or in large print;
* whether the page has its geometry;
* whether the text has its style.

All phrases of all types lie in one index, so a page is walked through once.
"""

from __future__ import annotations

import math
import re
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from airflow_provider_classify.engine.knowledge.load import Geometry, Knowledge, Style
from airflow_provider_classify.engine.page import Line, Page
from airflow_provider_classify.engine.scoring.features import Features, PageText, features_of
from airflow_provider_classify.engine.text.phrases import Phrase, PhraseIndex
from airflow_provider_classify.engine.text.spelling import Spelling

#: The most that cues can add up to; ten strong cues say little more than five.
CUES_LIMIT = 7.0
#: Words beyond which cues count less: a long text contains many phrases by chance.
LONG_TEXT = 150
#: Characters that no page of a book, form or contract has.
BROADSHEET = 9000
#: A heading is at most this many words, in the upper part of the page or larger than the median by this factor.
HEADING_WORDS = 9
HEADING_REGION = 0.30
HEADING_SIZE = 1.25
#: A page of print has at least so many lines; letters and notes by hand have fewer.
PRESS_LINES = 20
#: Running text in print is the press's as far as its cues add up to this: it may be science, law or a book as well.
PRESS_CUES = 5.0
#: The print of slides is made to be read from afar: lines are this high, as a share of the slide. Forms' are lower.
SLIDE_PRINT = 0.03
#: A page is mostly running text from this share on.
MOSTLY_PROSE = 0.5
#: Running lines by hand: at most so many on a page, over this share of its width. OCR is less sure of them than of any
#: print, by so much if it is hardly a hand that it knows, and they are worth so many points.
HAND_LINES, HAND_WIDTH, HAND_LEGIBILITY, HAND_DOUBT, HAND_POINTS = 35, 0.5, 0.95, 0.1, 1.5
#: Lines that no poster or leaflet has in narrow columns, and what it costs one to be on such a page.
SHEET_LINES, SHEET_COST = 100, -2.5
#: Only till rolls are so much higher than wide.
TILL_ROLL = 1.9
#: A picture, rather than a logo, a stamp or a signature, takes this share of the page.
PICTURE = 0.1


@dataclass(frozen=True, slots=True)
class Evidence:
    """Why a type scored: the phrase, what it weighed, and the line that has it."""

    phrase: str
    weight: float
    line: Line


@dataclass(frozen=True)
class PageScore:
    """The scores of a page, one per type of ``Scorer.names``, and what led to them."""

    text: PageText
    features: Features
    scores: list[float]
    _cue_words: Mapping[Phrase, int]
    _headings: Mapping[Phrase, tuple[float, int]]
    _scorer: Scorer

    def evidence(self, type_name: str, limit: int) -> list[Evidence]:
        """The strongest phrases for a type, found on demand: most pages are never asked."""
        found = sorted(self._scorer.evidence(self, type_name), key=lambda item: (-item.weight, item.phrase))
        return list({item.phrase: item for item in reversed(found)}.values())[::-1][:limit]


class Scorer:
    """Scores pages; built once per process, as its index takes some milliseconds."""

    def __init__(self, knowledge: Knowledge) -> None:
        self.types = list(knowledge.types.values())
        self.names = [document_type.name for document_type in self.types]
        self._cues = PhraseIndex()
        self._titles = PhraseIndex()
        self._patterns: dict[re.Pattern[str], list[tuple[int, float]]] = defaultdict(list)
        for number, document_type in enumerate(self.types):
            for cue, weight in document_type.cues.items():
                self._cues.add(cue, number, weight)
            for title in {*document_type.titles, document_type.name, *document_type.aliases}:
                self._titles.add(title, number, 1.0)
            for pattern, weight in document_type.patterns:
                self._patterns[pattern].append((number, weight))
        phrases = (*self._cues.entries, *self._titles.entries)
        self._spelling = Spelling(word.strip("*:") for phrase in phrases for word in phrase)

    def score(self, page: Page) -> PageScore:
        """Score one page."""
        text = PageText(page, self._spelling)
        features = features_of(text)
        cue_words = self._cues.find(text.words, fields=text.fields, unspaced=text.unspaced, is_ocr=features.is_ocr)
        sums = [0.0] * len(self.types)
        for phrase in cue_words:
            for number, weight in self._cues.entries[phrase]:
                sums[number] += weight
        for _phrase, number, weight in self._cues.repeated(cue_words):
            sums[number] -= weight
        for pattern, numbers in self._patterns.items():
            if pattern.search(text.raw):
                for number, weight in numbers:
                    sums[number] += weight
        headings = self._find_headings(text)
        titles = [0.0] * len(self.types)
        for phrase, (weight, _line) in headings.items():
            for number, _ in self._titles.entries[phrase]:
                titles[number] = max(titles[number], weight)
        shrink = share_of_long_text(len(text.words))
        scores = []
        for document_type, cue_sum, title in zip(self.types, sums, titles, strict=True):
            cues = CUES_LIMIT * (1.0 - math.exp(-cue_sum * shrink / CUES_LIMIT)) if cue_sum else 0.0
            score = cues + title
            for geometry in document_type.geometry:
                score += geometry_points(geometry, features, cues)
            for style in document_type.styles:
                score += style_points(style, features)
            scores.append(score)
        return PageScore(text, features, scores, cue_words, headings, self)

    def evidence(self, page: PageScore, type_name: str) -> Iterator[Evidence]:
        """Everything on the page that speaks for a type."""
        number = self.names.index(type_name)
        lines = page.text.page.lines
        for phrase, position in page._cue_words.items():
            for entry, weight in self._cues.entries[phrase]:
                if entry == number:
                    yield Evidence(" ".join(phrase), weight, lines[page.text.line_of(phrase, position)])
        for phrase, (weight, line) in page._headings.items():
            if any(entry == number for entry, _ in self._titles.entries[phrase]):
                yield Evidence(" ".join(phrase), weight, lines[line])
        for pattern, weight in self.types[number].patterns:
            match = pattern.search(page.text.raw)
            if match:
                line = page.text.raw.count("\n", 0, match.start())
                yield Evidence(match.group().strip(), weight, lines[line])

    def _find_headings(self, text: PageText) -> dict[Phrase, tuple[float, int]]:
        """Titles on lines that stand as headings: the phrase, how much it weighs, and its line."""
        is_ocr = text.page.source == "ocr"
        sizes = sorted(line.size for line in text.page.lines)
        median = max(1e-6, sizes[len(sizes) // 2]) if sizes else 1.0
        found: dict[Phrase, tuple[float, int]] = {}
        for number, (words, line) in enumerate(zip(text.lines, text.page.lines, strict=True)):
            prominence = _prominence(line, line.size / median)
            if not prominence or not 0 < len(words) <= HEADING_WORDS:
                continue
            unspaced = "".join(words) if text.unspaced else ""
            for phrase in self._titles.find(words, unspaced=unspaced, is_ocr=is_ocr):
                share = min(1.0, len("".join(phrase)) / len("".join(words)))
                if share == 1:
                    weight = 3.0 * prominence + (0.3 if line.text.isupper() else 0.0)
                else:
                    weight = (1.0 + 1.2 * share) * prominence * (0.75 if len(phrase) == 1 else 1.0)
                if weight > found.get(phrase, (0.0, 0))[0]:
                    found[phrase] = (weight, number)
        return found


def share_of_long_text(words: int) -> float:
    """What a phrase is worth in a text of so many words, up to 1."""
    return 1.0 if words <= LONG_TEXT else 1.0 / (1.0 + 0.35 * math.log(words / LONG_TEXT))


def _prominence(line: Line, size: float) -> float:
    """How much a line stands out as a heading, 0 to about 1.7; ``size`` is relative to the page's median."""
    prominence = 1.0 if line.y0 < HEADING_REGION else 0.0
    if size >= HEADING_SIZE:
        prominence = max(prominence, 0.8 + min(0.7, size - HEADING_SIZE))
    return prominence + 0.2 if line.y0 < HEADING_REGION / 2 else prominence


def geometry_points(geometry: Geometry, features: Features, cues: float) -> float:
    """What a type's expected geometry adds or costs on a page like this."""
    ratio, characters, is_ocr = features.height_ratio, features.characters, features.is_ocr
    match geometry:
        case Geometry.NARROW if is_ocr:
            return 1.5 if ratio > TILL_ROLL else 0.5 if ratio > 1.5 else -0.7 if ratio < 1.0 else 0.0
        case Geometry.SHEET if is_ocr and ratio > TILL_ROLL:
            return -1.0
        case Geometry.CARD:
            looks = 0.0
            if is_ocr and characters < 700 and 0.5 < ratio < 0.85:
                looks = 1.2 * min(1.0, cues / 2.5)
            elif characters > 1200:
                looks = -2.5
            elif not is_ocr:
                looks = -1.0
            return looks - (2.0 * features.prose if characters > 120 else 0.0)
        case Geometry.SHORT:
            return -1.5 if characters > 1500 else 0.0
        case Geometry.LANDSCAPE:
            return _landscape(features)
        case Geometry.PRESS if characters > BROADSHEET:
            return 2.0
        case Geometry.PRESS if is_ocr and features.lines >= PRESS_LINES and characters > 120:
            return features.prose * min(1.0, cues / PRESS_CUES) + (0.8 if _has_columns_and_headline(features) else 0.0)
        case Geometry.HANDWRITTEN if is_ocr and features.lines <= HAND_LINES and features.line_width > HAND_WIDTH:
            doubt = (HAND_LEGIBILITY - features.legibility) / HAND_DOUBT
            return HAND_POINTS * features.prose * min(1.0, max(0.0, doubt))
        case Geometry.FIELDS if features.lines >= 40:
            return 0.8 if features.line_width < 0.1 and features.side_by_side > 1.5 else 0.0
        case Geometry.SPARSE if is_ocr and _is_sheet_of_columns(features):
            return SHEET_COST
        case Geometry.SPARSE if is_ocr and features.lines <= 24 and ratio > 1.0:
            return (1.0 if features.largest > 1.7 else 0.0) + (0.8 if features.pictured > PICTURE else 0.0)
    return 0.0


def _is_sheet_of_columns(features: Features) -> bool:
    """Whether a page has many narrow columns and no prices: a newspaper, whose advertisements OCR reads first."""
    return features.lines >= SHEET_LINES and features.line_width < 0.2 and features.amounts <= 2


def _has_columns_and_headline(features: Features) -> bool:
    """Whether many narrow lines stand side by side below large print, as in invoices, which have amounts for prose."""
    is_columns = features.lines >= 40 and features.line_width < 0.3 and features.side_by_side >= 1.2
    return is_columns and features.largest >= 1.9 and (features.amounts <= 2 or features.prose >= MOSTLY_PROSE)


def _landscape(features: Features) -> float:
    ratio, is_sparse = features.height_ratio, features.characters < 500
    if 0.5 < ratio < 0.8 and not features.is_ocr:
        return 4.0 if is_sparse else 3.0
    if 0.5 < ratio < 0.85 and features.is_ocr:
        if features.line_size < SLIDE_PRINT:
            return 0.0
        return 2.2 if is_sparse and features.lines > 4 else 1.6
    if ratio > 1.2:
        return -0.3 if features.is_ocr and features.characters < 450 else -1.5
    return 0.0


def style_points(style: Style, features: Features) -> float:
    """What a type's expected style adds or costs; nothing on pages with a line or two."""
    if features.characters <= 120:
        return 0.0
    if style is Style.PROSE:
        return features.prose
    return -1.2 * features.prose + (0.5 if features.amounts >= 3 else -1.0 if features.amounts == 0 else 0.0)
