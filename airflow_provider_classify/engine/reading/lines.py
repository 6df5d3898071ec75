"""Put together the lines that a file keeps in pieces."""

from __future__ import annotations

from collections.abc import Iterable

from airflow_provider_classify.engine.page import Line

#: In font sizes: a gap up to the first is none, up to the second is a space, beyond it another column begins.
NO_GAP = 0.12
SPACE = 1.0
#: Pieces overlap by this share of the lower one's height.
OVERLAP = 0.6


def joined(pieces: Iterable[Line]) -> list[Line]:
    """
    Join the pieces that follow one another on one line.

    Many programs write each word, or part of a word, by itself; left so, no phrase and no
    sentence would stand in a line. Places are in points.
    """
    lines: list[Line] = []
    for piece in pieces:
        if lines and (gap := _gap(lines[-1], piece)) is not None:
            last = lines[-1]
            lines[-1] = Line(
                f"{last.text}{'' if gap <= NO_GAP else ' '}{piece.text}",
                max(last.size, piece.size),
                last.x0,
                min(last.y0, piece.y0),
                max(last.x1, piece.x1),
                max(last.y1, piece.y1),
            )
        else:
            lines.append(piece)
    return lines


def _gap(left: Line, right: Line) -> float | None:
    """The space between two pieces of a line, in font sizes; None if they are not on one line."""
    size = max(left.size, right.size)
    gap = (right.x0 - left.x1) / size if size > 0 else SPACE
    if not -SPACE / 2 <= gap < SPACE:
        return None
    shared = min(left.y1, right.y1) - max(left.y0, right.y0)
    return gap if shared >= OVERLAP * min(left.y1 - left.y0, right.y1 - right.y0) else None
