"""Read the text layer of a page: its lines, and the shapes that may be letters drawn as outlines."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import pymupdf

from airflow_provider_classify.engine.page import Line, Page
from airflow_provider_classify.engine.reading.lines import Box, joined, joined_groups
from airflow_provider_classify.engine.text.letterspacing import Character, is_letterspaced, words_by_gaps

#: Without the image flag: extracting images takes five times as long as the text. Shapes take 5 % more.
TEXT_FLAGS = pymupdf.TEXT_PRESERVE_WHITESPACE | pymupdf.TEXT_MEDIABOX_CLIP | pymupdf.TEXT_COLLECT_VECTORS
_VECTOR = 3
#: A line is slanted if its direction is further from both axes than this, as the sine of the angle.
_SLANTED = 0.1


@dataclass(frozen=True, slots=True)
class TextLayer:
    """
    The text layer of a page.

    ``covering`` are the lines whose boxes hold nothing but their text: not those of a slanted watermark.
    ``shapes`` are the boxes of all drawings but rectangles, in fractions of the page.
    """

    page: Page
    covering: tuple[Line, ...]
    shapes: tuple[Box, ...]


@dataclass(frozen=True, slots=True)
class _Piece:
    """A line as MuPDF gives it, which may be a part of a line; in points."""

    line: Line
    is_slanted: bool


def read_text_layer(page: Any, number: int) -> TextLayer:
    """Return the page's lines in the order in which the file has them."""
    width, height = max(1.0, page.rect.width), max(1.0, page.rect.height)
    blocks = page.get_text("dict", flags=TEXT_FLAGS)["blocks"]
    rotation = page.rotation_matrix if page.rotation else None
    pieces = list(_pieces(blocks, rotation))
    lines = joined(piece.line for piece in pieces)
    if any(is_letterspaced(line.text) for line in lines):
        lines = _without_letterspacing(page, pieces)
    slanted = {piece.line.text for piece in pieces if piece.is_slanted}
    scaled = tuple(_scaled(line, width, height) for line in lines)
    return TextLayer(
        Page(number, width, height, scaled, "text_layer"),
        tuple(line for line in scaled if line.text not in slanted) if slanted else scaled,
        tuple(
            (box[0] / width, box[1] / height, box[2] / width, box[3] / height)
            for block in blocks
            if block["type"] == _VECTOR and not block["isrect"]
            for box in [_upright(block["bbox"], rotation)]
        ),
    )


def _pieces(blocks: Sequence[dict[str, Any]], rotation: Any) -> Iterator[_Piece]:
    for block in blocks:
        for line in block.get("lines", ()):
            text = "".join(span["text"] for span in line["spans"]).strip()
            if not text:
                continue
            size = max(span["size"] for span in line["spans"])
            cosine, sine = line["dir"]
            yield _Piece(
                Line(text, size, *_upright(line["bbox"], rotation)),
                is_slanted=min(abs(cosine), abs(sine)) > _SLANTED,
            )


def _upright(box: Box, rotation: Any) -> Box:
    """Return a box as it stands on the page; MuPDF gives it as it stood before the page's rotation."""
    return box if rotation is None else tuple(pymupdf.Rect(box) * rotation)


def _scaled(line: Line, width: float, height: float) -> Line:
    return Line(line.text, line.size, line.x0 / width, line.y0 / height, line.x1 / width, line.y1 / height)


def _without_letterspacing(page: Any, pieces: Sequence[_Piece]) -> list[Line]:
    """Join the pieces to lines, and put the words of letter-spaced lines together by their characters' places."""
    characters = list(_characters_of_pieces(page))
    lines = []
    for group in joined_groups([piece.line for piece in pieces]):
        if is_letterspaced(group.line.text):
            of_line = [character for piece in group.pieces for character in characters[piece]]
            lines.append(replace(group.line, text=words_by_gaps(of_line, group.line.size)))
        else:
            lines.append(group.line)
    return lines


def _characters_of_pieces(page: Any) -> Iterator[list[Character]]:
    """Yield the characters of each piece, in the order of :func:`_pieces`; places run along the line."""
    for block in page.get_text("rawdict", flags=TEXT_FLAGS)["blocks"]:
        for line in block.get("lines", ()):
            characters = [character for span in line["spans"] for character in span["chars"]]
            if not "".join(character["c"] for character in characters).strip():
                continue
            cosine, sine = line["dir"]
            yield [Character(c["c"], *_along(c["bbox"], cosine, sine)) for c in characters]


def _along(box: Box, cosine: float, sine: float) -> tuple[float, float]:
    """Return where a character begins and ends on a line of this direction."""
    if abs(cosine) >= abs(sine):
        return (box[0], box[2]) if cosine > 0 else (-box[2], -box[0])
    return (box[1], box[3]) if sine > 0 else (-box[3], -box[1])
