"""Measure a page: its shape, and the kind of its text."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections import Counter
from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate
from statistics import median

from airflow_provider_classify.engine.page import Page
from airflow_provider_classify.engine.text.language import guess_language
from airflow_provider_classify.engine.text.phrases import NOWHERE, Phrase
from airflow_provider_classify.engine.text.spelling import Spelling
from airflow_provider_classify.engine.text.words import fold, is_unspaced, words_of, words_of_lines

_DIGIT = re.compile(r"\d")
_AMOUNT = re.compile(r"\d[.,]\d\d(?!\d)")

#: Words that sentences have and that tables, forms and cards rarely have.
SENTENCE_WORDS = frozenset(
    words_of(  # English, German, French, Spanish, Italian, Portuguese, Dutch, Polish, Russian, Scandinavian, Finnish,
        # Czech and Slovak, Hungarian, Romanian, Greek, Ukrainian, Indonesian, Vietnamese
        "the of and a in to was were is that for on with at by from as his her their had has be will which he "
        "she they it an this not are been who but or would after when der die das und den von zu mit ist "
        "nicht auf ein eine dem wird als le la les des et en du un une que dans pour par sur est au el los "
        "las de y del por con se su al il di che e per non sono nel della o os do da em um uma para com nao "
        "dos het een van dat op te voor niet zijn nie na sie jest ze w z oraz и в на не что с по как это из "
        "для от к og det er på til af av ikke inte har jeg jag och att som är för vi ja ei oli että ovat kun mutta "
        "se že sa jsem som od az hogy egy nem is és nu cu și să pentru este care και το να του της την των με "
        "για από στο στην θα σε і та у що до від про за yang dan untuk dengan ini di pada va của là cho được các "
    )
)


@dataclass(frozen=True)
class PageText:
    """A page's folded words, by line and in one list."""

    page: Page
    spelling: Spelling

    @cached_property
    def lines(self) -> list[list[str]]:
        """The words of each line, with OCR's mistakes corrected."""
        lines = words_of_lines([line.text for line in self.page.lines])
        if self.page.source == "text_layer":
            return lines
        return [[self.spelling.corrected(word) for word in words] for words in lines]

    @cached_property
    def words(self) -> list[str]:
        """The words of all lines."""
        return [word for line in self.lines for word in line]

    @cached_property
    def counts(self) -> Counter[str]:
        """How often each word occurs."""
        return Counter(self.words)

    @cached_property
    def language(self) -> str | None:
        """The language of the text; None if too few words indicate one."""
        return guess_language(self.counts)

    @cached_property
    def unknown_words(self) -> frozenset[str]:
        """The words that the knowledge does not have, such as names of persons."""
        return frozenset(self.spelling.unknown(self.counts))

    @cached_property
    def sentence_words(self) -> int:
        """The number of words in ``SENTENCE_WORDS``, each counted as often as it occurs."""
        counts = self.counts
        return sum([counts[word] for word in SENTENCE_WORDS.intersection(counts)])

    @cached_property
    def line_ends(self) -> list[int]:
        """For each line the index in ``words`` after its last word. :meth:`line_of` bisects it."""
        return list(accumulate(map(len, self.lines)))

    def line_of(self, phrase: Phrase, start: int) -> int:
        """Return the number of the line where a phrase begins; ``start`` is the index of its first word, or NOWHERE."""
        if start != NOWHERE:
            return bisect_right(self.line_ends, start)
        wanted = "".join(phrase)
        return next((n for n, words in enumerate(self.lines) if wanted in "".join(words)), 0)

    @cached_property
    def raw(self) -> str:
        """The page's text, one line for each of its lines."""
        return "\n".join([line.text for line in self.page.lines])

    @cached_property
    def fields(self) -> set[str]:
        """The words before a colon, which are names of fields."""
        before = [part.split() for part in self.raw.replace("\uff1a", ":").split(":")[:-1]]
        last = [part[-1] for part in before if part]
        return {words[-1] for words in words_of_lines(last) if words}

    @cached_property
    def unspaced(self) -> str:
        """The folded text without spaces if its script has none, else an empty string."""
        return "".join(fold(self.raw).split()) if is_unspaced(self.raw) else ""

    @cached_property
    def characters(self) -> int:
        """The number of characters on the page."""
        return sum([len(line.text) for line in self.page.lines])


@dataclass(frozen=True, slots=True)
class Features:
    """
    The shape of a page and of its text. Lines that OCR has detected and not yet read count for the shape.

    :param height_ratio: the page's height divided by its width.
    :param characters: the number of characters of the text.
    :param lines: the number of lines.
    :param line_width: the median width of a line, as a share of the page's width.
    :param line_size: the median size of a line, as a share of the page's height.
    :param side_by_side: the mean number of lines side by side.
    :param largest: the largest size of a line divided by the median size.
    :param is_ocr: whether the text comes from OCR.
    :param prose: the share of running text, 0 to 1.
    :param amounts: how many numbers have two decimals.
    :param pictured: the share of the page that pictures among the text cover, 0 to 1.
    :param legibility: the mean probability of the characters that OCR read, 0 to 1.
    """

    height_ratio: float
    characters: int
    lines: int
    line_width: float
    line_size: float
    side_by_side: float
    largest: float
    is_ocr: bool
    prose: float
    amounts: int
    pictured: float
    legibility: float


def features_of(text: PageText) -> Features:
    """Return the features of a page."""
    page = text.page
    lines = (*page.lines, *page.unread)
    sizes = sorted([line.size for line in lines])
    tops, bottoms = [line.y0 for line in lines], [line.y1 for line in lines]
    covered = max(bottoms, default=0.0) - min(tops, default=0.0)
    return Features(
        height_ratio=page.height / max(1.0, page.width),
        characters=text.characters,
        lines=len(lines),
        line_width=median([line.x1 - line.x0 for line in lines]) if lines else 0.0,
        line_size=median(sizes) / max(1.0, page.height) if sizes else 0.0,
        side_by_side=sum([y1 - y0 for y0, y1 in zip(tops, bottoms, strict=True)]) / max(covered, 0.05),
        largest=sizes[-1] / max(1e-6, sizes[len(sizes) // 2]) if sizes else 1.0,
        is_ocr=page.source == "ocr",
        prose=_prose(text),
        amounts=len(_AMOUNT.findall(text.raw)),
        pictured=page.pictured,
        legibility=page.legibility,
    )


def _digits(text: str) -> int:
    if text.isascii() and not _DIGIT.search(text):  # true for most sentences; a search is faster than a count
        return 0
    return sum(map(str.isdigit, text))


def _prose(text: PageText) -> float:
    """
    Return the share of running text, 0 to 1: the greater of two estimates, by lines and by sentence words.

    Narrow columns break sentences into short lines, so lines alone would miss newspapers. Tables also have some
    sentence words, so only a share above 0.22 of all words counts.
    """
    total = max(1, len(text.words))
    in_sentences = sum(
        [
            len(words)
            for words, line in zip(text.lines, text.page.lines, strict=True)
            if len(words) >= 6 and _digits(line.text) < 0.08 * len(line.text)
        ]
    )
    by_lines = in_sentences / total
    if total < 30:
        return by_lines * 0.5
    by_words = (text.sentence_words / total - 0.22) / 0.16
    return max(by_lines, min(1.0, by_words))
