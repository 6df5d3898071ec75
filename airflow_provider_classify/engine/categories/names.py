"""
Which types a category's name means as a whole, and which its parts.

Spelling, number and language are left to :class:`Aliases`; here a name is taken apart: alternatives ("bills and
receipts"), main words before what they are about ("bills from suppliers"), and carriers ("copies of invoices").
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from airflow_provider_classify.engine.knowledge.aliases import Aliases
from airflow_provider_classify.engine.text.words import label_words, words_of

#: How much the types count that the main word of a name means, or only its first words, or a word that is vague.
BY_LAST_WORDS = 0.8
BY_FIRST_WORDS = 0.6
BY_VAGUE_HEAD = 0.4
#: Main words that types of all kinds have: what stands before them tells which.
_VAGUE_HEADS = frozenset(
    words_of("article card data documentation information list note notice order report sheet statement summary text")
)

_EITHER = re.compile(
    r"\b(?:or|and|und|oder|et|ou|y|e|o|och|eller|oraz|lub|и|или|ve|veya|(?-i:i))\b|[/&,+()]", re.IGNORECASE
)
#: What the main word of a name ends before: of "bills from suppliers" the bills.
PARTICLES = frozenset(
    words_of(
        "of to from for with by about on in at as that which who we i "
        "de du des d à au aux pour par sur avec del de la para por con di della dei da do dos per "
        "von vom für zum zur aus mit über der den van voor uit met från för av till z od dla из от для"
    )
)
#: What a name may end with, or begin with before "of", and mean the same: "contract papers", "documents d'assurance".
_CARRIERS = frozenset(
    words_of(
        "copy document doc file page paper paperwork pdf record sample scan stuff unterlagen dokument dokumente "
        "papiere kopie kopien copie papier pièce documento cópia documenten papieren dokumenty документы документ копия"
    )
)
#: The same at the end of a compound: "Versicherungsunterlagen".
_GLUED_CARRIER = re.compile(
    r"s?(?:unterlagen|papiere|dokumente?|akten?|kopien?|stukken|papieren|documenten|handlingar)$"
)


def types_of_name(name: str, aliases: Aliases) -> dict[str, float]:
    """The types that the whole name means: one alias, two in a row, or some with "or" between."""
    words = label_words(name)
    if whole := _find_bare(words, aliases):
        return {whole: 1.0}
    for cut in range(1, len(words)):
        if (first := aliases.find(words[:cut])) and (second := aliases.find(words[cut:])):
            return {first: 1.0, second: 1.0}
    parts = [_find_bare(label_words(part), aliases) for part in alternatives(name)]
    return {part: 1.0 for part in parts if part} if all(parts) else {}


def _find_bare(words: Sequence[str], aliases: Aliases) -> str | None:
    """The type that words are a name of, but for carriers such as "copy" around it."""
    if not words:
        return None
    if found := aliases.find(words) or aliases.find([*words[:-1], _GLUED_CARRIER.sub("", words[-1])]):
        return found
    if words[-1] in _CARRIERS:
        return _find_bare(words[:-1], aliases)
    if words[0] in _CARRIERS and words[1:2] and words[1] in PARTICLES:
        return _find_bare(words[2:], aliases)
    return None


def without_carriers(words: Sequence[str]) -> list[str]:
    """Drop words such as "documents" from the end of a name, and "copies of" from its beginning."""
    if words and words[-1] in _CARRIERS:
        return without_carriers(words[:-1])
    if len(words) > 1 and words[0] in _CARRIERS:
        return without_carriers(words[2:] if words[1] in PARTICLES else words[1:])
    return list(words)


def types_of_parts(name: str, aliases: Aliases) -> dict[str, float]:
    """
    The types named by a part of each alternative.

    Its main word tells most, the last ("our tax form") before words such as "from" ("bills from suppliers").
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
    """Return the parts of a name that "or", a comma or the like separates."""
    return [part for part in _EITHER.split(name.replace("_", " ")) if part.strip()]


def _phrases(words: Sequence[str]) -> Iterator[list[str]]:
    """The words of a name up to each that ends a main word."""
    phrase: list[str] = []
    for word in [*words, ""]:
        if word and word not in PARTICLES:
            if not word.isdigit():
                phrase.append(word)
        elif phrase:
            yield phrase
            phrase = []
