"""Cut a long picture into tiles, because the detector sees each picture at a fixed size."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

#: A picture is cut if its length is at least this factor times its width.
TILED_FROM = 2.5
#: The length of a tile is at most this factor times its width.
TILE_SHAPE = 2.0
#: Tiles overlap by this share of the width, so that each line is complete in one of them.
OVERLAP = 0.15
#: If a picture has more tiles than these together, only the first and the last ones are read, which show its title and
#: its totals.
FIRST_TILES, LAST_TILES = 8, 4


@dataclass(frozen=True, slots=True)
class Tile:
    """
    A stretch of a picture, in pixels along its longer side.

    A line of text belongs to the tile that has its centre between ``owned_from`` and ``owned_to``.
    """

    start: int
    end: int
    owned_from: float
    owned_to: float


def tiles_of(length: int, width: int) -> Sequence[Tile]:
    """Return the tiles of a picture from its start to its end; one if the picture is not long."""
    if length < TILED_FROM * width:
        return [Tile(0, length, -math.inf, math.inf)]
    overlap = max(2, round(OVERLAP * width))
    count = max(2, math.ceil((length - overlap) / (max(width, 2 * overlap) * TILE_SHAPE - overlap)))
    step = (length - overlap) / count
    borders = [-math.inf, *(number * step + overlap / 2 for number in range(1, count)), math.inf]
    tiles = [
        Tile(round(n * step), min(length, round((n + 1) * step + overlap)), borders[n], borders[n + 1])
        for n in range(count)
    ]
    return tiles if count <= FIRST_TILES + LAST_TILES else [*tiles[:FIRST_TILES], *tiles[-LAST_TILES:]]
