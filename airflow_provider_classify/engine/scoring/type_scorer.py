"""
Score a page against every known document type.

A type's score is the sum of four parts, each of a few points:

* its cues and patterns in the text, up to a limit; in long texts each counts less;
* the best of its titles that is a heading, near the top or in large print;
* how well the page fits its geometry;
* how well the text fits its style.

On a page with very little text, :mod:`~.scoring.doubt` reduces the score.

One index holds the phrases of all types, so that one pass over a page's words finds them.
"""

from __future__ import annotations

import math
import re
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain

from airflow_provider_classify.engine.knowledge.document_type import Knowledge
from airflow_provider_classify.engine.page import Line, Page
from airflow_provider_classify.engine.scoring.doubt import doubt, emptiness
from airflow_provider_classify.engine.scoring.features import Features, PageText, features_of
from airflow_provider_classify.engine.scoring.headings import find_headings
from airflow_provider_classify.engine.scoring.layout_rules import geometry_rule, style_rule
from airflow_provider_classify.engine.text.language import related_languages
from airflow_provider_classify.engine.text.phrases import NOWHERE, Phrase, PhraseIndex, phrase_of_folded, phrases_of
from airflow_provider_classify.engine.text.spelling import Spelling

#: The most points of all cues together. Ten strong cues are little more evidence than five.
CUES_LIMIT = 7.0
#: Cues count less in a text of more words, which contains many phrases by chance.
LONG_TEXT = 150
#: A title that is also a cue of its type, with a weight below SECTION_CUE, is the name of a section, such as "skills".
#: On a page with very little text, it is only SHARE_OF_SECTION of the evidence of a heading with the type's name.
SECTION_CUE, SHARE_OF_SECTION = 2.0, 0.4


@dataclass(slots=True)
class Match:
    """
    A cue, pattern or heading on a page that counts for types.

    :param phrase: its words; for a pattern, the text that it matched.
    :param counts_for: the numbers of the types, each with a weight.
    :param factor: the factor of the weights.
    :param word: the number of its first word on the page, or NOWHERE.
    :param line: the number of its line, or NOWHERE if ``word`` gives the place.
    """

    phrase: Phrase
    counts_for: Sequence[tuple[int, float]]
    factor: float = 1.0
    word: int = NOWHERE
    line: int = NOWHERE


@dataclass(frozen=True, slots=True)
class Evidence:
    """
    A phrase that counts for a type, with its weight in points.

    :param line: its line; None for what the whole page shows, such as its layout.
    """

    phrase: str
    weight: float
    line: Line | None


@dataclass(frozen=True, slots=True)
class TypeScores:
    """
    The scores of a page.

    :param scores: the score of each type, in the order of :attr:`TypeScorer.names`.
    :param matches: the cues, headings and patterns on the page that count for any type.
    """

    text: PageText
    features: Features
    scores: Sequence[float]
    matches: Sequence[Match]

    def evidence(self, type_number: int, limit: int) -> list[Evidence]:
        """Return the phrases that count most for a type, at most ``limit``."""
        strongest: dict[str, tuple[float, Match]] = {}
        for match in self.matches:
            for number, weight in match.counts_for:
                if number == type_number:
                    phrase = " ".join(match.phrase)
                    weight *= match.factor
                    if phrase not in strongest or weight > strongest[phrase][0]:
                        strongest[phrase] = (weight, match)
        ordered = sorted(strongest.items(), key=lambda item: (-item[1][0], item[0]))
        return [Evidence(phrase, weight, self._line_of(match)) for phrase, (weight, match) in ordered[:limit]]

    def _line_of(self, match: Match) -> Line:
        number = self.text.line_of(match.phrase, match.word) if match.line == NOWHERE else match.line
        return self.text.page.lines[number]


