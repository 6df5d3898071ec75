"""Join the pieces of lines, because many programs write each word, or a part of a word, separately."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import NamedTuple, TypeAlias

#: A rectangle: x0, y0, x1, y1.
Box: TypeAlias = tuple[float, float, float, float]

#: Gaps between two pieces, in font sizes. Up to NO_GAP they are parts of one word, below SPACE they are two words, and
#: from SPACE on the second piece begins another column.
NO_GAP, SPACE = 0.12, 1.0
#: The least vertical overlap of two pieces of one line, as a share of the smaller height of the two.
OVERLAP = 0.6
#: A piece whose height is more than this many font sizes does not run from left to right.
LEVEL = 2.5


class Piece(NamedTuple):
    """A line or a part of a line, as a file has it. Places and sizes are in points."""

    text: str
    size: float
    x0: float
    y0: float
    x1: float
    y1: float
    is_slanted: bool = False


@dataclass(slots=True)
class JoinedLine:
    """A line, and the indices of the pieces that it was joined from. Places and sizes are in points."""

    text: str
    size: float
    x0: float
    y0: float
    x1: float
    y1: float
    pieces: list[int] = field(default_factory=list)


def joined(pieces: Iterable[Piece]) -> list[JoinedLine]:
    """
    Join the pieces that follow one another on one line.

    Otherwise phrases and sentences would be split into pieces. The loop avoids function calls, because a page has
    hundreds of pieces.
    """
    lines: list[JoinedLine] = []
    # The font size and the right edge of the last line. Most pieces begin too far to the right or left of this edge.
    last_size = right = 0.0
    for number, (text, size, x0, y0, x1, y1, _) in enumerate(pieces):
        if lines:
            larger = size if size > last_size else last_size
            gap = (x0 - right) / larger if larger > 0 else SPACE
            if -SPACE / 2 <= gap < SPACE:
                last = lines[-1]
                height, last_height = y1 - y0, last.y1 - last.y0
                bottom, top = (y1 if y1 < last.y1 else last.y1), (y0 if y0 > last.y0 else last.y0)
                lower, higher = (height, last_height) if height < last_height else (last_height, height)
                if higher <= LEVEL * larger and bottom - top >= OVERLAP * lower:
                    last.text = f"{last.text}{text}" if gap <= NO_GAP else f"{last.text} {text}"
                    last.size = last_size = larger
                    last.y0 = y0 if y0 < last.y0 else last.y0
                    last.x1 = right = x1 if x1 > right else right
                    last.y1 = y1 if y1 > last.y1 else last.y1
                    last.pieces.append(number)
                    continue
        lines.append(JoinedLine(text, size, x0, y0, x1, y1, [number]))
        last_size, right = size, x1
    return lines
