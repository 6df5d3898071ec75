"""Choose the resolution in which a page is read, by its shape."""

from __future__ import annotations

#: Longest side of the picture of an ordinary page, in pixels: 120 dpi on A4.
PAGE_SIDE = 1400
#: Shortest side of the picture of a page that is longer than usual, such as a receipt or a long screenshot, in pixels.
SHORT_SIDE = 980
#: Longest side of any picture, in pixels.
MAX_SIDE = 20_000


def reading_scale(width: float, height: float) -> float:
    """Return the factor by which to scale a page of this size, in points or pixels, so that its print can be read."""
    short, long = sorted((max(1.0, width), max(1.0, height)))
    return min(max(PAGE_SIDE / long, SHORT_SIDE / short), MAX_SIDE / long)
