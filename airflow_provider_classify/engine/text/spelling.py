"""
Correct words that OCR misread, such as "lnvoice" and "depariment".

The known words are those of the document types' cues and titles. If a word looks like exactly one known word in poor
print, the known word replaces it.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import cached_property, lru_cache

from airflow_provider_classify.engine.text.words import singular

#: The fewest letters of a word that is corrected. Shorter words look like others too often.
SHORTEST = 6
#: A word may have one wrong letter, and one more for each nine letters.
_LETTERS_PER_MISTAKE = 9
#: A word is not corrected to a known word that ends in another letter, if that letter is one of these. The two are
#: forms of one word, or the same word in two languages.
_ENDINGS = "aeo"
#: Letters that OCR confuses, each with the letter that replaces it for a comparison.
_LOOKS = str.maketrans("1ijt0ceu5869vwh", "llllooonsbggyyb")
_LOOKS_OF_PAIRS = (("rn", "m"), ("vv", "w"), ("cl", "d"), ("ffi", "f"), ("ff", "f"), ("fi", "f"), ("fl", "f"))


class Spelling:
    """Known words by their look in poor print."""

    def __init__(self, words: Iterable[str]) -> None:
        self._known = frozenset(words)
        self.corrected = lru_cache(maxsize=4096)(self._corrected)

    def __contains__(self, word: str) -> bool:
        return word in self._known or singular(word) in self._known

    def unknown(self, words: Iterable[str]) -> list[str]:
        """Return the words that are not known, neither as they are nor in the singular."""
        known = self._known
        return [word for word in words if word not in known and singular(word) not in known]

    @cached_property
    def _by_look(self) -> dict[str, str | None]:
        """The known word for each look, or ``None`` if several share it. Built for the first page that OCR reads."""
        words: dict[str, str | None] = {}
        for word in self._known:
            if len(word) >= SHORTEST:
                look = _look(word)
                words[look] = None if look in words else word
        return words

    def _corrected(self, word: str) -> str:
        """Return the known word that looks the same if there is exactly one, else the word itself."""
        if len(word) < SHORTEST or word.isdigit() or word in self:
            return word
        meant = self._by_look.get(_look(word))
        return meant if meant and _is_mistake(word, meant) else word


def _is_mistake(word: str, meant: str) -> bool:
    if word[-1] != meant[-1] and meant[-1] in _ENDINGS:
        return False
    wrong = sum(a != b for a, b in zip(word, meant, strict=False))
    return len(word) != len(meant) or wrong <= 1 + len(word) // _LETTERS_PER_MISTAKE


def _look(word: str) -> str:
    for pair, letter in _LOOKS_OF_PAIRS:
        word = word.replace(pair, letter)
    return word.translate(_LOOKS)
