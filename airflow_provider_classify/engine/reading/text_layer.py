"""Read the text layer of a page, and the shapes on the page that may be letters drawn as outlines."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import pymupdf

from airflow_provider_classify.engine.page import Line, Page
from airflow_provider_classify.engine.reading.lines import Box, JoinedLine, Piece, joined
from airflow_provider_classify.engine.text.letterspacing import (
    Character,
    is_letterspaced,
    may_have_letterspacing,
    words_by_gaps,
)

#: Without the image flag, because extracting images takes much longer than extracting text.
TEXT_FLAGS = pymupdf.TEXT_PRESERVE_WHITESPACE | pymupdf.TEXT_MEDIABOX_CLIP
#: With the vector flag, which makes the extraction slower.
SHAPE_FLAGS = TEXT_FLAGS | pymupdf.TEXT_COLLECT_VECTORS
_VECTOR = 3
#: A line is slanted if its direction is further from both axes than this, as the sine of the angle.
_SLANTED = 0.1


@dataclass(frozen=True, slots=True)
class TextLayer:
    """
    The text layer of a page.

    :param covering: the lines that are not slanted, whose boxes contain only their own text. The box of a slanted line,
        such as a watermark, may contain pictures or other text.
    """

    page: Page
    covering: tuple[Line, ...]


def read_text_layer(page: Any, number: int) -> TextLayer:
    """Return the page's text layer, with its lines in the order in which the file has them."""
    textpage = page.get_textpage(flags=TEXT_FLAGS)
    turn = page.rotation_matrix if page.rotation else None
    pieces = list(_pieces(turn, textpage.extractDICT()["blocks"]))
    joined_lines = joined(pieces)
    if may_have_letterspacing("\n".join(line.text for line in joined_lines)):
        _remove_letterspacing(textpage, joined_lines)
    slanted = {number for number, piece in enumerate(pieces) if piece.is_slanted}
    rect = page.rect
    width, height = max(1.0, rect.width), max(1.0, rect.height)
    lines = tuple(
        Line(line.text, line.size, line.x0 / width, line.y0 / height, line.x1 / width, line.y1 / height)
        for line in joined_lines
    )
    return TextLayer(
        Page(number, width, height, lines, "text_layer"),
        tuple(line for line, source in zip(lines, joined_lines, strict=True) if slanted.isdisjoint(source.pieces))
        if slanted
        else lines,
    )


def read_shapes(page: Any) -> tuple[Box, ...]:
    """Return the boxes of all drawings on the page except rectangles, in fractions of the page."""
    rect = page.rect
    width, height = max(1.0, rect.width), max(1.0, rect.height)
    turn = page.rotation_matrix if page.rotation else None
    return tuple(
        (box[0] / width, box[1] / height, box[2] / width, box[3] / height)
        for block in page.get_textpage(flags=SHAPE_FLAGS).extractDICT()["blocks"]
        if block["type"] == _VECTOR and not block["isrect"]
        for box in [_upright(turn, block["bbox"])]
    )


def _pieces(turn: Any, blocks: Sequence[dict[str, Any]]) -> Iterator[Piece]:
    for block in blocks:
        for line in block.get("lines", ()):
            spans = line["spans"]
            if len(spans) == 1:
                span = spans[0]
                text, size = span["text"].strip(), span["size"]
            else:
                text = "".join([span["text"] for span in spans]).strip()
                size = max([span["size"] for span in spans])
            if not text:
                continue
            cosine, sine = line["dir"]
            is_slanted = cosine != 1.0 and min(abs(cosine), abs(sine)) > _SLANTED
            yield Piece(text, size, *_upright(turn, line["bbox"]), is_slanted)


def _upright(turn: Any, box: Box) -> Box:
    """Return a box as it is on the page after ``turn``, the rotation of the page, which MuPDF does not apply."""
    return tuple(pymupdf.Rect(box) * turn) if turn else box


def _remove_letterspacing(textpage: Any, lines: Sequence[JoinedLine]) -> None:
    """Replace the text of letter-spaced lines by words that are joined by the places of their characters."""
    pieces: list[dict[str, Any]] = []
    for line in lines:
        if may_have_letterspacing(line.text) and is_letterspaced(line.text):
            pieces = pieces or list(_raw_pieces(textpage))
            characters = [character for number in line.pieces for character in _characters(pieces[number])]
            line.text = words_by_gaps(characters, line.size)


def _raw_pieces(textpage: Any) -> Iterator[dict[str, Any]]:
    """Yield MuPDF's data about the characters of each piece, in the order of :func:`_pieces`."""
    for block in textpage.extractRAWDICT()["blocks"]:
        for line in block.get("lines", ()):
            if any(not character["c"].isspace() for span in line["spans"] for character in span["chars"]):
                yield line


def _characters(piece: dict[str, Any]) -> Iterator[Character]:
    """Yield the characters of a piece. Their places are distances on the line."""
    cosine, sine = piece["dir"]
    for span in piece["spans"]:
        for character in span["chars"]:
            yield Character(character["c"], *_along(character["bbox"], cosine, sine))


def _along(box: Box, cosine: float, sine: float) -> tuple[float, float]:
    """Return where a character begins and ends on a line of this direction."""
    if abs(cosine) >= abs(sine):
        return (box[0], box[2]) if cosine > 0 else (-box[2], -box[0])
    return (box[1], box[3]) if sine > 0 else (-box[3], -box[1])
