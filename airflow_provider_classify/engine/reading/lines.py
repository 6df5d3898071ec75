"""Join the pieces of lines: many programs write each word, or a part of a word, by itself."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TypeAlias

from airflow_provider_classify.engine.page import Line

#: A rectangle: x0, y0, x1, y1.
Box: TypeAlias = tuple[float, float, float, float]

#: In font sizes: a gap up to the first is none, up to the second is a space, and beyond it another column begins.
NO_GAP = 0.12
SPACE = 1.0
#: Pieces of one line overlap by this share of the lower one's height.
OVERLAP = 0.6


@dataclass(slots=True)
class JoinedLine:
    """A line, and the indices of the pieces that it was joined from."""

    line: Line
    pieces: list[int]


def joined(pieces: Iterable[Line]) -> list[Line]:
    """
    Join the pieces that follow one another on one line.

    Otherwise no phrase and no sentence would stand in one line. Places and sizes are in points.
    """
    return [group.line for group in joined_groups(pieces)]


def joined_groups(pieces: Iterable[Line]) -> list[JoinedLine]:
    """Join as :func:`joined` does, and keep which pieces make up each line."""
    lines: list[JoinedLine] = []
    for number, piece in enumerate(pieces):
        if lines and (gap := _gap(lines[-1].line, piece)) is not None:
            last = lines[-1].line
            lines[-1].line = Line(
                f"{last.text}{'' if gap <= NO_GAP else ' '}{piece.text}",
                max(last.size, piece.size),
                last.x0,
                min(last.y0, piece.y0),
                max(last.x1, piece.x1),
                max(last.y1, piece.y1),
            )
            lines[-1].pieces.append(number)
        else:
            lines.append(JoinedLine(piece, [number]))
    return lines


def _gap(left: Line, right: Line) -> float | None:
    """Return the space between two pieces of a line in font sizes; ``None`` if they are not on one line."""
    size = max(left.size, right.size)
    gap = (right.x0 - left.x1) / size if size > 0 else SPACE
    if not -SPACE / 2 <= gap < SPACE:
        return None
    shared = min(left.y1, right.y1) - max(left.y0, right.y0)
    return gap if shared >= OVERLAP * min(left.y1 - left.y0, right.y1 - right.y0) else None
