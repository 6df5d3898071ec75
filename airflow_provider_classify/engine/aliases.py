"""
Find a document type by what a user calls it.

A name is looked up as it is, then without spaces (``pay slip`` is ``payslip``), then without the
endings by which languages make plurals and cases (``Rechnungen``, ``fatture``, ``memoranda``).
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from airflow_provider_classify.engine.knowledge import Knowledge
from airflow_provider_classify.engine.words import label_words

#: Endings of plurals and cases, the longest first; after them at least this many letters are left, of folded words.
_ENDING = re.compile(r"(?:en|er|es|um|ов|[eisnaoyыиа])$")
_SHORTEST_STEM = 5
#: The fewest letters of a name that ends a compound: ``Eingangsrechnung`` is a ``Rechnung``.
_SHORTEST_HEAD = 6
_DOUBLED = re.compile(r"([aeiou])\1")


class Aliases:
    """Every name of every type; a type's own name goes before an alias, an alias before a label."""

    def __init__(self, knowledge: Knowledge) -> None:
        self._names: dict[tuple[str, ...], str] = {}
        for names in (lambda t: (t.name,), lambda t: t.aliases, lambda t: t.labels):
            for document_type in knowledge.types.values():
                for name in names(document_type):
                    self._names.setdefault(tuple(label_words(name)), document_type.name)
        self._glued: dict[str, str] = {}
        self._stems: dict[str, str] = {}
        for words, type_name in self._names.items():
            self._glued.setdefault("".join(words), type_name)
            self._stems.setdefault(_stem(words), type_name)

    def find(self, words: Sequence[str]) -> str | None:
        """The type that the words are a name of; they come from :func:`label_words`."""
        return self._names.get(tuple(words)) or self._glued.get("".join(words)) or self._stems.get(_stem(words))

    def find_head(self, word: str) -> str | None:
        """The type whose name is the end of a compound: of a ``Handwerkerrechnung``, what a ``Rechnung`` is."""
        stem = _stem([word])
        ends = (stem[start:] for start in range(1, len(stem) - _SHORTEST_HEAD + 1))
        return next((self._stems[end] for end in ends if end in self._stems), None)


def _stem(words: Sequence[str]) -> str:
    return "".join(map(_stem_of, words))


def _stem_of(word: str) -> str:
    if len(word) == 3 and word.endswith("s") and word.isascii():
        return word[:-1]
    stem = _ENDING.sub("", word)
    # A letter less in Cyrillic, whose short words decline as well: счета.
    is_long = len(stem) >= _SHORTEST_STEM - (not word.isascii())
    # Dutch doubles the vowel of a closed syllable: factuur, facturen.
    return _DOUBLED.sub(r"\1", stem if is_long else word)
