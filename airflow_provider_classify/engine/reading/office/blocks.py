"""Represent the content of an Office document of any format as blocks."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

#: The font size of text for which the file gives none, in points.
NORMAL_SIZE = 11.0
#: The least and the greatest font size in points. Other sizes are replaced by the nearer one.
LEAST_SIZE, MOST_SIZE = 4.0, 72.0
#: Font sizes of headings by their level from 1, in points; deeper levels have the last size.
_HEADING_SIZES = (20.0, 16.0, 14.0, 12.0)


@dataclass(frozen=True, slots=True)
class Paragraph:
    """Lines of text, with line breaks between them; ``size`` in points."""

    text: str
    size: float = NORMAL_SIZE


@dataclass(frozen=True, slots=True)
class Row:
    """A row of a table. Consecutive rows form one table."""

    cells: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture as the bytes of its file."""

    data: bytes


@dataclass(frozen=True, slots=True)
class PageBreak:
    """A page break: the next block begins on a new page."""


Block: TypeAlias = Paragraph | Row | Picture | PageBreak


def heading_size(level: int) -> float:
    """Return the font size of a heading, in points."""
    return _HEADING_SIZES[min(max(level, 1), len(_HEADING_SIZES)) - 1]
