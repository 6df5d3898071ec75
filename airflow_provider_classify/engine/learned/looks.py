"""Measure the look of a page on a small picture of it: colours, background, pictures and white space."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

#: The height and width of the small picture in pixels.
HEIGHT, WIDTH = 64, 48
#: The rows and columns of the grid whose cells are measured one by one.
_GRID_ROWS, _GRID_COLUMNS = 4, 3
#: A pixel is coloured above the saturation _COLOURED. It is paper above the grey value _PAPER, and ink below the grey
#: value _INK. All values are from 0 to 1. White has the grey value 1.
_COLOURED, _PAPER, _INK = 0.3, 0.92, 0.35
_GREYS, _SATURATIONS = (0.125, 0.25, 0.375, 0.5, 0.625, 0.75, 0.875), (0.1, 0.2, 0.4, 0.6, 0.8)

NAMES: tuple[str, ...] = (
    "look:grey", "look:contrast", "look:saturation", "look:coloured", "look:paper", "look:ink", "look:median",
    "look:border_grey", "look:border_change", "look:border_colour", "look:across", "look:down", "look:direction",
    "look:empty_rows", "look:empty_columns", "look:row_change", "look:column_change", "look:warm", "look:cold",
    "look:halftone", "look:flat", "look:picture", "look:colours", "look:dark_ground", "look:middle_column",
    *(f"look:grey_{n}" for n in range(len(_GREYS) + 1)),
    *(f"look:saturation_{n}" for n in range(len(_SATURATIONS) + 1)),
    *(f"look:grey_at_{n}" for n in range(_GRID_ROWS * _GRID_COLUMNS)),
    *(f"look:saturation_at_{n}" for n in range(_GRID_ROWS * _GRID_COLUMNS)),
    *(f"look:detail_at_{n}" for n in range(_GRID_ROWS * _GRID_COLUMNS)),
)  # fmt: skip

Look = tuple[float, ...]


def look_of(small: NDArray[Any]) -> Look:
    """
    Return the measures that ``NAMES`` lists. Most of them lie between 0 and 1.

    :param small: the picture of a page in red, green and blue. It has ``HEIGHT`` by ``WIDTH`` pixels, for pages of any
        shape.
    """
    picture = small.astype(np.float32) / 255
    grey, most, least = picture.mean(2), picture.max(2), picture.min(2)
    saturation = (most - least) / np.maximum(most, 0.1)
    border = np.concatenate([picture[0], picture[-1], picture[:, 0], picture[:, -1]])
    across, down = np.abs(np.diff(grey, axis=1)), np.abs(np.diff(grey, axis=0))
    detail = np.zeros_like(grey)
    detail[:, 1:] += across
    detail[1:] += down
    median = _median(grey)
    ink = grey < median - 0.15
    rows, columns = ink.mean(1), ink.mean(0)
    changes_across, changes_down = float(across.mean()), float(down.mean())
    middle = (grey > 0.25) & (grey < 0.75)
    coloured = saturation > _COLOURED
    measures = [
        float(grey.mean()), float(grey.std()), float(saturation.mean()), float(coloured.mean()),
        float((grey > _PAPER).mean()), float((grey < _INK).mean()), median,
        float(border.mean()), float(border.std()), float((border.max(1) - border.min(1)).mean()),
        10 * changes_across, 10 * changes_down, math.log(max(0.1, changes_across / max(changes_down, 1e-4))),
        float((rows < 0.01).mean()), float((columns < 0.01).mean()), float(rows.std()) * 3, float(columns.std()) * 3,
        float((coloured & (picture[:, :, 0] > picture[:, :, 2])).mean()),
        float((coloured & (picture[:, :, 0] < picture[:, :, 2])).mean()),
        float(middle.mean()), float((detail < 0.02).mean()), float((middle & (detail > 0.05)).mean()),
        len(np.unique((picture[::4, ::4] * 3.99).astype(np.uint8).reshape(-1, 3) @ np.array([16, 4, 1]))) / 20,
        float(_median(border) < 0.5), float(columns[WIDTH // 2 - 2 : WIDTH // 2 + 2].min() < 0.02),
    ]  # fmt: skip
    return (
        *measures,
        *_histogram(grey, _GREYS),
        *_histogram(saturation, _SATURATIONS),
        *_cells(grey),
        *_cells(saturation),
        *(10 * value for value in _cells(detail)),
    )


def _median(values: NDArray[np.float32]) -> float:
    """Return the median. ``np.median`` would slowly import modules that nothing else needs."""
    ordered = np.sort(values, axis=None)
    return float(ordered[[(ordered.size - 1) // 2, ordered.size // 2]].mean())


def _histogram(values: NDArray[np.float32], bounds: tuple[float, ...]) -> list[float]:
    counts = np.bincount(np.digitize(values.ravel(), bounds), minlength=len(bounds) + 1)
    return (counts / values.size).tolist()  # type: ignore[no-any-return]


def _cells(values: NDArray[np.float32]) -> list[float]:
    cells = values.reshape(_GRID_ROWS, HEIGHT // _GRID_ROWS, _GRID_COLUMNS, WIDTH // _GRID_COLUMNS).mean((1, 3))
    return cells.ravel().tolist()  # type: ignore[no-any-return]
