"""
Find the types that a category's name means, as a whole and by its parts.

:class:`Aliases` deals with spelling, number and language. This module splits a name into alternatives ("bills and
receipts"), finds the main word before other words ("bills from suppliers"), and removes carriers ("copies of
invoices"), which do not change the meaning.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from airflow_provider_classify.engine.knowledge.aliases import Aliases
from airflow_provider_classify.engine.text.words import label_words, words_of

#: The weight, from 0 to 1, of a type that is meant by the last words of a name, by its first words, or by a vague main
#: word.
BY_LAST_WORDS = 0.8
BY_FIRST_WORDS = 0.6
BY_VAGUE_HEAD = 0.4
#: Vague main words: names of many types end with them, and the words before them determine the type.
_VAGUE_HEADS = frozenset(
    words_of("article card data documentation information list note notice order report sheet statement summary text")
)

_OR_SIGNS = re.compile(
    r"\b(?:or|and|und|oder|et|ou|y|e|o|och|eller|oraz|lub|и|или|ve|veya|(?-i:i))\b|[/&,+()]", re.IGNORECASE
)
#: Words that follow the main word of a name: in "bills from suppliers" the main word is "bills".
PARTICLES = frozenset(
    words_of(
        "of to from for with by about on in at as that which who we i "
        "de du des d à au aux pour par sur avec del de la para por con di della dei da do dos per "
        "von vom für zum zur aus mit über der den van voor uit met från för av till z od dla из от для"
    )
)
#: Carriers: words at the end of a name, or at its beginning before "of", that do not change its meaning, such as
#: "contract papers" and "documents d'assurance".
_CARRIERS = frozenset(
    words_of(
        "copy document doc file page paper paperwork pdf record sample scan stuff unterlagen dokument dokumente "
        "papiere kopie kopien copie papier pièce documento cópia documenten papieren dokumenty документы документ копия"
    )
)
#: Carriers at the end of a compound, such as "Versicherungsunterlagen".
_CARRIER_ENDING = re.compile(
    r"s?(?:unterlagen|papiere|dokumente?|akten?|kopien?|stukken|papieren|documenten|handlingar)$"
)


def types_of_name(name: str, aliases: Aliases) -> dict[str, float]:
    """Return the types that the whole name means: an alias, two aliases in a row, or several joined by "or"."""
    words = label_words(name)
    if whole := _find_without_carriers(words, aliases):
        return {whole: 1.0}
    for cut in range(1, len(words)):
        if (first := aliases.find(words[:cut])) and (second := aliases.find(words[cut:])):
            return {first: 1.0, second: 1.0}
    parts = [_find_without_carriers(label_words(part), aliases) for part in alternatives(name)]
    return {part: 1.0 for part in parts if part} if all(parts) else {}


def _find_without_carriers(words: Sequence[str], aliases: Aliases) -> str | None:
    """Return the type with this name, ignoring carriers such as "copy" around it."""
    if not words:
        return None
    if found := aliases.find(words) or aliases.find([*words[:-1], _CARRIER_ENDING.sub("", words[-1])]):
        return found
    if words[-1] in _CARRIERS:
        return _find_without_carriers(words[:-1], aliases)
    if words[0] in _CARRIERS and words[1:2] and words[1] in PARTICLES:
        return _find_without_carriers(words[2:], aliases)
    return None


def without_carriers(words: Sequence[str]) -> list[str]:
    """Return the words of a name without carriers, such as "documents" at its end or "copies of" at its beginning."""
    if words and words[-1] in _CARRIERS:
        return without_carriers(words[:-1])
    if len(words) > 1 and words[0] in _CARRIERS:
        return without_carriers(words[2:] if words[1] in PARTICLES else words[1:])
    return list(words)


def types_of_parts(name: str, aliases: Aliases) -> dict[str, float]:
    """
    Return the types that parts of the alternatives mean, each with its weight.

    The main word counts most: the last word ("our tax form"), or the last before a particle ("bills from suppliers").
    """
    types: dict[str, float] = {}
    for part in alternatives(name):
        weight = BY_LAST_WORDS
        for words in _phrases(label_words(part)):
            endings = (aliases.find(words[cut:]) for cut in range(len(words)))
            last = next(filter(None, endings), None) or aliases.find_head(words[-1])
            beginnings = (aliases.find(words[:cut]) for cut in range(len(words) - 1, 0, -1))
            first = next(filter(None, beginnings), None) or aliases.find_beginning("".join(words))
            if last:
                is_vague = words[-1] in _VAGUE_HEADS and last == aliases.find(words[-1:])
                types[last] = max(BY_VAGUE_HEAD if is_vague else weight, types.get(last, 0.0))
            if first:
                types.setdefault(first, BY_FIRST_WORDS)
            if last or first:
                weight = BY_FIRST_WORDS
    return types


def alternatives(name: str) -> list[str]:
    """Return the parts of a name that are separated by "or", a comma or a similar sign."""
    return [part for part in _OR_SIGNS.split(name.replace("_", " ")) if part.strip()]


def _phrases(words: Sequence[str]) -> Iterator[list[str]]:
    """Yield the runs of words between particles, without numbers: "bills", "suppliers" of "bills from suppliers"."""
    phrase: list[str] = []
    for word in [*words, ""]:
        if word and word not in PARTICLES:
            if not word.isdigit():
                phrase.append(word)
        elif phrase:
            yield phrase
            phrase = []
