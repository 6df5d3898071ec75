"""Draw a reliability diagram, which compares the confidence with the share of right answers."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from measures import share
from PIL import Image, ImageDraw, ImageFont

BINS = 10
SIDE, MARGIN, COUNTS = 480, 70, 90
_INK, _GRID, _RIGHT, _MANY = "#222222", "#dddddd", "#3b6fb6", "#9fb8d9"


def draw(answers: Sequence[tuple[float, bool]], path: Path, title: str) -> None:
    """
    Write a PNG with the share of right answers for each tenth of confidence, and the number of answers below.

    :param answers: pairs of confidence and whether the answer was right.
    """
    image = Image.new("RGB", (SIDE + 2 * MARGIN, SIDE + COUNTS + 3 * MARGIN), "white")
    pen, font = ImageDraw.Draw(image), ImageFont.load_default(14)
    foot = MARGIN + SIDE
    bins = [[right for c, right in answers if n == min(BINS - 1, int(c * BINS))] for n in range(BINS)]
    floor = foot + MARGIN + COUNTS
    for step in range(0, BINS + 1, 2):
        along = SIDE * step // BINS
        pen.line((MARGIN, foot - along, MARGIN + SIDE, foot - along), _GRID)
        pen.text((MARGIN - 8, foot - along), f"{step / BINS:.1f}", _INK, font, "rm")
        pen.text((MARGIN + along, foot + 6), f"{step / BINS:.1f}", _INK, font, "mt")
    for number, rights in enumerate(bins):
        left, right = (MARGIN + SIDE * (number + edge) // BINS for edge in (0, 1))
        high = round(COUNTS * len(rights) / max(1, len(answers)))
        pen.rectangle((left + 3, floor - high, right - 3, floor), _MANY)
        pen.text(((left + right) // 2, floor - high - 4), str(len(rights)), _INK, font, "mb")
        if rights:
            pen.rectangle((left + 3, foot - round(SIDE * share(rights)), right - 3, foot), _RIGHT)
    pen.line((MARGIN, foot, MARGIN + SIDE, MARGIN), _INK, 2)
    pen.text((image.width // 2, MARGIN // 2), title, _INK, font, "mm")
    pen.text(
        (image.width // 2, foot + 26), "confidence (line: perfect calibration; bars: right answers)", _INK, font, "mt"
    )
    pen.text((image.width // 2, floor + 10), "answers", _INK, font, "mt")
    path.parent.mkdir(parents=True, exist_ok=True)
    image.save(path)
