"""
Find a document type by the name that a user gives it.

A name is looked up as it is, then without spaces (``pay slip`` is ``payslip``), then without the endings of plurals
and cases in several languages (``Rechnungen``, ``fatture``, ``memoranda``).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache

from airflow_provider_classify.engine.knowledge.document_type import Knowledge
from airflow_provider_classify.engine.text.words import singular, words_of_labels

#: Endings of plurals and cases of folded words, the longest first.
_ENDING = re.compile(r"(?:si|oes?|ao|ie|en|er|es|um|ов|ии|ия|ие|[eisnaoyыиаоеяьй])$")
#: Plurals that look like the end of another word: faturalar, kararları, årsredovisningar.
_LONG_PLURAL = re.compile(r"(?:l[ae]ri?|ar)$")
#: Letters that change before an ending: brief, brieven; bewijs, bewijzen; clinica, cliniche; catalogo, cataloghi.
_SOFTENED = (("v", "f"), ("z", "s"), ("ch", "c"), ("gh", "g"), ("y", "i"))
#: The fewest letters of a word without its ending.
_SHORTEST_STEM = 5
#: The fewest letters of a name that ends a compound: ``Eingangsrechnung`` is a ``Rechnung``.
_SHORTEST_HEAD = 6
_DOUBLED = re.compile(r"([aeiou])\1")


class Aliases:
    """All names of all types. A type's own name takes precedence over aliases, and an alias over labels."""

    def __init__(self, knowledge: Knowledge) -> None:
        self._names: dict[tuple[str, ...], str] = {}
        for names in (lambda t: (t.name,), lambda t: t.aliases, lambda t: t.labels):
            for document_type in knowledge.types.values():
                for words in words_of_labels(names(document_type)):
                    self._names.setdefault(tuple(words), document_type.name)
        self._glued: dict[str, str] = {}
        self._stems: dict[str, str] = {}
        for phrase, type_name in self._names.items():
            self._glued.setdefault("".join(phrase), type_name)
            self._stems.setdefault(_stem(phrase), type_name)

    def find(self, words: Sequence[str]) -> str | None:
        """Return the type with this name; the words come from :func:`label_words`."""
        if not words:
            return None
        return self._look_up(words) or self._look_up([*words[:-1], _LONG_PLURAL.sub("", words[-1])])

    def _look_up(self, words: Sequence[str]) -> str | None:
        joined, stem = "".join(words), _stem(words)
        found = self._names.get(tuple(words)) or self._glued.get(joined) or self._stems.get(stem)
        # A known name may look like a plural (Ausweis, plural Ausweise) or have an ending (belgesi, plural belgeleri).
        return found or self._glued.get(stem) or self._glued.get(singular(stem)) or self._stems.get(joined)

    def find_head(self, word: str) -> str | None:
        """Return the type whose name is the end of a compound: that of ``Rechnung`` for ``Handwerkerrechnung``."""
        stem = _stem([word])
        ends = (stem[start:] for start in range(1, len(stem) - _SHORTEST_HEAD + 1))
        return next((self._stems[end] for end in ends if end in self._stems), None)

    def find_beginning(self, word: str) -> str | None:
        """Return the type whose name is the beginning of a compound: that of ``Email`` for ``Emailkorrespondenz``."""
        stem = _stem([word])
        beginnings = (stem[:end] for end in range(len(stem) - 1, _SHORTEST_STEM - 1, -1))
        return next((self._stems[start] for start in beginnings if start in self._stems), None)


@lru_cache(maxsize=2)
def aliases_of(knowledge: Knowledge) -> Aliases:
    """Return the names of all types. They are built once, because that takes some milliseconds."""
    return Aliases(knowledge)


def _stem(words: Sequence[str]) -> str:
    return "".join(map(_stem_of, words))


def _stem_of(word: str) -> str:
    if len(word) == 3 and word.endswith("s") and word.isascii():
        return word[:-1]
    stem = _ENDING.sub("", word)
    # In other scripts, such as Cyrillic, one letter less is enough: short words also have case endings (счета).
    is_long = len(stem) >= _SHORTEST_STEM - (not word.isascii())
    if not is_long:
        return _DOUBLED.sub(r"\1", word)
    for soft, hard in _SOFTENED:
        if stem.endswith(soft):
            stem = stem.removesuffix(soft) + hard
            break
    # Dutch doubles the vowel of a closed syllable: factuur, facturen.
    return _DOUBLED.sub(r"\1", stem)
