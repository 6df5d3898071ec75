"""Recognise the characters of a line of text."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from airflow_provider_classify.engine.ocr.detect_lines import TextBox, model_input
from airflow_provider_classify.engine.ocr.models import session
from airflow_provider_classify.engine.ocr.page_image import Pixels
from airflow_provider_classify.engine.text.letterspacing import without_letterspacing

#: The recogniser takes lines of this height, in pixels, and widths in steps of 16.
LINE_HEIGHT = 48
_WIDTH_STEP, _MIN_WIDTH, _MAX_WIDTH = 16, 48, 1600
#: A box more than this many times as deep as it is long holds a line turned on its side.
_SIDEWAYS = 1.5
#: A line whose characters have a lower mean probability is not text.
_MIN_PROBABILITY = 0.5


@dataclass(frozen=True, slots=True)
class RecognisedText:
    """
    The text of a line; it is empty if the line is probably not text.

    :param probability: the mean probability of its characters, 0 to 1.
    """

    text: str
    probability: float


class Recogniser:
    """A loaded recognition model, with its alphabet."""

    def __init__(self, model: Path, *, threads: int) -> None:
        self._session = session(model, threads=threads)
        self._input = self._session.get_inputs()[0].name
        alphabet = self._session.get_modelmeta().custom_metadata_map["character"].splitlines()
        self._characters = ["", *alphabet, " "]

    def recognise(self, line: Pixels, turned: bool = False) -> RecognisedText:
        """
        Recognise a line that was cut out; the line is upside down if ``turned``.

        The model reads one line at a time. Lines differ in width, and padding costs more time than a batch saves.
        """
        width = max(_MIN_WIDTH, math.ceil(line.shape[1] / _WIDTH_STEP) * _WIDTH_STEP)
        padded = np.zeros((1, 3, LINE_HEIGHT, width), np.float32)
        padded[0, :, :, : line.shape[1]] = model_input(line[::-1, ::-1] if turned else line)
        return self._decode(self._session.run(None, {self._input: padded})[0][0])

    def _decode(self, probabilities: NDArray[np.float32]) -> RecognisedText:
        """Return the most probable character of each step. A repeated class counts once, and class 0 is a gap."""
        best = probabilities.argmax(axis=1)
        kept = np.flatnonzero((best != 0) & np.append(True, best[1:] != best[:-1]))
        if kept.size == 0:
            return RecognisedText("", 0.0)
        probability = float(probabilities[kept, best[kept]].mean())
        if probability <= _MIN_PROBABILITY:
            return RecognisedText("", probability)
        text = "".join(self._characters[character] for character in best[kept]).strip()
        return RecognisedText(without_letterspacing(text), probability)


def cut_out(pixels: Pixels, box: TextBox) -> Pixels | None:
    """Return the line in ``box``, upright and ``LINE_HEIGHT`` high; ``None`` if the box is thinner than two pixels."""
    corners, length, depth = box.corners, box.length, box.depth
    if min(length, depth) < 2:
        return None
    if depth > _SIDEWAYS * length:
        corners, length, depth = np.roll(corners, -1, axis=0), depth, length
    width = int(min(_MAX_WIDTH, max(_WIDTH_STEP, math.ceil(length * LINE_HEIGHT / depth))))
    target = np.array([[0, 0], [width, 0], [width, LINE_HEIGHT], [0, LINE_HEIGHT]], np.float32)
    transform = cv2.getPerspectiveTransform(np.ascontiguousarray(corners), target)
    return cv2.warpPerspective(pixels, transform, (width, LINE_HEIGHT), borderMode=cv2.BORDER_REPLICATE)
