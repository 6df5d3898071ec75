"""Read a page by OCR: detect all lines, recognise the most useful ones, and recognise more if the caller asks."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import lru_cache
from pathlib import Path

import cv2
import numpy as np

from airflow_provider_classify.engine.cores import available_cores
from airflow_provider_classify.engine.freed_memory import release_freed_memory
from airflow_provider_classify.engine.knowledge.known_words import is_in_a_language
from airflow_provider_classify.engine.ocr.detect_lines import Detector, TextBox
from airflow_provider_classify.engine.ocr.detected_page import DetectedPage, mean_probability
from airflow_provider_classify.engine.ocr.find_paper import region_of_small_print
from airflow_provider_classify.engine.ocr.line_order import PASSES
from airflow_provider_classify.engine.ocr.merge import boxes_beside, merged, turned_lines
from airflow_provider_classify.engine.ocr.models import DETECTION, RECOGNITION, model_path
from airflow_provider_classify.engine.ocr.page_image import Picture, Pixels
from airflow_provider_classify.engine.ocr.recognise_line import LINE_HEIGHT, RecognisedText, Recogniser
from airflow_provider_classify.engine.ocr.script_models import ScriptModels
from airflow_provider_classify.engine.page import WHOLE_PAGE, Line, Page, Region, View

#: The least room for text, in square letters, that is enough to decide whether a page is on its side or upside down.
_ENOUGH_TO_TELL = 12
#: A page lies on its side if more than this share of its lines run up or down.
_SIDEWAYS_SHARE = 0.6
#: The most lines that are recognised both ways up if the page may be upside down.
_TRIED = 6
#: A page is not upside down if these lines are recognised with at least the first probability. It is upside down if
#: their probability after a turn is higher by more than the second value.
_LEGIBLE, _TURNED_GAIN = 0.9, 0.1
#: A closer picture is read if at least this many times as much text is detected in it.
_CLOSER_GAIN = 1.3
#: Some scripts look like Latin letters upside down. So a page whose words are in no known language may be in another
#: script, unless its lines are recognised with at least this probability.
_SURE_SCRIPT = 0.95
#: The most readers that are kept in memory, one for each number of threads and folder of models.
_READERS = 4


class OcrReader:
    """
    A reader with the loaded models. It keeps no data of a page, so one reader is enough for a process.

    :param models: the folder of models for other scripts; None for none.
    """

    def __init__(self, *, threads: int, models: Path | None = None) -> None:
        self._threads = threads
        self._script_models = ScriptModels(models, threads=threads) if models else None
        self._detector = Detector(model_path(DETECTION), threads=threads)
        self._recogniser = Recogniser(model_path(RECOGNITION), threads=threads)

    def passes(
        self, picture: Picture, number: int, text: Page | None = None, covering: Sequence[Line] = ()
    ) -> Iterator[Page]:
        """
        Read a page. Each pass adds lines, up to the limit of ``PASSES``.

        A page that lies on its side or upside down is turned first. If the paper is small in the picture, a closer
        picture of the paper is read. The ``view`` of each pass says which part was read and how it was turned.

        :param number: the page's number, from 1.
        :param text: the page's text layer. Only lines that it lacks are recognised, and each pass has the lines of
            both. There is no pass if it lacks no line.
        :param covering: the lines of the text layer that need not be recognised.
        :raises LanguageDataNotUsable: the page needs Tesseract, and its language data is damaged.
        """
        cv2.setNumThreads(self._threads)
        release_freed_memory()  # of the previous page
        detected = self._detected(picture.with_contrast(), number, covering)
        if text is not None and not detected.order:
            return
        look = picture.look()
        recognised: dict[int, RecognisedText] = {}
        is_upside_down: bool | None = None
        is_other_script_tried = False
        for budget in PASSES:
            fresh = detected.order[len(recognised) : budget]
            cuts = detected.cuts(fresh)
            if is_upside_down is None:
                texts, is_upside_down = self._recognise_either_way(cuts)
            else:
                texts = self._recognise(cuts, is_upside_down)
            recognised |= dict(zip(fresh, texts, strict=True))
            page = replace(detected.page(recognised, is_upside_down=is_upside_down), look=look)
            if text is None and not page.lines and not page.unread and picture.is_blank_inside():
                yield replace(page, is_blank=True)
                return
            is_of_no_language = page.legibility < _SURE_SCRIPT and not is_in_a_language(page)
            if (page.is_of_unknown_script or is_of_no_language) and not is_other_script_tried:
                is_other_script_tried = True
                if found := self._in_other_script(detected, is_upside_down):
                    page, is_upside_down = found
                    yield _with_text(replace(page, look=look), text)
                    return
            if is_of_no_language:
                page = detected.of_no_language(page, recognised)
            yield _with_text(page, text)
            if not page.unread:
                return

    def _detected(self, picture: Picture, number: int, text: Sequence[Line]) -> DetectedPage:
        """Find the lines that are not in the text layer, in the picture that shows them best."""
        pixels, boxes, region = picture.pixels, self._detector.detect(picture.pixels), WHOLE_PAGE
        if not text:
            pixels, boxes, region = self._closer(picture, boxes)
        beside = boxes_beside(boxes, text, pixels.shape[1], pixels.shape[0])
        if not _is_sideways(beside):
            return DetectedPage(number, pixels, beside, boxes, View(region))
        pixels = np.ascontiguousarray(np.rot90(pixels))
        boxes = self._detector.detect(pixels)
        beside = boxes_beside(boxes, turned_lines(text, 1), pixels.shape[1], pixels.shape[0])
        return DetectedPage(number, pixels, beside, boxes, View(region, quarters=1))

    def _closer(self, picture: Picture, boxes: list[TextBox]) -> tuple[Pixels, list[TextBox], Region]:
        """Return a closer picture if it shows more text, else the picture itself; also its boxes and its region."""
        region = region_of_small_print(picture.pixels, boxes) if picture.closer else None
        closer = picture.closer(region) if picture.closer and region else None
        if region is None or closer is None:
            return picture.pixels, boxes, WHOLE_PAGE
        closer = closer.with_contrast()
        found = self._detector.detect(closer.pixels)
        if sum(box.letters for box in found) < _CLOSER_GAIN * sum(box.letters for box in boxes):
            return picture.pixels, boxes, WHOLE_PAGE
        return closer.pixels, found, region

    def _recognise_either_way(self, cuts: Sequence[Pixels | None]) -> tuple[list[RecognisedText], bool]:
        """Recognise the first lines, turned if they are upside down. Return the texts, and whether they were turned."""
        upright = self._recognise(cuts, False)
        letters = [0.0 if cut is None else cut.shape[1] / LINE_HEIGHT for cut in cuts]
        if sum(letters) < _ENOUGH_TO_TELL:
            return upright, False
        tried = letters[:_TRIED]
        probability = mean_probability(upright[:_TRIED], tried)
        if probability >= _LEGIBLE:
            return upright, False
        if mean_probability(self._recognise(cuts[:_TRIED], True), tried) <= probability + _TURNED_GAIN:
            return upright, False
        return self._recognise(cuts, True), True

    def _recognise(self, cuts: Sequence[Pixels | None], is_upside_down: bool) -> list[RecognisedText]:
        return [
            RecognisedText("", 0.0) if cut is None else self._recogniser.recognise(cut, is_upside_down) for cut in cuts
        ]

    def _in_other_script(self, detected: DetectedPage, is_upside_down: bool) -> tuple[Page, bool] | None:
        """
        Read the page by the models of other scripts or by Tesseract; return ``None`` if neither can read it.

        Both ways up are tried, because the usual models cannot find out which way is right in a script that they do not
        know. The second value is whether the page is upside down.
        """
        # Imported only for such pages, because it needs PyMuPDF, and reading images does not.
        from airflow_provider_classify.engine.ocr.tesseract import read_other_script

        lines = detected.order[: PASSES[-1]]
        upright = detected.cuts(lines)
        turned = [None if cut is None else cut[::-1, ::-1] for cut in upright]
        readers = [self._script_models.read] if self._script_models else []
        for read in (*readers, read_other_script):
            for way in (is_upside_down, not is_upside_down):
                if (texts := read(turned if way else upright)) is not None:
                    recognised = dict(zip(lines, texts, strict=True))
                    return detected.page(recognised, is_upside_down=way, is_of_other_script=True), way
        return None


def shared_reader(threads: int | None = None, models: Path | None = None) -> OcrReader:
    """
    Return the process's reader for a number of threads; its models are loaded at the first call.

    :param threads: the number of cores that it may use; all available cores if None.
    :param models: the folder of models for other scripts; None for none.
    """
    return _shared_reader(threads or available_cores(), models)


@lru_cache(maxsize=_READERS)
def _shared_reader(threads: int, models: Path | None) -> OcrReader:
    return OcrReader(threads=threads, models=models)


def _is_sideways(boxes: Sequence[TextBox]) -> bool:
    if sum(box.letters for box in boxes) < _ENOUGH_TO_TELL:
        return False
    return sum(box.is_sideways for box in boxes) > _SIDEWAYS_SHARE * len(boxes)


def _with_text(page: Page, text: Page | None) -> Page:
    return page if text is None else merged(text, page)
