"""Decide whether the words of a page belong to any language, by the words that the knowledge has."""

from __future__ import annotations

from functools import cache

from airflow_provider_classify.engine.knowledge.load import load_knowledge
from airflow_provider_classify.engine.page import Page
from airflow_provider_classify.engine.text.language import COMMON_WORDS
from airflow_provider_classify.engine.text.words import is_unspaced, singular, words_of, words_of_lines

#: The most words of a page that are examined, and the most characters in which they are searched.
_SAMPLE, _SAMPLE_CHARACTERS = 150, 1500
#: A text is in a language if more than this share of its words are common words of any language, or words of the
#: document types. The second value is the fewest words for a decision, and the third the fewest letters of a word that
#: counts.
MIN_KNOWN_WORDS, _FEWEST_WORDS, _SHORTEST = 0.08, 8, 3


def is_in_a_language(page: Page) -> bool:
    """
    Return whether the words belong to a language; true if there are too few words to decide.

    If a font has a wrong character map, the text layer has other letters than the page shows.
    """
    # Each line has at least one character, so this many lines are enough.
    text = "\n".join([line.text for line in page.lines[:_SAMPLE_CHARACTERS]])[:_SAMPLE_CHARACTERS]
    if is_unspaced(text):
        return True
    known = _known_words()
    count = found = 0
    for line in text.split("\n"):
        for word in words_of(line):
            if len(word) < _SHORTEST or not word.isalpha():
                continue
            count += 1
            found += word in known or singular(word) in known
            if found > MIN_KNOWN_WORDS * _SAMPLE:  # enough for the longest sample, so the other lines are not examined
                return True
            if count == _SAMPLE:
                return False
    return count < _FEWEST_WORDS or found > MIN_KNOWN_WORDS * count


@cache
def _known_words() -> frozenset[str]:
    types = load_knowledge().types.values()
    cues = {word.strip("*:") for kind in types for cue in kind.cues for word in cue.split()}
    names = words_of_lines([name for kind in types for name in (*kind.titles, *kind.aliases)])
    return COMMON_WORDS.union(cues, *names)
