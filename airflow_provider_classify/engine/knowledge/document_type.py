"""Document types, and the knowledge that consists of them."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum


class Geometry(StrEnum):
    """The shape of a type's pages."""

    NARROW = "narrow"  # a till roll
    CARD = "card"  # a photographed card
    SHEET = "sheet"  # a whole sheet of paper, never a till roll
    SHORT = "short"  # little text
    LANDSCAPE = "landscape"  # slides
    PRESS = "press"  # printed columns under headlines, mostly scans
    FIELDS = "fields"  # many short pieces of text side by side
    HANDWRITTEN = "handwritten"  # handwritten running text
    SPARSE = "sparse"  # a few words, some in large print, or around a picture


class Style(StrEnum):
    """The main content of a type's text."""

    PROSE = "prose"
    AMOUNTS = "amounts"


@dataclass(frozen=True, slots=True)
class DocumentType:
    """
    One type. Its cues are folded (see :mod:`~.text.words`); ``cues`` and ``patterns`` have weights in points.

    :param languages: the languages of each cue, as the files name them.
    """

    name: str
    description: str
    aliases: tuple[str, ...]
    labels: tuple[str, ...]
    parents: tuple[str, ...]
    related: tuple[str, ...]
    titles: tuple[str, ...]
    cues: Mapping[str, float]
    languages: Mapping[str, frozenset[str]]
    patterns: tuple[tuple[re.Pattern[str], float], ...]
    geometry: frozenset[Geometry]
    styles: frozenset[Style]
    cover: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class Knowledge:
    """
    All types by name. ``version`` changes with the files.

    Two instances are never equal, so that a cache can use one as a key without comparing all types.
    """

    types: Mapping[str, DocumentType]
    version: str

    def without_cues(self, cues: Collection[tuple[str, str]]) -> Knowledge:
        """Return the knowledge without some cues: pairs of a type's name and a cue in the form of :attr:`types`."""
        return Knowledge(
            {
                name: replace(t, cues={cue: weight for cue, weight in t.cues.items() if (name, cue) not in cues})
                for name, t in self.types.items()
            },
            self.version,
        )

    def without(self, names: Iterable[str]) -> Knowledge:
        """Return the knowledge without some types."""
        left_out = set(names)
        return Knowledge({name: t for name, t in self.types.items() if name not in left_out}, self.version)
