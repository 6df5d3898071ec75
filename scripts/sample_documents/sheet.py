"""Draw text, lines and boxes on the pages of sample documents, in points from the top left corner."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Any, Literal

import pymupdf

A4 = (595, 842)
Align = Literal["left", "right", "centre"]
Colour = tuple[float, float, float]

# PyMuPDF's names for the fonts that it carries.
SANS, SANS_BOLD, SANS_ITALIC = "helv", "hebo", "heit"
SERIF, SERIF_BOLD, SERIF_ITALIC = "tiro", "tibo", "tiit"
MONO, MONO_BOLD = "cour", "cobo"

BLACK: Colour = (0.1, 0.1, 0.12)
GREY: Colour = (0.45, 0.47, 0.5)
WHITE: Colour = (1, 1, 1)
INK: Colour = (0.12, 0.18, 0.5)


@cache
def _font(name: str) -> Any:
    return pymupdf.Font(name)


@cache
def text_width(text: str, font: str, size: float) -> float:
    """Return the width of a line of text, in points."""
    return float(_font(font).text_length(text, fontsize=size))


def money(cents: int) -> str:
    """Return an amount as text: ``123450`` as ``1,234.50``."""
    return f"{cents / 100:,.2f}"


class Sheet:
    """
    A page that is drawn from top to bottom. ``y`` is the baseline of a text.

    :meth:`finish` puts text and shapes on the page in the order of the calls. So a box behind a text is drawn first.
    """

    def __init__(self, document: pymupdf.Document, size: tuple[float, float] = A4) -> None:
        self.width, self.height = size
        self._page = document.new_page(width=self.width, height=self.height)
        self._shape = self._page.new_shape()
        self._fonts: set[str] = set()

    def text(
        self,
        x: float,
        y: float,
        text: str,
        font: str = SANS,
        size: float = 10,
        colour: Colour = BLACK,
        align: Align = "left",
        leading: float = 1.35,
    ) -> float:
        """Draw lines of text, aligned at ``x``. Return the baseline after the last line."""
        for line in text.splitlines():
            left = x
            if align != "left":
                left -= text_width(line, font, size) / (2 if align == "centre" else 1)
            self._shape.insert_text((left, y), line, fontname=self._embedded(font), fontsize=size, color=colour)
            y += size * leading
        return y

    def paragraph(
        self,
        x: float,
        y: float,
        width: float,
        text: str,
        font: str = SANS,
        size: float = 10,
        colour: Colour = BLACK,
        leading: float = 1.35,
    ) -> float:
        """Draw a text in lines of at most ``width`` points. Return the baseline after the last line."""
        broken, room = "", width
        for word in text.split():
            needed = text_width(f" {word}", font, size)
            if needed > room:
                broken, room = f"{broken}\n{word}", width
            else:
                broken = f"{broken} {word}"
            room -= needed
        return self.text(x, y, broken.lstrip(), font, size, colour, leading=leading)

    def rule(self, x0: float, y: float, x1: float, colour: Colour = GREY, width: float = 0.6) -> None:
        """Draw a horizontal line."""
        self._shape.draw_line((x0, y), (x1, y))
        self._shape.finish(color=colour, width=width)

    def box(self, x0: float, y0: float, x1: float, y1: float, fill: Colour) -> None:
        """Fill a rectangle."""
        self._shape.draw_rect((x0, y0, x1, y1))
        self._shape.finish(color=None, fill=fill)

    def stroke(self, x: float, y: float, points: Sequence[tuple[float, float]], colour: Colour = INK) -> None:
        """Draw a pen stroke, for example a signature: a smooth curve through points relative to ``x`` and ``y``."""
        path = [(x + dx, y + dy) for dx, dy in points]
        # A Catmull-Rom curve: its direction at each point is parallel to the line between the neighbouring points.
        for before, start, end, after in zip([path[0], *path], path, path[1:], [*path[2:], path[-1]], strict=False):
            leave = (start[0] + (end[0] - before[0]) / 6, start[1] + (end[1] - before[1]) / 6)
            enter = (end[0] - (after[0] - start[0]) / 6, end[1] - (after[1] - start[1]) / 6)
            self._shape.draw_bezier(start, leave, enter, end)
        self._shape.finish(color=colour, width=1.1, closePath=False)

    def finish(self) -> None:
        """Put all text and shapes on the page."""
        self._shape.commit()

    def _embedded(self, font: str) -> str:
        name = f"embedded-{font}"
        if font not in self._fonts:
            self._page.insert_font(fontname=name, fontbuffer=_font(font).buffer)
            self._fonts.add(font)
        return name


def pdf_bytes(document: pymupdf.Document, title: str, date: str) -> bytes:
    """Return the PDF, always with the same bytes. The ``date`` has the form ``20260914``."""
    stamp = f"D:{date}090000Z"
    document.set_metadata({"title": title, "creationDate": stamp, "modDate": stamp})
    document.subset_fonts()
    return bytes(document.tobytes(garbage=4, deflate=True, no_new_id=True))
