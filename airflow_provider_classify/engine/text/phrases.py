"""Find thousands of phrases in one pass over a text."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from itertools import combinations

from airflow_provider_classify.engine.text.words import is_unspaced, words_of, words_of_lines

#: OCR may drop spaces, as in "INVOICENUMBER". Phrases with at least this many letters are also searched within words.
SHORTEST_WITHIN_WORD = 10
#: The fewest letters of the stem of a phrase such as ``vertrag*``.
SHORTEST_STEM = 4

Phrase = tuple[str, ...]
#: The place of a phrase in a script without spaces, where words have no index.
NOWHERE = -1


def phrase_of(text: str) -> Phrase:
    """Return the folded words of a phrase. A single word keeps its mark: ``vertrag*``, ``*vertrag`` or ``datum:``."""
    return _with_mark(text, words_of(text))


def phrases_of(texts: Sequence[str]) -> list[Phrase]:
    """Return :func:`phrase_of` of each text. For many texts, this is faster."""
    return [_with_mark(text, words) for text, words in zip(texts, words_of_lines(texts), strict=True)]


def phrase_of_folded(text: str) -> Phrase:
    """Return :func:`phrase_of` of a text that is folded already, such as a cue of the knowledge. It is faster."""
    return tuple(text.split())


def _with_mark(text: str, words: Sequence[str]) -> Phrase:
    if words and text.endswith((":", "*")):
        return (f"{words[0]}{text[-1]}",)
    if words and text.startswith("*"):
        return (f"*{words[0]}",)
    return tuple(words)


class PhraseIndex:
    """
    Phrases, each with the types that it counts for: pairs of a type's number and a weight.

    ``vertrag*`` matches all words that begin with ``vertrag``, and ``*vertrag`` all that end with it: in languages
    with compounds and inflections, a word has too many forms to list.
    """

    def __init__(self) -> None:
        self.entries: dict[Phrase, list[tuple[int, float]]] = defaultdict(list)
        self._single: set[str] = set()
        # The first words of longer phrases, and the lengths of these phrases by their first two words.
        self._first: set[str] = set()
        self._lengths: dict[Phrase, tuple[int, ...]] = {}
        # Phrases in scripts without spaces, by their letters. The same letters with and without spaces are one phrase.
        self._unspaced: dict[str, Phrase] = {}
        # The keys are the first letters of the phrase, and for the endings the last letters.
        self._glued: dict[str, list[tuple[str, Phrase]]] = defaultdict(list)
        self._beginnings: dict[str, list[tuple[str, Phrase]]] = defaultdict(list)
        self._endings: dict[str, list[tuple[str, Phrase]]] = defaultdict(list)
        # What _parts_of() has returned. Most phrases are never found.
        self._parts: dict[Phrase, list[tuple[Phrase, int, int, float]]] = {}

    def add(self, phrase: Phrase, number: int, weight: float) -> Phrase:
        """
        Add a phrase for a type. A phrase without words is ignored.

        :param phrase: what :func:`phrase_of` or :func:`phrase_of_folded` returned.
        :param number: the number of the type.
        :param weight: the points that the phrase adds to the type's score. If a type has a phrase several times, the
            greatest weight counts.
        :returns: the phrase that :meth:`find` returns for it.
        """
        if not phrase:
            return phrase
        if phrase not in self.entries:
            phrase = self._add_words(phrase)
        weights = dict(self.entries[phrase])
        weights[number] = max(weight, weights.get(number, weight))
        self.entries[phrase] = list(weights.items())
        return phrase

    def _add_words(self, phrase: Phrase) -> Phrase:
        first = phrase[0]
        if len(phrase) > 1:
            glued = "".join(phrase)
            if is_unspaced(glued):
                return self._unspaced.setdefault(glued, phrase)
            self._add_longer(phrase, glued)
        elif first.endswith("*"):
            stem = first[:-1]
            self._beginnings[stem[:SHORTEST_STEM]].append((stem, phrase))
        elif first.startswith("*"):
            stem = first[1:]
            self._endings[stem[-SHORTEST_STEM:]].append((stem, phrase))
        elif first.endswith(":"):
            pass  # find() looks it up in the fields
        elif is_unspaced(first):
            return self._unspaced.setdefault(first, phrase)
        else:
            self._single.add(first)
        return phrase

    def _add_longer(self, phrase: Phrase, glued: str) -> None:
        self._first.add(phrase[0])
        lengths = self._lengths.get(phrase[:2], ())
        if len(phrase) not in lengths:
            self._lengths[phrase[:2]] = (*lengths, len(phrase))
        if len(glued) >= SHORTEST_WITHIN_WORD:
            self._glued[glued[:SHORTEST_STEM]].append((glued, phrase))

    def find(
        self, words: Sequence[str], *, fields: Iterable[str] = (), unspaced: str = "", is_ocr: bool = False
    ) -> dict[Phrase, int]:
        """
        Return the phrases that occur, each with the index of its first word, or NOWHERE.

        :param fields: the words before a colon.
        :param unspaced: the text without spaces, if its script has none.
        :param is_ocr: also look for phrases whose spaces OCR has dropped.
        """
        found: dict[Phrase, int] = {}
        single, first, lengths, entries = self._single, self._first, self._lengths, self.entries
        for start, word in enumerate(words):
            if word in single and (word,) not in found:
                found[word,] = start
            if word in first:
                for length in lengths.get(tuple(words[start : start + 2]), ()):
                    phrase = tuple(words[start : start + length])
                    if phrase in entries and phrase not in found:
                        found[phrase] = start
        for word in set(words):
            if is_ocr or word[:SHORTEST_STEM] in self._beginnings or word[-SHORTEST_STEM:] in self._endings:
                for phrase in self._within(word, is_ocr):
                    start = words.index(word)
                    found[phrase] = min(start, found.get(phrase, start))
        for word in fields:
            if (f"{word}:",) in entries and word in words:
                found[f"{word}:",] = words.index(word)
        if unspaced:
            found |= {phrase: NOWHERE for text, phrase in self._unspaced.items() if text in unspaced}
        return found

    def repeated(self, found: Mapping[Phrase, int]) -> set[tuple[Phrase, int, float]]:
        """
        Return the phrases that occur within a longer phrase of the same type and at least the same weight.

        A letter with "court of appeals" must not also count for "court", "court of" and "appeals".

        :param found: what :meth:`find` returned.
        :returns: each shorter phrase with the number of the type and the weight that must not count again.
        """
        return {
            (part, number, weight)
            for phrase, start in found.items()
            if len(phrase) > 1
            for part, offset, number, weight in self._parts_of(phrase)
            if part in found and found[part] == start + offset
        }

    def _parts_of(self, phrase: Phrase) -> list[tuple[Phrase, int, int, float]]:
        """Return the shorter phrases within a phrase: with their offset in words, the type's number and the weight."""
        known = self._parts.get(phrase)
        if known is None:
            weights = dict(self.entries[phrase])
            known = self._parts[phrase] = [
                (phrase[start:end], start, number, weight)
                for start, end in combinations(range(len(phrase) + 1), 2)
                if end - start < len(phrase) and phrase[start:end] in self.entries
                for number, weight in self.entries[phrase[start:end]]
                if weight <= weights.get(number, 0.0)
            ]
        return known

    def _within(self, word: str, is_ocr: bool) -> list[Phrase]:
        """Return the phrases at the beginning, at the end, or within a word."""
        phrases: list[Phrase] = []
        if word[:SHORTEST_STEM] in self._beginnings:
            phrases += [phrase for stem, phrase in self._beginnings[word[:SHORTEST_STEM]] if word.startswith(stem)]
        if word[-SHORTEST_STEM:] in self._endings:
            phrases += [phrase for stem, phrase in self._endings[word[-SHORTEST_STEM:]] if word.endswith(stem)]
        if is_ocr:
            for start in range(len(word) - SHORTEST_WITHIN_WORD + 1):
                glued_here = self._glued.get(word[start : start + SHORTEST_STEM], ())
                phrases += [phrase for glued, phrase in glued_here if word.startswith(glued, start)]
        return phrases
