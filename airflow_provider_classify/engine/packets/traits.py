"""Measure the traits of a page by which two pages of the same document can be recognised."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import median

from airflow_provider_classify.engine.confidence import softmax
from airflow_provider_classify.engine.packets.page_numbers import PageNumber, page_number
from airflow_provider_classify.engine.page import Line, Page
from airflow_provider_classify.engine.scoring.category_set import PageAnswer
from airflow_provider_classify.engine.scoring.headings import HEADING_REGION
from airflow_provider_classify.engine.text.language import COMMON_WORDS
from airflow_provider_classify.engine.text.phrases import NOWHERE
from airflow_provider_classify.engine.text.words import words_of

#: A running header ends above _HEADER, and a running footer begins below _FOOTER, as shares of the page's height.
_HEADER, _FOOTER = 0.14, 0.88
#: A letterhead is above _LETTERHEAD_REGION, and the date of a letter or an invoice is above _DATE_REGION, as shares of
#: the page's height.
_LETTERHEAD_REGION, _DATE_REGION = 0.25, 0.4
#: The fewest words of a line of running text.
_TEXT_LINE = 4
#: Document types whose documents mostly have one page.
ONE_PAGE = frozenset(
    {
        "receipt", "bank check", "coupon", "business card", "identity card", "driver license", "visa",
        "social security card", "membership card", "voter card", "bank card", "health insurance card",
        "birth certificate", "death certificate", "marriage certificate", "certificate", "shipping label",
        "prescription", "sick note", "ticket", "poster", "payment confirmation", "wedding invitation",
        "handwritten note",
    }
)  # fmt: skip
_DIGITS = re.compile(r"\d+")
#: Numbers of invoices, customers and accounts.
_IDENTIFIER = re.compile(r"\b(?=[\w/-]*\d{2})[A-Za-z]{0,4}[-/]?\d[\d/-]{3,}\w*")
_CONTACT = re.compile(r"@|www\.|https?:|\b(?:tel|phone|telefon|telephone|fax|e-?mail)\b", re.IGNORECASE)
_DATE_PATTERN = re.compile(r"\b\d{1,2}[./-]\d{1,2}[./-]\d{2,4}\b|\b\d{4}-\d\d-\d\d\b|\b(?:19|20)\d\d\b")
_SENTENCE_ENDS = (".", "!", "?", ":", "。", "！", "？")


@dataclass(frozen=True, slots=True)
class PageTraits:
    """
    The traits of a page by which pages of the same document can be recognised.

    :param printed_number: the page number that is printed on it.
    :param ratio: the page's height divided by its width.
    :param size: its width and height in points if its text comes from a text layer.
    :param words: its words and their counts, without numbers, common words, and words of one or two letters.
    :param names: those of its words that the knowledge does not have, such as names of persons, and their counts.
    :param identifiers: its numbers of at least four digits, hyphens and slashes, such as an invoice number.
    :param running_lines: its lines near the upper and lower edge, such as running headers, without their digits.
    :param categories: the probability of each category.
    :param types: the probability of each document type.
    :param title: the points of the best title of a document type in its upper part.
    :param print_above: the largest line size in its upper part, divided by the median size.
    :param begins_in_sentence: whether its running text begins with a lower-case letter.
    :param ends_in_sentence: whether its running text ends without a mark that ends a sentence.
    :param top: the position of its first line, as a share of the page's height.
    :param bottom: the position where its running text ends, as a share of the page's height.
    :param has_contact: whether its upper part has a web address, an e-mail address or a telephone number.
    :param has_date: whether its upper part has a date.
    :param print_size: the median size of a line, as a share of the page's height.
    :param margin: the left margin, as a share of the page's width.
    :param one_page: the probability of the types whose documents have one page.
    :param line_width: the median width of a line, as a share of the page's width.
    """

    printed_number: PageNumber | None
    ratio: float
    size: tuple[float, float] | None
    is_ocr: bool
    is_cover: bool
    language: str | None
    words: Mapping[str, int]
    names: Mapping[str, int]
    identifiers: frozenset[str]
    running_lines: frozenset[str]
    categories: Sequence[float]
    types: Sequence[float]
    title: float
    print_above: float
    begins_in_sentence: bool
    ends_in_sentence: bool
    top: float
    bottom: float
    has_contact: bool
    has_date: bool
    print_size: float
    margin: float
    line_width: float
    characters: int
    prose: float
    amounts: int
    pictured: float
    legibility: float
    one_page: float


def traits_of(answer: PageAnswer, type_names: Sequence[str]) -> PageTraits:
    """
    Return the traits of a page that is not blank.

    :param type_names: the names of the document types, by number.
    """
    page, types = answer.page, answer.scored.types
    lines = page.lines
    probabilities = softmax(types.scores)
    counts = {
        word: count
        for word, count in types.text.counts.items()
        if len(word) > 2 and word not in COMMON_WORDS and not word.isdigit()
    }
    sizes = [line.size for line in lines]
    text_lines = [line for line in lines if _HEADER / 2 < line.y0 < 0.93 and len(line.text.split()) >= _TEXT_LINE]
    above = "\n".join([line.text for line in lines if line.y0 < _LETTERHEAD_REGION])
    return PageTraits(
        printed_number=page_number(page),
        ratio=page.height / max(1.0, page.width),
        size=None if page.source == "ocr" else (page.width, page.height),
        is_ocr=page.source == "ocr",
        is_cover=answer.is_cover,
        language=types.text.language,
        words=counts,
        names={word: counts[word] for word in counts if word in types.text.unknown_words},
        identifiers=frozenset(_IDENTIFIER.findall(_with_digits(types.text.raw))),
        running_lines=frozenset(_running_lines(page)),
        categories=answer.shares,
        types=probabilities,
        title=_title(answer),
        print_above=max([line.size for line in lines if line.y0 < HEADING_REGION], default=0.0)
        / max(1e-6, median(sizes) if sizes else 1.0),
        begins_in_sentence=bool(text_lines) and text_lines[0].text.lstrip()[:1].islower(),
        ends_in_sentence=bool(text_lines) and _ends_in_sentence(text_lines[-1]),
        top=min([line.y0 for line in lines], default=0.0),
        bottom=max([line.y1 for line in text_lines], default=0.0),
        has_contact=_CONTACT.search(above) is not None,
        has_date=_DATE_PATTERN.search("\n".join([line.text for line in lines if line.y0 < _DATE_REGION])) is not None,
        print_size=(median(sizes) if sizes else 0.0) / max(1.0, page.height),
        margin=_margin(lines),
        line_width=types.features.line_width,
        characters=types.features.characters,
        prose=types.features.prose,
        amounts=types.features.amounts,
        pictured=page.pictured,
        legibility=page.legibility,
        one_page=sum(share for share, name in zip(probabilities, type_names, strict=True) if name in ONE_PAGE),
    )


def _with_digits(text: str) -> str:
    """Return the pieces of a text that may have digits. Searching these alone for identifiers takes a third as long."""
    return " ".join([piece for piece in text.split() if not piece.isalpha()])


def _running_lines(page: Page) -> list[str]:
    found = []
    for line in page.lines:
        if line.y1 < _HEADER or line.y0 > _FOOTER:
            text = "".join(words_of(_DIGITS.sub("", line.text)))
            if len(text) > 3:
                found.append(text)
    return found


def _title(answer: PageAnswer) -> float:
    lines = answer.page.lines
    return max(
        (
            match.factor
            for match in answer.scored.types.matches
            if match.line != NOWHERE and match.factor > 1.0 and lines[match.line].y0 < HEADING_REGION
        ),
        default=0.0,
    )


def _ends_in_sentence(line: Line) -> bool:
    return not line.text.rstrip(" \"'”»)").endswith(_SENTENCE_ENDS)


def _margin(lines: Sequence[Line]) -> float:
    starts = sorted([line.x0 for line in lines])
    return starts[len(starts) // 10] if starts else 0.0


def cosine_similarity(first: Mapping[str, int], second: Mapping[str, int]) -> float:
    """Return the cosine similarity of two counts of words, 0 to 1. Each count is replaced by log(1 + count)."""
    if not first or not second:
        return 0.0
    shared = sum(math.log1p(count) * math.log1p(second[word]) for word, count in first.items() if word in second)
    return shared / (_norm(first) * _norm(second))


def _norm(counts: Mapping[str, int]) -> float:
    return math.sqrt(sum(math.log1p(count) ** 2 for count in counts.values()))