class TypeScorer:
    """Scores pages against the document types. Create it once per process: its index takes some milliseconds."""

    def __init__(self, knowledge: Knowledge) -> None:
        self._types = list(knowledge.types.values())
        self.names = [document_type.name for document_type in self._types]
        self.numbers = {name: number for number, name in enumerate(self.names)}
        # Many types have the same layout. So each layout is kept once, and each type has the number of its layout.
        layouts = list(dict.fromkeys((t.geometry, t.styles) for t in self._types))
        self._layout_numbers = [layouts.index((t.geometry, t.styles)) for t in self._types]
        self._layouts = [
            ([geometry_rule(name) for name in geometry], [style_rule(name) for name in styles])
            for geometry, styles in layouts
        ]
        self._cues = PhraseIndex()
        #: The languages of the texts in which each cue counts. In a text of another language, it is found by chance.
        self._languages: dict[Phrase, frozenset[str]] = defaultdict(frozenset)
        self._titles = PhraseIndex()
        self._patterns: dict[re.Pattern[str], list[tuple[int, float]]] = defaultdict(list)
        for number, document_type in enumerate(self._types):
            for cue, weight in document_type.cues.items():
                phrase = self._cues.add(phrase_of_folded(cue), number, weight)
                self._languages[phrase] |= related_languages(document_type.languages[cue])
            titles = list(dict.fromkeys((*document_type.titles, document_type.name, *document_type.aliases)))
            for phrase in phrases_of(titles):
                self._titles.add(phrase, number, 1.0)
            for pattern, weight in document_type.patterns:
                self._patterns[pattern].append((number, weight))
        # One search shows whether a page matches any of the patterns that begin at a line. Most pages match none.
        self._at_lines = frozenset(p for p in self._patterns if p.pattern.startswith("^") and not p.groups)
        self._any_at_lines = re.compile("|".join(f"(?:{p.pattern})" for p in self._at_lines), re.MULTILINE)
        #: The words of the phrases of all types, without marks.
        self.words = frozenset(
            [word.strip("*:") for word in set(chain.from_iterable((*self._cues.entries, *self._titles.entries)))]
        )
        self._sections = {
            (phrase, number)
            for phrase in self._titles.entries
            for number, weight in self._cues.entries.get(phrase, ())
            if weight < SECTION_CUE
        }
        self._spelling = Spelling(self.words)

    def score(self, page: Page) -> TypeScores:
        """Return the scores of one page."""
        text = PageText(page, self._spelling)
        features = features_of(text)
        cue_words = self._cues.find(text.words, fields=text.fields, unspaced=text.unspaced, is_ocr=features.is_ocr)
        if text.language:
            fits = self._languages
            cue_words = {phrase: word for phrase, word in cue_words.items() if text.language in fits[phrase]}
        cues = [Match(phrase, self._cues.entries[phrase], word=word) for phrase, word in cue_words.items()]
        patterns = list(self._find_patterns(text))
        sums = [0.0] * len(self._types)
        for match in (*cues, *patterns):
            for number, weight in match.counts_for:
                sums[number] += weight
        for _phrase, number, weight in self._cues.repeated(cue_words):
            sums[number] -= weight
        headings = []
        titles, clear_titles = [0.0] * len(self._types), [0.0] * len(self._types)
        for phrase, heading in find_headings(text, self._titles).items():
            match = Match(phrase, self._titles.entries[phrase], factor=heading.points, line=heading.line)
            headings.append(match)
            for number, _ in match.counts_for:
                titles[number] = max(titles[number], heading.points)
                share = heading.share * (SHARE_OF_SECTION if (phrase, number) in self._sections else 1.0)
                clear_titles[number] = max(clear_titles[number], heading.points * share)
        shrink = share_of_long_text(len(text.words))
        empty = emptiness(page, features.characters, is_unspaced=bool(text.unspaced))
        of_styles = [sum(style(features) for style in styles) for _, styles in self._layouts]
        # Most types have no phrases on a page. Their scores come from their layouts alone.
        without_phrases = [
            sum(rule(features, 0.0) for rule in geometry) + of_style
            for (geometry, _), of_style in zip(self._layouts, of_styles, strict=True)
        ]
        scores = []
        for number, cue_sum, title, clear_title in zip(self._layout_numbers, sums, titles, clear_titles, strict=True):
            if not cue_sum and not title:
                scores.append(without_phrases[number])
                continue
            cue_points = CUES_LIMIT * (1.0 - math.exp(-cue_sum * shrink / CUES_LIMIT))
            layout = sum(rule(features, cue_points) for rule in self._layouts[number][0])
            score = cue_points + title + layout + of_styles[number]
            if empty:  # Little text makes the words weak evidence, but not the page's shape.
                score -= doubt(cue_points + title, cue_sum + clear_title + max(0.0, layout), empty)
            scores.append(score)
        return TypeScores(text, features, scores, (*cues, *headings, *patterns))

    def _find_patterns(self, text: PageText) -> Iterator[Match]:
        raw = text.raw
        has_any_at_lines = self._any_at_lines.search(raw) is not None
        for pattern, counts_for in self._patterns.items():
            if not has_any_at_lines and pattern in self._at_lines:
                continue
            if found := pattern.search(raw):
                line = raw.count("\n", 0, found.start())
                yield Match((found.group().strip(),), counts_for, line=line)


def share_of_long_text(words: int) -> float:
    """Return the factor of a phrase's weight in a text with this number of words, above 0 and at most 1."""
    return 1.0 if words <= LONG_TEXT else 1.0 / (1.0 + 0.35 * math.log(words / LONG_TEXT))
