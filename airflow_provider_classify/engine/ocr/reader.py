"""A page by OCR: detect all lines, recognise the most useful, then more if asked."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import lru_cache

import cv2
import numpy as np

from airflow_provider_classify.engine.cores import available_cores
from airflow_provider_classify.engine.ocr.budget import PASSES, most_useful_first
from airflow_provider_classify.engine.ocr.detect import Box, Detector
from airflow_provider_classify.engine.ocr.models import DETECTION, RECOGNITION, model_path
from airflow_provider_classify.engine.ocr.picture import Picture, Pixels
from airflow_provider_classify.engine.ocr.recognise import Recogniser, cut_out
from airflow_provider_classify.engine.page import Line, Page

#: Fewer lines than this do not tell which way up a page is.
_ENOUGH_TO_TELL = 4
#: Share of lines running up the page from which the page lies on its side.
_SIDEWAYS_SHARE = 0.6
#: An upside-down page reads as next to nothing: a smaller share of lines than this has three characters ...
_LEGIBLE_SHARE = 0.4
#: ... and turned round it reads as this many times the text.
_TURNED_GAIN = 1.5
#: Lines whose middles are within one of this many bands of the page stand beside each other.
_BANDS = 50


class Reader:
    """Both models, loaded. It keeps no state of a page, so one serves a whole process."""

    def __init__(self, *, threads: int) -> None:
        cv2.setNumThreads(threads)
        self._detector = Detector(model_path(DETECTION), threads=threads)
        self._recogniser = Recogniser(model_path(RECOGNITION), threads=threads)

    def passes(self, picture: Picture, number: int) -> Iterator[Page]:
        """
        Read a page; the last pass has every line that the budget allows.

        A page on its side or head is turned first; ``Page`` has the size and places that it then has.

        :param number: the page's number, from 1.
        """
        pixels, boxes = self._upright(picture.pixels)
        height, width = pixels.shape[:2]
        order = most_useful_first([box.size for box in boxes], [box.middle / height for box in boxes])
        texts: dict[int, str] = {}
        turned = False
        for budget in PASSES:
            fresh = order[len(texts) : budget]
            cuts = [cut_out(pixels, boxes[line]) for line in fresh]
            if not texts:
                read, turned = self._read_either_way(cuts)
            else:
                read = self._read(_turn(cuts) if turned else cuts)
            texts.update(zip(fresh, read, strict=True))
            lines = [_line(boxes[line], text, width, height, turned) for line, text in texts.items() if text]
            yield Page(number, width, height, tuple(sorted(lines, key=_place)), "ocr")
            if len(texts) == len(order):
                return

    def _upright(self, pixels: Pixels) -> tuple[Pixels, list[Box]]:
        """The picture and its lines, turned by 90° where most lines run up the page."""
        boxes = self._detector.detect(pixels)
        sideways = sum(box.is_sideways for box in boxes)
        if len(boxes) < _ENOUGH_TO_TELL or sideways <= _SIDEWAYS_SHARE * len(boxes):
            return pixels, boxes
        pixels = np.ascontiguousarray(np.rot90(pixels))
        return pixels, self._detector.detect(pixels)

    def _read_either_way(self, cuts: Sequence[Pixels | None]) -> tuple[list[str], bool]:
        """Read the first lines, and again upside down if they make no sense; say which it was."""
        texts = self._read(cuts)
        legible = sum(len(text) > 2 for text in texts)
        if len(texts) < _ENOUGH_TO_TELL or legible >= _LEGIBLE_SHARE * len(texts):
            return texts, False
        turned = self._read(_turn(cuts))
        if sum(map(len, turned)) > _TURNED_GAIN * sum(map(len, texts)):
            return turned, True
        return texts, False

    def _read(self, cuts: Sequence[Pixels | None]) -> list[str]:
        return ["" if cut is None else self._recogniser.recognise(cut) for cut in cuts]


@lru_cache(maxsize=1)
def shared_reader(threads: int | None = None) -> Reader:
    """Give the process's one reader; the models are loaded at the first call. All cores where no threads are given."""
    return Reader(threads=threads or available_cores())


def _turn(cuts: Sequence[Pixels | None]) -> list[Pixels | None]:
    return [None if cut is None else np.ascontiguousarray(cut[::-1, ::-1]) for cut in cuts]


def _line(box: Box, text: str, width: int, height: int, turned: bool) -> Line:
    (x0, y0), (x1, y1) = box.corners.min(axis=0).tolist(), box.corners.max(axis=0).tolist()
    x0, y0, x1, y1 = x0 / width, y0 / height, x1 / width, y1 / height
    if turned:
        x0, y0, x1, y1 = 1 - x1, 1 - y1, 1 - x0, 1 - y0
    return Line(text, box.size, x0, y0, x1, y1)


def _place(line: Line) -> tuple[int, float]:
    return round(line.y0 * _BANDS), line.x0
