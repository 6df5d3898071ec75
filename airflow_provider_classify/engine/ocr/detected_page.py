"""Represent a page whose lines have been detected, and of which some have been recognised."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace

from airflow_provider_classify.engine.ocr.detect_lines import TextBox
from airflow_provider_classify.engine.ocr.line_order import most_useful_first
from airflow_provider_classify.engine.ocr.page_image import Pixels
from airflow_provider_classify.engine.ocr.picture_share import pictured_share
from airflow_provider_classify.engine.ocr.recognise_line import RecognisedText, cut_out
from airflow_provider_classify.engine.page import Line, Page, View, by_place

#: A page is of an unknown script if fewer characters than this are recognised for each square letter that fits in its
#: lines. The second value is the least number of square letters that is enough to decide.
_LEAST_READ, _LEAST_ROOM = 1.0, 30
#: A page whose words are in no known language is of an unknown script if it is below both limits: this many characters
#: for each square letter, and this mean probability. The models read some scripts, such as Hebrew, as Latin letters
#: upside down, but they recognise fewer characters than in Latin print, and with a lower probability.
_LEAST_READ_OF_LATIN, _SURE_OF_LATIN = 2.5, 0.9
#: The usual number of characters that are recognised for each square letter of Latin print.
_LATIN = 3.0
#: The models know only the Greek letters of formulas. A text with more than this share of them is Greek and read badly.
_GREEK, _MUCH_GREEK = re.compile("[\u0370-\u03ff]"), 0.25


class DetectedPage:
    """
    The picture of a page and the lines of text in it; ``order`` has the indices of the most useful lines first.

    :param number: the page's number, from 1.
    :param pixels: the picture, turned so that its lines run from left to right.
    :param boxes: the lines to recognise.
    :param all_boxes: all lines, also those that need not be recognised.
    :param view: the part of the page that the picture shows, and how it was turned.
    """

    def __init__(
        self, number: int, pixels: Pixels, boxes: Sequence[TextBox], all_boxes: Sequence[TextBox], view: View
    ) -> None:
        self._view = view
        self._number, self._pixels, self._boxes = number, pixels, boxes
        self._height, self._width = pixels.shape[:2]
        self._pictured = pictured_share(pixels, all_boxes)
        self.order = most_useful_first(
            [box.size for box in boxes],
            [box.middle / self._height for box in boxes],
            [max(box.length, box.depth) / self._width for box in boxes],
        )

    def cuts(self, lines: Sequence[int]) -> list[Pixels | None]:
        """Return the pictures of lines, cut out of the page; ``None`` for a line that is too thin."""
        return [cut_out(self._pixels, self._boxes[line]) for line in lines]

    def page(
        self, recognised: Mapping[int, RecognisedText], *, is_upside_down: bool, is_of_other_script: bool = False
    ) -> Page:
        """
        Return the page with the lines that have been recognised so far.

        :param is_of_other_script: whether the lines were read in a script that the usual models do not know.
        """
        texts, letters = list(recognised.values()), [self._boxes[line].letters for line in recognised]
        sureness, share_read = mean_probability(texts, letters), _share_read(texts, letters)
        is_unknown = (
            not is_of_other_script and sum(letters) >= _LEAST_ROOM and (share_read < _LEAST_READ or _is_greek(texts))
        )
        lines = [self._line(line, text.text, is_upside_down) for line, text in recognised.items() if text.text]
        return Page(
            number=self._number,
            width=self._width,
            height=self._height,
            lines=by_place(lines, self._height / self._width),
            source="ocr",
            unread=tuple(self._line(line, "", is_upside_down) for line in self.order if line not in recognised),
            pictured=self._pictured,
            legibility=sureness * min(1.0, share_read) if is_unknown else sureness,
            is_of_unknown_script=is_unknown,
            view=replace(self._view, quarters=self._view.quarters + 2 * is_upside_down),
        )

    def of_no_language(self, page: Page, recognised: Mapping[int, RecognisedText]) -> Page:
        """Return a page whose words are in no known language. Mark it as of an unknown script if it seems not Latin."""
        texts, letters = list(recognised.values()), [self._boxes[line].letters for line in recognised]
        sureness, share_read = mean_probability(texts, letters), _share_read(texts, letters)
        if sum(letters) < _LEAST_ROOM or sureness >= _SURE_OF_LATIN or share_read >= _LEAST_READ_OF_LATIN:
            return page
        return replace(page, legibility=min(page.legibility, sureness * share_read / _LATIN), is_of_unknown_script=True)

    def _line(self, number: int, text: str, is_upside_down: bool) -> Line:
        box = self._boxes[number]
        x0, y0, x1, y1 = box.bounds.tolist()
        x0, y0, x1, y1 = x0 / self._width, y0 / self._height, x1 / self._width, y1 / self._height
        if is_upside_down:
            x0, y0, x1, y1 = 1 - x1, 1 - y1, 1 - x0, 1 - y0
        return Line(text, box.size, x0, y0, x1, y1)


def mean_probability(texts: Sequence[RecognisedText], letters: Sequence[float]) -> float:
    """Return the mean probability of lines, 0 to 1, each weighted by the number of square letters that fit in it."""
    return sum(text.probability * n for text, n in zip(texts, letters, strict=True)) / max(1.0, sum(letters))


def _is_greek(texts: Sequence[RecognisedText]) -> bool:
    text = "".join(text.text for text in texts)
    return len(_GREEK.findall(text)) > _MUCH_GREEK * sum(map(str.isalpha, text))


def _share_read(texts: Sequence[RecognisedText], letters: Sequence[float]) -> float:
    """Return the number of characters recognised for each square letter that fits; above 1 if they are narrow."""
    return sum(len(text.text.replace(" ", "")) for text in texts) / max(1.0, sum(letters))
