"""A page by OCR: detect all lines, recognise the most useful, then more if asked."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache

import cv2
import numpy as np

from airflow_provider_classify.engine.memory import give_back_memory
from airflow_provider_classify.engine.ocr.budget import PASSES, most_useful_first
from airflow_provider_classify.engine.ocr.detect import Box, Detector
from airflow_provider_classify.engine.ocr.models import DETECTION, RECOGNITION, model_path
from airflow_provider_classify.engine.ocr.page_image import Picture, Pixels
from airflow_provider_classify.engine.ocr.picture_share import pictured_share
from airflow_provider_classify.engine.ocr.recognise import LINE_HEIGHT, Reading, Recogniser, cut_out
from airflow_provider_classify.engine.page import Line, Page
from airflow_provider_classify.engine.sandbox.cores import available_cores

#: Less text than this, in letters, does not tell which way up a page is.
_ENOUGH_TO_TELL = 12
#: Share of lines running up the page from which the page lies on its side.
_SIDEWAYS_SHARE = 0.6
#: Lines that are read both ways where the page may be upside down, ...
_TRIED = 6
#: ... which it is not if the model is this sure of them, and is if it is surer by this much the other way.
_LEGIBLE, _TURNED_GAIN = 0.9, 0.1
#: Of a script that the model does not know it reads fewer letters than this for each that the lines have room for:
#: 0.1 to 0.8 of print in Cyrillic, 1.1 in Hindi with English beside it, 1.4 in Chinese, 3 in English. Lines with
#: less room in all do not tell.
_READ_OF_UNKNOWN, _ROOM_TO_TELL = 1.0, 30
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
        give_back_memory()  # of the page before
        pixels, boxes = self._upright(picture.with_contrast().pixels)
        seen = _SeenPage(number, pixels, boxes)
        read: dict[int, Reading] = {}
        turned: bool | None = None
        is_cyrillic_tried = False
        for budget in PASSES:
            fresh = seen.order[len(read) : budget]
            cuts = seen.cuts(fresh)
            if turned is None:
                readings, turned = self._read_either_way(cuts)
            else:
                readings = self._read(cuts, turned)
            read |= dict(zip(fresh, readings, strict=True))
            page = seen.page(read, turned)
            if page.is_of_unknown_script and not is_cyrillic_tried:
                is_cyrillic_tried = True
                if cyrillic := _in_cyrillic(seen, turned):
                    yield cyrillic
                    return
            yield page
            if not page.unread:
                return

    def _upright(self, pixels: Pixels) -> tuple[Pixels, list[Box]]:
        """The picture and its lines, turned by 90° where most lines run up the page."""
        boxes = self._detector.detect(pixels)
        sideways = sum(box.is_sideways for box in boxes)
        if sum(box.letters for box in boxes) < _ENOUGH_TO_TELL or sideways <= _SIDEWAYS_SHARE * len(boxes):
            return pixels, boxes
        pixels = np.ascontiguousarray(np.rot90(pixels))
        return pixels, self._detector.detect(pixels)

    def _read_either_way(self, cuts: Sequence[Pixels | None]) -> tuple[list[Reading], bool]:
        """Read the first lines, upside down if they then make more sense; say whether it was so."""
        upright = self._read(cuts, False)
        letters = [0.0 if cut is None else cut.shape[1] / LINE_HEIGHT for cut in cuts]
        if sum(letters) < _ENOUGH_TO_TELL:
            return upright, False
        tried = letters[:_TRIED]
        sureness = _sureness(upright, tried)
        if sureness >= _LEGIBLE or _sureness(self._read(cuts[:_TRIED], True), tried) <= sureness + _TURNED_GAIN:
            return upright, False
        return self._read(cuts, True), True

    def _read(self, cuts: Sequence[Pixels | None], turned: bool) -> list[Reading]:
        return [Reading("", 0.0) if cut is None else self._recogniser.recognise(cut, turned) for cut in cuts]


class _SeenPage:
    """A page's picture, upright, and the lines that were found on it; ``order`` is the most useful first."""

    def __init__(self, number: int, pixels: Pixels, boxes: Sequence[Box]) -> None:
        self._number, self._pixels, self._boxes = number, pixels, boxes
        self._height, self._width = pixels.shape[:2]
        self._pictured = pictured_share(pixels, boxes)
        self.order = most_useful_first(
            [box.size for box in boxes],
            [box.middle / self._height for box in boxes],
            [max(box.length, box.depth) / self._width for box in boxes],
        )

    def cuts(self, lines: Sequence[int]) -> list[Pixels | None]:
        """The lines, cut out."""
        return [cut_out(self._pixels, self._boxes[line]) for line in lines]

    def page(self, read: Mapping[int, Reading], turned: bool) -> Page:
        """The page as far as it is read, upside down if ``turned``."""
        readings, letters = list(read.values()), [self._boxes[line].letters for line in read]
        sureness, share_read = _sureness(readings, letters), _share_read(readings, letters)
        is_unknown = sum(letters) >= _ROOM_TO_TELL and share_read < _READ_OF_UNKNOWN
        lines = [self._line(line, reading.text, turned) for line, reading in read.items() if reading.text]
        return Page(
            number=self._number,
            width=self._width,
            height=self._height,
            lines=tuple(sorted(lines, key=_place)),
            source="ocr",
            unread=tuple(self._line(line, "", turned) for line in self.order if line not in read),
            pictured=self._pictured,
            legibility=sureness * share_read if is_unknown else sureness,
            is_of_unknown_script=is_unknown,
        )

    def _line(self, number: int, text: str, turned: bool) -> Line:
        box = self._boxes[number]
        (x0, y0), (x1, y1) = box.corners.min(axis=0).tolist(), box.corners.max(axis=0).tolist()
        x0, y0, x1, y1 = x0 / self._width, y0 / self._height, x1 / self._width, y1 / self._height
        if turned:
            x0, y0, x1, y1 = 1 - x1, 1 - y1, 1 - x0, 1 - y0
        return Line(text, box.size, x0, y0, x1, y1)


def _in_cyrillic(seen: _SeenPage, turned: bool) -> Page | None:
    """The page by Tesseract, either way up: the models cannot tell which of a script that they do not know."""
    # Imported for such pages only: it takes PyMuPDF, which reading images does without.
    from airflow_provider_classify.engine.ocr.tesseract import read_cyrillic

    lines = seen.order[: PASSES[-1]]
    cuts = seen.cuts(lines)
    for way in (turned, not turned):
        readings = read_cyrillic([None if cut is None else cut[::-1, ::-1] for cut in cuts] if way else cuts)
        if readings is not None:
            return seen.page(dict(zip(lines, readings, strict=True)), way)
    return None


@lru_cache(maxsize=1)
def shared_reader(threads: int | None = None) -> Reader:
    """Give the process's one reader; the models are loaded at the first call. All cores where no threads are given."""
    return Reader(threads=threads or available_cores())


def _sureness(readings: Sequence[Reading], letters: Sequence[float]) -> float:
    """Of the first readings, as many as have their letters counted, which are their weights."""
    return sum(r.probability * n for r, n in zip(readings, letters, strict=False)) / max(1.0, sum(letters))


def _share_read(readings: Sequence[Reading], letters: Sequence[float]) -> float:
    """How many letters were read of each that the lines have room for: more than 1 of narrow ones."""
    return sum(len(reading.text.replace(" ", "")) for reading in readings) / max(1.0, sum(letters))


def _place(line: Line) -> tuple[int, float]:
    return round(line.y0 * _BANDS), line.x0
